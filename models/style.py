"""The style vector: how a finished photo looks, in 16 numbers that do not say what it shows.

Tonal statistics of five luma zones (a look treats shadows and highlights apart) and a small convolutional network see the
picture; triplets teach that two photos in one style lie nearer than one photo in two (`models.training.losses.triplet`).
The null style, all zeros, is the automatic look.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional

from models.grid import LUMA

STYLE_DIM = 16
ZONES = 5
STATISTICS = ZONES * 7 + 4


def tone_statistics(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] → (B, STATISTICS): of every luma zone its share, level, red-blue, red+blue-green and chroma,
    and the spread of the last two; then mean and spread of luma, warmth and tint of the whole.

    >>> tuple(tone_statistics(torch.rand(2, 3, 8, 8)).shape)
    (2, 39)
    """
    luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor(LUMA)).flatten(1)
    r, g, b = rgb.flatten(2).unbind(1)
    level = luma.clamp_min(0.03)
    warm, tint = (r - b) / level, (r + b - 2 * g) / (2 * level)
    chroma = (warm.square() + 3 * tint.square() + 1e-6).sqrt()
    # Zones by rank, so that they are the same pixels however bright the rendition.
    rank = luma.argsort(1).argsort(1).to(rgb.dtype) / luma.shape[1]
    parts = []
    for i in range(ZONES):
        w = (1 - (rank * (ZONES - 1) - i).abs()).clamp_min(0)
        w = w / w.sum(1, keepdim=True)
        means = [(w * v).sum(1) for v in (luma, warm, tint, chroma)]
        spreads = [
            (w * (v - m[:, None]).square()).sum(1).add(1e-6).sqrt() for v, m in ((luma, means[0]), (chroma, means[3]))
        ]
        parts += [2 * means[0] - 1, *means[1:], *spreads, torch.logit(means[0].clamp(0.01, 0.99)) / 4]
    whole = [luma.mean(1), 4 * luma.std(1), warm.mean(1), tint.mean(1)]
    return torch.stack([*parts, *whole], 1)


class StyleEncoder(ModelMixin, ConfigMixin):
    """A finished photo (B, 3, 64, 64) in [0, 1] → its style (B, 16), unit norm."""

    @register_to_config
    def __init__(self, dim: int = STYLE_DIM, width: int = 24) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(3, width, 4, 4), nn.SiLU(), nn.Conv2d(width, 2 * width, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(2 * width, 2 * width, 3, 2, 1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(STATISTICS + 2 * width, 96), nn.SiLU(), nn.Linear(96, dim))

    def forward(self, rgb: Tensor) -> Tensor:
        """See the class."""
        seen = torch.cat([tone_statistics(rgb.float()), self.look(2 * rgb - 1).float()], 1)
        return functional.normalize(self.head(seen.to(rgb.dtype)).float(), dim=1)
