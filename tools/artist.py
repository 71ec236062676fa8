"""Bring your own artist: `BURNISH_ARTIST=<hub id or folder>`, a diffusers pipeline that draws the look.

What it draws is small and may have lost texture; only its colours are taken: the change is fitted by an affine bilateral grid
(`models.fit_grid`), which goes into the recipe and is rendered by us at any size. So the recipe renders again without the
artist, and what is kept is held.

Four kinds are told apart by what a pipeline is made of and called with, not by its name. *Instructed*: a picture and an
instruction (InstructPix2Pix, FLUX Kontext, Qwen-Image-Edit and its successors). *Repainting*: a picture, a description and a
strength (every image-to-image pipeline; a text-to-image one becomes one). *Steered*: a Stable Diffusion ControlNet with four
channels, fed with a map of levels (`models.level_map`) as PerTouch's is. *Guided*: one with three, fed with the photo.

Only safetensors are loaded, and no code comes with them. Nothing that a person typed reaches the artist but nouns of things
in their photo, letters alone: its words are made of the closed vocabulary of a plan.
"""

import importlib.util
import inspect
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import WeightsError
from models.fit_grid import fit, pack
from models.level_map import level_map
from models.mask import guide
from models.vocabulary import SEMANTIC_REGIONS, region_order
from tools import borrowed
from tools.perceive import Seen, region

FloatImage = NDArray[np.float32]

#: How much of the photo a repainting artist may paint anew.
STRENGTH: Final = 0.4
#: Long edge of what an artist draws, at most.
EDGE: Final = 1024
#: Share of the way to the ordinary that levels go of which nobody has said anything.
EASE: Final = 0.5
#: Correlation of the large lines of the drawing with the photo's, below which it shows something else.
LIKE: Final = 0.3
#: Long edge on which lines are compared: a drawing may be off by a few pixels.
LINES_AT: Final = 48
#: What names the parts of a pipeline.
_INDEX: Final = "model_index.json"
#: Libraries whose classes may be named as parts of a pipeline.
_LIBRARIES: Final = ("diffusers", "transformers", "stable_diffusion", None)

#: Models that are known to fit, and what they are.
KNOWN: Final = {
    "timbrooks/instruct-pix2pix": "InstructPix2Pix: quick, 512 pixels, 4 GB of GPU memory",
    "black-forest-labs/FLUX.1-Kontext-dev": "FLUX Kontext: 24 GB of GPU memory, not for business",
    "Qwen/Qwen-Image-Edit-2509": "Qwen-Image-Edit: 60 GB of GPU memory",
}


@dataclass(frozen=True)
class Commission:
    """What is wanted of the artist. `words`: short phrases such as "warmer sky"; `changes`: region → attribute → value.

    `free`: what nobody has spoken of is left to the artist.
    """

    words: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    free: bool = True
    keep: tuple[str, ...] = ()
    seed: int = 0

    @property
    def instruction(self) -> str:
        """For an artist who is told what to do.

        >>> Commission(("warmer", "darker sky"), free=False).instruction
        'Retouch this photo: warmer, darker sky. Keep everything in it as it is.'
        """
        free = (
            "" if self.words and not self.free else "natural light, clean colours, as a professional photographer would"
        )
        return f"Retouch this photo: {', '.join(w for w in (*self.words, free) if w)}. Keep everything in it as it is."

    @property
    def description(self) -> str:
        """For an artist who is told what the picture shows."""
        return ", ".join(("a professionally retouched photo, natural light, clean colours", *self.words))


@dataclass(frozen=True, eq=False)
class Artist:
    """A loaded pipeline: `kind` is one of instructed, repainting, steered, guided; `edge` the long edge that it draws at."""

    name: str
    kind: str
    edge: int
    step: int
    pipeline: Any
    takes: Mapping[str, inspect.Parameter]
    busy: threading.Lock = field(default_factory=threading.Lock)


def missing(name: str) -> str:
    """What keeps an artist from being used on this machine, as a sentence with what to do; empty when nothing does.

    >>> missing("/nowhere/at/all")
    'There is no pipeline in /nowhere/at/all; give a folder with a model_index.json.'
    """
    return borrowed.missing(name, "pipeline", _whole, f"a {_INDEX}", (_INDEX,))


def _whole(folder: Path) -> bool:
    return (folder / _INDEX).is_file()


