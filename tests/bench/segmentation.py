"""How well regions are found: `python -m tests.bench.segmentation DATA [--read-at 320] [--sheet OUT.png]`.

DATA holds `dev_labels/` (CCP and facade maps) and `dev_labels_permissive/` with its photos in `dev_photos/`. For every class
the intersection over union, summed over all photos of a set, of (a) the segmenter's most probable class and (b) the final
soft mask at the photo's own size, above one half. Unlabelled pixels are left out; a CCP pixel that is not part of the
person counts as not-person, a facade pixel of no named class as none of them. `picked`: the mean intersection over union of
what grows from a click, a box and a stroke (`models.pick`) on up to three labelled pieces of every photo of
`dev_labels_permissive`. `--sheet` draws the regions of 24 photos, to be looked at. The last line is JSON.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import contour, mask, pick, regions
from models.segmentation import CLASSES, PERSON_PARTS
from models.segmenter import READ_AT, segment
from tools.perceive import Scene, Seen, overlay, shrink

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


def sum_up(truth: Truth) -> NDArray[np.uint8]:
    """The index map (0 unlabelled, then `CLASSES`) that a truth was made from."""
    index = np.zeros(next(iter(truth.values())).shape, np.uint8)
    for name in ("person", *(n for n in CLASSES if n != "person")):
        index[truth[name]] = CLASSES.index(name) + 1
    return index


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


def pieces(index: NDArray[np.uint8], rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Up to three connected pieces, of at least 1.5 % of the photo, that the label map tells apart."""
    found = []
    for value in range(1, len(CLASSES)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((index == value).astype(np.uint8))
        found += [labels == i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.015 * index.size]
    return [found[i] for i in rng.permutation(len(found))[:3]]


def picks(inside: NDArray[np.bool_], rng: np.random.Generator) -> list[pick.Pick]:
    """A click well inside a piece, its bounding box, and a stroke between two points well inside."""
    height, width = inside.shape
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    ys, xs = np.nonzero(depth > 0.4 * depth.max())
    one, two = (np.array([xs[i] / width, ys[i] / height]) for i in rng.integers(len(ys), size=2))
    rows, columns = np.nonzero(inside)
    corners = columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height
    line = [(float(x), float(y)) for x, y in np.linspace(one, two, 8)]
    return [pick.point(float(one[0]), float(one[1])), pick.box(*(float(c) for c in corners)), pick.stroke(line, 0.012)]


def sheet(pictures: list[NDArray[np.uint8]], out: Path) -> None:
    """The pictures in rows of six, 300 pixels high and 330 wide."""
    tiles = []
    for one in pictures:
        scale = min(300 / one.shape[0], 330 / one.shape[1])
        small = cv2.resize(one, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((300, 330, 3), 32, np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 32)] * (-len(tiles) % 6)
    rows = [np.concatenate(tiles[i : i + 6], axis=1) for i in range(0, len(tiles), 6)]
    cv2.imwrite(str(out), np.concatenate(rows)[..., ::-1])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--read-at", type=int, nargs="+", default=READ_AT)
    parser.add_argument("--no-contours", action="store_true", help="as the network sees it, without `models.contour`")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    grown: dict[str, list[float]] = defaultdict(list)
    pictures: list[NDArray[np.uint8]] = []
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
        if not arguments.no_contours:
            seen = contour.refine(rgb, seen)
        size = valid.shape[::-1]
        large = cv2.resize(np.ascontiguousarray(seen.probabilities.transpose(1, 2, 0)), size).argmax(axis=2)
        luma = mask.guide(pixels)
        found = regions.semantic(mask.guide(rgb), seen)
        if group == "dev_labels_permissive":
            for inside in pieces(sum_up(truth), rng):
                for made in picks(inside, rng):
                    caught = cv2.resize(pick.grow(made, rgb, seen.probabilities), size) > 0.5
                    both, either = (caught & inside & valid).sum(), ((caught | inside) & valid).sum()
                    grown[made.kind].append(float(both / max(either, 1)))
        if arguments.sheet and (group == "dev_labels_permissive" or photos % 9 == 0) and len(pictures) < 24:
            masks = {name: one.mask for name, one in found.items()}
            scene = Scene.model_construct()
            pictures.append(overlay(Seen(scene, masks, rgb, seen.probabilities), pixels))
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
    figures["picked"] = {kind: round(float(np.mean(values)), 4) for kind, values in grown.items()}
    print("picked:", figures["picked"])
    if pictures:
        sheet(pictures, arguments.sheet)
    print(json.dumps({"bench": "segmentation", "photos": photos, "read_at": arguments.read_at, **figures}))


if __name__ == "__main__":
    main()
