"""The restorer: one small blind network against noise, codec blocks and blur, and one against haze and low light.

*Fine* is a UNet at half, quarter and eighth size that answers three residuals at once: what to add against noise, against
what a codec left, and against blur. They are learned apart (`models.training.restorer` knows each fault it has made), so
each can be taken in any strength and place, and one look at a photo serves all. *Tone* sees the whole photo small and answers
two bilateral grids of affine colour transforms (`models.grid`): haze is an affine veil over places, and light that is too low
is a gain over tones, so both keep every pixel's texture at any size.
"""

import threading
from functools import lru_cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models import pinned
from models.errors import WeightsError
from models.grid import CELLS, COEFFICIENTS, LEVELS, identity_grid, slice_grid

Float = NDArray[np.float32]

#: Pixels beyond a place that its residuals look at; tiles begin at multiples of STRIDE.
MARGIN: Final = 96
STRIDE: Final = 8
#: Columns of a tile.
TILE: Final = 1024
#: Long edge on which the tone is looked at, and the side it is squeezed to.
TONED_AT: Final = 256
SQUARE: Final = 128
#: What the tone network answers, in its order.
TONES: Final = ("dehaze", "low_light")
#: The percentile of a picture's brightest channels that white is reached at, and of its darkest ones for black.
WHITE: Final = 99.9
BLACK: Final = 0.5
FAULTS: Final = 3
WIDTHS: Final = (24, 56, 112)


def _silent(layer: nn.Conv2d) -> None:
    """A layer that answers 0 before training."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class Block(nn.Module):
    """Two 3×3 convolutions around a ReLU, added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        _silent(self.two)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; the identity before training."""
        return x + self.two(F.relu(self.one(x)))


class Fine(nn.Module):
    """Residuals (B, 3, 3, H, W) against noise, blocks and blur of (B, 3, H, W) in [0, 1]; H and W are multiples of 8."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c = widths
        self.first = nn.Conv2d(12, a, 3, padding=1)
        self.in_a, self.in_b = nn.Sequential(Block(a), Block(a)), nn.Sequential(Block(b), Block(b))
        self.down_a, self.down_b = nn.Conv2d(a, b, 2, stride=2), nn.Conv2d(b, c, 2, stride=2)
        self.deep = nn.Sequential(*(Block(c) for _ in range(4)))
        self.up_b, self.up_a = nn.Conv2d(c, 4 * b, 1), nn.Conv2d(b, 4 * a, 1)
        self.out_b, self.out_a = nn.Sequential(Block(b), Block(b)), nn.Sequential(Block(a), Block(a))
        self.last = nn.Conv2d(a, 4 * 3 * FAULTS, 3, padding=1)
        _silent(self.last)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):  # a codec's traces are finer than the steps of bfloat16
            a = self.first(F.pixel_unshuffle(x - 0.5, 2))
        a = self.in_a(a)
        b = self.in_b(self.down_a(a))
        c = self.deep(self.down_b(b))
        b = self.out_b(b + F.pixel_shuffle(self.up_b(c), 2))
        a = self.out_a(a + F.pixel_shuffle(self.up_a(b), 2))
        out = F.pixel_shuffle(self.last(a), 2)
        return out.view(x.shape[0], FAULTS, 3, *x.shape[-2:])


