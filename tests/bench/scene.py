"""Does the embedding know a photo again? `python -m tests.bench.scene DATA [--photos 120]`.

Every photo of `DATA/dev_photos/` is embedded as it is and once more with another exposure, colour cast and crop (drawn from
a fixed seed). `same_photo`: how often the changed one's nearest neighbour among all photos is itself. `same_tag`: how
often, among the photos with hand-made tags (`dev_labels_permissive/tags.json`), the nearest other photo has the main tag,
which is the one listed first. `same_telling_tag`: the same for the rarest kind of thing that the tags name (portrait before
people, sunset before city). `same_tag_of_more`: `same_tag` among these and the photos of `scene_tags.txt`, which were tagged by
eye. `chance`: `same_tag` of a neighbour drawn at random. `main_tag_named`: how often the main tag is among those that Burnish
gives. The last line is JSON.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.scene_encoder import TAGS, encode
from models.training.scene import SAME
from tools.perceive import LOOK_AT, read, shrink


def changed(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another take of the same photo: exposure within a stop, a cast, a crop of at least 80 %."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.8, 1.0)
    y, x = (int(rng.uniform(0, 1 - share) * edge) for edge in (height, width))
    crop = pixels[y : y + int(height * share), x : x + int(width * share)].astype(np.float32) / 255
    gains = 2.0 ** (rng.uniform(-1, 1) / 2.2) * np.exp(rng.normal(0, 0.1, 3))
    return np.asarray(np.clip(crop * gains, 0, 1) * 255, np.uint8)


def by_eye() -> dict[str, list[str]]:
    """The tags of `scene_tags.txt`."""
    lines = Path(__file__).with_name("scene_tags.txt").read_text("utf-8").splitlines()
    return {name: said.split() for name, _, said in (line.partition(": ") for line in lines if line[0] != "#")}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=10_000)
    arguments = parser.parse_args()
    path = arguments.data / "dev_labels_permissive" / "tags.json"
    tagged: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    files = sorted((arguments.data / "dev_photos").iterdir(), key=lambda p: (p.stem not in tagged, p.name))
    rng = np.random.default_rng(0)
    names, whole, taken, given = [], [], [], []
    for file in files[: arguments.photos]:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            continue
        pixels = np.ascontiguousarray(image[..., ::-1])
        rgb = shrink(pixels, LOOK_AT)
        kind = encode(rgb, read(rgb))
        names.append(file.stem)
        whole.append(kind.embedding)
        given.append(kind.tags)
        again = shrink(changed(pixels, rng), LOOK_AT)
        taken.append(encode(again, read(again)).embedding)
    known, retaken = np.stack(whole), np.stack(taken)
    same = float(((retaken @ known.T).argmax(axis=1) == np.arange(len(names))).mean())

    def tags_of(name: str) -> list[str]:
        """Tags in our words, the most telling first."""
        ours = {SAME.get(word, word) for word in tagged.get(name, [])}
        return [word for word in TAGS if word in ours]

    def main_of(name: str) -> str:
        """The tag listed first, in our words."""
        first = tagged[name][0]
        return SAME.get(first, first)

    def words(name: str) -> set[str]:
        """All that the tags of a photo say, in their words and in ours."""
        return set(tagged[name]) | {SAME.get(word, word) for word in tagged[name]}

    def neighbours(rows: list[int]) -> list[tuple[str, str]]:
        """Each photo of `rows` with the nearest other one of them."""
        near = known[rows] @ known[rows].T
        np.fill_diagonal(near, -2)
        return [(names[i], names[rows[int(j)]]) for i, j in zip(rows, near.argmax(axis=1), strict=True)]

    rows = [i for i, name in enumerate(names) if tags_of(name)]
    pairs = neighbours(rows)
    shared = [main_of(one) in words(other) for one, other in pairs]
    telling = [tags_of(one)[0] in tags_of(other) for one, other in pairs]
    chance = [main_of(names[i]) in words(names[j]) for i in rows for j in rows if i != j]
    named = [main_of(names[i]) in given[i] for i in rows]
    tagged |= by_eye()
    wide = neighbours([i for i, name in enumerate(names) if tags_of(name)])
    many = [main_of(one) in words(other) for one, other in wide]
    figures = {
        "same_photo": round(same, 4),
        "same_tag": round(float(np.mean(shared)), 4) if shared else None,
        "same_telling_tag": round(float(np.mean(telling)), 4) if telling else None,
        "chance": round(float(np.mean(chance)), 4) if chance else None,
        "same_tag_of_more": round(float(np.mean(many)), 4) if many else None,
        "main_tag_named": round(float(np.mean(named)), 4) if named else None,
    }
    for key, value in figures.items():
        print(f"{key:<16}{value}")
    print(
        json.dumps(
            {"bench": "scene", "photos": len(names), "tagged": len(rows), "tagged_by_eye_too": len(wide), **figures}
        )
    )


if __name__ == "__main__":
    main()
