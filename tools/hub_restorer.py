"""A larger restorer from a hub, by configuration: `BURNISH_RESTORER=<hub id or folder>`.

An image-to-image model of transformers that gives a picture of the same size back (Swin2SR against noise or JPEG) takes the
place of Burnish's own network against noise, blocks and blur. It answers one repaired picture for all three; regions, strength,
tiles and the bound on what may be added stay ours (`models.repair`). Only safetensors are loaded, and no code comes with them.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import WeightsError
from models.repair import Whole
from tools.borrowed import Choice, loading

if TYPE_CHECKING:
    from torch import nn

Float = NDArray[np.float32]

#: Pixels of a tile's side, and by how much tiles overlap: attention is dear.
TILE: Final = 256
OVERLAP: Final = 32


@lru_cache(maxsize=1)
def load(name: str) -> Whole:
    """Load a model by its hub id or folder: (h, w, 3) in [0, 1] → the same, repaired. Raises `WeightsError` with what to do."""
    with loading("restoration model", name, "BURNISH_RESTORER"):
        from transformers import AutoModelForImageToImage

        model = AutoModelForImageToImage.from_pretrained(name, use_safetensors=True, trust_remote_code=False).eval()
    if getattr(model.config, "upscale", 1) != 1:
        raise WeightsError(f"{name!r} enlarges pictures; BURNISH_RESTORER takes a model that keeps their size.")
    return _Tiled(model, int(getattr(model.config, "window_size", 8)))


_borrowed = Choice(load)
choose, chosen = _borrowed.choose, _borrowed.chosen


class _Tiled:
    """A model on tiles that overlap; the overlap is left out on both sides, so the seams lie where both see enough."""

    def __init__(self, model: "nn.Module", window: int) -> None:
        self.model, self.window = model, window

    def __call__(self, x: Float) -> Float:
        out = np.empty_like(x)
        height, width = x.shape[:2]
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                rows = slice(max(0, top - OVERLAP), min(height, top + TILE + OVERLAP))
                columns = slice(max(0, left - OVERLAP), min(width, left + TILE + OVERLAP))
                made = self._one(x[rows, columns])
                inner = out[top : top + TILE, left : left + TILE]
                y, z = top - rows.start, left - columns.start
                inner[:] = made[y : y + inner.shape[0], z : z + inner.shape[1]]
        return out

    def _one(self, x: Float) -> Float:
        import torch

        height, width = x.shape[:2]
        down, right = -height % self.window, -width % self.window
        padded: Any = np.pad(x, ((0, down), (0, right), (0, 0)), mode="edge")
        with torch.no_grad():
            picture = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]
            found = self.model(picture).reconstruction[0, :, :height, :width]
        return np.clip(np.asarray(found.permute(1, 2, 0).numpy(), np.float32), 0, 1)
