"""A larger segmenter from a hub, by configuration: `BURNISH_SEGMENTER=<hub id or folder>`.

Three kinds are known by their configuration. *Semantic* models (SegFormer, UPerNet …) and *universal* ones (OneFormer,
Mask2Former, EoMT) name every pixel: their labels are mapped onto Burnish's classes by `tools.nouns`, the parts of a person
that they don't tell apart are divided as Burnish's own network divides them, and their labels serve `object:<noun>`. A
*promptable* model (SAM 3) finds any noun and leaves the named regions to Burnish's own network.

Only safetensors are loaded, and no code comes with them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import WeightsError
from models.segmentation import CLASSES, PERSON_PARTS, Segmentation
from tools import borrowed
from tools.nouns import region_of

if TYPE_CHECKING:
    from torch import Tensor

FloatImage = NDArray[np.float32]

#: A prompt's masks below this score are not the thing.
LEAST_SCORE: Final = 0.5
#: Least share of the photo and least certainty of a thing found by a label.
LEAST_AREA: Final = 0.001


@dataclass(frozen=True, eq=False)
class Hub:
    """A loaded model. `planes`: (h, w, 3) in [0, 1] → label planes (L, h, w), or None where the model is prompted.

    `prompted`: picture and noun → mask (h, w), or None. `labels`: what the planes are called.
    """

    name: str
    labels: tuple[str, ...]
    planes: Callable[[FloatImage], FloatImage] | None
    prompted: Callable[[FloatImage, str], FloatImage | None] | None


#: Models that are known to fit, and what they are.
KNOWN: Final = {
    "nvidia/segformer-b2-finetuned-ade-512-512": "SegFormer B2: 150 kinds of thing, 0.1 GB, not for business",
    "shi-labs/oneformer_ade20k_swin_tiny": "OneFormer: 150 kinds, clean borders, 0.2 GB",
    "facebook/mask2former-swin-small-ade-semantic": "Mask2Former: 150 kinds, clean borders, 0.3 GB",
    "tue-mps/ade20k_semantic_eomt_large_512": "EoMT: 150 kinds, the best borders, 1.3 GB",
    "facebook/sam3": "SAM 3: anything by its name, 3.4 GB, needs a GPU to be quick",
}

#: Files of which a model that is on this machine has one.
_WEIGHTS: Final = ("model.safetensors", "model.safetensors.index.json")


def missing(name: str) -> str:
    """What keeps a model from being used on this machine, as a sentence with what to do; empty when nothing does.

    >>> missing("/nowhere/at/all")
    'There is no model in /nowhere/at/all; give a folder with a config.json and safetensors.'
    """
    return borrowed.missing(name, "model", _whole, "a config.json and safetensors", _WEIGHTS)


def _whole(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


@lru_cache(maxsize=1)
def load(name: str) -> Hub:
    """Load a model by its hub id or folder. Raises `WeightsError` with what to do."""
    with borrowed.loading("segmentation model", name, "BURNISH_SEGMENTER"):
        from transformers import AutoConfig
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES,
            MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES,
        )

        kind = AutoConfig.from_pretrained(name, trust_remote_code=False).model_type
        if kind == "sam3":
            return promptable(name)
        if kind in MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES:
            return universal(name, kind)
        if kind in MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES:
            return semantic(name)
    raise WeightsError(
        f"{name!r} is a {kind} model and finds no regions; BURNISH_SEGMENTER takes a semantic, universal or SAM 3 one."
    )


_borrowed = borrowed.Choice(load)
choose, choice, chosen = _borrowed.choose, _borrowed.choice, _borrowed.chosen


def prepared(processor: Any, rgb: FloatImage, **more: Any) -> Any:
    """The picture as a model's own processor wants it."""
    return processor(images=(np.clip(rgb, 0, 1) * 255).astype(np.uint8), return_tensors="pt", **more)


def resized(planes: "Tensor", rgb: FloatImage) -> FloatImage:
    """Planes (1, L, h', w') at the picture's size, (L, h, w)."""
    from torch.nn import functional

    size = (rgb.shape[0], rgb.shape[1])
    found = functional.interpolate(planes.float(), size=size, mode="bilinear", align_corners=False)[0]
    return np.asarray(found.numpy(), np.float32)


