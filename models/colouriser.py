"""The colouriser: a small network that says which colours a photo without colour may have had.

Meaning carries colour: what the segmenter sees at a place, how light and how high up that is, says which colours are usual
there, by counting. A UNet of plain convolutions goes on from that: it sees the luma of the thumbnail, the segmenter's word,
what is left of the photo's own colour where it is faded, and hints, colours that somebody has named for a place. Both give a
distribution over quantised chroma (Zhang, Isola and Efros, "Colorful Image Colorization", 2016; hints as in Zhang et al.,
"Real-Time User-Guided Image Colorization", 2017), of which the annealed mean is taken: between the mean, which is mud, and the
likeliest, which is spots.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.pinned import load_safetensors
from models.segmentation import CLASSES
from models.segmenter import conv, up

Float = NDArray[np.float32]

#: Long edge at which a photo is read, and how many times smaller what is said of it is.
READ_AT: Final = 176
STRIDE: Final = 4
#: Channels at strides 4, 8 and 16.
WIDTHS: Final = (80, 128, 176)
#: Planes that the network sees: luma, classes, hint (a, b, there or not), what is left of the own colour (a, b), height.
PLANES: Final = 1 + len(CLASSES) + 3 + 2 + 1
#: CIELAB units that are 1 to the network.
UNIT: Final = 50.0
#: Distance of quantised colours in CIELAB a and b, and how far they reach.
STEP, REACH = 10, 90
#: Levels of luma, and of height, at which colours are counted.
LEVELS, HEIGHTS = 8, 3
#: What is counted nowhere is this likely.
RARE: Final = 1e-4
#: The annealed mean: probabilities to the power of 1 / TEMPERATURE.
TEMPERATURE: Final = 0.38


def palette() -> Float:
    """The quantised colours (Q, 2): those of a grid in CIELAB a and b that some lightness can show on a screen.

    >>> palette().shape[1], bool((palette() == 0).all(axis=1).any())
    (2, True)
    """
    axis = np.arange(-REACH, REACH + 1, STEP, dtype=np.float32)
    light = np.arange(5, 100, 5, dtype=np.float32)
    grid = np.stack(np.meshgrid(light, axis, axis, indexing="ij"), axis=-1).reshape(len(light), -1, 3)
    rgb = cv2.cvtColor(np.ascontiguousarray(grid), cv2.COLOR_Lab2RGB)
    # What is clipped on the way to the screen does not come back.
    there = cv2.cvtColor(np.clip(rgb, 0, 1), cv2.COLOR_RGB2Lab)
    shown = (np.abs(there - grid).max(axis=-1) < STEP / 2).any(axis=0)
    return np.asarray(grid[0, shown, 1:], np.float32)


class Colouriser(nn.Module):
    """(B, PLANES, H, W), H and W multiples of 16 -> logits (B, Q, H/4, W/4) over `palette()`.

    Luma keeps its detail, folded into planes; of the others the mean over 4×4 places is enough. `usual` (cells, Q): the shares
    of colours that are usual in the cells of `places`, which a fresh network gives back.
    """

    usual: Tensor

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        a, b, c = widths
        self.first = nn.Sequential(conv(STRIDE**2 + PLANES - 1, a), conv(a, a))
        self.down8 = nn.Sequential(conv(a, b, stride=2), conv(b, b))
        self.down16 = nn.Sequential(conv(b, c, stride=2), conv(c, c), nn.Dropout2d(0.1), conv(c, c))
        self.whole = nn.Sequential(nn.Linear(c, c), nn.ReLU(inplace=True), nn.Linear(c, c))
        self.from16, self.mix8 = conv(c, b, 1), conv(b, b)
        self.from8, self.mix4 = conv(b, a, 1), conv(a, a)
        self.head = nn.Conv2d(a, len(palette()), 1)
        for part in self.head.parameters():
            nn.init.zeros_(part)
        self.register_buffer("usual", torch.full((len(CLASSES) * LEVELS * HEIGHTS, len(palette())), 1 / len(palette())))

    def forward(self, x: Tensor) -> Tensor:
        """Logits over the quantised colours, at a quarter of the size."""
        return self.head(self.features(x)) + self.prior(x)

    def prior(self, x: Tensor) -> Tensor:
        """Logarithms (B, Q, H/4, W/4) of how usual colours are at a place; all alike where the segmenter says nothing."""
        share = torch.einsum("bkhw,kq->bqhw", places(functional.avg_pool2d(x.float(), STRIDE)), self.usual.float())
        return (share + RARE).log()

    def features(self, x: Tensor) -> Tensor:
        """What the head reads: (B, widths[0], H/4, W/4)."""
        folded = [functional.pixel_unshuffle(x[:, :1], STRIDE), functional.avg_pool2d(x[:, 1:], STRIDE)]
        f4 = self.first(torch.cat(folded, 1))
        f8 = self.down8(f4)
        f16 = self.down16(f8)
        f16 = f16 + self.whole(f16.mean((2, 3)))[:, :, None, None]
        y = self.mix8(up(self.from16(f16)) + f8)
        return self.mix4(up(self.from8(y)) + f4)


def places(x: Tensor) -> Tensor:
    """How much places belong to the cells by which colours are counted, one for every class, luma and height.

    Planes (B, PLANES, h, w) -> (B, 14 · LEVELS · HEIGHTS, h, w), of sum 1 where the segmenter says anything.
    """
    luma, row, classes = x[:, :1] + 0.5, (x[:, -1:] + 1) / 2, x[:, 1 : 1 + len(CLASSES)]
    classes = classes / classes.sum(1, keepdim=True).clamp(min=1e-3)

    def between(at: Tensor, count: int) -> Tensor:
        steps = torch.arange(count, device=x.device, dtype=x.dtype).view(1, -1, 1, 1)
        return (1 - (at.clamp(0, 1) * (count - 1) - steps).abs()).clamp(min=0)

    cells = torch.einsum("bchw,blhw,byhw->bclyhw", classes, between(luma, LEVELS), between(row, HEIGHTS))
    return cells.flatten(1, 3)


@lru_cache(maxsize=1)
def load() -> Colouriser:
    """The network with its pinned weights, in evaluation mode. Raises `WeightsError`."""
    net = Colouriser()
    net.load_state_dict({name: tensor.float() for name, tensor in load_safetensors("colouriser").items()})
    return net.eval()


def planes(luma: Float, classes: Float, hint: Float, left: Float) -> Float:
    """What the network sees, (PLANES, h, w): `luma` (h, w) in [0, 1], `classes` (14, h', w'), `hint` (h, w, 3) of a, b in
    CIELAB and 1 where there is one, `left` (h, w, 2) of a, b."""
    height, width = luma.shape
    size = (width, height)
    seen = [
        cv2.resize(p, size, interpolation=cv2.INTER_AREA if p.shape[0] > height else cv2.INTER_LINEAR) for p in classes
    ]
    rows = np.repeat(np.linspace(-1, 1, height, dtype=np.float32)[:, None], width, 1)
    colour = [hint[..., 0] / UNIT, hint[..., 1] / UNIT, hint[..., 2], left[..., 0] / UNIT, left[..., 1] / UNIT]
    return np.stack([luma - np.float32(0.5), *seen, *colour, rows]).astype(np.float32)


def annealed(logits: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Logits (B, Q, h, w) -> the annealed mean (B, 2, h, w) in CIELAB units."""
    colours = torch.from_numpy(palette()).to(logits.device)
    return torch.einsum("bqhw,qc->bchw", (logits.float() / temperature).softmax(1), colours)


@torch.inference_mode()
def predict(luma: Float, classes: Float, hint: Float, left: Float, net: Colouriser | None = None) -> Float:
    """CIELAB a, b (h, w, 2) of a thumbnail, all arrays as for `planes`. Raises `WeightsError`.

    The picture is read at `READ_AT`, together with its mirror image: left and right weigh alike.
    """
    height, width = luma.shape
    scale = min(1.0, READ_AT / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    by = cv2.INTER_AREA
    x = planes(cv2.resize(luma, size, interpolation=by), classes, cv2.resize(hint, size, interpolation=by),
               cv2.resize(left, size, interpolation=by))  # fmt: skip
    padded = np.pad(x, ((0, 0), (0, -size[1] % 16), (0, -size[0] % 16)), mode="edge")
    both = torch.from_numpy(np.stack([padded, padded[:, :, ::-1]]).copy())
    logits = (net or load())(both)
    ab = annealed((logits[:1] + logits[1:].flip(3)) / 2)
    # The places lie between pixels: enlarged first, cut to the picture after.
    ab = functional.interpolate(ab, scale_factor=float(STRIDE), mode="bilinear", align_corners=False)
    small = ab[0, :, : size[1], : size[0]].permute(1, 2, 0).numpy()
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
