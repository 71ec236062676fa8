"""The retouch pipeline: thumbnail, developed thumbnail and parameter map in, bilateral grid out.

A diffusers `DiffusionPipeline` with a stock DDIM scheduler (Song et al. 2021) that predicts the clean sample, with trailing
steps and zero terminal signal (Lin et al. 2024), so that one step already gives the expected look and more steps settle on
one look among many, chosen by the seed.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from diffusers.utils import BaseOutput
from torch import Tensor

from models.denoiser import GridDenoiser
from models.errors import WeightsError
from models.grid import identity_grid
from models.parameter_map import CHANNELS, SIZE
from models.pinned import FOLDER, sha256
from models.style import StyleEncoder

#: Shares of variance of the noise at 64, 8, 2 and 1 px. A look is a low-frequency thing: under white noise alone a 64×64
#: thumbnail still shows it at nearly every level, and all samples would be one.
NOISE_MIX = {64: 0.4, 8: 0.2, 2: 0.2, 1: 0.2}


def look_noise(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Noise (B, 3, 64, 64) of unit variance with NOISE_MIX's spectrum.

    >>> tuple(look_noise((2, 3, 64, 64), torch.Generator().manual_seed(0)).shape)
    (2, 3, 64, 64)
    """
    batch, channels, height, width = shape
    out = torch.zeros(batch, channels, height, width)
    for size, share in NOISE_MIX.items():
        coarse = torch.randn(batch, channels, size, size, generator=generator)
        out += share**0.5 * coarse.repeat_interleave(height // size, 2).repeat_interleave(width // size, 3)
    return out


def make_scheduler() -> DDIMScheduler:
    """The scheduler the denoiser is trained with."""
    return DDIMScheduler(
        num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
        prediction_type="sample", timestep_spacing="trailing", rescale_betas_zero_snr=True, clip_sample=False,
        set_alpha_to_one=True,
    )  # fmt: skip


@dataclass
class RetouchOutput(BaseOutput):
    """`grids`: (B, 12, 8, 16, 16) float32 on the CPU; `samples`: the last clean thumbnails (B, 3, 64, 64) in [0, 1]."""

    grids: Tensor
    samples: Tensor


class RetouchPipeline(DiffusionPipeline):
    """`pipeline(photo, developed, maps, style)` runs 1-8 denoising steps and returns the last grid.

    `confidence` (0..1): how far the grid goes from the identity towards what the denoiser says. It has learned on photos that
    are worse than those people bring, so it overstates what it sees.
    """

    def __init__(
        self, denoiser: GridDenoiser, style_encoder: StyleEncoder, scheduler: DDIMScheduler, confidence: float = 1.0
    ) -> None:
        super().__init__()
        self.register_to_config(confidence=confidence)
        self.register_modules(denoiser=denoiser, style_encoder=style_encoder, scheduler=scheduler)

    @torch.no_grad()
    def style_of(self, finished: Tensor) -> Tensor:
        """The style (B, 16) of finished thumbnails (B, 3, 64, 64) in [0, 1]."""
        return torch.as_tensor(self.style_encoder(finished.to(self.style_encoder.device)).cpu())

    @torch.no_grad()
    def __call__(
        self,
        photo: Tensor,
        developed: Tensor | None = None,
        maps: Tensor | None = None,
        style: Tensor | None = None,
        num_inference_steps: int = 4,
        generator: torch.Generator | None = None,
    ) -> RetouchOutput:
        """`photo`, `developed`: (B, 3, 64, 64) in [0, 1]; `maps`: (B, 15, 64, 64) and `style`: (B, 16), zeros if not given.

        Zeros are the automatic look; a style may be scaled by its strength.
        """
        if photo.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"expected thumbnails of shape (B, 3, {SIZE}, {SIZE}), not {tuple(photo.shape)}")
        device = self.denoiser.device
        photo = photo.to(device)
        developed = photo if developed is None else developed.to(device)
        maps = torch.zeros(photo.shape[0], CHANNELS, SIZE, SIZE, device=device) if maps is None else maps.to(device)
        sample = look_noise(photo.shape, generator or torch.Generator().manual_seed(0)).to(device)
        style = None if style is None else style.to(device)
        # A scheduler remembers where it is: each run has its own, so that runs may overlap.
        scheduler = copy.copy(self.scheduler)
        scheduler.set_timesteps(num_inference_steps, device=device)
        out = None
        for t in scheduler.timesteps:
            out = self.denoiser(sample, t.expand(photo.shape[0]), photo, developed, maps, style)
            sample = scheduler.step(out.sample, t, sample).prev_sample
        assert out is not None  # at least one step
        identity, sure = identity_grid(1, out.grid.float()), float(self.config.confidence)
        grids = identity + sure * (out.grid.float() - identity)
        samples = developed + sure * ((out.sample.float() + 1) / 2 - developed)
        return RetouchOutput(grids=grids.cpu(), samples=samples.clamp(0, 1).cpu())


def thumbnail_tensor(rgb: np.ndarray) -> Tensor:
    """(h, w, 3) float in [0, 1] of any size → (1, 3, 64, 64)."""
    import cv2

    small = cv2.resize(np.ascontiguousarray(rgb, np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))[None]


def save_pipeline(pipeline: RetouchPipeline, folder: Path) -> None:
    """Save a pipeline and pin every weight file of it by sha256 in `pin.json`."""
    pipeline.save_pretrained(folder, safe_serialization=True)
    files = {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*.safetensors"))}
    (folder / "pin.json").write_text(json.dumps({"files": files}, indent=1) + "\n")


def load_pipeline(folder: Path = FOLDER / "retouch") -> RetouchPipeline:
    """Load a pipeline from a local folder whose weight files are the pinned ones; nothing is fetched.

    Raises `WeightsError` if a file is missing or is another than the pinned one.
    """
    try:
        files = dict(json.loads((folder / "pin.json").read_text("utf-8"))["files"])
        confidence = float(json.loads((folder / "model_index.json").read_text("utf-8")).get("confidence", 1.0))
        changed = [name for name, digest in files.items() if sha256(folder / name) != digest]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"The retouch weights in {folder} are missing or damaged; reinstall Burnish.") from error
    if changed or not files:
        raise WeightsError(f"{folder} does not hold the weights that were pinned; reinstall Burnish.")
    return RetouchPipeline(
        GridDenoiser.from_pretrained(folder / "denoiser", local_files_only=True, low_cpu_mem_usage=False).eval(),
        StyleEncoder.from_pretrained(folder / "style_encoder", local_files_only=True, low_cpu_mem_usage=False).eval(),
        DDIMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
        confidence,
    )
