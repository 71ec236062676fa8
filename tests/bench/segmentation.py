"""How well regions are found: `python -m tests.bench.segmentation DATA [--read-at 320]`.

DATA holds `dev_labels/` (CCP and facade maps) and `dev_labels_permissive/` with its photos in `dev_photos/`. For every class
the intersection over union, summed over all photos of a set, of (a) the segmenter's most probable class and (b) the final
soft mask at the photo's own size, above one half. Unlabelled pixels are left out; a CCP pixel that is not part of the
person counts as not-person, a facade pixel of no named class as none of them. The last line is JSON.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mask, people, regions
from models.faces import find_faces
from models.segmentation import CLASSES, PERSON_PARTS
from models.segmenter import READ_AT, segment
from tools.perceive import shrink

Truth = dict[str, NDArray[np.bool_]]

CCP_HAIR, CCP_SKIN = 19, 41


def ccp(index: NDArray[np.uint8]) -> tuple[Truth, NDArray[np.bool_]]:
    """Truth of a CCP map: the whole person, skin, hair; every pixel counts."""
    return {"person": index > 0, "skin": index == CCP_SKIN, "hair": index == CCP_HAIR}, np.ones(index.shape, bool)


def facade(index: NDArray[np.uint8]) -> tuple[Truth, NDArray[np.bool_]]:
    """Truth of a facade map; windows and doors belong to their building."""
    return {"sky": index == 6, "vegetation": index == 7, "building": np.isin(index, (1, 3, 8))}, np.ones(
        index.shape, bool
    )


def permissive(index: NDArray[np.uint8]) -> tuple[Truth, NDArray[np.bool_]]:
    """Truth of an index map; `person` is all of a person."""
    truth = {name: index == i + 1 for i, name in enumerate(CLASSES)}
    truth["person"] = np.isin(index, [CLASSES.index(name) + 1 for name in PERSON_PARTS])
    return truth, index > 0


def cases(data: Path) -> Iterator[tuple[str, Path, Truth, NDArray[np.bool_]]]:
    """Set name, photo, truth and valid pixels of every labelled photo."""
    for label in sorted((data / "dev_labels").glob("*.png")):
        index = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
        kind = "ccp" if label.stem.endswith("_ccp") else "facade"
        photo = label.with_name(label.stem.removesuffix(f"_{kind}") + ".jpg")
        yield ("dev_labels", photo, *(ccp(index) if kind == "ccp" else facade(index)))
    for label in sorted((data / "dev_labels_permissive").glob("*.png")):
        index = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
        photos = sorted((data / "dev_photos").glob(f"{label.stem}.*"))
        if photos:
            yield ("dev_labels_permissive", photos[0], *permissive(index))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--read-at", type=int, nargs="+", default=READ_AT)
    parser.add_argument("--no-faces", action="store_true", help="without the bodies that faces complete")
    arguments = parser.parse_args()
    counts: dict[tuple[str, str, str], NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    photos = 0
    for group, path, truth, valid in cases(arguments.data):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        photos += 1
        pixels = cv2.resize(image[..., ::-1], valid.shape[::-1], interpolation=cv2.INTER_AREA)
        rgb = shrink(np.ascontiguousarray(pixels), 512)
        seen = segment(rgb, arguments.read_at)
        if not arguments.no_faces:
            seen = people.with_person(
                seen, people.complete(rgb, seen.of(*PERSON_PARTS), find_faces(rgb, seen.of("skin")))
            )
        size = valid.shape[::-1]
        large = cv2.resize(np.ascontiguousarray(seen.probabilities.transpose(1, 2, 0)), size).argmax(axis=2)
        luma = mask.guide(pixels)
        found = regions.semantic(mask.guide(rgb), seen)
        for name, true in truth.items():
            parts = PERSON_PARTS if name == "person" else (name,)
            best = np.isin(large, [CLASSES.index(part) for part in parts])
            soft = found[name].mask.render(luma) > 0.5 if name in found else np.zeros(valid.shape, bool)
            for way, guess in (("argmax", best), ("mask", soft)):
                counts[group, name, way] += ((guess & true & valid).sum(), ((guess | true) & valid).sum())
    figures: dict[str, dict[str, float]] = {}
    print(f"{'set':<24}{'class':<12}{'argmax':>8}{'mask':>8}")
    for group, name in dict.fromkeys((group, name) for group, name, _ in counts):
        iou = {way: counts[group, name, way][0] / max(counts[group, name, way][1], 1) for way in ("argmax", "mask")}
        print(f"{group:<24}{name:<12}{iou['argmax']:>8.3f}{iou['mask']:>8.3f}")
        figures.setdefault(group, {})[name] = round(float(iou["mask"]), 4)
        figures.setdefault(f"{group}_argmax", {})[name] = round(float(iou["argmax"]), 4)
    print(json.dumps({"bench": "segmentation", "photos": photos, "read_at": arguments.read_at, **figures}))


if __name__ == "__main__":
    main()
