"""Repairs: they mend what is broken, hold what is not theirs, and come before everything that is measured."""

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from agent.fixing import fix, wanted
from agent.plan import Plan
from models import pinned, repair, restorer
from models.errors import WeightsError
from models.mask import guide, smooth
from models.recipe import Recipe
from models.repair import FINE, TONE, Repair, limited
from models.training.faults import blurred, coded, darkened, fine_faults, hazed, motion, noisy, stepped, tone_faults
from tools.perceive import look
from tools.photo import Photo
from tools.restore import diagnose, mended
from tools.retouch import render_full, retouch, solve

Float = NDArray[np.float32]
PHOTOS = {
    "astronaut": data.astronaut()[:320, :416],
    "coffee": cv2.resize(data.coffee(), (420, 280), interpolation=cv2.INTER_AREA),
    "cat": cv2.resize(data.chelsea(), (400, 266), interpolation=cv2.INTER_AREA),
}


def unit(pixels: NDArray[np.generic]) -> Float:
    return np.asarray(pixels, np.float32) / np.float32(np.iinfo(pixels.dtype).max)  # type: ignore[type-var]


def eight(x: Float) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(x, 0, 1) * 255), np.uint8)


def psnr(a: Float, b: Float) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def photo_of(pixels: NDArray[np.uint8], name: str = "photo") -> Photo:
    import hashlib

    return Photo(pixels, None, hashlib.sha256(pixels.tobytes()).hexdigest(), name, "PNG", "srgb", None, {})


@pytest.mark.parametrize("name", sorted(PHOTOS))
@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"denoise": 1.0}, lambda x: stepped(noisy(x, 25 / 255, np.random.default_rng(1)))),
        ({"deblock": 1.0}, lambda x: coded(x, 15)),
        ({"deblur": 1.0}, lambda x: stepped(blurred(x, motion(7, 0.5)))),
        ({"dehaze": 1.0}, lambda x: stepped(hazed(x, 0.5, np.full(3, 0.9, np.float32)))),
        ({"low_light": 1.0}, lambda x: darkened(x, 2.5, 0.002, np.random.default_rng(1))),
    ],
    ids=["denoise", "deblock", "deblur", "dehaze", "low_light"],
)
def test_a_repair_brings_a_photo_nearer_to_what_it_was(name: str, values: dict[str, float], fault) -> None:  # type: ignore[no-untyped-def]
    clean = unit(PHOTOS[name])
    bad = fault(clean)
    out = unit(repair.repair(eight(bad), [Repair(values)]))
    assert psnr(out, clean) > psnr(bad, clean)


def test_nothing_to_mend_is_the_photo_itself() -> None:
    pixels = PHOTOS["coffee"]
    assert repair.repair(pixels, [Repair({"contrast": 0.5})]) is pixels
    assert render_full(photo_of(pixels), look(photo_of(pixels)), Recipe()) is not None
    assert np.array_equal(render_full(photo_of(pixels), look(photo_of(pixels)), Recipe()), pixels)


@pytest.mark.parametrize("name", [*FINE, *TONE])
@pytest.mark.parametrize("deep", [False, True], ids=["8 bit", "16 bit"])
def test_repairs_hold_outside_their_region_and_in_kept_ones(name: str, deep: bool) -> None:
    bad = stepped(
        noisy(hazed(unit(PHOTOS["coffee"]), 0.6, np.full(3, 0.9, np.float32)), 0.06, np.random.default_rng(3))
    )
    if name == "low_light":
        bad = darkened(bad, 2, 0.01, np.random.default_rng(2))
    pixels = np.asarray(eight(bad).astype(np.uint16) * 257, np.uint16) if deep else eight(bad)
    top = np.asarray(pixels, np.uint16) * (1 if deep else 257)
    half = np.zeros((64, 96), np.float32)
    half[:, :48] = 1
    mask = smooth(half)
    inside = mask.render(guide(pixels))
    out = repair.repair(pixels, [Repair({name: 0.8}, mask)])
    assert out.dtype == np.uint16
    assert np.array_equal(out[inside == 0], top[inside == 0])
    assert not np.array_equal(out[inside == 1], top[inside == 1])
    kept = repair.repair(pixels, [Repair({name: 0.8})], keep=[mask])
    assert np.array_equal(kept[inside == 1], top[inside == 1])
    assert not np.array_equal(kept[inside == 0], top[inside == 0])


