"""The segmenter's eyes: the body of EfficientNet-Lite2, whose weights begin where ImageNet's training ended.

EfficientNet (Tan and Le 2019) in its Lite form (no squeeze-and-excitation, ReLU6), which is quick on a CPU. The batch
norms are folded into the convolutions: the network is convolutions and ReLU6 alone. Width 1.1, depth 1.2, 4.4 M
parameters; it pads like TensorFlow ("same"), as its weights have been trained.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Kernel, stride, expansion, channels and repeats of the stages of EfficientNet-B0 (Tan and Le 2019, table 1).
STAGES: Final = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # fmt: skip
WIDTH: Final = 1.1
DEPTH: Final = 1.2
STEM: Final = 32

#: Channels of the maps that `Backbone` returns, at strides 2, 4, 8, 16 and 32.
CHANNELS: Final = (16, 24, 48, 120, 352)


def widened(channels: int) -> int:
    """A stage's channels at `WIDTH`: a multiple of 8, at most a tenth fewer than asked.

    >>> [widened(c) for c in (16, 40, 112, 320)]
    [16, 48, 120, 352]
    """
    wanted = channels * WIDTH
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class SameConv(nn.Conv2d):
    """A convolution that pads as little as gives ceil(size / stride), the odd pixel to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, d, ceil(h / stride), ceil(w / stride))."""
        k, s = self.kernel_size[0], self.stride[0]
        if s == 1:
            return functional.conv2d(x, self.weight, self.bias, 1, k // 2, 1, self.groups)
        pad = [max((math.ceil(side / s) - 1) * s + k - side, 0) for side in x.shape[-2:]]
        x = functional.pad(x, (pad[1] // 2, pad[1] - pad[1] // 2, pad[0] // 2, pad[0] - pad[0] // 2))
        return functional.conv2d(x, self.weight, self.bias, s, 0, 1, self.groups)


class Bottleneck(nn.Module):
    """An inverted residual (Sandler et al. 2018): widen, filter each channel, narrow; a shortcut where shapes agree."""

    def __init__(self, c: int, d: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = c * expansion
        self.expand = SameConv(c, inner, 1) if expansion > 1 else None
        self.depth = SameConv(inner, inner, kernel, stride, groups=inner)
        self.project = SameConv(inner, d, 1)
        self.shortcut = stride == 1 and c == d

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, d, h / stride, w / stride)."""
        y = x if self.expand is None else functional.relu6(self.expand(x), inplace=True)
        y = self.project(functional.relu6(self.depth(y), inplace=True))
        return y + x if self.shortcut else y


class Backbone(nn.Module):
    """(B, 3, H, W) sRGB in [0, 1] -> maps of `CHANNELS` channels at strides 2, 4, 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM, 3, 2)
        blocks: list[Bottleneck] = []
        c = STEM
        for i, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES):
            d = widened(channels)
            # The Lite form repeats neither the first nor the last stage more often.
            for j in range(repeats if i in (0, len(STAGES) - 1) else math.ceil(repeats * DEPTH)):
                blocks.append(Bottleneck(c, d, kernel, stride if j == 0 else 1, expansion))
                c = d
        self.blocks = nn.ModuleList(blocks)

    def bottlenecks(self) -> list[Bottleneck]:
        """The blocks in order."""
        return [block for block in self.blocks if isinstance(block, Bottleneck)]

    def forward(self, x: Tensor) -> list[Tensor]:
        """The last map of every stride."""
        y = functional.relu6(self.stem((x * 255 - 127) / 128))
        maps: list[Tensor] = []
        for block in self.bottlenecks():
            if block.depth.stride[0] == 2:
                maps.append(y)
            y = block(y)
        return [*maps, y]


def folded(weight: Tensor, norm: dict[str, Tensor], epsilon: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with the batch norm after it (`weight`, `bias`, `running_mean`, `running_var`).

    `epsilon` is what the norm adds to the variance.
    """
    scale = norm["weight"] / torch.sqrt(norm["running_var"] + epsilon)
    return weight * scale[:, None, None, None], norm["bias"] - norm["running_mean"] * scale
