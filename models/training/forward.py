"""Learning from rewards on the forward process, after DiffusionNFT (Zheng et al., "DiffusionNFT: Online Diffusion
Reinforcement with Forward Process", ICLR 2026, arXiv 2509.16117), written for a denoiser that predicts the clean picture.

Looks are sampled by the *sampling policy* with any solver and judged. Noised again at any level, a look is a training sample of
two implicit denoisers that mirror each other about the sampling policy's prediction x_old:

    positive  x⁺ = x_old + β (x_θ − x_old)        negative  x⁻ = x_old − β (x_θ − x_old)
    loss      r ‖x⁺ − x₀‖² + (1 − r) ‖x⁻ − x₀‖²

with the look x₀ and its worth r in 0..1. Its minimum over x_θ is x_old + E[(2r − 1)(x₀ − x_old)] / β: towards the looks that
are better than their siblings and away from the worse. There are no likelihoods and nothing goes back through the sampler.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


def worth(rewards: Tensor, reach: float = 2.0) -> Tensor:
    """Worth (P, K) in 0..1 of K looks of each of P requests: the reward above the mean of its siblings.

    In units of `reach` standard deviations of the whole batch, cut off there: requests whose looks are all alike say little.
    0.5 is a look as good as its siblings.

    >>> worth(torch.tensor([[0.2, 0.2], [0.9, 0.9]])).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    above = rewards - rewards.mean(1, keepdim=True)
    return 0.5 + 0.5 * (above / (reach * above.square().mean().sqrt() + 1e-6)).clamp(-1, 1)


def forward_loss(new: Tensor, old: Tensor, clean: Tensor, r: Tensor, beta: float) -> Tensor:
    """The loss (one number) of predictions `new` and `old` of looks `clean`, all (B, 3, H, W), of worth `r` (B,).

    Every term is divided by its own mean absolute error (held constant), as in the paper, so that all noise levels count.
    """
    step = beta * (new - old)
    total = torch.zeros((), device=new.device)
    for weight, implied in ((r, old + step), (1 - r, old - step)):
        error = implied - clean
        size = error.detach().abs().mean((1, 2, 3)).clamp_min(1e-3)
        total = total + (weight * error.square().mean((1, 2, 3)) / size).mean()
    return total


@torch.no_grad()
def follow(old: Iterable[Tensor], new: Iterable[Tensor], keep: float) -> None:
    """Move the sampling policy's weights towards the trained ones: `keep` of the old, the rest of the new."""
    for a, b in zip(old, new, strict=True):
        a.lerp_(b, 1 - keep)