def semantic(name: str) -> Hub:
    """A model that gives logits for every pixel."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

    processor = AutoImageProcessor.from_pretrained(name)
    model = AutoModelForSemanticSegmentation.from_pretrained(name, use_safetensors=True).eval()

    @torch.inference_mode()
    def planes(rgb: FloatImage) -> FloatImage:
        return resized(model(**prepared(processor, rgb)).logits.softmax(1), rgb)

    return Hub(name, labels_of(model.config), planes, None)


def universal(name: str, kind: str) -> Hub:
    """A model that gives masks with classes: a label's plane is the sum of its masks (Cheng et al., MaskFormer, 2021)."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForUniversalSegmentation, AutoProcessor

    task = {"task_inputs": ["semantic"]} if kind == "oneformer" else {}
    processor = (AutoProcessor if task else AutoImageProcessor).from_pretrained(name)
    model = AutoModelForUniversalSegmentation.from_pretrained(name, use_safetensors=True).eval()

    @torch.inference_mode()
    def planes(rgb: FloatImage) -> FloatImage:
        answer = model(**prepared(processor, rgb, **task))
        # The last class is "no object".
        classes = answer.class_queries_logits.softmax(-1)[..., :-1]
        found = torch.einsum("bql,bqhw->blhw", classes, answer.masks_queries_logits.sigmoid())
        return resized(found / found.sum(1, keepdim=True).clamp_min(1e-6), rgb)

    return Hub(name, labels_of(model.config), planes, None)


def promptable(name: str) -> Hub:
    """SAM 3: the union of the masks that it gives for a noun."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModel.from_pretrained(name, use_safetensors=True).eval()
    edge = int(model.config.vision_config.backbone_config.image_size)

    @torch.inference_mode()
    def prompted(rgb: FloatImage, noun: str) -> FloatImage | None:
        square = cv2.resize(np.clip(rgb, 0, 1), (edge, edge), interpolation=cv2.INTER_LINEAR)
        pixels = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))[None] * 2 - 1
        text = tokenizer([noun], return_tensors="pt", padding="max_length", max_length=32, truncation=True)
        answer = model(pixel_values=pixels, input_ids=text["input_ids"], attention_mask=text["attention_mask"])
        score = answer.pred_logits.sigmoid()[0]
        if answer.presence_logits is not None:
            score = score * answer.presence_logits.sigmoid()[0]
        kept = score >= LEAST_SCORE
        if not bool(kept.any()):
            return None
        return resized(answer.pred_masks.sigmoid()[:, kept].amax(1, keepdim=True), rgb)[0]

    return Hub(name, (), None, prompted)


def labels_of(config: Any) -> tuple[str, ...]:
    """A model's labels in order."""
    return tuple(str(config.id2label[i]).lower() for i in range(len(config.id2label)))


def class_of(label: str) -> str:
    """The class that a label of ADE20K, COCO or Cityscapes means; `other` where Burnish has none.

    >>> class_of("tree"), class_of("person, individual, someone"), class_of("road, route"), class_of("lamp")
    ('vegetation', 'person', 'ground', 'other')
    """
    for word in re.split(r"[,;/-]| other| merged", label):
        meant = region_of(word)
        if meant in CLASSES:
            return meant
        if meant == "face":
            return "skin"
    return "other"


def read(rgb: FloatImage, own: Segmentation, hub: Hub) -> Segmentation:
    """What the model sees in (h, w, 3), in Burnish's classes. `own`: what Burnish's network sees there itself.

    The pooled features stay those of `own`, which the scene encoder knows.
    """
    if hub.planes is None:
        return own
    planes = hub.planes(rgb)
    total = np.zeros_like(own.probabilities)
    for label, plane in zip(hub.labels, planes, strict=True):
        total[CLASSES.index(class_of(label))] += plane
    parts = [CLASSES.index(name) for name in PERSON_PARTS]
    if not any(class_of(label) in ("skin", "hair") for label in hub.labels):
        person = total[parts].sum(axis=0)
        shares = own.probabilities[parts] + 1e-3
        total[parts] = person * shares / shares.sum(axis=0)
    return Segmentation(np.asarray(total / np.maximum(total.sum(axis=0), 1e-6), np.float32), own.features)


def find(rgb: FloatImage, noun: str, hub: Hub) -> FloatImage | None:
    """Where a noun's thing is, (h, w) in 0..1; None where the model does not find it or has no word for it."""
    if hub.prompted is not None:
        found = hub.prompted(rgb, noun)
    else:
        words = set(re.findall(r"[a-z]+", noun.lower()))
        singular = {w.removesuffix("s") for w in words} | words
        rows = [i for i, label in enumerate(hub.labels) if singular & set(re.findall(r"[a-z]+", label))]
        if not rows or hub.planes is None:
            return None
        found = hub.planes(rgb)[rows].sum(axis=0)
    if found is None or float((found > 0.5).mean()) < LEAST_AREA:
        return None
    return np.asarray(np.clip(found, 0, 1), np.float32)
