"""The bilateral grid of affine colour transforms (Chen, Paris and Durand 2007; Gharbi et al., HDRnet, 2017), in torch.

A grid has shape (12, 8, 16, 16): a 3×4 affine matrix, row by row, for 8 luma levels and 16×16 places. Places are cell
centres (half-pixel convention, clamped at the border), levels lie at luma 0, 1/7, … 1. Slicing interpolates trilinearly
at every pixel's place and luma, so one small grid serves a photo of any size. `models.render` is the compiled twin of
`slice_grid`; a test holds the two within one code value.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

COEFFICIENTS, LEVELS, CELLS = 12, 8, 16
SHAPE = (COEFFICIENTS, LEVELS, CELLS, CELLS)
LUMA = (0.2126, 0.7152, 0.0722)


def identity_grid(batch: int = 1, like: Tensor | None = None) -> Tensor:
    """Grids (batch, 12, 8, 16, 16) that change nothing.

    >>> tuple(identity_grid(2).shape)
    (2, 12, 8, 16, 16)
    """
    affine = torch.eye(3, 4) if like is None else torch.eye(3, 4, device=like.device, dtype=like.dtype)
    affine = affine.reshape(1, COEFFICIENTS, 1, 1, 1)
    return affine.expand(batch, *SHAPE)


def slice_grid(grid: Tensor, rgb: Tensor) -> Tensor:
    """Apply grids (B, 12, 8, 16, 16) to gamma-encoded images (B, 3, H, W) in [0, 1]; not clipped.

    >>> x = torch.rand(1, 3, 5, 7)
    >>> bool((slice_grid(identity_grid(), x) - x).abs().max() < 1e-5)
    True
    """
    batch, _, height, width = rgb.shape
    if grid.shape[1:] != SHAPE or grid.shape[0] != batch:
        raise ValueError(f"expected grids of shape ({batch}, {', '.join(map(str, SHAPE))}), not {tuple(grid.shape)}")
    ys = (torch.arange(height, device=rgb.device, dtype=rgb.dtype) + 0.5) / height * 2 - 1
    xs = (torch.arange(width, device=rgb.device, dtype=rgb.dtype) + 0.5) / width * 2 - 1
    luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor(LUMA)).clamp(0, 1)
    # grid_sample's own convention puts level k at (2k + 1) / LEVELS - 1.
    zs = (2 * (LEVELS - 1) * luma + 1) / LEVELS - 1
    place = torch.stack([xs.view(1, 1, -1).expand_as(luma), ys.view(1, -1, 1).expand_as(luma), zs], dim=-1).unsqueeze(1)
    affine = F.grid_sample(grid, place, mode="bilinear", padding_mode="border", align_corners=False)
    affine = affine.view(batch, 3, 4, height, width)
    return (affine[:, :, :3] * rgb.unsqueeze(1)).sum(2) + affine[:, :, 3]
