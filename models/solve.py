"""Bounded least squares for a handful of parameters whose effect is dear to evaluate: the secant method of the closed loop.

Gauss-Newton with a finite-difference Jacobian that Broyden's rank-one secant update (Broyden 1965) keeps current; each step
is a small bounded linear least-squares problem, so a parameter at its bound does not spoil the others, and is shortened until
it helps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def descend(
    error: Callable[[Vector], Vector],
    start: Vector,
    bound: Vector,
    tolerance: float = 0.004,
    rounds: int = 6,
    step: float = 0.03,
) -> Vector:
    """The parameters in [-bound, bound] near `start` that bring `error` (n parameters → n errors) nearest to zero.

    >>> descend(lambda p: np.array([p[0] ** 3 - 0.125, p[1] - 9]), np.array([0.3, 0.0]), np.array([1.0, 2.0])).round(2)
    array([0.5, 2. ])
    """
    from scipy.optimize import lsq_linear

    p = np.clip(start, -bound, bound)
    e = error(p)
    jacobian: Vector | None = None
    fresh = False
    for _ in range(rounds):
        if float(np.abs(e).max()) < tolerance:
            break
        if jacobian is None:
            # Step inwards at a bound, where an outward step would change nothing.
            steps = np.where(p > bound - step, -step, step)
            jacobian = np.stack([(error(p + d) - e) / s for d, s in zip(np.diag(steps), steps, strict=True)], axis=1)
            fresh = True
        room = np.maximum(bound - p, 1e-9), np.minimum(-bound - p, -1e-9)
        delta = lsq_linear(
            np.vstack([jacobian, 1e-2 * np.eye(p.size)]),
            np.concatenate([-e, np.zeros(p.size)]),
            bounds=(room[1], room[0]),
        ).x
        better = False
        for share in (1.0, 0.4, 0.1):
            trial = np.clip(p + share * delta, -bound, bound)
            moved = trial - p
            length = float(moved @ moved)
            if length < 1e-10:
                break
            new = error(trial)
            jacobian = jacobian + np.outer(new - e - jacobian @ moved, moved) / length
            better = float(new @ new) < float(e @ e)
            if better:
                p, e = trial, new
                break
        if not better and fresh:
            break  # not even along a slope just measured
        if not better:
            jacobian = None  # the secants have gone stale
        else:
            fresh = False
    return p
