"""Perception: regions, masks, tags, embedding, critique, on real photographs and on pictures of nothing."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data, transform

from models import mask, pinned, segmenter
from models.errors import WeightsError
from models.regions import colour_word
from models.vocabulary import REGIONS, SPATIAL_REGIONS, is_region
from tools import perceive as perception
from tools.nouns import MEANS, region_of
from tools.perceive import Scene, Seen, describe, look, overlay, perceive, region
from tools.photo import Photo

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def photo_of(pixels: NDArray[np.generic], **facts: str | float) -> Photo:
    digest = hashlib.sha256(pixels.tobytes() + str(pixels.shape).encode()).hexdigest()
    return Photo(
        pixels=np.ascontiguousarray(pixels), alpha=None, sha256=digest, name="x.png", format="PNG", exif=None,
        space="srgb", facts=facts,
    )  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    return {name: look(photo_of(getattr(data, name)())) for name in PHOTOS}


@pytest.mark.parametrize("name", PHOTOS)
def test_scene_is_complete_and_survives_json(seen: dict[str, Seen], name: str) -> None:
    scene = seen[name].scene
    assert Scene.model_validate_json(scene.model_dump_json()) == scene
    assert (scene.height, scene.width) == getattr(data, name)().shape[:2]
    assert 0 < len(scene.embedding) <= 256
    assert abs(np.linalg.norm(scene.embedding) - 1) < 1e-3
    names = [r.name for r in scene.regions]
    assert names[0] == "global"
    assert names == sorted(names, key=REGIONS.index)
    assert set(names) == set(seen[name].masks)
    assert set(SPATIAL_REGIONS) < set(names)
    assert all(0 <= r.area <= 1 and 0 <= r.confidence <= 1 for r in scene.regions)
    assert all(0 <= value <= 1 for value in scene.tags.values())
    assert scene.summary.count(". ") == 0
    assert scene.summary.endswith(".")
    assert "\n" not in scene.summary


def test_astronaut_has_a_face_and_is_the_subject(seen: dict[str, Seen]) -> None:
    view = seen["astronaut"]
    assert {"person", "skin", "face", "subject", "background"} <= set(view.masks)
    luma = mask.guide(data.astronaut())
    face = view.masks["face"].render(luma)
    assert face[90:150, 200:250].mean() > 0.7
    assert face[300:].max() == 0  # exactly nothing of her suit
    subject = view.masks["subject"].render(luma)
    assert subject[200:500, 150:300].mean() > 0.6
    background = view.masks["background"].render(luma)
    # What one takes the other leaves, up to the stretch of the borders.
    assert np.abs(subject + background - 1).max() < 0.15


def test_no_face_is_seen_in_a_cup_of_coffee_or_a_cat(seen: dict[str, Seen]) -> None:
    for name in ("coffee", "chelsea", "rocket"):
        assert not {"face", "eyes", "teeth"} & set(seen[name].masks), name


@pytest.mark.parametrize("name", PHOTOS)
def test_masks_evaluate_at_any_size_and_agree(seen: dict[str, Seen], name: str) -> None:
    pixels = getattr(data, name)()
    large = transform.resize(pixels, (pixels.shape[0] * 2, pixels.shape[1] * 2), order=1).astype(np.float32)
    for key, soft in seen[name].masks.items():
        one, two = soft.render(mask.guide(pixels)), soft.render(mask.guide(large))
        assert one.shape == pixels.shape[:2]
        assert two.shape == large.shape[:2]
        assert 0 <= one.min() <= one.max() <= 1
        assert abs(float(one.mean()) - float(two.mean())) < 0.02, key


def test_halves_and_centre_lie_where_their_names_say(seen: dict[str, Seen]) -> None:
    masks = seen["coffee"].masks
    luma = mask.guide(data.coffee())
    height, width = luma.shape
    left, top = masks["left"].render(luma), masks["top"].render(luma)
    assert left[:, : width // 4].min() == 1
    assert left[:, -width // 4 :].max() == 0
    assert top[: height // 4].min() == 1
    assert top[-height // 4 :].max() == 0
    center, edges = masks["center"].render(luma), masks["edges"].render(luma)
    assert center[height // 2, width // 2] == 1
    assert center[0, 0] == 0
    np.testing.assert_allclose(center + edges, 1, atol=0.07)


def test_shadows_are_dark_and_highlights_bright(seen: dict[str, Seen]) -> None:
    for name in PHOTOS:
        luma = mask.guide(getattr(data, name)())
        dark, bright = (seen[name].masks[key].render(luma) for key in ("shadows", "highlights"))
        means = [float((luma * w).sum() / w.sum()) for w in (dark, bright)]
        assert means[0] < luma.mean() < means[1], name
        assert float((dark * bright).mean()) < 0.01


NOTHING = {
    "wall": np.full((300, 400, 3), (180, 170, 150), np.uint8),
    "black": np.zeros((200, 300, 3), np.uint8),
    "white": np.full((200, 300, 3), 255, np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (256, 384, 3)).astype(np.uint8),
    "one pixel": np.full((1, 1, 3), 99, np.uint8),
    "a row": np.random.default_rng(2).integers(0, 256, (1, 20_000, 3)).astype(np.uint8),
    "a column": np.random.default_rng(3).integers(0, 256, (20_000, 1, 3)).astype(np.uint8),
    "16 bit dot": np.full((2, 3, 3), 40_000, np.uint16),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_picture_of_nothing_has_the_whole_and_places_and_no_error(name: str) -> None:
    view = look(photo_of(NOTHING[name]))
    assert {r.name for r in view.scene.regions} == {"global", *SPATIAL_REGIONS}
    luma = mask.guide(NOTHING[name])
    for soft in view.masks.values():
        assert soft.render(luma).shape == luma.shape
    assert view.masks["global"].render(luma).min() == 1
    assert np.isfinite(view.scene.embedding).all()
    assert describe(view)
    assert overlay(view, np.zeros((20, 30, 3), np.uint8)).shape == (20, 30, 3)
    assert region(view, "sky") is None
    assert region(view, "shadows") is not None


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_small_picture_can_be_seen(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, 3, 3))
    pixels = (transform.resize(coarse, (height, width, 3)) * 255).astype(np.uint8)
    view = look(photo_of(pixels))
    assert view.scene.regions[0].area == 1
    json.loads(view.scene.model_dump_json())


def test_sixteen_bits_are_seen_like_eight(seen: dict[str, Seen]) -> None:
    pixels = data.astronaut().astype(np.uint16) * 257
    view = look(photo_of(pixels))
    assert set(view.masks) == set(seen["astronaut"].masks)
    assert np.dot(view.scene.embedding, seen["astronaut"].scene.embedding) > 0.999


def test_the_same_photo_again_costs_nothing_and_gives_the_same() -> None:
    one, two = photo_of(data.coffee()), photo_of(data.coffee())
    assert perceive(one) is perceive(two)
    assert look(one).scene == perceive(two).scene
    assert perceive(photo_of(data.coffee()[:, ::-1])) is not perceive(one)


def test_the_embedding_ignores_exposure_and_cast(seen: dict[str, Seen]) -> None:
    known = np.array([seen[name].scene.embedding for name in PHOTOS])
    for i, name in enumerate(PHOTOS):
        pixels = getattr(data, name)().astype(np.float32)
        for gains in ((0.6, 0.6, 0.6), (1.25, 1.2, 1.0), (0.85, 0.95, 1.15)):
            bad = np.clip(pixels * np.array(gains), 0, 255).astype(np.uint8)
            embedding = np.array(look(photo_of(bad)).scene.embedding)
            assert int(np.argmax(known @ embedding)) == i, (name, gains)


def test_colours_are_regions() -> None:
    pixels = np.full((200, 300, 3), 128, np.uint8)
    pixels[50:150, 40:120] = (200, 30, 30)
    pixels[50:150, 180:260] = (30, 60, 200)
    view = look(photo_of(pixels))
    luma = mask.guide(pixels)
    for text in ("red areas", "reds", "the red square"):
        red = region(view, f"object:{text}")
        assert red is not None
        plane = red.render(luma)
        assert plane[60:140, 50:110].min() > 0.9
        assert plane[60:140, 190:250].max() == 0
        assert plane[:20].max() == 0
    assert region(view, "object:green parts") is None


def test_nouns_mean_regions_and_unknown_things_are_not_invented(seen: dict[str, Seen]) -> None:
    view = seen["astronaut"]
    assert region(view, "object:woman") is view.masks["person"]
    assert region(view, "object:moon") is None
    assert region(view, "object:elephant") is None
    assert region(view, "person") is view.masks["person"]
    assert region(view, "nonsense") is None
    orange = region(view, "object:orange suit")
    assert orange is not None
    assert orange.render(mask.guide(data.astronaut()))[280:340, 60:110].mean() > 0.7
    assert set(MEANS.values()) <= set(REGIONS)
    assert all(is_region(f"object:{noun}") for noun in MEANS)
    assert region_of("") is None
    assert colour_word("reddish hue") == "red"


def test_the_critic_names_what_was_done_to_a_photo() -> None:
    pixels = data.astronaut().astype(np.float32)
    cases = {
        "dark": (np.clip(pixels * 0.25, 0, 255), "brighten"),
        "flat": (pixels * 0.25 + 90, "contrast|haze"),
        "blue": (np.clip(pixels * (0.75, 0.95, 1.25), 0, 255), "warmer"),
        "noisy": (np.clip(pixels + np.random.default_rng(1).normal(0, 25, pixels.shape), 0, 255), "noise"),
        "pale": (pixels * 0.15 + pixels.mean(axis=2, keepdims=True) * 0.85, "vivid"),
    }
    for name, (bad, word) in cases.items():
        scene = look(photo_of(bad.astype(np.uint8))).scene
        assert any(re.search(word, text) for text in scene.suggestions), (name, scene.critique)
        assert all(re.search(r"\d", text) for text in scene.critique), "every remark states its measurement"
        assert all(len(text) < 60 for text in scene.suggestions)


def test_capture_facts_tell_the_time_of_day() -> None:
    view = look(photo_of(data.coffee(), datetime="2024-06-01T19:12:00", ISO=400))
    assert view.scene.facts["ISO"] == 400
    assert view.scene.facts["time of day"] == "evening"


def test_description_and_overlay_name_the_regions(seen: dict[str, Seen]) -> None:
    text = describe(seen["astronaut"])
    assert "person" in text
    assert "512 x 512" in text
    before = data.astronaut()
    picture = overlay(seen["astronaut"], before)
    assert picture.dtype == np.uint8
    assert picture.shape == before.shape
    assert np.abs(picture.astype(int) - before).mean() > 5
    assert (before == data.astronaut()).all()


def test_damaged_weights_are_said_and_missing_ones_fall_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned, "FOLDER", tmp_path)
    segmenter.load.cache_clear()
    try:
        view = look(photo_of(data.astronaut()))  # nothing installed: colour and place alone
        assert "global" in view.masks
        (tmp_path / "segmenter").mkdir()
        (tmp_path / "segmenter" / "model.safetensors").write_bytes(b"x")
        (tmp_path / "segmenter" / "pin.json").write_text(json.dumps({"sha256": "0" * 64}))
        with pytest.raises(WeightsError, match="reinstall"):
            look(photo_of(data.astronaut()))
    finally:
        segmenter.load.cache_clear()


def test_only_a_few_photos_are_kept_in_memory() -> None:
    for i in range(perception.REMEMBERED + 3):
        perceive(photo_of(np.full((8, 8, 3), i, np.uint8)))
    assert len(perception._remembered) <= perception.REMEMBERED
