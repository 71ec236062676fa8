"""The losses of the retouch model, each with a switch in `LossOptions`; `python -m tests.bench.ablation` weighs them.

* The image loss: error of the clean thumbnail through the grid, outside kept regions (x̂0, not noise).
* The contrastive loss: DiffRetouch's on attribute scores (Duan et al., AAAI 2025): the same condition under other
  noise must look alike, the opposite condition under the same noise must not.
* `triplet`: two photos in one style lie nearer than one photo in two (FaceNet's triplet loss, Schroff et al. 2015).
* `roughness`: the grid bends no more than it has to.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.denoiser import DenoiserOutput, GridDenoiser
from models.grid import LUMA, slice_grid
from models.parameter_map import CHANNELS
from models.pipeline import look_noise
from models.style import StyleEncoder
from models.vocabulary import MAP_ATTRIBUTES

#: How many rows of a batch take part in the contrastive loss: it costs two more passes for each.
CONTRASTED = 6


@dataclass(frozen=True)
class LossOptions:
    """Weights and switches; 0 or False turns a part off."""

    through_grid: bool = True  # error of the clean picture; off: weighted as an error of the noise
    absolute: float = 0.05  # weight of the absolute beside the squared error
    contrast: float = 0.02
    margin: float = 0.15  # of the contrastive loss, in scores
    style: float = 0.3  # weight of the triplet loss; 0: no style vector at all
    smooth: float = 2e-3  # weight of the grid's roughness
    style_dropout: float = 0.5  # share of samples with the null style; moods always have theirs


def scores(rgb: Tensor) -> Tensor:
    """Differentiable scores (B, 5) of pictures (B, 3, H, W): brightness, contrast, temperature, tint, saturation."""
    rgb = rgb.clamp(0, 1)
    luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor(LUMA))
    level = luma.mean((1, 2)).clamp(0.02, 0.98)
    r, g, b = rgb.unbind(1)
    chroma = ((r - b).square() + 0.75 * (r + b - 2 * g).square() + 1e-6).sqrt()
    return torch.stack(
        [
            torch.logit(level) / 1.5,
            (luma.flatten(1).std(1) + 1e-3).log2(),
            (r - b).mean((1, 2)) / level,
            (r + b - 2 * g).mean((1, 2)) / (2 * level),
            (chroma.mean((1, 2)) / level + 1e-3).log2(),
        ],
        1,
    )


def opposite(maps: Tensor) -> Tensor:
    """Parameter maps (B, 15, 64, 64) with every target value reversed; flags stay."""
    count = len(MAP_ATTRIBUTES)
    return torch.cat([-maps[:, :count], maps[:, count:]], 1)


def roughness(grid: Tensor) -> Tensor:
    """Mean squared difference of neighbouring cells and levels of (B, 12, 8, 16, 16)."""
    return sum((grid.diff(dim=d).square().mean() for d in (2, 3, 4)), torch.zeros((), device=grid.device))


def triplet(anchor: Tensor, alike: Tensor, stranger: Tensor, margin: float = 0.3) -> Tensor:
    """Triplet loss on unit vectors (B, d), with squared distances.

    >>> a, b = torch.eye(2)[:1], torch.eye(2)[1:]
    >>> float(triplet(a, a, b)), round(float(triplet(a, b, a)), 2)
    (0.0, 2.3)
    """
    return functional.relu((anchor - alike).square().sum(1) - (anchor - stranger).square().sum(1) + margin).mean()


def _small(x: Tensor) -> Tensor:
    """To the network's 64 pixels."""
    return x if x.shape[-1] == 64 else functional.interpolate(x, size=(64, 64), mode="area")


def loss_of(
    model: GridDenoiser,
    encoder: StyleEncoder | None,
    batch: dict[str, Tensor],
    alphas: Tensor,
    options: LossOptions,
    g: torch.Generator,
) -> Tensor:
    """The whole loss of a batch. `alphas`: the scheduler's cumulative products, on the CPU."""
    target, maps = batch["target"], batch["maps"]
    count, device = target.shape[0], target.device
    photo, developed = _small(batch["photo"]), _small(batch["developed"])
    clean = 2 * _small(target) - 1
    t = torch.randint(0, len(alphas), (count,), generator=g)
    # One step from pure noise is how it is used most: four tenths of the samples learn that.
    t = torch.where(torch.rand(count, generator=g) < 0.4, torch.full_like(t, len(alphas) - 1), t)
    level = alphas[t].to(device).view(-1, 1, 1, 1)
    t = t.to(device)
    noise = look_noise(clean.shape, g).to(device)
    noisy = level.sqrt() * clean + (1 - level).sqrt() * noise
    total = torch.zeros((), device=device)
    style = None
    if encoder is not None:
        near = encoder(batch["alike"])
        total = total + options.style * triplet(encoder(_small(target)), near, encoder(batch["stranger"]))
        given = (torch.rand(count, 1, generator=g) >= options.style_dropout).to(device) | batch["mood"][:, None]
        style = near * given
    out = model(noisy, t, photo, developed, maps, style)
    total = total + _image_loss(out, batch, level, options) + options.smooth * roughness(out.grid.float())
    if options.contrast:
        told = torch.nonzero(maps[:, len(MAP_ATTRIBUTES) : CHANNELS - 1].flatten(1).any(1))[:CONTRASTED, 0]
        if len(told):
            total = total + options.contrast * _contrast_loss(
                model, out.sample[told], clean[told], level[told], noise[told], t[told], photo[told], developed[told],
                _small(batch["opposed"])[told], maps[told], None if style is None else style[told], options.margin, g,
            )  # fmt: skip
    return total


def _image_loss(out: DenoiserOutput, batch: dict[str, Tensor], level: Tensor, options: LossOptions) -> Tensor:
    kept = 1 - batch["maps"][:, -1:]
    made, target = (out.sample.float() + 1) / 2, batch["target"]
    if target.shape[-1] != made.shape[-1]:  # the same grid, seen closer
        made = slice_grid(out.grid.float(), batch["developed"].float())
        kept = functional.interpolate(kept, size=target.shape[-2:], mode="area")
    error = 2 * (made - target) * kept
    # Squared error is what PSNR rewards; the absolute part keeps small errors worth mending.
    per = error.square().mean((1, 2, 3)) + options.absolute * error.abs().mean((1, 2, 3))
    if not options.through_grid:
        weight = (level / (1 - level + 1e-3)).flatten().clamp(1e-3, 5)
        per = per * weight
    return per.mean()


def _contrast_loss(
    model: GridDenoiser, sample: Tensor, clean: Tensor, level: Tensor, noise: Tensor, t: Tensor, photo: Tensor,
    developed: Tensor, opposed: Tensor, maps: Tensor, style: Tensor | None, margin: float, g: torch.Generator,
) -> Tensor:  # fmt: skip
    other = look_noise(clean.shape, g).to(clean.device)
    two = torch.cat([level.sqrt() * clean + (1 - level).sqrt() * n for n in (other, noise)])
    out = model(
        two, torch.cat([t, t]), torch.cat([photo, photo]), torch.cat([developed, opposed]),
        torch.cat([maps, opposite(maps)]), None if style is None else torch.cat([style, style]),
    )  # fmt: skip
    anchor, alike, against = (scores((x.float() + 1) / 2) for x in (sample, *out.sample.chunk(2)))
    return functional.relu((anchor - alike).abs().sum(1) - (anchor - against).abs().sum(1) + margin).mean()
