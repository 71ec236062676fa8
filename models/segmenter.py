"""The segmenter: a small convolutional network that says, softly, what every pixel of a photo shows.

An EfficientNet-Lite2 (`models.backbone`) with a feature-pyramid decoder (Lin et al. 2017) at stride 4. The input is the
photo as it is; the network has been trained under strong changes of exposure and colour cast, so that a bad photo is
read like a good one. `segment` gives class probabilities, less what the kind of place does not show (`models.context`),
and the pooled features that the scene encoder builds on.
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

from models import context, places
from models.backbone import CHANNELS, Backbone
from models.pinned import load_safetensors
from models.segmentation import CLASSES, Segmentation

FloatImage = NDArray[np.float32]

#: Long edges, in pixels, at which a photo is read.
READ_AT: Final = (256, 352, 480)


def conv(c: int, d: int, k: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(c, d, k, stride, k // 2, bias=False), nn.BatchNorm2d(d), nn.ReLU(inplace=True))


class Segmenter(nn.Module):
    """(B, 3, H, W) sRGB in [0, 1], H and W multiples of 32 -> logits (B, 14, H/4, W/4) and features (B, 472).

    The features are the mean of the stride-16 and stride-32 maps, for the scene encoder.
    """

    def __init__(self) -> None:
        super().__init__()
        _, s4, s8, s16, s32 = CHANNELS
        self.body = Backbone()
        self.whole = nn.Sequential(nn.Linear(s32, 128), nn.ReLU(inplace=True), nn.Linear(128, 128))
        # Two extra planes tell the height and the distance from the vertical centre line: sky is up, ground is down.
        self.from32 = conv(s32 + 2, 128, 1)
        self.from16 = conv(s16, 128, 1)
        self.mix16 = conv(128, 96)
        self.from8 = conv(s8, 96, 1)
        self.mix8 = conv(96, 64)
        self.from4 = conv(s4, 64, 1)
        self.mix4 = conv(64, 64)
        self.head = nn.Conv2d(64, len(CLASSES), 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits at a quarter of the size, and the pooled features."""
        _, f4, f8, f16, f32 = self.body(x)
        logits = self.decode(f4, f8, f16, f32)
        return logits, torch.cat([f16.mean((2, 3)), f32.mean((2, 3))], 1)

    def decode(self, f4: Tensor, f8: Tensor, f16: Tensor, f32: Tensor) -> Tensor:
        """Class logits at stride 4 from the maps at strides 4 to 32."""
        n, _, h, w = f32.shape
        rows = torch.linspace(-1, 1, h, dtype=f32.dtype, device=f32.device).view(1, 1, h, 1).expand(n, 1, h, w)
        columns = torch.linspace(-1, 1, w, dtype=f32.dtype, device=f32.device).abs().view(1, 1, 1, w)
        y = self.from32(torch.cat([f32, rows, columns.expand(n, 1, h, w)], 1))
        y = y + self.whole(f32.mean((2, 3)))[:, :, None, None]
        y = self.mix16(up(y) + self.from16(f16))
        y = self.mix8(up(y) + self.from8(f8))
        y = self.mix4(up(y) + self.from4(f4))
        return self.head(y)


def up(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@lru_cache(maxsize=1)
def load() -> Segmenter:
    """The network with its pinned weights, in evaluation mode. Raises `WeightsError`."""
    net = Segmenter()
    net.load_state_dict({name: tensor.float() for name, tensor in load_safetensors("segmenter").items()})
    # Channels last is a third quicker on a CPU.
    return net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def segment(rgb: FloatImage, read_at: Sequence[int] = READ_AT, net: Segmenter | None = None) -> Segmentation:
    """Segment a thumbnail (h, w, 3) in [0, 1]; the probabilities have its size. Raises `WeightsError`.

    The picture and its mirror image are read at every size of `read_at` and averaged: the small reading sees the whole,
    the large one the detail, and left and right weigh alike. The features are those of the first size and of the place.
    """
    height, width = rgb.shape[:2]
    readings = [read_once(rgb, edge, net or load()) for edge in read_at]
    total = torch.zeros(1, len(CLASSES), height, width)
    for read, _ in readings:
        total += functional.interpolate(read, size=(height, width), mode="bilinear", align_corners=False)
    place = places.features(rgb)
    probabilities = context.settle((total[0] / len(readings)).numpy(), place)
    return Segmentation(probabilities, np.concatenate([readings[0][1].numpy(), place]))


@torch.inference_mode()
def read_once(rgb: FloatImage, edge: int, net: Segmenter) -> tuple[Tensor, Tensor]:
    """One reading with `edge` as the long edge: probabilities (1, 14, about h/w in proportion) and features (472,)."""
    height, width = rgb.shape[:2]
    scale = edge / max(height, width)
    size = tuple(max(1, round(side * scale)) for side in (width, height))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    # A replicated border invents no edge, unlike a black one.
    padded = cv2.copyMakeBorder(small, 0, -size[1] % 32, 0, -size[0] % 32, cv2.BORDER_REPLICATE)
    x = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
    logits, features = net(torch.cat([x, x.flip(3)]).contiguous(memory_format=torch.channels_last))
    probabilities = logits.softmax(1)
    both = (probabilities[:1] + probabilities[1:].flip(3)) / 2
    both = functional.interpolate(both, scale_factor=4.0, mode="bilinear", align_corners=False)
    return both[:, :, : size[1], : size[0]], features.mean(0)
