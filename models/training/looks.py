"""What a step of learning from rewards learns from: requests, the pairs of the anchor, and sampled looks.

All that is random belongs to its step, so that a run can be stopped anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset

from models.grid import identity_grid, slice_grid
from models.pipeline import RetouchPipeline
from models.training.pairs import PairOptions, make_pair, neutral, segments
from models.training.retouch import IMAGES
from models.training.unpaired import Request, RequestOptions, make_request

Float = NDArray[np.float32]


@dataclass(frozen=True)
class StageOptions:
    """Everything that shapes a run; written beside the weights."""

    steps: int = 300
    requests: int = 4  # a step
    looks: int = 6  # of each request
    solver: int = 4  # denoising steps of a sampled look
    reuse: int = 1  # updates on the same looks, each with other noise
    beta: float = 0.5  # how far the implied denoisers lie from the sampling policy
    rate: float = 2e-4
    warmup: int = 5
    follow: float = 0.9  # share that the sampling policy keeps of itself each step, at most
    anchor: float = 1.0  # weight of stage one's loss; 0: none
    pairs: int = 12  # of the anchor, a step
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Draw:
    """What a step learns from: requests, and a batch of pairs."""

    requests: list[Request]
    pairs: dict[str, Tensor] = field(default_factory=dict)


class Draws(IterableDataset[Draw]):
    """The draws of the steps from `first` on; each depends on its own number alone."""

    def __init__(
        self, photos: list[NDArray[np.uint8]], options: StageOptions, request: RequestOptions, pair: PairOptions, first: int
    ) -> None:  # fmt: skip
        self.photos, self.options, self.request, self.pair, self.first = photos, options, request, pair, first

    def __iter__(self) -> Iterator[Draw]:
        import numba

        numba.set_num_threads(1)
        parts: dict[int, NDArray[np.int32]] = {}
        clean: dict[int, NDArray[np.uint8]] = {}

        def part(i: int) -> NDArray[np.int32]:
            if i not in parts:
                parts[i] = segments(self.photos[i], 24)
            return parts[i]

        def neutral_of(i: int) -> NDArray[np.uint8]:
            if i not in clean:
                found = neutral(np.asarray(self.photos[i] / np.float32(255), np.float32))
                clean[i] = (found * 255 + 0.5).astype(np.uint8)
            return clean[i]

        for step in count(self.first):
            rng = np.random.default_rng((self.options.seed, step, 1))
            chosen = rng.choice(len(self.photos), size=self.options.requests)
            requests = [make_request(self.photos[i], part(i), rng, self.request) for i in chosen]
            rng = np.random.default_rng((self.options.seed, step, 2))
            pairs = []
            for _ in range(self.options.pairs if self.options.anchor else 0):
                i, j = (int(v) for v in rng.integers(len(self.photos), size=2))
                pairs.append(make_pair(self.photos[i], neutral_of(i), part(i), neutral_of(j), rng, self.pair))
            batch: dict[str, Tensor] = {}
            if pairs:
                batch = {n: _batch([getattr(p, n) for p in pairs]) for n in IMAGES}
                batch["maps"] = torch.from_numpy(np.stack([p.maps for p in pairs]))
                batch["mood"] = torch.tensor([p.mood for p in pairs])
            yield Draw(requests, batch)


def _batch(pictures: list[Float]) -> Tensor:
    """Pictures (h, w, 3) → (B, 3, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2)))


def thumbnails(pictures: list[Float]) -> Tensor:
    """Pictures (h, w, 3) → (B, 3, 64, 64), by area."""
    return functional.interpolate(_batch(pictures), size=(64, 64), mode="area")


@dataclass(frozen=True, eq=False)
class Looks:
    """Looks of P requests, K each. `clean`: (P · K, 3, 64, 64) in [-1, 1], what the denoiser drew; `shown`: (P, K, h, w, 3)
    in [0, 1], the same at the request's size, held back by the pipeline's confidence."""

    clean: Tensor
    shown: Float


def sample_looks(policy: RetouchPipeline, requests: list[Request], looks: int, steps: int, seed: int) -> Looks:
    """Sample looks; `seed` gives their noise."""
    photo, developed = (thumbnails([getattr(r, n) for r in requests]) for n in ("photo", "developed"))
    maps = torch.from_numpy(np.stack([r.maps for r in requests]))
    photo, developed, maps = (x.repeat_interleave(looks, 0) for x in (photo, developed, maps))
    sure = float(policy.config.confidence)
    out = policy(
        photo, developed, maps, num_inference_steps=steps, generator=torch.Generator().manual_seed(seed)
    )  # fmt: skip
    # The pipeline's answer is held back; the denoiser learns from what it drew itself.
    identity = identity_grid(1, out.grids)
    drawn = identity + (out.grids - identity) / sure
    clean = 2 * slice_grid(drawn, developed).clamp(0, 1) - 1
    large = _batch([r.developed for r in requests]).repeat_interleave(looks, 0)
    shown = slice_grid(out.grids, large).clamp(0, 1).numpy().transpose(0, 2, 3, 1)
    return Looks(clean, np.ascontiguousarray(shown.reshape(len(requests), looks, *shown.shape[1:])))