def test_tiles_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = cv2.resize(eight(noisy(unit(PHOTOS["cat"]), 0.08, np.random.default_rng(5))), (640, 424))
    asked = [Repair(dict.fromkeys(FINE, 1.0))]
    whole = repair.repair(photo, asked).astype(np.int64)
    monkeypatch.setattr(repair, "BAND", 160)
    monkeypatch.setattr(restorer, "TILE", 208)
    tiled = repair.repair(photo, asked).astype(np.int64)
    assert np.abs(whole - tiled).max() <= 257  # one step of eight bits


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (7, 13), (33, 250)])
def test_any_size_can_be_mended(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    out = repair.repair(pixels, [Repair(dict.fromkeys((*FINE, *TONE), 1.0))])
    assert out.shape == pixels.shape
    assert diagnose(photo_of(pixels), look(photo_of(pixels))) is not None


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), loud=st.floats(0.0, 2.0))
def test_no_structure_is_made_up(seed: int, loud: float) -> None:
    """Whatever a network asks for, fine structure is bounded by what the photo has around the place."""
    rng = np.random.default_rng(seed)
    x = np.asarray(cv2.GaussianBlur(rng.random((40, 50, 3)).astype(np.float32), (0, 0), 2.0), np.float32)
    change = np.asarray(loud * rng.normal(0, 1, x.shape), np.float32)
    held = limited(x, change)

    def coarse(y: Float) -> Float:
        return np.asarray(cv2.GaussianBlur(y, (0, 0), repair.FINEST), np.float32)

    there = np.sqrt(cv2.blur(((x - coarse(x)) ** 2).mean(axis=2), (9, 9)))[..., None]
    fine = x + held - coarse(x) - coarse(change)
    assert np.all(np.abs(fine) <= np.maximum(repair.GAIN * there + repair.FLOOR, np.abs(x - coarse(x))) + 1e-5)
    assert np.abs(limited(x, np.zeros_like(x))).max() < 1e-6


def test_smoothing_is_never_bounded() -> None:
    x = noisy(np.full((60, 60, 3), 0.5, np.float32), 0.1, np.random.default_rng(2))
    change = np.float32(0.5) - x
    assert np.abs(limited(x, change) - change).max() < 1e-6


def test_only_what_is_broken_is_found() -> None:
    for pixels in PHOTOS.values():
        clean = photo_of(pixels)
        found = {f.attribute for f in diagnose(clean, look(clean))}
        assert "denoise" not in found
        noise = photo_of(eight(noisy(unit(pixels), 20 / 255, np.random.default_rng(4))))
        told = {f.attribute: f.sentence for f in diagnose(noise, look(noise))}
        assert "denoise" in told
        assert "steps" in told["denoise"]


def test_what_follows_is_solved_on_the_mended_photo() -> None:
    photo = photo_of(eight(hazed(unit(PHOTOS["astronaut"]), 0.5, np.full(3, 0.9, np.float32))))
    seen = look(photo)
    hazy = Recipe().with_values("global", {"dehaze": 1.0})
    view = mended(seen, hazy)
    assert view is not seen
    assert mended(seen, Recipe().with_values("global", {"denoise": 1.0})) is seen
    assert guide(view.thumbnail).std() > guide(seen.thumbnail).std()
    asked = Recipe().with_values("global", {"dehaze": 1.0, "brightness": 0.2, "saturation": -0.3})
    made = retouch(photo, seen, solve(seen, asked), 512)
    assert made.achieved["global"]["brightness"] == pytest.approx(0.2, abs=0.02)
    assert made.achieved["global"]["saturation"] == pytest.approx(-0.3, abs=0.03)
    assert "person" not in seen.masks or seen.masks["person"].render(guide(seen.thumbnail)).mean() == pytest.approx(
        view.masks["person"].render(guide(view.thumbnail)).mean(), abs=0.03
    )


