"""Real photos for the simulated people, and five real experts.

DATA holds `train_photos/*.jpg` with tags in `train_labels_permissive/tags.json` and `train_labels_bsds/tags.json`, and
`dev_pairs/experts5/*_{A..E}.jpg`. What a photo is of comes from the hand-made tags; its embedding and regions from
`tools.perceive`, which the people never see through.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from memory.estimator import estimate
from memory.record import Preference
from models.attributes import change, read, ruler
from models.mask import guide
from models.vocabulary import MAP_ATTRIBUTES, SEMANTIC_REGIONS
from tests.bench.simulated_users import Scene
from tests.bench.table import show
from tools.perceive import perceive, shrink
from tools.photo import open_photo

#: Kinds in order of precedence, with the tags that make one. A photo is of the first kind that fits.
KINDS: Final = {
    "sunset": ("sunset",), "night": ("night",), "flower": ("flower", "flowers"), "portrait": ("portrait",),
    "animal": ("animal", "animals", "wildlife", "bird", "birds"), "sea": ("sea", "beach", "coast"),
    "mountain": ("mountain", "mountains"), "city": ("city", "architecture", "street", "building"), "indoor": ("indoor",),
    "sport": ("sport", "sports"),
}  # fmt: skip
MOST: Final = 24


class RealScenes:
    """Tagged photos, at most `MOST` a kind; every second one is kept for measuring."""

    def __init__(self, data: Path) -> None:
        self.photos: dict[str, list[Scene]] = {}
        tagged: dict[str, list[str]] = {}
        for folder, prefix in (("train_labels_permissive", ""), ("train_labels_bsds", "bsds500_")):
            path = data / folder / "tags.json"
            if path.exists():
                tagged |= {prefix + stem: tags for stem, tags in json.loads(path.read_text("utf-8")).items()}
        for stem, tags in sorted(tagged.items()):
            kind = next((k for k, words in KINDS.items() if set(words) & set(tags)), None)
            path = data / "train_photos" / f"{stem}.jpg"
            if kind is None or len(self.photos.get(kind, [])) >= MOST or not path.exists():
                continue
            seen = perceive(open_photo(path)).scene
            large = sorted(
                (r for r in seen.regions if r.name in SEMANTIC_REGIONS and r.area > 0.04), key=lambda r: -r.area
            )
            regions = ("global", *(r.name for r in large[:4]))
            self.photos.setdefault(kind, []).append(Scene(kind, seen.embedding, seen.tags, regions))
            print(f"\r{sum(map(len, self.photos.values()))} photos seen", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        self.photos = {k: v for k, v in self.photos.items() if len(v) >= 10}
        self.shows: Mapping[str, Sequence[str]] = {
            k: tuple(sorted(n for n, c in Counter(r for s in v for r in s.regions[1:]).items() if c >= len(v) / 4))
            or ("subject",)
            for k, v in self.photos.items()
        }

    def draw(self, kind: str, rng: np.random.Generator, fresh: bool = False) -> Scene:
        photos = self.photos[kind][1 if fresh else 0 :: 2]
        return photos[int(rng.integers(len(photos)))]

    def spread(self) -> tuple[float, float, float]:
        """Median embedding distance within a kind and between kinds, and how often the nearest photo is of the kind."""
        scenes = [s for v in self.photos.values() for s in v]
        e = np.array([s.embedding for s in scenes])
        cosine = e @ e.T
        same = np.array([[a.kind == b.kind for b in scenes] for a in scenes])
        other = ~np.eye(len(scenes), dtype=bool)
        distance = np.sqrt(np.clip(1 - cosine, 0, 2))
        nearest = np.where(other, cosine, -2).argmax(1)
        return (
            float(np.median(distance[same & other])),
            float(np.median(distance[~same])),
            float(np.mean([same[i, j] for i, j in enumerate(nearest)])),
        )


def experts(data: Path) -> dict[str, Any]:
    """Five experts as five people: each one's deviation from the mean expert, learned on two photos, met on the third?

    The folder has no originals, so the mean of the five stands for the neutral look. Distances are over the seven values of
    the whole photo, relative to knowing nothing; three photos of three kinds can show little, and that is reported as it is.
    """
    files = sorted((data / "dev_pairs" / "experts5").glob("*_A.jpg"))
    tables, scenes = [], []
    for path in files:
        photos = [open_photo(path.with_name(path.name.replace("_A.", f"_{x}."))) for x in "ABCDE"]
        smallest = min((p.pixels.shape[:2] for p in photos), key=lambda s: s[0] * s[1])
        views = [shrink(p.pixels[: smallest[0], : smallest[1]], 256) for p in photos]
        neutral = np.mean(views, axis=0).astype(np.float32)
        by = ruler(neutral, np.ones_like(guide(neutral)))
        assert by is not None
        base = read(neutral, by)
        tables.append([[float(np.clip(change(base, read(v, by))[n], -1, 1)) for n in MAP_ATTRIBUTES] for v in views])
        scenes.append(perceive(photos[2]).scene)
    table = np.array(tables)
    ratio: dict[str, list[float]] = {"own": [], "wrong expert": []}
    for left in range(len(files)):
        for who in range(5):
            for name, source in (("own", who), ("wrong expert", (who + 1 + left) % 5)):
                records = [
                    Preference.model_validate(
                        {"user": "expert", "feedback": "like", "time": 1.7e9 + i, "embedding": scenes[i].embedding,
                         "deviation": {"global": dict(zip(MAP_ATTRIBUTES, map(float, table[i, source]), strict=True))},
                         "kind": "slider"}
                    )
                    for i in range(len(files)) if i != left
                ]  # fmt: skip
                e = np.array(scenes[left].embedding)
                found = estimate([(r, float(np.dot(r.embedding, e))) for r in records], ["global"])
                values = np.array([found.values["global"].get(n, 0.0) for n in MAP_ATTRIBUTES])
                ratio[name].append(
                    float(
                        np.linalg.norm(values - table[left, who]) / max(float(np.linalg.norm(table[left, who])), 1e-6)
                    )
                )
    rows = [[n, float(np.mean(v)), float(np.median(v))] for n, v in ratio.items()]
    show(
        f"experts A-E, {len(files)} photos, leave one out: distance relative to no memory",
        ["taste of", "mean", "median"],
        rows,
    )
    return {name: float(np.mean(values)) for name, values in ratio.items()}
