"""The fit of an artist's small picture by a grid that a recipe can carry."""

import cv2
import numpy as np
import pytest
from skimage import data

from models.errors import RecipeError
from models.fit_grid import fit, pack, unpack
from models.mask import smooth
from models.render import render


def test_a_drawn_colour_change_is_rendered_at_full_size_and_a_held_half_stays() -> None:
    photo = np.asarray(cv2.resize(data.astronaut(), (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
    small = np.asarray(cv2.resize(photo, (96, 96), interpolation=cv2.INTER_AREA), np.float32) / 255
    share = np.linspace(1, 0, 96, dtype=np.float32)[:, None, None]
    drawn = np.clip(small * (1 + share * np.array([0.2, 0, -0.3], np.float32)), 0, 1)
    text = pack(fit(small, drawn))
    assert len(text) < 12_000
    out = cv2.resize(render(photo, grid=unpack(text)), (96, 96), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    assert -10 * np.log10(np.mean((out - drawn) ** 2)) > 36
    keep = np.zeros((96, 96), np.float32)
    keep[:, :48] = 1
    held = render(photo, grid=unpack(pack(fit(small, drawn, keep))), keep=[smooth(keep)])
    assert np.array_equal(held[:, :120], photo[:, :120])
    assert not np.array_equal(held[:, 140:], photo[:, 140:])


def test_a_damaged_grid_is_refused_in_a_sentence() -> None:
    for text in ("", "!!", "eJwDAAAAAAE=", "A" * 400):
        with pytest.raises(RecipeError, match="damaged"):
            unpack(text)