def test_the_same_recipe_gives_the_same_bytes_and_the_preview_tells() -> None:
    from skimage.color import deltaE_ciede2000

    from models.attributes import lab
    from tools.perceive import shrink

    photo = photo_of(cv2.resize(eight(hazed(unit(PHOTOS["astronaut"]), 0.6, np.full(3, 0.9, np.float32))), (1100, 846)))
    seen = look(photo)
    recipe = solve(seen, Recipe().with_values("global", {"denoise": 0.7, "dehaze": 0.8, "contrast": 0.1}))
    one, two = render_full(photo, seen, recipe), render_full(photo, seen, recipe)
    assert one.dtype == np.uint8
    assert np.array_equal(one, two)
    preview = retouch(photo, seen, recipe, 512).preview
    assert deltaE_ciede2000(lab(shrink(one, 512)), lab(unit(preview))).mean() <= 1


def test_progress_is_told_and_can_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "BAND", 64)
    heard: list[float] = []
    repair.repair(PHOTOS["cat"], [Repair({"denoise": 1.0})], told=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1
    assert len(heard) > 2

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        repair.repair(PHOTOS["cat"], [Repair({"denoise": 1.0})], told=stop)


async def test_an_export_that_nobody_waits_for_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.darkroom import Darkroom
    from agent.settings import Settings
    from agent.store import Store

    monkeypatch.setattr(repair, "BAND", 32)
    source = tmp_path / "cat.png"
    cv2.imwrite(str(source), PHOTOS["cat"][..., ::-1])
    room = Darkroom(Settings(home=tmp_path / "home"), Store(tmp_path / "store"))
    here = await room.take_in(source)
    out, heard = tmp_path / "out.png", []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(step: str, share: float) -> None:
        heard.append((step, share))
        loop.call_soon_threadsafe(begun.set)

    task = asyncio.create_task(room.export(here, Recipe().with_values("global", {"denoise": 1.0}), out, told))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(1)
    assert not out.exists()
    assert ("write", 0.0) not in heard


def test_fix_it_mends_what_is_broken_and_leaves_what_is_not(tmp_path: Path) -> None:
    from agent.darkroom import Darkroom
    from agent.settings import Settings
    from agent.store import Store

    bad = darkened(
        noisy(unit(PHOTOS["astronaut"]), 18 / 255, np.random.default_rng(6)), 1.5, 0.01, np.random.default_rng(7)
    )
    source = tmp_path / "bad.png"
    cv2.imwrite(str(source), eight(bad)[..., ::-1])
    room = Darkroom(Settings(home=tmp_path / "home"), Store(tmp_path / "store"))
    here = asyncio.run(room.take_in(source))
    made = fix(here, Recipe())
    assert made.changed
    assert made.scores["after"]["overall"] > made.scores["before"]["overall"]
    assert "score" in made.text
    assert made.decision.recipe.values("global").get("denoise", 0) > 0
    again = fix(here, made.decision.recipe)
    assert again.scores["after"]["overall"] >= again.scores["before"]["overall"]


def test_the_order_of_edits_is_canonical() -> None:
    names = [e.attribute for e in wanted((), ("add some contrast", "remove the haze", "reduce the noise"))]
    assert names == ["denoise", "dehaze", "contrast"]
    assert Plan(kind="weak", fix=True).label() == Plan(kind="weak").label()


def test_weights_of_another_network_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file, save_file

    place = tmp_path / "restorer"
    place.mkdir()
    tensors = load_file(pinned.FOLDER / "restorer" / "model.safetensors")
    tensors.popitem()
    save_file(tensors, place / "model.safetensors")
    monkeypatch.setattr(pinned, "FOLDER", tmp_path)
    pinned.pin("restorer")
    restorer._load.cache_clear()
    with pytest.raises(WeightsError, match="another network"):
        restorer.network()
    restorer._load.cache_clear()


def test_faults_are_what_their_names_say() -> None:
    clean = unit(PHOTOS["cat"])
    from models.training.faults import FaultOptions

    certain = FaultOptions(blur=1, noise=1, codec=1, alone=0, haze=1, dark=0)
    original, soft, grainy, seen = fine_faults(clean, certain, np.random.default_rng(3))
    assert np.array_equal(original, clean)
    assert guide(soft).std() < guide(clean).std()
    assert psnr(grainy, clean) < psnr(soft, clean)
    assert not np.array_equal(seen, grainy)
    none = FaultOptions(blur=0, noise=0, codec=0, haze=0, dark=0)
    assert np.abs(fine_faults(clean, none, np.random.default_rng(3))[3] - clean).max() <= 0.5 / 255 + 1e-6
    hazy, kind = tone_faults(clean, certain, np.random.default_rng(3))
    assert kind == "dehaze"
    assert hazy.min() > clean.min()


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from models.training.faults import FaultOptions
    from models.training.restorer import RestorerOptions, train

    photos = list(PHOTOS.values())
    short = RestorerOptions(steps=4, batch=2, side=48, warmup=2)
    for part in ("fine", "tone"):
        whole = load_file(train(part, photos, short, FaultOptions(), tmp_path / "whole"))
        train(part, photos, short, FaultOptions(), tmp_path / "halves", until=2)
        halves = load_file(train(part, photos, short, FaultOptions(), tmp_path / "halves"))
        assert whole.keys() == halves.keys()
        assert all(whole[k].equal(halves[k]) for k in whole)
        assert any(whole[k].abs().max() > 0 for k in whole if "last" in k)


@pytest.fixture
def swin(tmp_path: Path) -> Path:
    import torch
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

    torch.manual_seed(0)
    small = {
        "image_size": 16,
        "embed_dim": 12,
        "depths": [1, 1],
        "num_heads": [2, 2],
        "window_size": 4,
        "num_channels": 3,
    }
    for upscale, name in ((1, "same"), (2, "larger")):
        config = Swin2SRConfig(**small, upscale=upscale, upsampler="" if upscale == 1 else "pixelshuffledirect")
        Swin2SRForImageSuperResolution(config).save_pretrained(tmp_path / name)
    return tmp_path


def test_a_larger_restorer_is_loaded_and_held_to_the_same_rules(swin: Path) -> None:
    from tools import hub_restorer

    pixels = PHOTOS["coffee"]
    whole = hub_restorer.load(str(swin / "same"))
    assert whole(unit(pixels)).shape == pixels.shape
    half = np.zeros((64, 96), np.float32)
    half[:, :48] = 1
    mask = smooth(half)
    out = repair.repair(pixels, [Repair({"denoise": 1.0}, mask)], larger=whole)
    inside = mask.render(guide(pixels))
    assert np.array_equal(out[inside == 0], np.asarray(pixels, np.uint16)[inside == 0] * 257)
    assert not np.array_equal(out[inside == 1], np.asarray(pixels, np.uint16)[inside == 1] * 257)
    with pytest.raises(WeightsError, match="enlarges"):
        hub_restorer.load(str(swin / "larger"))
    with pytest.raises(WeightsError, match="BURNISH_RESTORER"):
        hub_restorer.load(str(swin / "nowhere"))
    (swin / "same" / "model.safetensors").rename(swin / "same" / "pytorch_model.bin")
    hub_restorer.load.cache_clear()
    with pytest.raises(WeightsError, match="BURNISH_RESTORER"):
        hub_restorer.load(str(swin / "same"))


def test_the_larger_restorer_is_a_setting(swin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.settings import Settings
    from tools import hub_restorer

    monkeypatch.setenv("BURNISH_RESTORER", str(swin / "same"))
    hub_restorer.choose(Settings().restorer)
    try:
        photo = photo_of(PHOTOS["coffee"])
        recipe = Recipe().with_values("global", {"denoise": 1.0})
        theirs = render_full(photo, look(photo), recipe)
        hub_restorer.choose(None)
        assert not np.array_equal(theirs, render_full(photo, look(photo), recipe))
    finally:
        hub_restorer.choose(None)
