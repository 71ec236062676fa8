"""The retouch tool on real photographs: asked equals measured, exact regions, the same bytes, preview like export."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import deltaE_ciede2000
from skimage.transform import resize

from models.attributes import lab
from models.errors import RecipeError, WeightsError
from models.mask import guide
from models.pinned import FOLDER
from models.pipeline import RetouchPipeline, load_pipeline, look_noise, make_scheduler, save_pipeline
from models.recipe import Look, Recipe, Setting
from tools.perceive import Seen, perceive, shrink
from tools.photo import Photo
from tools.retouch import look_grid, render_full, retouch, solve


def photo_of(name: str) -> Photo:
    return Photo(pixels=np.asarray(getattr(data, name)()), alpha=None, sha256=f"test-{name}", name=name, format="PNG")


@pytest.fixture(scope="module")
def astronaut() -> tuple[Photo, Seen]:
    photo = photo_of("astronaut")
    return photo, perceive(photo)


@pytest.fixture(scope="module")
def coffee() -> tuple[Photo, Seen]:
    photo = photo_of("coffee")
    return photo, perceive(photo)


@pytest.mark.parametrize("attribute", ["brightness", "contrast", "temperature", "tint", "saturation"])
@pytest.mark.parametrize("value", [-0.3, 0.15])
def test_what_is_asked_is_what_is_measured(astronaut: tuple[Photo, Seen], attribute: str, value: float) -> None:
    photo, seen = astronaut
    recipe = solve(seen, Recipe(settings=(Setting(region="person", values={attribute: value}),)))
    rendition = retouch(photo, seen, recipe)
    assert rendition.achieved["person"][attribute] == pytest.approx(value, rel=0.05)


def test_several_regions_and_a_look_are_solved_together(astronaut: tuple[Photo, Seen]) -> None:
    photo, seen = astronaut
    settings = (
        Setting(region="global", values={"temperature": 0.1, "contrast": 0.15}),
        Setting(region="person", values={"brightness": 0.2}),
    )
    rendition = retouch(photo, seen, solve(seen, Recipe(settings=settings, look=Look(steps=2))))
    assert rendition.achieved["global"]["temperature"] == pytest.approx(0.1, rel=0.1)
    assert rendition.achieved["global"]["contrast"] == pytest.approx(0.15, rel=0.1)
    assert rendition.achieved["person"]["brightness"] == pytest.approx(0.2, rel=0.1)


def test_aims_are_met_instead_of_the_values_which_stay(astronaut: tuple[Photo, Seen]) -> None:
    photo, seen = astronaut
    values = {"contrast": 0.2, "temperature": 0.2}
    recipe = Recipe(settings=(Setting(values=values), Setting(region="person", values={"brightness": 0.1})))
    aimed = solve(seen, recipe, {"global": {"contrast": 0.3}})
    assert aimed.values("global") == values
    achieved = retouch(photo, seen, aimed).achieved
    assert achieved["global"]["contrast"] == pytest.approx(0.3, rel=0.05)
    assert achieved["global"]["temperature"] == pytest.approx(0.2, rel=0.05)
    assert achieved["person"]["brightness"] == pytest.approx(0.1, rel=0.1)
    assert solve(seen, recipe, {}) == solve(seen, recipe)


def test_a_strong_request_leaves_every_pixel_outside_exact(astronaut: tuple[Photo, Seen]) -> None:
    photo, seen = astronaut
    recipe = solve(seen, Recipe(settings=(Setting(region="clothing", values={"brightness": 0.4, "hue:red": -0.3}),)))
    out = render_full(photo, seen, recipe)
    outside = seen.masks["clothing"].render(guide(photo.pixels)) == 0
    assert outside.mean() > 0.4
    assert np.array_equal(out[outside], photo.pixels[outside])
    assert not np.array_equal(out, photo.pixels)
    assert retouch(photo, seen, recipe).spill < 0.5


def test_kept_regions_survive_a_look(astronaut: tuple[Photo, Seen]) -> None:
    photo, seen = astronaut
    out = render_full(photo, seen, Recipe(look=Look(), keep=("person",)))
    kept = seen.masks["person"].render(guide(photo.pixels)) == 1
    assert kept.any()
    assert np.array_equal(out[kept], photo.pixels[kept])
    assert not np.array_equal(out[~kept], photo.pixels[~kept])


def test_the_same_recipe_gives_the_same_bytes_and_seeds_differ(coffee: tuple[Photo, Seen]) -> None:
    from tools import retouch as tool

    photo, seen = coffee
    recipe = Recipe.from_json(Recipe(look=Look(seed=3), settings=(Setting(values={"shadows": 0.2}),)).to_json())
    first = render_full(photo, seen, recipe)
    tool._grids.clear()
    assert np.array_equal(render_full(photo, seen, recipe), first)
    other = render_full(photo, seen, recipe.model_copy(update={"look": Look(seed=4)}))
    assert not np.array_equal(other, first)


def test_identity_recipe_returns_the_photo(coffee: tuple[Photo, Seen]) -> None:
    photo, seen = coffee
    assert Recipe().is_identity
    assert np.array_equal(render_full(photo, seen, Recipe()), photo.pixels)


@pytest.mark.parametrize(
    "values", [{"brightness": 0.2, "saturation": 0.3}, {"clarity": 0.5, "vignette": 0.4}, {"blur": 0.4}]
)
def test_preview_looks_like_the_export(coffee: tuple[Photo, Seen], values: dict[str, float]) -> None:
    photo, seen = coffee
    recipe = solve(seen, Recipe(settings=(Setting(values=values),), look=Look(steps=1)))
    preview = retouch(photo, seen, recipe, long_edge=300).preview
    export = (shrink(render_full(photo, seen, recipe), 300) * 255 + 0.5).astype(np.uint8)
    difference = deltaE_ciede2000(lab(preview.astype(np.float32) / 255), lab(export.astype(np.float32) / 255))
    assert preview.shape == export.shape
    assert difference.mean() <= 1.0


def test_regions_the_photo_lacks_are_left_alone(coffee: tuple[Photo, Seen]) -> None:
    photo, seen = coffee
    recipe = solve(seen, Recipe(settings=(Setting(region="teeth", values={"brightness": 0.4}),)))
    rendition = retouch(photo, seen, recipe)
    assert rendition.achieved == {"teeth": {}}
    assert np.array_equal(render_full(photo, seen, recipe), photo.pixels)


def test_the_automatic_look_helps_a_dark_photo_and_spares_a_good_one() -> None:
    good = photo_of("astronaut")
    linear = (good.pixels / 255.0) ** 2.2 * 0.3
    dark = Photo(
        pixels=(255 * linear ** (1 / 2.2) + 0.5).astype(np.uint8),
        alpha=None,
        sha256="test-dark",
        name="dark",
        format="PNG",
    )
    looked = render_full(dark, perceive(dark), Recipe(look=Look(steps=1)))

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(deltaE_ciede2000(lab(a.astype(np.float32) / 255), lab(b.astype(np.float32) / 255)).mean())

    assert distance(looked, good.pixels) < 0.7 * distance(dark.pixels, good.pixels)
    assert distance(render_full(good, perceive(good), Recipe(look=Look(steps=1))), good.pixels) < 6


def test_pipeline_saves_loads_and_refuses_other_weights(tmp_path: Path) -> None:
    pipeline = load_pipeline()
    save_pipeline(
        RetouchPipeline(pipeline.denoiser, pipeline.style_encoder, make_scheduler(), pipeline.config.confidence),
        tmp_path / "copy",
    )
    photo = torch.from_numpy(resize(data.coffee(), (64, 64)).transpose(2, 0, 1).astype(np.float32))[None]
    one = pipeline(photo, generator=torch.Generator().manual_seed(5)).grids
    two = load_pipeline(tmp_path / "copy")(photo, generator=torch.Generator().manual_seed(5)).grids
    assert torch.equal(one, two)
    assert one.shape == (1, 12, 8, 16, 16)
    weights = tmp_path / "copy" / "denoiser" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(WeightsError, match="pinned"):
        load_pipeline(tmp_path / "copy")
    with pytest.raises(WeightsError, match="missing"):
        load_pipeline(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="thumbnails"):
        pipeline(torch.zeros(1, 3, 32, 32))


def test_shipped_weights_are_small_and_pinned() -> None:
    files = [p for p in FOLDER.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 100_000_000
    assert not [p for p in files if p.suffix in {".bin", ".pt", ".pth", ".pkl", ".pickle"}]
    assert json.loads((FOLDER / "retouch" / "pin.json").read_text())["files"]


def test_noise_has_unit_variance_and_a_low_frequency_part() -> None:
    noise = look_noise((64, 3, 64, 64), torch.Generator().manual_seed(0))
    assert float(noise.var()) == pytest.approx(1, abs=0.1)
    assert float(noise.mean(dim=(2, 3)).var()) > 0.15


def test_looks_are_remembered_per_seed(coffee: tuple[Photo, Seen]) -> None:
    _, seen = coffee
    assert look_grid(seen, Recipe(look=Look(seed=1))) is look_grid(seen, Recipe(look=Look(seed=1)))
    assert look_grid(seen, Recipe(look=Look(strength=0))) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "settings": [{"region": "moon"}]}',
        '{"schema_version": 1, "settings": [{"region": "sky", "values": {"brightness": 3}}]}',
        '{"schema_version": 1, "surprise": 1}', "[" * 100_000,
    ],
)  # fmt: skip
def test_damaged_recipes_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.from_json(text)
    assert str(error.value).endswith(".")


def test_recipes_round_trip() -> None:
    recipe = Recipe(
        settings=(
            Setting(region="sky", values={"hue:blue": 0.3}),
            Setting(values={"contrast": -0.2}, solved={"contrast": -0.21}),
        ),
        look=Look(seed=7),
        keep=("skin", "face"),
    )
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert [s.region for s in recipe.settings] == ["global", "sky"]


def test_training_resumes_and_ships(tmp_path: Path) -> None:
    import subprocess
    import sys

    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("astronaut", "coffee"):
        Image.fromarray(getattr(data, name)()).save(photos / f"{name}.png")
    command = [
        sys.executable,
        "-m",
        "models.training.retouch",
        str(photos),
        "--out",
        str(tmp_path / "run"),
        "--batch",
        "2",
        "--workers",
        "0",
    ]
    subprocess.run([*command, "--steps", "2"], check=True, capture_output=True, timeout=300)
    again = subprocess.run([*command, "--steps", "3"], check=True, capture_output=True, text=True, timeout=300)
    assert "resumed at step 2" in again.stdout
    subprocess.run(
        [sys.executable, "-m", "models.training.ship", str(tmp_path / "run" / "weights"), "--out", str(tmp_path / "shipped")],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    assert load_pipeline(tmp_path / "shipped").denoiser.config.map_channels == 15
    shutil.rmtree(tmp_path / "run")