class Tone(nn.Module):
    """Grids (B, 2, 12, 8, 16, 16) against haze and low light of a squeezed photo (B, 3, 128, 128) in [0, 1].

    Against low light it is shown the photo brought to white, against haze the photo brought to black (`first_grid`).
    """

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        have = 3
        for n, wide in enumerate((width // 2, width, 2 * width)):
            layers += [nn.Conv2d(have, wide, 5 if n == 0 else 3, stride=2, padding=2 if n == 0 else 1), nn.ReLU()]
            layers += [Block(wide), nn.ReLU()]
            have = wide
        self.places = nn.Sequential(*layers)
        self.whole = nn.Sequential(
            nn.Conv2d(have, have, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(have, have, 3, stride=2, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(have, have, 1),
        )  # fmt: skip
        self.joined = nn.Sequential(nn.ReLU(), Block(have), nn.ReLU(), Block(have), nn.ReLU())
        self.last = nn.Conv2d(have, len(TONES) * COEFFICIENTS * LEVELS, 1)
        _silent(self.last)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        places = self.places(x - 0.5)
        out = self.last(self.joined(places + self.whole(places)))
        grids = out.view(x.shape[0], len(TONES), COEFFICIENTS, LEVELS, CELLS, CELLS)
        return grids + identity_grid(1, x).unsqueeze(1)


class Restorer(nn.Module):
    """Both networks, as they are stored."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.tone = Fine(), Tone()


def installed() -> bool:
    """True if the weights are there."""
    return pinned.available("restorer")


_loading = threading.Lock()


@lru_cache(maxsize=1)
def _load() -> Restorer:
    network = Restorer()
    try:
        network.load_state_dict({name: t.float() for name, t in pinned.load_safetensors("restorer").items()})
    except RuntimeError as error:
        raise WeightsError("The weights of the restorer are of another network; reinstall Burnish.") from error
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def network() -> Restorer:
    """The shipped weights. Raises `WeightsError`."""
    with _loading:
        return _load()


@torch.no_grad()
def residuals(x: Float, fine: Fine | None = None) -> Float:
    """What to add to (h, w, 3) in [0, 1] against noise, blocks and blur: (3, h, w, 3).

    Worked on in tiles of columns that overlap by `MARGIN`, and so far within the network's sight that no seam is left.
    """
    fine = fine or network().fine
    height, width = x.shape[:2]
    out = np.empty((FAULTS, height, width, 3), np.float32)
    for start in range(0, width, TILE):
        stop = min(start + TILE, width)
        first, last = max(0, start - MARGIN), min(width, stop + MARGIN)
        tile = np.ascontiguousarray(x[:, first:last].transpose(2, 0, 1))
        down, right = -height % STRIDE, -(last - first) % STRIDE
        picture = F.pad(torch.from_numpy(tile)[None], (0, right, 0, down), mode="replicate")
        found = fine(picture.contiguous(memory_format=torch.channels_last))[0, :, :, :height, : last - first]
        out[:, :, start:stop] = found[..., start - first : stop - first].permute(0, 2, 3, 1).numpy()
    return out


def white_gain(picture: Float) -> float:
    """What gamma-encoded values are to be multiplied by so that a picture (h, w, 3) reaches white: 1..5, 1 where it does.

    A gain is what a longer exposure is; a photo that lacks light has no white, whatever it shows.
    """
    top = float(np.percentile(picture.max(axis=2), WHITE))
    return float(np.clip(1 / max(top, 1e-3), 1.0, 5.0))


def black_level(picture: Float) -> float:
    """The gamma-encoded value that is as good as black in a picture (h, w, 3): 0..0.7, 0 where there is black.

    A veil lies over everything, so a hazy photo has no black, whatever it shows (He, Sun and Tang 2009).
    """
    return float(np.clip(np.percentile(picture.min(axis=2), BLACK), 0.0, 0.7))


def first_grid(picture: Float, name: str) -> Float:
    """The grid (12, 8, 16, 16) that brings a picture (h, w, 3) to black, against `dehaze`, or to white, against `low_light`."""
    grid = identity_grid()[0].numpy().copy()
    if name == "low_light":
        return np.asarray(grid * np.float32(white_gain(picture)), np.float32)
    black = black_level(picture)
    grid /= np.float32(1 - black)
    grid[[3, 7, 11]] -= np.float32(black / (1 - black))
    return np.asarray(grid, np.float32)


@torch.no_grad()
def grids(thumbnail: Float, name: str, tone: Tone | None = None) -> list[Float]:
    """Grids (12, 8, 16, 16) against `dehaze` or `low_light`, one after the other, for a thumbnail (h, w, 3) in [0, 1].

    The first brings it to black or to white; the network says what is still to be done.
    """
    tone = tone or network().tone
    first = first_grid(thumbnail, name)
    picture = torch.from_numpy(np.ascontiguousarray(thumbnail.transpose(2, 0, 1)))[None]
    square = slice_grid(torch.from_numpy(first)[None], picture).clamp(0, 1)
    square = F.interpolate(square, (SQUARE, SQUARE), mode="bilinear", antialias=True)
    return [first, np.asarray(tone(square)[0, TONES.index(name)].numpy(), np.float32)]