@lru_cache(maxsize=1)
def load(name: str, device: str = "auto") -> Artist:
    """Load an artist by its hub id or folder; remembered. `device`: auto, cpu or cuda. Raises `WeightsError`."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise WeightsError("BURNISH_ARTIST_DEVICE is cuda, but there is no such GPU here; set it to auto or cpu.")
    on = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    with borrowed.loading("artist", name, "BURNISH_ARTIST", "Burnish's own look"):
        pipeline = _loaded(name, torch.bfloat16 if on == "cuda" else torch.float32)
        # A pipeline of text alone, and a ControlNet that knows of no photo, have one beside them that begins with a picture.
        if not _draws_photos(pipeline):
            from diffusers import AutoPipelineForImage2Image

            pipeline = AutoPipelineForImage2Image.from_pipe(pipeline)
        pipeline = pipeline.to(on)
    pipeline.set_progress_bar_config(disable=True)
    takes = inspect.signature(pipeline.__call__).parameters
    kind = _kind(name, pipeline, takes)
    edge, step = _sizes(pipeline)
    return Artist(name, kind, edge, step, pipeline, takes)


def _loaded(name: str, kind: Any) -> Any:
    """A pipeline from safetensors and from classes of the two libraries alone."""
    import diffusers

    folder = borrowed.folder_of(name)
    if folder is not None and not _whole(folder):
        raise WeightsError(f"BURNISH_ARTIST: {missing(name)}")
    source, local = str(folder or name), folder is not None
    index: Any = diffusers.DiffusionPipeline.load_config(source, local_files_only=local)
    made_by = index.get("_class_name")
    parts = {n: p for n, p in index.items() if isinstance(p, list) and len(p) == 2}
    foreign = [str(p[0]) for p in parts.values() if p[0] not in _LIBRARIES]
    if not isinstance(made_by, str) or not hasattr(diffusers, made_by) or foreign:
        raise WeightsError(
            f"The artist {name!r} brings code of its own ({', '.join(foreign) or made_by}), which is never run; BURNISH_ARTIST "
            "takes a pipeline of the diffusers library."
        )
    # A checker would blacken drawings of which only the colours are taken.
    without = {n: None for n in ("safety_checker", "feature_extractor") if "safety_checker" in parts and n in parts}
    return diffusers.DiffusionPipeline.from_pretrained(
        source, torch_dtype=kind, use_safetensors=True, trust_remote_code=False, local_files_only=local,
        low_cpu_mem_usage=importlib.util.find_spec("accelerate") is not None, **without,
    )  # fmt: skip


def _draws_photos(pipeline: Any) -> bool:
    takes = inspect.signature(pipeline.__call__).parameters
    return ("control_image" if getattr(pipeline, "controlnet", None) is not None else "image") in takes


def _kind(name: str, pipeline: Any, takes: Mapping[str, inspect.Parameter]) -> str:
    """What kind of artist a pipeline is."""
    control = getattr(pipeline, "controlnet", None)
    if control is not None:
        channels = int(getattr(control.config, "conditioning_channels", 0))
        if channels in (3, 4):
            return "steered" if channels == 4 else "guided"
        raise WeightsError(
            f"The ControlNet of the artist {name!r} wants {channels} channels; BURNISH_ARTIST takes one with four (a map of "
            "levels) or three (the photo)."
        )
    if {"image", "prompt"} <= takes.keys() and "mask_image" not in takes and "num_frames" not in takes:
        return "repainting" if "strength" in takes else "instructed"
    raise WeightsError(
        f"The artist {name!r} is a {type(pipeline).__name__}, which edits no photo; BURNISH_ARTIST takes a pipeline that does."
    )


def _sizes(pipeline: Any) -> tuple[int, int]:
    """Long edge that a pipeline draws at, and of what both edges are multiples."""
    factor = int(getattr(pipeline, "vae_scale_factor", 8))
    unet = getattr(pipeline, "unet", None)
    latent = (
        getattr(unet.config, "sample_size", None)
        if unet is not None
        else getattr(pipeline, "default_sample_size", None)
    )
    latent = max(latent) if isinstance(latent, list | tuple) else latent
    step = factor * 8
    return max(step, min(EDGE, factor * int(latent or 128)) // step * step), step


def draw(seen: Seen, wanted: Commission, artist: Artist, steps: int = 20) -> str:
    """Let an artist draw the look of a photo, and keep it as a fitted grid for `Look.drawn`.

    The same commission by the same artist gives the same grid on the same machine. Raises `WeightsError` where it cannot draw,
    or draws something else than the photo.
    """
    photo = seen.thumbnail
    drawing = paint(seen, wanted, artist, steps)
    if (like := alike(photo, drawing)) < LIKE:
        raise WeightsError(
            f"The artist {artist.name!r} has drawn something else than the photo (its lines agree by {like:.2f}); "
            "try another seed or another artist."
        )
    luma, held = guide(photo), np.zeros(photo.shape[:2], np.float32)
    for name in wanted.keep:
        mask = region(seen, name) if name != "global" else None
        if name == "global" or mask is not None:
            held = np.maximum(held, 1.0 if mask is None else mask.render(luma))
    return pack(fit(photo, drawing, held if wanted.keep else None))


def paint(seen: Seen, wanted: Commission, artist: Artist, steps: int = 20) -> FloatImage:
    """What the artist draws of a photo, at the thumbnail's size, (h, w, 3) in [0, 1]. Raises `WeightsError`."""
    import torch
    from PIL import Image

    height, width = seen.thumbnail.shape[:2]
    scale = artist.edge / max(height, width)
    size = tuple(max(artist.step, round(n * scale / artist.step) * artist.step) for n in (height, width))
    small = cv2.resize(
        seen.thumbnail, (size[1], size[0]), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    photo = Image.fromarray(np.asarray(np.rint(np.clip(small, 0, 1) * 255), np.uint8))
    told = wanted.instruction if artist.kind == "instructed" else wanted.description
    how: dict[str, Any] = {
        "prompt": told, "image": photo, "generator": torch.Generator().manual_seed(wanted.seed), "output_type": "np",
        "num_inference_steps": steps, "height": size[0], "width": size[1], "strength": STRENGTH, "_auto_resize": False,
        "max_area": size[0] * size[1],
    }  # fmt: skip
    if artist.kind != "instructed":
        # At least one step is taken of those that the strength leaves.
        how["num_inference_steps"] = max(steps, int(np.ceil(1 / STRENGTH)))
    if artist.kind == "steered":
        levels = torch.from_numpy(levels_of(seen, wanted, (size[0], size[1])))[None]
        how["control_image"] = levels.to(artist.pipeline.controlnet.device, artist.pipeline.controlnet.dtype)
    elif artist.kind == "guided":
        how["control_image"] = photo
    real = artist.takes.get("true_cfg_scale")
    if real is not None and isinstance(real.default, int | float) and real.default > 1:
        how["negative_prompt"] = " "  # without one these models are not guided at all
    try:
        with artist.busy, torch.inference_mode():  # a scheduler remembers where it is
            drawn = artist.pipeline(**{name: value for name, value in how.items() if name in artist.takes}).images[0]
    except Exception as error:  # memory that runs out, a pipeline that wants something else
        raise WeightsError(
            f"The artist {artist.name!r} could not draw ({borrowed.reason(error)}); try another, or leave BURNISH_ARTIST unset."
        ) from error
    picture = np.nan_to_num(np.asarray(drawn, np.float32))
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise WeightsError(
            f"The artist {artist.name!r} has drawn no picture; try another, or leave BURNISH_ARTIST unset."
        )
    return np.asarray(np.clip(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), 0, 1), np.float32)


