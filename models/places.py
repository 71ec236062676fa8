"""What kind of place a photo shows, as 512 numbers that know nothing of our tags.

The WideResNet-18 of the Places365 project (Zhou et al., "Places: A 10 million image database for scene recognition", PAMI
2017): a ResNet-18 (He et al. 2016) that does not pool after its first convolution, trained on 1.8 million photos of 365
kinds of places. Its classifier is left out; the batch norms are folded into the convolutions.
"""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models import pinned

FloatImage = NDArray[np.float32]

#: How many numbers they are, and the side in pixels of the square that is looked at.
FEATURES: Final = 512
EDGE: Final = 160

#: Channels and stride of the four stages, of two blocks each.
STAGES: Final = ((64, 1), (128, 2), (256, 2), (512, 2))

#: Mean and spread of ImageNet's pixels, on which the network's input is scaled.
MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Two 3×3 convolutions and a shortcut."""

    def __init__(self, c: int, d: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c, d, 3, stride, 1)
        self.conv2 = nn.Conv2d(d, d, 3, 1, 1)
        self.shortcut = nn.Identity() if stride == 1 and c == d else nn.Conv2d(c, d, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, d, h / stride, w / stride)."""
        y: Tensor = self.conv2(functional.relu(self.conv1(x)))
        return functional.relu(y + self.shortcut(x))


class Places(nn.Module):
    """(B, 3, H, W) sRGB in [0, 1] -> (B, 512), each at least 0: the mean of the last map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STAGES[0][0], 7, 2, 3)
        blocks: list[nn.Module] = []
        c = STAGES[0][0]
        for d, stride in STAGES:
            blocks += [Block(c, d, stride), Block(d, d, 1)]
            c = d
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """The features."""
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(1, 3, 1, 1) for v in (MEAN, STD))
        y: Tensor = self.blocks(functional.relu(self.stem((x - mean) / std)))
        return y.mean((2, 3))


@lru_cache(maxsize=1)
def load() -> Places:
    """The network with its pinned weights, in evaluation mode. Raises `WeightsError`."""
    net = Places()
    net.load_state_dict({name: tensor.float() for name, tensor in pinned.load_safetensors("places").items()})
    return net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.inference_mode()
def features(rgb: FloatImage) -> NDArray[np.float32]:
    """What the network makes of a thumbnail (h, w, 3) in [0, 1], (512,), at least 0. Raises `WeightsError`.

    The photo is pressed into a square: what lies at its sides tells the place as well as its middle.
    """
    square = cv2.resize(rgb, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    x = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))[None]
    return np.asarray(load()(x.contiguous(memory_format=torch.channels_last))[0].numpy(), np.float32)
