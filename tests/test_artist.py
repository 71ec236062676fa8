"""Artists: tiny pipelines with random weights, saved and loaded as real ones are, and what becomes of their drawings."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage import data as pictures

from agent.events import Note, Result
from agent.settings import Settings
from agent.studio import Studio
from models.attributes import lab
from models.errors import RecipeError, WeightsError
from models.fit_grid import unpack
from models.level_map import CHANNELS, level_map
from models.recipe import Look, Recipe
from models.render import render
from tests import artists
from tools import artist
from tools.artist import Commission
from tools.perceive import Seen, look
from tools.photo import Photo, open_photo
from tools.retouch import render_full, retouch

STEPS = 2
KINDS = {
    "instruct_pix2pix": "instructed", "text_to_image": "repainting", "controlnet": "steered", "flux_kontext": "instructed",
    "qwen_image_edit": "instructed",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Qwen-Image-Edit looks at a megapixel of any photo; a tiny one need not."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    sizes = plus.CONDITION_IMAGE_SIZE, plus.VAE_IMAGE_SIZE
    plus.CONDITION_IMAGE_SIZE = plus.VAE_IMAGE_SIZE = 64 * 64
    yield
    plus.CONDITION_IMAGE_SIZE, plus.VAE_IMAGE_SIZE = sizes
    artist.load.cache_clear()


@pytest.fixture(scope="module")
def studios(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of artists by name, made when first asked for."""
    place, made = tmp_path_factory.mktemp("artists"), {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = getattr(artists, name)(place / name)
        return made[name]

    return folder


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Photo, Seen]:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    cv2.imwrite(str(path), cv2.resize(pictures.astronaut(), (300, 240), interpolation=cv2.INTER_AREA)[..., ::-1])
    photo = open_photo(path)
    return photo, look(photo)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_artist_draws_the_photo_by_its_seed(
    name: str, studios: Callable[[str], Path], opened: tuple[Photo, Seen]
) -> None:
    if name == "qwen_image_edit":
        pytest.importorskip("torchvision")  # its processor reads pictures with it
    by = artist.load(str(studios(name)), "cpu")
    assert by.kind == KINDS[name]
    seen = opened[1]
    one, again, other = (artist.paint(seen, Commission(("warmer",), seed=s), by, STEPS) for s in (1, 1, 2))
    assert one.shape == seen.thumbnail.shape
    assert 0 <= one.min() <= one.max() <= 1
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_drawing_becomes_a_grid_of_the_recipe_which_needs_no_artist(
    studios: Callable[[str], Path], opened: tuple[Photo, Seen], tmp_path: Path
) -> None:
    folder = shutil.copytree(studios("text_to_image"), tmp_path / "artist")
    photo, seen = opened
    by, wanted = artist.load(str(folder), "cpu"), Commission(("black and white",), keep=("left",))
    drawing = artist.paint(seen, wanted, by, STEPS)
    drawn = artist.draw(seen, wanted, by, STEPS)
    assert drawn == artist.draw(seen, wanted, by, STEPS)
    shutil.rmtree(folder)
    artist.load.cache_clear()
    recipe = Recipe.from_json(Recipe(look=Look(drawn=drawn), keep=("left",)).to_json())
    out = render_full(photo, seen, recipe)
    assert np.array_equal(out, render(photo.pixels, grid=unpack(drawn), keep=[seen.masks["left"]]))
    # What is held is bit for bit the photo; elsewhere the colours are the artist's.
    held = seen.masks["left"].render(np.zeros(out.shape[:2], np.float32)) == 1
    assert held.any()
    assert np.array_equal(out[held], photo.pixels[held])
    free = Recipe(look=Look(drawn=artist.pack(artist.fit(seen.thumbnail, drawing))))
    preview = retouch(photo, seen, free, 300).preview
    goal = cv2.resize(drawing, preview.shape[1::-1], interpolation=cv2.INTER_AREA)
    before, after = (
        np.abs(lab(np.asarray(x, np.float32) / 255) - lab(goal)).mean()
        for x in (cv2.resize(photo.pixels, preview.shape[1::-1]), preview)
    )
    assert after < before / 2


