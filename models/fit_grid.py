"""An affine bilateral grid fitted to a picture that somebody else has drawn of a photo, and kept in a few kilobytes.

The artist's picture is small, may have lost texture and may have moved a line; what is wanted of it is its colour. So the grid
(Chen, Adams, Wadhwa and Hasinoff, "Bilateral Guided Upsampling", 2016) is the least-squares fit of the change, smooth between
neighbouring cells and near the identity where nothing is known, with places that no colour transform explains given less and
less weight (iteratively reweighted, Geman and McClure).
"""

import base64
import zlib
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from models.errors import RecipeError
from models.mask import guide

Float = NDArray[np.float32]

#: Levels of luma and places each way of the grid that is fitted and kept; the renderer's has 16 places.
LEVELS: Final = 8
PLACES: Final = 6
CELLS: Final = 16
#: Long edge on which it is fitted.
FIT_AT: Final = 160
#: Weights of smoothness between places, between levels, and of nearness to the identity, a share of a pixel's each.
SMOOTH: Final = (0.4, 0.15, 0.01)
#: Residual from which a place counts less, and how often the weights are made anew.
ODD: Final = 0.08
ROUNDS: Final = 2
#: Steps of a kept coefficient.
STEP: Final = 1 / 4096


def _axis(place: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    left = np.clip(np.floor(place), 0, count - 2).astype(np.int64)
    return left, np.clip(place - left, 0, 1)


def _slices(source: Float) -> sparse.csr_matrix:
    """Interpolation weights (pixels, cells): which cells a pixel is sliced from."""
    height, width = source.shape[:2]
    luma = np.clip(guide(source).astype(np.float64), 0, 1)
    ys = np.repeat(np.clip((np.arange(height) + 0.5) / height * PLACES - 0.5, 0, PLACES - 1)[:, None], width, 1)
    xs = np.repeat(np.clip((np.arange(width) + 0.5) / width * PLACES - 0.5, 0, PLACES - 1)[None], height, 0)
    axes = [_axis(v.ravel(), n) for v, n in ((luma * (LEVELS - 1), LEVELS), (ys, PLACES), (xs, PLACES))]
    rows, columns, values = [], [], []
    for corner in np.ndindex(2, 2, 2):
        at = [left + c for (left, _), c in zip(axes, corner, strict=True)]
        share = np.prod([t if c else 1 - t for (_, t), c in zip(axes, corner, strict=True)], axis=0)
        rows.append(np.arange(luma.size))
        columns.append((at[0] * PLACES + at[1]) * PLACES + at[2])
        values.append(share)
    shape = (luma.size, LEVELS * PLACES * PLACES)
    return sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape)


def _roughness() -> sparse.csr_matrix:
    """Squared differences of neighbouring cells, weighted; (cells, cells)."""

    def differences(n: int) -> sparse.csr_matrix:
        return sparse.diags([-np.ones(n - 1), np.ones(n - 1)], [0, 1], shape=(n - 1, n)).tocsr()

    eyes = [sparse.identity(n) for n in (LEVELS, PLACES, PLACES)]
    out = SMOOTH[2] * sparse.identity(LEVELS * PLACES * PLACES)
    for axis, weight in enumerate((SMOOTH[1], SMOOTH[0], SMOOTH[0])):
        parts = [*eyes]
        parts[axis] = differences((LEVELS, PLACES, PLACES)[axis])
        d = sparse.kron(sparse.kron(parts[0], parts[1]), parts[2])
        out = out + weight * (d.T @ d)
    return out.tocsr()


def fit(source: Float, drawn: Float, keep: Float | None = None) -> Float:
    """The grid (12, LEVELS, PLACES, PLACES) that turns `source` into `drawn` as nearly as a smooth one can.

    Both (h, w, 3) in [0, 1], of any size, showing the same view. `keep` (h, w) in [0, 1], like `source`: where it is 1 the
    photo is held as it is.
    """
    scale = min(1.0, FIT_AT / max(source.shape[:2]))
    size = (max(8, round(source.shape[1] * scale)), max(8, round(source.shape[0] * scale)))
    x, y = (np.asarray(cv2.resize(i, size, interpolation=cv2.INTER_AREA), np.float32) for i in (source, drawn))
    if keep is not None:
        held = cv2.resize(keep, size, interpolation=cv2.INTER_AREA)[..., None]
        y = y + held * (x - y)
    flat = np.column_stack([x.reshape(-1, 3), np.ones(x.shape[0] * x.shape[1])]).astype(np.float64)
    change = (y - x).reshape(-1, 3).astype(np.float64)
    slices = _slices(x)
    design = sparse.hstack([slices.multiply(flat[:, [k]]) for k in range(4)]).tocsr()
    # As many pixels as fall on a cell on average count as much as a difference of one.
    rough = sparse.block_diag([_roughness()] * 4) * (len(flat) / slices.shape[1] * 0.05)
    weight, found = np.ones(len(flat)), np.zeros((design.shape[1], 3))
    for _ in range(ROUNDS):
        normal = (design.T @ design.multiply(weight[:, None]) + rough).tocsr()
        inverse = sparse.diags(1 / normal.diagonal())
        for channel in range(3):
            right = design.T @ (weight * change[:, channel])
            found[:, channel] = cg(normal, right, found[:, channel], rtol=1e-5, maxiter=400, M=inverse)[0]
        off = np.abs(design @ found - change).max(axis=1)
        weight = (1 / (1 + (off / ODD) ** 2)) ** 2
    grid = found.reshape(4, LEVELS, PLACES, PLACES, 3).transpose(4, 0, 1, 2, 3).reshape(12, LEVELS, PLACES, PLACES)
    return np.asarray(grid, np.float32) + _identity()


def _identity() -> Float:
    return np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1)


def pack(grid: Float) -> str:
    """A fitted grid as text for a recipe.

    >>> text = pack(np.broadcast_to(_identity(), (12, LEVELS, PLACES, PLACES)))
    >>> len(text) < 100, bool(np.abs(unpack(text) - _identity()).max() < 1e-6)
    (True, True)
    """
    steps = np.clip(np.rint((np.asarray(grid) - _identity()) / STEP), -32768, 32767).astype("<i2")
    return base64.b64encode(zlib.compress(steps.tobytes(), 9)).decode()


def unpack(text: str) -> Float:
    """A grid (12, 8, 16, 16) for the renderer of what `pack` wrote. Raises `RecipeError`."""
    size = 12 * LEVELS * PLACES * PLACES * 2
    try:
        loose = zlib.decompressobj()
        data = loose.decompress(base64.b64decode(text, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise RecipeError("The drawn look of this recipe is damaged; make it again.") from error
    if len(data) != size:
        raise RecipeError("The drawn look of this recipe is damaged; make it again.")
    steps = np.frombuffer(data, "<i2").reshape(12, LEVELS, PLACES, PLACES).astype(np.float32)
    place = np.clip((np.arange(CELLS) + 0.5) / CELLS * PLACES - 0.5, 0, PLACES - 1)
    left, t = _axis(place, PLACES)
    taps = np.zeros((CELLS, PLACES), np.float32)
    taps[np.arange(CELLS), left] += 1 - t
    taps[np.arange(CELLS), left + 1] += t
    return np.asarray(np.einsum("clyx,Yy,Xx->clYX", steps * np.float32(STEP), taps, taps), np.float32) + _identity()
