"""Depth of field: what a lens does to lights, borders and sizes, and how it is asked for."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.plan import Amount
from agent.planner.embedded import plan_text
from models.finish import Finish, finish
from models.lens import disc, lens_blur
from models.mask import SoftMask, smooth

Float = NDArray[np.float32]


def scene(height: int, width: int) -> NDArray[np.uint8]:
    """A red subject in the middle, in front of green leaves with small lights."""
    rng = np.random.default_rng(3)
    leaves = cv2.resize(rng.uniform(0.1, 0.5, (height // 8, width // 8)).astype(np.float32), (width, height))
    out = np.stack([0.2 * leaves, leaves, 0.3 * leaves], axis=2)
    for y, x in ((0.15, 0.2), (0.2, 0.8), (0.8, 0.15)):
        cv2.circle(out, (round(x * width), round(y * height)), max(1, width // 150), (1, 1, 0.9), -1)
    cv2.ellipse(out, (width // 2, height // 2), (width // 6, height // 4), 0, 0, 360, (0.8, 0.1, 0.1), -1)
    return np.asarray(out * 255 + 0.5, np.uint8)


def behind(height: int, width: int) -> SoftMask:
    inside = np.zeros((height, width), np.float32)
    cv2.ellipse(inside, (width // 2, height // 2), (width // 6, height // 4), 0, 0, 360, 1, -1)
    return smooth(np.asarray(1 - inside, np.float32))


def test_a_light_becomes_a_disc_of_even_brightness() -> None:
    dark = np.zeros((101, 101, 3), np.float32)
    dark[49:52, 49:52] = 1
    out = lens_blur(dark, 10)[..., 0]
    assert out[50, 50] == pytest.approx(out[50, 56], abs=0.02)
    assert out[50, 50] > 0.2
    assert out[50, 65] < 0.02
    soft = cv2.GaussianBlur(dark[..., 0], (0, 0), 5)
    assert out[50, 56] > 2 * soft[50, 56]


def test_nothing_happens_below_half_a_pixel_and_a_flat_wall_stays() -> None:
    wall = np.full((40, 60, 3), 0.4, np.float32)
    assert lens_blur(wall, 0.4) is wall
    assert np.abs(lens_blur(wall, 12) - wall).max() < 2e-3
    assert disc(7.3).sum() == pytest.approx(1, abs=1e-5)


def test_the_subject_stays_and_leaves_no_glow() -> None:
    pixels = scene(300, 400)
    out = np.asarray(finish(pixels, pixels, [Finish({"bokeh": 0.8}, behind(300, 400))]), np.float32)
    assert np.array_equal(out[130:170, 170:230], pixels[130:170, 170:230])
    ring = out[150, 400 // 2 + 400 // 6 + 3 : 400 // 2 + 400 // 6 + 8]
    assert (ring[:, 0] < 40).all(), "the subject's red must not reach into the leaves"
    detail = [np.abs(np.diff(x[60:240, :100, 1].astype(np.float32), axis=1)).mean() for x in (pixels, out)]
    assert detail[1] < 0.6 * detail[0]


@pytest.mark.parametrize("values", [{"bokeh": 0.7}, {"tilt_shift": 0.8}], ids=["bokeh", "tilt-shift"])
def test_bands_do_not_show_and_a_preview_is_the_small_export(
    values: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = scene(600, 840)
    whole = finish(pixels, pixels, [Finish(values)])
    assert np.array_equal(whole, finish(pixels, pixels, [Finish(values)]))
    monkeypatch.setattr("models.finish.BAND", 128)
    assert np.abs(finish(pixels, pixels, [Finish(values)]).astype(int) - whole.astype(int)).max() <= 1
    small = cv2.resize(pixels, (420, 300), interpolation=cv2.INTER_AREA)
    preview = finish(small, small, [Finish(values)])
    export = cv2.resize(np.asarray(whole, np.uint8), (420, 300), interpolation=cv2.INTER_AREA)
    assert np.abs(preview.astype(int) - export.astype(int)).mean() < 2


def test_a_tilted_lens_is_sharp_in_the_middle() -> None:
    pixels = scene(300, 400)
    out = finish(pixels, pixels, [Finish({"tilt_shift": 1.0})])
    assert np.array_equal(out[140:160], pixels[140:160])
    assert np.abs(out[:20].astype(int) - pixels[:20]).mean() > 4


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("add bokeh", [("background", "bokeh", 1, "strong")]),
        (
            "shallow depth of field, and warmer",
            [("background", "bokeh", 1, "strong"), ("global", "temperature", 1, "medium")],
        ),
        ("make it look like f/1.8", [("background", "bokeh", 1, 62.0)]),
        ("less bokeh", [("background", "bokeh", -1, "medium")]),
        ("tilt-shift effect please", [("global", "tilt_shift", 1, "strong")]),
        ("make it look like a miniature", [("global", "tilt_shift", 1, "strong")]),
        ("a subtle bokeh in the background", [("background", "bokeh", 1, "slight")]),
        ("blur the background", [("background", "blur", 1, "medium")]),
        ("sharpen only her eyes", [("eyes", "sharpness", 1, "medium")]),
    ],
)
def test_how_it_is_asked_for(text: str, edits: list[tuple[str, str, int, str | float]]) -> None:
    plan = plan_text(text)
    heard = [
        (e.region, e.attribute, e.direction, e.amount.value if isinstance(e.amount, Amount) else e.amount)
        for e in plan.edits
    ]
    assert heard == edits
    assert plan.kind == "strong"
    assert not plan.out_of_scope
