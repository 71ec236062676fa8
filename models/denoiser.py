"""The grid-predicting denoiser: a small UNet that sees a noisy thumbnail, the photo's and a parameter map.

Its output is a bilateral grid of affine colour transforms, and its estimate of the clean thumbnail is that grid applied to
the developed photo, so every step keeps the photo's texture. After DiffRetouch (Duan et al., AAAI 2025), which predicts
noise and a grid; here the grid *is* the prediction. Attention runs at 8×8 only.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from models.grid import COEFFICIENTS, LEVELS, SHAPE, identity_grid, slice_grid
from models.parameter_map import CHANNELS


@dataclass
class DenoiserOutput(BaseOutput):
    """`grid`: (B, 12, 8, 16, 16); `sample`: the clean estimate (B, 3, 64, 64) in [-1, 1] scale."""

    grid: Tensor
    sample: Tensor


class _Block(nn.Module):
    """Residual block with scale and shift from the embedding. (B, C, H, W) → (B, C', H, W)."""

    def __init__(self, channels: int, out: int, embedding: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(16, channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * out)
        self.norm2 = nn.GroupNorm(16, out)
        self.drop = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = self.conv2(self.drop(F.silu(self.norm2(hidden) * (1 + scale) + shift)))
        return self.skip(x) + hidden


class _Attention(nn.Module):
    """Self-attention over all places of a small map."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(16, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        self.heads = heads
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        q, k, v = (
            self.qkv(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, -1).transpose(-1, -2).unbind(1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2)
        return x + self.out(mixed.reshape(batch, channels, height, width))


class GridDenoiser(ModelMixin, ConfigMixin):
    """UNet 64 → 32 → 16 → 8 → 16 whose head, on the 16×16 map, is the grid. Zero-initialised: it starts as the identity."""

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, int, int] = (48, 96, 192),
        map_channels: int = CHANNELS,
        style_dim: int = 0,
        dropout: float = 0.0,
        statistics: bool = True,
    ) -> None:
        super().__init__()
        w32, w16, w8 = widths
        e = 4 * w32
        self.time_proj = Timesteps(w32, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(w32, e)
        self.style = nn.Linear(style_dim, e, bias=False) if style_dim else None
        # Tonal statistics of the photo: exposure is a global property that a small receptive field sees poorly.
        self.tones = nn.Sequential(nn.Linear(4 * 24, e), nn.SiLU(), nn.Linear(e, e)) if statistics else None
        self.patch = nn.Conv2d(3 + 3 + 3 + map_channels, w32, 4, stride=2, padding=1)
        self.down32 = nn.ModuleList([_Block(w32, w32, e, dropout) for _ in range(2)])
        self.to16 = nn.Conv2d(w32, w16, 3, stride=2, padding=1)
        self.down16 = nn.ModuleList([_Block(w16, w16, e, dropout) for _ in range(2)])
        self.to8 = nn.Conv2d(w16, w8, 3, stride=2, padding=1)
        self.mid1, self.attention, self.mid2 = _Block(w8, w8, e, dropout), _Attention(w8), _Block(w8, w8, e, dropout)
        self.to_up = nn.Conv2d(w8, w16, 3, padding=1)
        self.up16 = nn.ModuleList([_Block(2 * w16, w16, e, dropout), _Block(w16, w16, e, dropout)])
        self.norm = nn.GroupNorm(16, w16)
        self.local = nn.Conv2d(w16, COEFFICIENTS * LEVELS, 3, padding=1)
        # A global head beside the local one: most of a look is the same everywhere.
        self.whole = nn.Linear(w8, COEFFICIENTS * LEVELS)
        for layer in (self.local, self.whole):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        photo: Tensor,
        developed: Tensor,
        maps: Tensor,
        style: Tensor | None = None,
    ) -> DenoiserOutput:
        """Estimate the clean thumbnail.

        `sample`: noisy (B, 3, 64, 64) in [-1, 1] scale; `timestep`: (B,); `photo`, `developed`: (B, 3, 64, 64) in [0, 1];
        `maps`: (B, 15, 64, 64); `style`: (B, style_dim), zeros for none.
        """
        embedding = self.time_embedding(self.time_proj(timestep.expand(sample.shape[0])).to(sample.dtype))
        if self.style is not None and style is not None:
            embedding = embedding + self.style(style)
        if self.tones is not None:
            embedding = embedding + self.tones(_tones(developed).to(sample.dtype))
        x = self.patch(torch.cat([sample, 2 * photo - 1, 2 * developed - 1, maps], dim=1))
        for block in self.down32:
            x = block(x, embedding)
        x = skip = self.to16(x)
        for block in self.down16:
            x = skip = block(x, embedding)
        x = self.mid2(self.attention(self.mid1(self.to8(x), embedding)), embedding)
        whole = self.whole(x.mean(dim=(2, 3)))
        x = torch.cat([self.to_up(F.interpolate(x, scale_factor=2.0, mode="nearest")), skip], dim=1)
        for block in self.up16:
            x = block(x, embedding)
        head = self.local(F.silu(self.norm(x))) + whole[:, :, None, None]
        grid = identity_grid(1, developed.float()) + 0.2 * head.float().reshape(-1, *SHAPE)
        return DenoiserOutput(grid=grid, sample=2 * slice_grid(grid, developed.float()) - 1)


def _tones(rgb: Tensor) -> Tensor:
    """Soft histograms (B, 4 · 24) of r, g, b and luma of (B, 3, H, W) in [0, 1]."""
    luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor((0.2126, 0.7152, 0.0722))).unsqueeze(1)
    values = torch.cat([rgb, luma], dim=1).flatten(2)[:, :, ::4]
    centres = torch.linspace(0, 1, 24, device=rgb.device, dtype=rgb.dtype)
    weights = (1 - (values.unsqueeze(-1) - centres).abs() * 23).clamp_min(0)
    return 4 * weights.mean(2).flatten(1) - 0.17
