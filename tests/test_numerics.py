"""Attributes, develop, bilateral grid, renderer: identities, monotonicity, and asked equals measured."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from models import attributes, develop, twin
from models.attributes import change, read, ruler
from models.develop import ToneZones, open_loop, region_ops, tone_zones
from models.finish import SPATIAL, Finish, finish
from models.mask import SoftMask, everything, fit, guide
from models.parameter_map import parameter_map
from models.render import Layer, render
from models.vocabulary import FINISH_ATTRIBUTES, MAP_ATTRIBUTES, MIXER_ATTRIBUTES

PHOTOS = {name: getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")}


def small(name: str, edge: int = 192) -> np.ndarray:
    photo = PHOTOS[name]
    return cv2.resize(photo, (edge, round(edge * photo.shape[0] / photo.shape[1])), interpolation=cv2.INTER_AREA)


def deep(photo: np.ndarray) -> np.ndarray:
    return photo.astype(np.uint16) * 257


def half_mask(photo: np.ndarray) -> SoftMask:
    coarse = np.zeros(photo.shape[:2], np.float32)
    coarse[:, : photo.shape[1] // 2] = 1
    return fit(guide(photo), coarse, 6)


def layer_of(photo: np.ndarray, values: dict[str, float], mask: SoftMask | None = None) -> Layer:
    x = photo.astype(np.float32) / np.iinfo(photo.dtype).max
    by = ruler(x, np.ones(x.shape[:2], np.float32) if mask is None else mask.render(guide(x)))
    zones = tone_zones(x, by)
    return Layer(region_ops(values, open_loop(values, zones), zones), mask)


def test_lab_matches_published_values() -> None:
    # sRGB primaries in CIELAB (D65), as tabulated by Lindbloom.
    for rgb, expected in {
        (1, 0, 0): (53.24, 80.09, 67.20),
        (0, 1, 0): (87.73, -86.18, 83.18),
        (0, 0, 1): (32.30, 79.19, -107.86),
    }.items():
        got = attributes.lab(np.array(rgb, np.float32).reshape(1, 1, 3))[0, 0]
        assert got == pytest.approx(expected, abs=0.35)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("bits", [8, 16])
def test_nothing_asked_is_bit_exact(name: str, bits: int) -> None:
    photo = PHOTOS[name] if bits == 8 else deep(PHOTOS[name])
    same = np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1) * np.ones((12, 8, 16, 16), np.float32)
    assert np.array_equal(render(photo), photo)
    assert np.array_equal(render(photo, grid=same, strength=0.0), photo)
    assert np.array_equal(render(photo, [layer_of(photo, {})]), photo)
    through = render(photo, grid=same).astype(np.int64)
    assert np.abs(through - photo.astype(np.int64)).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(MAP_ATTRIBUTES + FINISH_ATTRIBUTES[:11]), st.floats(-1, 1), max_size=6),
    name=st.sampled_from(sorted(PHOTOS)),
)
def test_any_values_give_a_rising_curve_and_valid_pixels(values: dict[str, float], name: str) -> None:
    photo = small(name, 96)
    layer = layer_of(photo, values)
    assert np.all(np.diff(layer.ops.curve) >= 0)
    assert 0 <= layer.ops.curve[0] <= layer.ops.curve[-1] <= 1
    assert np.isfinite(layer.ops.gains).all()
    assert render(photo, [layer]).shape == photo.shape


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("attribute", MAP_ATTRIBUTES)
def test_every_attribute_rises_with_its_value(name: str, attribute: str) -> None:
    photo = deep(small(name))
    x = photo.astype(np.float32) / 65535
    by = ruler(x, np.ones(x.shape[:2], np.float32))
    assert by is not None
    before = read(x, by)
    got = []
    for value in (-0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6):
        after = render(photo, [layer_of(photo, {attribute: value})]).astype(np.float32) / 65535
        got.append(change(before, read(after, by))[attribute])
    assert all(b > a for a, b in pairwise(got)), got
    assert got[3] == 0


def test_open_loop_brightness_and_contrast_come_out_as_asked() -> None:
    for attribute in ("brightness", "contrast"):
        shares = []
        for name in PHOTOS:
            photo = deep(small(name))
            x = photo.astype(np.float32) / 65535
            by = ruler(x, np.ones(x.shape[:2], np.float32))
            assert by is not None
            for value in (-0.4, 0.2, 0.5):
                after = render(photo, [layer_of(photo, {attribute: value})]).astype(np.float32) / 65535
                shares.append(change(read(x, by), read(after, by))[attribute] / value)
        assert np.median(shares) == pytest.approx(1, abs=0.15)
        assert 0.7 < min(shares) <= max(shares) < 1.6


def test_brightness_leaves_hue_alone() -> None:
    photo = deep(small("coffee"))
    before = attributes.lab(photo.astype(np.float32) / 65535)
    after = attributes.lab(render(photo, [layer_of(photo, {"brightness": 0.4})]).astype(np.float32) / 65535)
    coloured = np.hypot(before[..., 1], before[..., 2]) > 15
    hue = np.angle(np.exp(1j * (np.arctan2(after[..., 2], after[..., 1]) - np.arctan2(before[..., 2], before[..., 1]))))
    assert np.degrees(np.abs(np.median(hue[coloured]))) < 4


@pytest.mark.parametrize("bits", [8, 16])
def test_outside_a_region_and_inside_a_kept_one_nothing_changes(bits: int) -> None:
    photo = PHOTOS["astronaut"] if bits == 8 else deep(PHOTOS["astronaut"])
    mask = half_mask(photo)
    weight = mask.render(guide(photo))
    values = {"brightness": 0.5, "saturation": 0.4, "hue:blue": 0.3}
    out = render(photo, [layer_of(photo, values, mask)])
    assert (weight == 0).mean() > 0.3
    assert np.array_equal(out[weight == 0], photo[weight == 0])
    assert not np.array_equal(out, photo)
    held = render(photo, [layer_of(photo, values)], keep=[mask])
    assert np.array_equal(held[weight == 1], photo[weight == 1])
    assert not np.array_equal(held[weight == 0], photo[weight == 0])


def test_threads_and_bands_do_not_show() -> None:
    photo = cv2.resize(PHOTOS["coffee"], (700, 900), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    grid = np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1) + rng.normal(0, 0.05, (12, 8, 16, 16)).astype(np.float32)
    layers = [layer_of(photo, {"contrast": 0.3, "temperature": 0.2}, half_mask(photo))]
    first = render(photo, layers, grid)
    assert all(np.array_equal(render(photo, layers, grid), first) for _ in range(3))


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_compiled_and_torch_renderers_agree_within_one_code_value(name: str) -> None:
    photo = small(name, 160)
    rng = np.random.default_rng(1)
    grid = np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1) + rng.normal(0, 0.1, (12, 8, 16, 16)).astype(np.float32)
    mask = half_mask(photo)
    one = layer_of(photo, {"brightness": 0.3, "shadows": 0.3, "tint": -0.2, "hue:red": 0.5})
    two = layer_of(photo, {"saturation": -0.4, "contrast": 0.5, "hue:blue": -0.6}, mask)
    compiled = render(photo, [one, two], grid, strength=0.8)
    x = torch.from_numpy(photo.transpose(2, 0, 1).astype(np.float32) / 255)[None]
    weight = torch.from_numpy(mask.render(guide(photo)))
    with torch.no_grad():
        out = twin.render(x, [(one.ops, None), (two.ops, weight)], torch.from_numpy(grid)[None], strength=0.8)
    torch_pixels = (out[0].numpy().transpose(1, 2, 0) * 255 + 0.5).astype(np.int64)
    assert np.abs(torch_pixels - compiled.astype(np.int64)).max() <= 1


def test_sixteen_bit_ramps_stay_smooth() -> None:
    ramp = np.repeat(np.linspace(0, 65535, 8192).astype(np.uint16)[None, :, None], 3, axis=2).repeat(4, axis=0)
    out = render(ramp, [layer_of(ramp, {"brightness": 0.3, "contrast": 0.2})])
    assert len(np.unique(out[0, :, 0])) >= 4096
    assert np.all(np.diff(out[0, :, 0].astype(np.int64)) >= 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (17, 5)])
def test_odd_sizes_render(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    photo = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    grid = np.eye(3, 4, dtype=np.float32).reshape(12, 1, 1, 1) * np.full((12, 8, 16, 16), 0.5, np.float32)
    out = render(photo, [layer_of(photo, {"brightness": 0.2}, everything())], grid)
    assert out.shape == photo.shape


@pytest.mark.parametrize("name", SPATIAL)
def test_finishing_holds_outside_its_mask_and_in_kept_regions(name: str) -> None:
    photo = PHOTOS["astronaut"]
    mask = half_mask(photo)
    weight = mask.render(guide(photo))
    out = finish(photo, photo, [Finish({name: 0.6}, mask)])
    assert np.array_equal(out[weight == 0], photo[weight == 0])
    assert not np.array_equal(out, photo)
    kept = finish(photo, photo, [Finish({name: 0.6})], keep=[mask])
    assert np.array_equal(kept[weight == 1], photo[weight == 1])


def test_finishing_in_bands_equals_finishing_at_once() -> None:
    from models import finish as module

    photo = cv2.resize(PHOTOS["coffee"], (400, 700), interpolation=cv2.INTER_CUBIC)
    values = {
        "clarity": 0.5,
        "sharpness": 0.6,
        "blur": 0.3,
        "grain": 0.5,
        "vignette": 0.5,
    }
    band = module.BAND
    try:
        module.BAND = 10_000  # type: ignore[misc]
        whole = finish(photo, photo, [Finish(values)]).astype(np.int64)
        module.BAND = 190  # type: ignore[misc]
        banded = finish(photo, photo, [Finish(values)]).astype(np.int64)
    finally:
        module.BAND = band  # type: ignore[misc]
    assert np.abs(whole - banded).max() <= 1


def test_parameter_map_states() -> None:
    sky = np.zeros((32, 32), np.float32)
    sky[:16] = 1
    painted = parameter_map({"global": {"contrast": 0.2}, "sky": {"brightness": -0.5}}, {"sky": sky}, keep=1 - sky)
    count = len(MAP_ATTRIBUTES)
    assert painted[0, 10, 10] == pytest.approx(-0.5)
    assert painted[count, 10, 10] == 1
    assert painted[count, 50, 10] == 0
    assert painted[1, 10, 10] == pytest.approx(0.2)
    assert painted[-1, 50, 10] == 1
    assert painted[1, 50, 10] == 0  # kept: no target stands there
    assert not parameter_map({}, {}).any()


@pytest.mark.parametrize("colour", [name.removeprefix("hue:") for name in MIXER_ATTRIBUTES])
def test_a_mixer_colour_moves_grey_towards_itself(colour: str) -> None:
    from models.vocabulary import MIXER_HUES

    grey = np.full((32, 32, 3), 128, np.uint8)
    out = render(grey, [layer_of(grey, {f"hue:{colour}": 0.6})])
    _, a, b = attributes.lab(out.astype(np.float32) / 255)[0, 0]
    away = (np.degrees(np.arctan2(b, a)) - MIXER_HUES[colour] + 180) % 360 - 180
    assert np.hypot(a, b) > 3
    assert abs(away) < 20


def test_tone_zones_of_an_empty_region_are_harmless() -> None:
    assert tone_zones(np.zeros((4, 4, 3), np.float32), None) == ToneZones()
    assert ruler(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32)) is None
    assert develop.open_loop({}, ToneZones()) == {}
