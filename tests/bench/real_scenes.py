"""Real photos for the simulated people, and five real experts.

DATA holds `train_photos/*.jpg` with tags in `train_labels_permissive/tags.json` and `train_labels_bsds/tags.json`, photos
that the scene encoder was not trained on in `dev_photos/`, and `dev_pairs/experts5/*_{A..E}.jpg`. What a photo is of comes
from the hand-made tags, or from `HELD_OUT`, sorted by eye; its embedding, tags and regions from `tools.perceive`, which the
people never see through.
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
#: Kinds with fewer photos are left out.
FEWEST: Final = 8

#: Photos of `dev_photos/` sorted by eye into kinds, by the beginnings of their names; those of no clear kind are left out.
HELD_OUT: Final = {
    "sunset": (
        "baguettebox_1-4 baguettebox_1-5 bsds500_143 budgie_b clic2025_1 lightgallery_1 lightgallery_4 placecal_a"
    ),
    "city": (
        "bolts_C bsds500_11 bsds500_126 bsds500_148 budgie_r cid22_113 cid22_17 cid22_21 cid22_225 cid22_pexels-photo-1 "
        " dali_a kodak_01 kodak_24 sunhays80_img_010 sunhays80_img_015 sunhays80_img_061 urban100_img_00 "
        "urban100_img_01 urban100_img_02 urban100_img_062 urban100_img_08 wp24_a"
    ),
    "landscape": (
        "aosc_A bolts_L bsds500_24 bsds500_29600 bsds500_54 immich kodak_13 lightgallery_image-4 popos "
        "sunhays80_img_02 sunhays80_img_03 ubuntu wp25_c"
    ),
    "portrait": (
        "bsds500_18 clic2025_b clic2025_e dali_3 gb82_b interf pif_01 pif_024 pif_027 pif_03 pif_041 pif_05 pif_06"
    ),
    "animal": (
        "bsds500_105 bsds500_106 bsds500_123 bsds500_13 bsds500_16 bsds500_175 bsds500_196 bsds500_29605 "
        "bsds500_69 bsds500_80 cid22_72 coco_00000022 dali_c dali_sn lightgallery_image-5 pigallery2_IMG-9"
    ),
    "food": (
        "bsds500_58 cid22_6 feedme_00001 feedme_00002 feedme_00004 feedme_00007 feedme_00009 feedme_0001 "
        "feedme_0003"
    ),
    "indoor": (
        "cid22_12 cid22_14 cid22_1599 cid22_164 cid22_226 cid22_250 cid22_26 cid22_3316 cid22_5 coco_00000040 "
        "coco_00000055 sunhays80_img_062 sunhays80_img_07 urban100_img_05"
    ),
}  # fmt: skip


def trained_photos(data: Path) -> list[tuple[str, Path]]:
    """(kind, path) of tagged photos that the encoder was trained on, at most `MOST` a kind."""
    tagged: dict[str, list[str]] = {}
    for folder, prefix in (("train_labels_permissive", ""), ("train_labels_bsds", "bsds500_")):
        path = data / folder / "tags.json"
        if path.exists():
            tagged |= {prefix + stem: tags for stem, tags in json.loads(path.read_text("utf-8")).items()}
    found: dict[str, list[tuple[str, Path]]] = {}
    for stem, tags in sorted(tagged.items()):
        kind = next((k for k, words in KINDS.items() if set(words) & set(tags)), None)
        path = data / "train_photos" / f"{stem}.jpg"
        if kind is not None and len(found.get(kind, [])) < MOST and path.exists():
            found.setdefault(kind, []).append((kind, path))
    return [photo for photos in found.values() for photo in photos]


def held_out_photos(data: Path) -> list[tuple[str, Path]]:
    """(kind, path) of photos that the encoder has never seen."""
    files = sorted((data / "dev_photos").iterdir())
    return [
        (kind, path)
        for kind, starts in HELD_OUT.items()
        for path in files
        if path.stem.startswith(tuple(starts.split()))
    ]


def look(path: Path) -> dict[str, Any]:
    """What `tools.perceive` makes of a photo: embedding, tags, and its regions with their areas."""
    seen = perceive(open_photo(path)).scene
    return {"embedding": seen.embedding, "tags": seen.tags, "regions": [(r.name, r.area) for r in seen.regions]}


class RealScenes:
    """Photos of some kinds; every second one is kept for measuring.

    `kept`: a JSON file of what was perceived, filled where it has gaps, so that a second run need not look again.
    """

    def __init__(self, photos: Sequence[tuple[str, Path]], kept: Path | None = None) -> None:
        memo: dict[str, dict[str, Any]] = json.loads(kept.read_text("utf-8")) if kept and kept.exists() else {}
        self.photos: dict[str, list[Scene]] = {}
        for number, (kind, path) in enumerate(photos):
            if path.stem not in memo:
                memo[path.stem] = look(path)
                print(f"\r{number + 1} photos seen", end="", file=sys.stderr, flush=True)
            seen = memo[path.stem]
            large = sorted(
                (r for r in seen["regions"] if r[0] in SEMANTIC_REGIONS and r[1] > 0.04), key=lambda r: -r[1]
            )
            regions = ("global", *(name for name, _ in large[:4]))
            self.photos.setdefault(kind, []).append(Scene(kind, tuple(seen["embedding"]), seen["tags"], regions))
        print(file=sys.stderr)
        if kept:
            kept.write_text(json.dumps(memo), encoding="utf-8")
        self.photos = {k: v for k, v in self.photos.items() if len(v) >= FEWEST}
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
        every = [s for v in self.photos.values() for s in v]
        size = max(len(s.embedding) for s in every)
        scenes = [s for s in every if len(s.embedding) == size]
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
