"""The segmenter, its weights, and the command that trains it."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from skimage import data

from models import pinned
from models.errors import WeightsError
from models.segmentation import CLASSES, PERSON_PARTS, classical
from models.segmenter import Segmenter, load, segment
from models.training import by_eye
from models.training import segmenter as training


def small(photo: np.ndarray, edge: int = 320) -> np.ndarray:
    scale = edge / max(photo.shape[:2])
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def test_it_is_as_small_as_promised() -> None:
    assert sum(p.numel() for p in Segmenter().parameters()) <= 6_000_000
    assert (pinned.FOLDER / "segmenter" / "model.safetensors").stat().st_size <= 15_000_000


def test_astronaut_is_a_person_with_skin_and_hair() -> None:
    seen = segment(small(data.astronaut()))
    person = seen.of(*PERSON_PARTS)
    # Her head; a spacesuit is like no clothing that it was taught.
    assert person[30:115, 105:180].mean() > 0.7
    assert person[5:60, 190:230].mean() < 0.4  # the wall beside her
    face = seen.of("skin")[50:100, 125:155]
    assert face.mean() > 0.5


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90))
def test_probabilities_sum_to_one_at_any_size(height: int, width: int) -> None:
    rgb = np.random.default_rng(height * 100 + width).random((height, width, 3), np.float32)
    for seen in (segment(rgb, (64,)), classical(rgb)):
        assert seen.probabilities.shape == (len(CLASSES), height, width)
        assert np.isfinite(seen.features).all()
        np.testing.assert_allclose(seen.probabilities.sum(axis=0), 1, atol=1e-3)
        assert seen.probabilities.min() >= 0


@pytest.mark.parametrize("change", ["dark", "bright", "cold"])
def test_a_badly_exposed_photo_is_read_like_a_good_one(change: str) -> None:
    rgb = small(data.astronaut())
    gains = {"dark": (0.6, 0.6, 0.6), "bright": (1.3, 1.3, 1.3), "cold": (0.85, 1.0, 1.15)}[change]
    bad = np.clip(rgb * np.array(gains, np.float32), 0, 1)
    one, two = (segment(x).of(*PERSON_PARTS) > 0.5 for x in (rgb, bad))
    assert (one & two).sum() / (one | two).sum() > 0.6


def test_weights_that_are_not_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    shutil.copytree(pinned.FOLDER / "segmenter", tmp_path / "segmenter")
    assert (
        load_file(tmp_path / "segmenter" / "model.safetensors").keys()
        == pinned.load_safetensors("segmenter", folder=tmp_path).keys()
    )
    path = tmp_path / "segmenter" / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(WeightsError, match="not the file that was pinned"):
        pinned.load_safetensors("segmenter", folder=tmp_path)
    path.write_bytes(b"not safetensors at all")
    pinned.pin("segmenter", tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        pinned.load_safetensors("segmenter", folder=tmp_path)
    path.unlink()
    with pytest.raises(WeightsError, match="not installed"):
        pinned.load_safetensors("segmenter", folder=tmp_path)
    (tmp_path / "segmenter" / "pin.json").write_text("{}")
    with pytest.raises(WeightsError, match="damaged"):
        pinned.pinned_sha256("segmenter", tmp_path)


def test_a_class_that_a_set_does_not_annotate_is_not_a_negative() -> None:
    bits = torch.full((1, 4, 4), int(training.ccp_bits()[0]))  # behind a CCP person: anything but a person
    for name, low in (("building", True), ("sky", True), ("skin", False)):
        logits = torch.zeros(1, len(CLASSES), 4, 4)
        logits[:, CLASSES.index(name)] = 20
        assert (float(training.partial_loss(logits, bits)) < 0.1) == low


def test_an_unlabelled_pixel_teaches_nothing() -> None:
    bits = torch.full((1, 4, 4), training.ANY)
    bits[0, 0, 0] = training.BIT["sky"]
    logits = torch.randn(1, len(CLASSES), 4, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    training.partial_loss(logits, bits).backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0, 0].abs().sum() > 0
    assert logits.grad[0, :, 1:, 1:].abs().max() == 0


def test_a_bsds_person_may_be_any_part_of_a_person() -> None:
    table = training.bsds_bits()
    assert table[7] == training.PERSON
    assert table[1] == training.BIT["sky"]
    assert table[0] == training.ANY == training.ccp_bits()[0] | training.PERSON


def test_the_teacher_chooses_among_what_a_photo_is_known_to_show() -> None:
    photo = torch.from_numpy(small(data.astronaut(), 128)).permute(2, 0, 1)[None]
    known = training.shown_bits(("person", "other"))
    assert known == training.PERSON | training.BIT["other"]
    bits = torch.full((1, *(side // 2 for side in photo.shape[2:])), known)
    taught = training.taught(load(), photo, bits)
    assert (taught & ~known == 0).all()
    assert (taught != 0).all()
    told = taught[0][(taught & (taught - 1) == 0)[0]]
    assert 0.05 * taught.numel() < len(told) < taught.numel()
    # Where a person has labelled a pixel, the photo is theirs.
    bits[0, 0, 0] = training.BIT["other"]
    assert torch.equal(training.taught(load(), photo, bits), bits)


def test_what_was_seen_by_eye_is_in_the_words_of_the_classes() -> None:
    assert by_eye.shows().keys() <= by_eye.tags().keys()
    assert all(tags for tags in by_eye.tags().values())
    for classes in by_eye.shows().values():
        assert 0 < training.shown_bits(classes) < training.ANY


def test_label_maps_seen_by_eye_say_something_in_the_numbers_of_the_classes() -> None:
    maps = by_eye.maps()
    assert len(maps) > 500
    shown = by_eye.shows()
    agree = []
    for name, index in maps.items():
        assert max(index.shape) == 320
        assert 0 < index.max() <= len(CLASSES)
        if name in shown:
            seen = training.index_bits(CLASSES)[np.unique(index[index > 0])]
            agree.append(np.mean(seen & training.shown_bits(shown[name]) > 0))
    # Two looks at the same photos, of which the first named whole photos.
    assert np.mean(agree) > 0.9


def test_what_was_seen_narrows_what_was_labelled_and_never_contradicts_it() -> None:
    bits = np.array([[training.ANY, training.BIT["sky"], training.ANY & ~training.PERSON]], np.uint16)
    one = training.Example(np.zeros((1, 3, 3), np.uint8), bits)
    index = np.array([[0, 2, 6]], np.uint8)  # nothing said, water, a building
    shown = training.shown_bits(("water", "building"))
    narrowed = training.also_seen(one, index, shown)
    assert narrowed.bits.tolist() == [[shown, training.BIT["sky"], training.BIT["building"]]]
    assert training.also_seen(one, None, training.ANY).bits.tolist() == bits.tolist()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_photo_and_labels_are_cropped_alike(seed: int) -> None:
    photo = np.zeros((90, 120, 3), np.uint8)
    photo[:, 60:] = 255
    bits = np.where(photo[..., 0] > 0, training.BIT["sky"], training.BIT["ground"]).astype(np.uint16)
    view = training.crop(training.Example(photo, bits), 64, np.random.default_rng(seed))
    sure = (view.photo[..., 0] > 250) | (view.photo[..., 0] < 5)
    inside = view.bits != training.ANY
    sky = view.bits == training.BIT["sky"]
    assert (sky == (view.photo[..., 0] > 128))[sure & inside].mean() > 0.97


def labelled_folder(place: Path) -> Path:
    """A tiny data folder of the expected layout, made from two photographs."""
    photos, labels = place / "train_photos", place / "train_labels_permissive"
    photos.mkdir(parents=True)
    labels.mkdir()
    for i, photo in enumerate((data.astronaut(), data.coffee())):
        rgb = (small(photo, 128) * 255).astype(np.uint8)
        cv2.imwrite(str(photos / f"p{i}.jpg"), rgb[..., ::-1])
        index = np.zeros(rgb.shape[:2], np.uint8)
        index[:40], index[60:] = 10, 14
        cv2.imwrite(str(labels / f"p{i}.png"), index)
    return place


def test_an_interrupted_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    folder = labelled_folder(tmp_path / "data")
    arguments = [str(folder), "--steps", "4", "--size", "64", "--final-size", "64", "--batch", "2", "--threads", "1"]
    training.main([*arguments, "--out", str(tmp_path / "whole")])

    class StoppedError(Exception):
        pass

    real, calls = training.partial_loss, []

    def stop_at_third(logits: torch.Tensor, bits: torch.Tensor, rare: dict[str, float] | None = None) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 3:
            raise StoppedError
        return real(logits, bits, rare)

    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    monkeypatch.setattr(training, "partial_loss", stop_at_third)
    with pytest.raises(StoppedError):
        training.main([*arguments, "--out", str(tmp_path / "parts")])
    monkeypatch.setattr(training, "partial_loss", real)
    training.main([*arguments, "--out", str(tmp_path / "parts")])
    torch.set_num_threads(threads)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    for key, value in whole.items():
        torch.testing.assert_close(value.float(), parts[key].float(), atol=2e-3, rtol=1e-2)
    assert pinned.pinned_sha256("parts", tmp_path) == pinned.sha256(tmp_path / "parts" / "model.safetensors")


def test_the_mean_of_weights_is_their_mean(tmp_path: Path) -> None:
    torch.manual_seed(3)
    rows = []
    for name in ("one", "two"):
        net = Segmenter()
        (tmp_path / name).mkdir()
        training.export(net, tmp_path / name)
        rows.append(load_file(tmp_path / name / "model.safetensors"))
    paths = [str(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    training.main(["nowhere", "--out", str(tmp_path / "mean"), "--average", *paths])
    for key, value in load_file(tmp_path / "mean" / "model.safetensors").items():
        torch.testing.assert_close(
            value.float(), (rows[0][key].float() + rows[1][key].float()) / 2, atol=1e-3, rtol=1e-2
        )


@pytest.mark.skipif("BURNISH_DATA" not in os.environ, reason="BURNISH_DATA (folder with dev_labels) is not set")
def test_sky_and_people_are_found_on_labelled_photos() -> None:
    folder = Path(os.environ["BURNISH_DATA"]) / "dev_labels"
    for ending, value, names, least in (("facade", 6, ("sky",), 0.6), ("ccp", None, PERSON_PARTS, 0.55)):
        shared = either = 0
        for label in sorted(folder.glob(f"*_{ending}.png"))[:8]:
            index = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
            photo = cv2.imread(str(label.with_name(label.stem.removesuffix(f"_{ending}") + ".jpg")))[..., ::-1]
            probability = segment(photo.astype(np.float32) / 255).of(*names)
            guess, true = probability > 0.5, (index == value) if value else index > 0
            shared, either = shared + int((guess & true).sum()), either + int((guess | true).sum())
        assert shared / either > least, ending


def test_the_network_is_loaded_once() -> None:
    assert load() is load()