def test_what_was_drawn_is_one_sample_and_damage_is_said(opened: tuple[Photo, Seen]) -> None:
    look_ = Look(drawn="AAAA")
    assert look_.with_seed(3).drawn == ""
    with pytest.raises(RecipeError, match="drawn"):
        render_full(*opened, Recipe(look=look_))
    with pytest.raises(RecipeError, match="drawn"):
        Recipe.from_json(json.dumps({"schema_version": 3, "look": {"drawn": "../etc"}}))


def test_a_steered_artist_is_fed_with_the_levels_where_the_regions_are_to_arrive(
    studios: Callable[[str], Path], opened: tuple[Photo, Seen]
) -> None:
    by, seen = artist.load(str(studios("controlnet")), "cpu"), opened[1]
    fed: list[torch.Tensor] = []
    hook = by.pipeline.controlnet.register_forward_pre_hook(
        lambda _, __, named: fed.append(named["controlnet_cond"]), with_kwargs=True
    )
    wanted = [Commission(changes={"global": {"brightness": v}}, free=False) for v in (-0.5, 0.5)]
    dark, bright = (artist.paint(seen, each, by, STEPS) for each in wanted)
    hook.remove()
    assert not np.array_equal(dark, bright)
    for each, of in zip(wanted, (fed[0], fed[-1]), strict=True):
        levels = artist.levels_of(seen, each, of.shape[-2:])
        # Twice: for the model that is guided and the one that is not.
        assert all(torch.equal(one, torch.from_numpy(levels)) for one in of)
    assert (fed[-1] - fed[0])[0, CHANNELS.index("brightness")].min() > 0


def test_levels_say_where_a_region_is_and_where_it_is_to_arrive() -> None:
    half = np.zeros((8, 8), np.float32)
    half[:4] = 1
    readings = {"saturation": 60.0, "contrast": 5.0, "temperature": -40.0, "brightness": 20.0}
    present = level_map([(None, readings, {})], (16, 16))
    assert np.sign(present[:, 0, 0]).tolist() == [1, -1, -1, -1]
    assert np.abs(present).max() <= 1
    # What nobody has spoken of may go towards the ordinary; what was asked is not eased.
    eased = level_map([(None, readings, {})], (16, 16), ease=0.5)
    assert np.allclose(eased, present / 2)
    asked = level_map([(None, readings, {}), (half, readings, dict.fromkeys(CHANNELS, 0.4))], (16, 16), ease=0.5)
    assert np.array_equal(asked[:, 12], eased[:, 12])
    assert (asked[:, 2] > present[:, 2]).all()


def test_a_guided_artist_is_fed_with_the_photo(tmp_path: Path, opened: tuple[Photo, Seen]) -> None:
    by = artist.load(str(artists.controlnet(tmp_path / "tile", 3)), "cpu")
    assert by.kind == "guided"
    assert artist.paint(opened[1], Commission(), by, STEPS).shape == opened[1].thumbnail.shape


def test_a_drawing_of_something_else_is_refused(studios: Callable[[str], Path], opened: tuple[Photo, Seen]) -> None:
    # Random weights that begin with noise end with noise.
    with pytest.raises(WeightsError, match="something else"):
        artist.draw(opened[1], Commission(), artist.load(str(studios("instruct_pix2pix")), "cpu"), STEPS)


def missing(folder: Path) -> None:
    folder.rmdir()


