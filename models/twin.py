"""The torch twin of the compiled renderer: develop and grid on tensors, for training and for a GPU.

Same arithmetic as `models.render`, differentiable in pixels and grid; a test holds the two within one code value.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.develop import KNOTS, RegionOps, mixer_directions
from models.grid import LUMA, slice_grid


def develop(rgb: Tensor, ops: RegionOps, mask: Tensor | None = None) -> Tensor:
    """One region's pointwise transform of gamma-encoded (B, 3, H, W) in [0, 1]; `mask`: (H, W) or None for everywhere.

    >>> import numpy as np
    >>> same = RegionOps(np.linspace(0, 1, KNOTS, dtype=np.float32), np.ones(3, np.float32), 1.0, np.zeros(8, np.float32))
    >>> x = torch.rand(1, 3, 4, 4)
    >>> bool((develop(x, same) - x).abs().max() < 1e-5)
    True
    """
    weights = rgb.new_tensor(LUMA).view(1, 3, 1, 1)
    luma = (rgb * weights).sum(1, keepdim=True)
    place = luma.clamp(0, 1) * (KNOTS - 1)
    knot = place.detach().long().clamp(max=KNOTS - 2)
    t = place - knot
    curve = torch.as_tensor(ops.curve, dtype=rgb.dtype, device=rgb.device)
    wanted = curve[knot] * (1 - t) + curve[knot + 1] * t
    tinted = rgb * torch.as_tensor(ops.gains, dtype=rgb.dtype, device=rgb.device).view(1, 3, 1, 1)
    have = (tinted * weights).sum(1, keepdim=True)
    ratio = wanted / have.clamp_min(1e-4)
    lit = tinted * ratio + (wanted - have * ratio).clamp_min(0)
    amount = torch.full_like(luma, ops.saturation)
    if np.any(ops.mix):
        r, g, b = lit.unbind(1)
        alpha, beta = r - 0.5 * (g + b), 0.8660254 * (g - b)
        length = (alpha**2 + beta**2).sqrt().clamp_min(1e-5)
        for (x, y), weight in zip(mixer_directions().tolist(), ops.mix.tolist(), strict=True):
            near = ((alpha * x + beta * y) / length).clamp_min(0)
            amount = amount + ops.saturation * weight * (near**4).unsqueeze(1)
        amount = amount.clamp_min(0)
    away = (lit - wanted) * amount
    high, low = away.amax(1, keepdim=True).clamp_min(1e-6), (-away.amin(1, keepdim=True)).clamp_min(1e-6)
    fit = torch.minimum((1 - wanted) / high, wanted / low).clamp(max=1)
    done = wanted + away * fit
    return done if mask is None else rgb + mask.to(rgb) * (done - rgb)


def render(
    rgb: Tensor,
    layers: Sequence[tuple[RegionOps, Tensor | None]] = (),
    grid: Tensor | None = None,
    strength: float = 1.0,
) -> Tensor:
    """Layers in order, then the grid (B, 12, 8, 16, 16) blended by `strength`; clipped to [0, 1]."""
    for ops, mask in layers:
        rgb = develop(rgb, ops, mask)
    if grid is not None:
        rgb = rgb + strength * (slice_grid(grid, rgb) - rgb)
    return rgb.clamp(0, 1)