def levels_of(seen: Seen, wanted: Commission, size: tuple[int, int]) -> FloatImage:
    """The map (4, height, width) of where the regions of a photo are to arrive."""
    luma = guide(seen.thumbnail)
    read = {r.name: r.attributes for r in seen.scene.regions}
    everywhere = wanted.changes.get("global", {})
    painted = []
    named = {"global", *SEMANTIC_REGIONS, *wanted.changes}
    for name in sorted(read.keys() & named, key=region_order):
        mask = None if name == "global" else seen.masks.get(name)
        if name == "global" or mask is not None:
            asked = {**everywhere, **wanted.changes.get(name, {})}
            held = name in wanted.keep
            painted.append((None if mask is None else mask.render(luma), read[name], {} if held else asked))
    return level_map(painted, size, EASE if wanted.free else 0.0)


def alike(one: FloatImage, two: FloatImage) -> float:
    """Correlation of the large lines of two pictures of one size, whatever their colours."""
    scale = LINES_AT / max(one.shape[:2])
    size = (max(4, round(one.shape[1] * scale)), max(4, round(one.shape[0] * scale)))
    lines = [
        np.stack(tuple(np.gradient(guide(cv2.resize(x, size, interpolation=cv2.INTER_AREA))))).ravel()
        for x in (one, two)
    ]
    if min(float(x.std()) for x in lines) < 1e-4:
        return 1.0 if float(lines[0].std()) < 1e-4 else 0.0
    return float(np.corrcoef(lines[0], lines[1])[0, 1])