def no_pipeline(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')


def pickled(folder: Path) -> None:
    artists.text_to_image(folder)
    weights = next((folder / "unet").glob("*.safetensors"))
    torch.save(load_file(weights), folder / "unet" / "diffusion_pytorch_model.bin")
    weights.unlink()


def own_code(folder: Path) -> None:
    artists.text_to_image(folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "pipeline.py").write_text("raise SystemExit('ran')")
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": ["pipeline", "Mine"]}))


def own_part(folder: Path) -> None:
    artists.text_to_image(folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "unet" / "mine.py").write_text("raise SystemExit('ran')")
    (folder / "model_index.json").write_text(json.dumps({**index, "unet": ["mine", "Mine"]}))


def five_channels(folder: Path) -> None:
    artists.controlnet(folder, 5)


def draws_nothing(folder: Path) -> None:
    from diffusers import DDIMPipeline, UNet2DModel

    unet = UNet2DModel(
        sample_size=8, block_out_channels=(8,), norm_num_groups=4, layers_per_block=1, down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
    )  # fmt: skip
    DDIMPipeline(unet, artists.still()).save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (missing, "no pipeline in"), (no_pipeline, "no pipeline in"), (pickled, "safetensors"), (own_code, "never run"),
        (own_part, "never run"), (five_channels, "wants 5 channels"), (draws_nothing, "cannot be loaded|edits no photo"),
    ],
)  # fmt: skip
def test_an_artist_that_cannot_be_had_is_said_in_one_sentence(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    spoil(tmp_path)
    with pytest.raises(WeightsError, match=said) as caught:
        artist.load(str(tmp_path), "cpu")
    assert "BURNISH_ARTIST" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="BURNISH_ARTIST_DEVICE"):
        artist.load(str(tmp_path), "cuda")


# ── in a conversation ──────────────────────────────────────────────────────────────────────────────────────────────


async def turn(studio: Studio, thread: str, text: str) -> tuple[Result, list[str]]:
    *steps, end = [event async for event in studio.turn(thread, text)]
    assert isinstance(end, Result), end
    return end, [e.text for e in steps if isinstance(e, Note)]


async def test_an_artist_draws_what_is_left_open_or_is_a_style_and_edits_go_on_top(
    studios: Callable[[str], Path], opened: tuple[Photo, Seen], tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), opened[0].pixels[..., ::-1])
    chosen = Settings(
        home=tmp_path / "home", preview_edge=320, artist=str(studios("text_to_image")), artist_steps=STEPS
    )
    async with await Studio.open(chosen) as studio:
        thread = (await studio.start(photo, "anna")).thread
        first, notes = await turn(studio, thread, "let the artist draw it")
        assert first.recipe.look is not None
        assert first.recipe.look.drawn
        assert "drawn by text_to_image" in first.answer
        assert any("draws the look" in note for note in notes)
        assert str(studios("text_to_image")) not in first.answer
        warmer, _ = await turn(studio, thread, "a bit warmer")
        assert warmer.recipe.look is not None
        assert warmer.recipe.look.drawn == first.recipe.look.drawn
        (change,) = warmer.changes
        assert change.achieved == pytest.approx(change.asked, rel=0.15)
        fresh = (await studio.start(photo, "anna")).thread
        style, _ = await turn(studio, fresh, "give it a moody look")
        assert style.recipe.look is not None
        assert style.recipe.look.drawn
        # The colours are in the drawing; what a grid cannot draw is a setting as ever.
        assert style.recipe.values("global").keys() == {"vignette"}
        for of in (thread, fresh):
            async for kept in studio._saver.alist({"configurable": {"thread_id": of}}):
                assert len(json.dumps(kept.checkpoint["channel_values"], default=str)) < 64_000


async def test_an_artist_that_fails_costs_a_note_and_not_the_turn(opened: tuple[Photo, Seen], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), opened[0].pixels[..., ::-1])
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=320, artist="/nowhere")) as studio:
        thread = (await studio.start(photo, "anna")).thread
        result, notes = await turn(studio, thread, "make it look good")
        assert any("no pipeline in /nowhere" in note for note in notes)
        assert "Burnish's own look instead" in result.answer
        assert result.recipe.look is not None
        assert not result.recipe.look.drawn
