"""A larger segmenter from a hub: tiny models with random weights, saved and loaded as real ones are."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage import data as pictures

from models.errors import WeightsError
from models.segmentation import CLASSES, PERSON_PARTS, classical
from tools import hub
from tools.perceive import look, region, shrink
from tools.photo import open_photo

LABELS = ("wall", "sky", "tree", "person, individual", "water", "road, route", "car, auto", "lamp")


@pytest.fixture(autouse=True)
def own_again() -> Iterator[None]:
    """No test leaves a model chosen."""
    yield
    hub.choose(None)
    hub.load.cache_clear()


def named() -> dict[str, object]:
    return {
        "num_labels": len(LABELS),
        "id2label": dict(enumerate(LABELS)),
        "label2id": {n: i for i, n in enumerate(LABELS)},
    }


@pytest.fixture(scope="module")
def segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("segformer")
    config = SegformerConfig(
        **named(), hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=16
    )
    model = SegformerForSemanticSegmentation(config)
    # The label "lamp" wins everywhere, so that it can be found by its noun.
    torch.nn.init.zeros_(model.decode_head.classifier.weight)
    model.decode_head.classifier.bias.data = torch.tensor([0.0, 1, 2, 3, 0, 0, 0, 9])
    model.save_pretrained(folder)
    SegformerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def mask2former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessor,
        SwinConfig,
    )

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("mask2former")
    stages = [f"stage{i}" for i in range(1, 5)]
    body = SwinConfig(image_size=64, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=4, out_features=stages)
    config = Mask2FormerConfig(
        backbone_config=body, feature_size=32, mask_feature_size=32, hidden_dim=32, num_attention_heads=2,
        encoder_layers=1, decoder_layers=2, num_queries=6, dim_feedforward=16, encoder_feedforward_dim=16, **named(),
    )  # fmt: skip
    Mask2FormerForUniversalSegmentation(config).save_pretrained(folder)
    Mask2FormerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sam3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import CLIPTokenizer, Sam3Config, Sam3Model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sam3")
    letters = [chr(c) for c in range(33, 127)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[])
    tokenizer.save_pretrained(folder)
    small = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
    body = {
        "model_type": "sam3_vit_model", "num_hidden_layers": 1, "image_size": 112, "patch_size": 14,
        "pretrain_image_size": 112, "window_size": 4, "global_attn_indexes": [0], **small,
    }  # fmt: skip
    vision = {
        "backbone_config": body, "fpn_hidden_size": 32, "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    }  # fmt: skip
    text = {
        "num_hidden_layers": 1, "vocab_size": len(words), "projection_dim": 32, "eos_token_id": len(words) - 1,
        "bos_token_id": len(words) - 2, "max_position_embeddings": 32, **small,
    }  # fmt: skip
    config = Sam3Config(
        vision_config=vision,
        text_config=text,
        geometry_encoder_config={"num_layers": 1, **small},
        detr_encoder_config={"num_layers": 1, **small},
        detr_decoder_config={"num_layers": 1, "num_queries": 6, **small},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    Sam3Model(config).save_pretrained(folder)
    return folder


def picture() -> np.ndarray:
    return shrink(pictures.astronaut(), 96)


def test_a_semantic_model_names_every_pixel_in_our_classes(segformer: Path) -> None:
    larger = hub.load(str(segformer))
    assert larger.labels == LABELS
    rgb = picture()
    own = classical(rgb)
    seen = hub.read(rgb, own, larger)
    assert seen.probabilities.shape == (len(CLASSES), *rgb.shape[:2])
    assert np.allclose(seen.probabilities.sum(axis=0), 1, atol=1e-4)
    assert seen.features is own.features
    # "lamp" is none of our classes; walls are buildings.
    assert seen.shares().argmax() == CLASSES.index("other")
    person = larger.planes(rgb)[LABELS.index("person, individual")] if larger.planes else None
    assert np.allclose(seen.of(*PERSON_PARTS), person, atol=1e-4)


def test_a_universal_model_gives_probabilities(mask2former: Path) -> None:
    larger = hub.load(str(mask2former))
    rgb = picture()
    seen = hub.read(rgb, classical(rgb), larger)
    assert np.allclose(seen.probabilities.sum(axis=0), 1, atol=1e-4)
    # It has no word for food, and ours for a lamp is "other".
    assert seen.of("food").max() < 1e-6 < seen.of("other").max()


def test_a_prompted_model_finds_by_noun_and_leaves_the_named_regions_alone(
    sam3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    larger = hub.load(str(sam3))
    rgb = picture()
    own = classical(rgb)
    assert hub.read(rgb, own, larger) is own
    monkeypatch.setattr(hub, "LEAST_SCORE", 0.0)
    assert larger.prompted is not None
    found = larger.prompted(rgb, "red car")
    assert found is not None
    assert found.shape == rgb.shape[:2]
    assert 0 <= found.min() <= found.max() <= 1
    monkeypatch.setattr(hub, "LEAST_SCORE", 1.1)
    assert hub.find(rgb, "red car", larger) is None


def test_perceive_finds_a_thing_that_only_the_larger_model_knows(segformer: Path, tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), pictures.astronaut()[..., ::-1])
    photo = open_photo(path)
    assert region(look(photo), "object:lamp") is None
    hub.choose(str(segformer))
    seen = look(photo)
    mask = region(seen, "object:lamps")
    assert mask is not None
    assert float(mask.render(np.zeros((64, 64), np.float32)).mean()) > 0.99
    assert region(seen, "object:kite") is None


@pytest.mark.parametrize("kind", ["missing", "text", "pickle"])
def test_a_model_that_cannot_be_had_is_said_in_one_sentence(
    kind: str, segformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / kind
    if kind == "text":
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    if kind == "pickle":
        folder.mkdir()
        for name in ("config.json", "preprocessor_config.json"):
            (folder / name).write_bytes((segformer / name).read_bytes())
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(WeightsError) as caught:
        hub.load(str(folder))
    assert "BURNISH_SEGMENTER" in str(caught.value)
    assert "\n" not in str(caught.value)
