"""Simulated people with a hidden, scene-dependent taste, who ask, adjust, like and dislike.

A person photographs a few kinds of scene and has a hidden ideal for each: how the result should differ from the neutral
automatic look, per region and attribute. They open a photo, get a first result, and if it is too far from their ideal they
ask for changes in words ("warmer sky, a little") or move sliders, a few times, then like it, dislike it, or walk away.
Nothing of the hidden side reaches the memory: it sees embeddings, results, the acts and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.estimator import Estimate
from memory.record import Preference
from models.vocabulary import MAP_ATTRIBUTES

Array = NDArray[np.float64]
Values = dict[str, dict[str, float]]

#: Regions that a photo of each kind shows besides the whole.
KINDS: dict[str, tuple[str, ...]] = {
    "sunset": ("sky", "water"), "city": ("building", "sky"), "portrait": ("skin", "background"),
    "forest": ("vegetation", "ground"), "beach": ("water", "person", "sky"), "night": ("building", "shadows"),
    "mountain": ("mountain", "sky", "vegetation"), "food": ("food", "background"),
}  # fmt: skip

WORDS = (0.12, 0.28, 0.55)


@dataclass(frozen=True)
class Scene:
    kind: str
    embedding: tuple[float, ...]
    tags: dict[str, float]
    regions: tuple[str, ...]


class Scenes(Protocol):
    """A supply of photos of a kind."""

    shows: Mapping[str, Sequence[str]]
    """Kind → regions that its photos often show."""

    def draw(self, kind: str, rng: np.random.Generator, fresh: bool = False) -> Scene:
        """A photo of `kind`; `fresh` ones are never worked on."""
        ...


class ClusteredScenes:
    """Made-up embeddings: one centre a kind, plus photo-to-photo scatter, plus directions that mean nothing.

    Cosines come out near 0.75 within a kind and near 0.25 between kinds. Tags err as those of real photos do: a third of the
    photos lack the tag of their kind, and nearly half have one of another.
    """

    shows: Mapping[str, Sequence[str]] = KINDS

    def __init__(self, seed: int, dimensions: int = 64) -> None:
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=dimensions)
        self.centres = {k: 0.55 * shared + rng.normal(size=dimensions) for k in self.shows}

    def draw(self, kind: str, rng: np.random.Generator, fresh: bool = False) -> Scene:
        vector = self.centres[kind] + 0.65 * rng.normal(size=self.centres[kind].size)
        vector /= np.linalg.norm(vector)
        tags = {kind: float(rng.uniform(0.5, 1))} if rng.random() < 0.65 else {}
        if rng.random() < 0.45:
            tags |= {str(rng.choice(sorted(KINDS))): float(rng.uniform(0.3, 0.8))}
        return Scene(kind, tuple(map(float, vector)), tags, ("global", *KINDS[kind]))


class Store(Protocol):
    """What a simulated person talks to: `memory.Memory`, or a list for quick tuning."""

    def like(self, record: Preference) -> object: ...

    def dislike(self, record: Preference) -> object: ...

    def estimate(
        self,
        user: str,
        embedding: Sequence[float],
        regions: Sequence[str],
        like: str | None = None,
        tags: Mapping[str, float] | None = None,
    ) -> Estimate: ...


@dataclass
class Person:
    """One hidden taste. `style`: flat, two, many or drifting."""

    name: str
    style: str
    kinds: tuple[str, ...]
    shares: Array
    tastes: dict[str, Values]
    """Kind → region → attribute → ideal deviation; regions that are missing follow `global`."""
    later: dict[str, Values] = field(default_factory=dict)
    """What a drifting taste becomes after `DRIFT` likes."""
    patience: float = 0.5
    slider: float = 0.25
    likes: int = 0

    def ideal(self, scene: Scene) -> Array:
        """(regions, attributes) ideal of a photo, without the jitter of the day."""
        now = self._table(self.tastes[scene.kind], scene)
        if self.later:
            part = min(max((self.likes - DRIFT[0]) / (DRIFT[1] - DRIFT[0]), 0.0), 1.0)
            now = (1 - part) * now + part * self._table(self.later[scene.kind], scene)
        return now

    def _table(self, taste: Values, scene: Scene) -> Array:
        whole = taste.get("global", {})
        rows = [{**whole, **{n: whole.get(n, 0) + v for n, v in taste.get(r, {}).items() if r != "global"}}
                for r in scene.regions]  # fmt: skip
        return np.clip([[row.get(n, 0.0) for n in MAP_ATTRIBUTES] for row in rows], -0.8, 0.8)


#: A drifting taste starts to change after the first and has changed after the second number of likes.
DRIFT = (6, 16)
#: Scatter of a person's ideal from one photo of a kind to the next, and of what a request really changes.
JITTER, EXECUTION, CROSSTALK = 0.06, 0.2, 0.015
MOST_ADJUSTMENTS = 8


def make_taste(rng: np.random.Generator, shows: Mapping[str, Sequence[str]], kinds: Sequence[str]) -> Values:
    """6 to 12 parameters of 0.12..0.45, about half of them on the whole photo, the rest on regions these kinds show."""
    regions = sorted({r for k in kinds for r in shows[k]})
    taste: Values = {"global": {"brightness": 0.04, "saturation": 0.06}}
    wanted = int(rng.integers(6, 13))
    while sum(len(v) for v in taste.values()) < wanted + 2:
        region = "global" if rng.random() < 0.45 else str(rng.choice(regions))
        name = str(rng.choice(MAP_ATTRIBUTES))
        value = float(rng.choice([-1, 1]) * rng.uniform(0.12, 0.45))
        if region == "global" and name in taste["global"] and abs(taste["global"][name]) > 0.1:
            continue
        taste.setdefault(region, {})[name] = taste.get(region, {}).get(name, 0.0) + value
        if sum(len(v) for v in taste.values()) >= len(MAP_ATTRIBUTES) * (1 + len(regions)):
            break
    return taste


def make_person(number: int, seed: int, shows: Mapping[str, Sequence[str]] = KINDS) -> Person:
    """Person `number` of the population `seed`: 30 % flat, 35 % two tastes, 15 % one a kind, 20 % drifting."""
    rng = np.random.default_rng([seed, number])
    style = ("flat", "two", "drifting", "two", "flat", "many", "two", "flat", "drifting", "two",
             "many", "flat", "two", "drifting", "flat", "two", "many", "flat", "two", "drifting")[number % 20]  # fmt: skip
    own = tuple(str(k) for k in rng.permutation(sorted(shows))[: int(rng.integers(2, 5))])
    half = max(1, len(own) // 2)
    groups = {"flat": [own], "drifting": [own[:half], own[half:]], "two": [own[:half], own[half:]]}.get(
        style, [(k,) for k in own]
    )

    def tastes() -> dict[str, Values]:
        return {k: taste for group in groups for taste in [make_taste(rng, shows, group)] for k in group}

    first = tastes()
    # A drifting person re-learns about half of what they like.
    second = {k: _mixed(first[k], v, number) for k, v in tastes().items()} if style == "drifting" else {}
    return Person(
        name=f"person {number}",
        style=style,
        kinds=own,
        shares=rng.dirichlet(np.full(len(own), 3.0)),
        tastes=first,
        later=second,
        patience=float(rng.uniform(0.3, 0.5)),
        slider=float(rng.uniform(0.1, 0.4)),
    )


def _mixed(old: Values, new: Values, number: int) -> Values:
    out = {r: dict(v) for r, v in old.items()}
    for j, (r, n) in enumerate([(r, n) for r, names in new.items() for n in names]):
        if (j + number) % 2:
            out.setdefault(r, {})[n] = new[r][n]
    for j, (r, n) in enumerate([(r, n) for r, names in old.items() for n in names if n not in new.get(r, {})]):
        if (j + number) % 2:
            del out[r][n]
    return out


def table(values: Values, scene: Scene) -> Array:
    """An estimate's values as (regions, attributes)."""
    return np.array([[values.get(r, {}).get(n, 0.0) for n in MAP_ATTRIBUTES] for r in scene.regions])


def live(
    person: Person, store: Store, scenes: Scenes, likes: int, seed: int,
    after: Callable[[Person, int], None] = lambda person, photo: None,
) -> int:  # fmt: skip
    """Let `person` work on photos until `likes` likes are given (or 12 times as many photos seen). Returns the photos."""
    rng = np.random.default_rng([seed, sum(person.name.encode())])
    photo = 0
    while person.likes < likes and photo < 12 * likes:
        photo += 1
        scene = scenes.draw(str(rng.choice(person.kinds, p=person.shares)), rng)
        turn(person, store, scene, rng, photo)
        after(person, photo)
    return photo


def turn(person: Person, store: Store, scene: Scene, rng: np.random.Generator, photo: int) -> None:
    """One photo: a first result, adjustments, and perhaps feedback."""
    ideal = person.ideal(scene) + JITTER * rng.normal(size=(len(scene.regions), len(MAP_ATTRIBUTES)))
    result = table(store.estimate(person.name, scene.embedding, scene.regions, tags=scene.tags).values, scene)
    source: dict[str, dict[str, str]] = {}
    limit = person.patience * float(np.linalg.norm(ideal)) * float(np.exp(0.2 * rng.normal()))
    when = 1.7e9 + photo * 86400.0

    def record(kind: str) -> Preference:
        seen = result + CROSSTALK * rng.normal(size=result.shape)
        deviation = {r: dict(zip(MAP_ATTRIBUTES, map(float, row), strict=True))
                     for r, row in zip(scene.regions, seen, strict=True)}  # fmt: skip
        return Preference.model_validate(
            {"user": person.name, "time": when, "feedback": "like", "embedding": scene.embedding, "tags": scene.tags,
             "deviation": deviation, "source": source, "kind": kind}
        )  # fmt: skip

    for step in range(MOST_ADJUSTMENTS + 1):
        if float(np.linalg.norm(result - ideal)) <= limit:
            person.likes += 1
            spoken = {word for said in source.values() for word in said.values()}
            # A first result liked as it is says nothing of its own: what was given must not confirm itself.
            store.like(record("slider" if "slider" in spoken else "followup" if spoken else "weak"))
            return
        if step == 0 and rng.random() < 0.3:
            store.dislike(record("weak"))
        gap = ideal - result
        # Where an adjustment would help most: one attribute of one region, or of the whole photo.
        options = [(float(np.abs(gap[i, j])), i, j) for i in range(1, len(gap)) for j in range(gap.shape[1])]
        options += [(float(abs(gap[:, j].mean())) * 1.3, 0, j) for j in range(gap.shape[1])]
        _, i, j = max(options, key=lambda o: o[0] + 0.05 * rng.normal())
        rows = slice(None) if i == 0 else slice(i, i + 1)
        need = float(gap[rows, j].mean())
        if rng.random() < person.slider:
            change, word = need + 0.03 * float(rng.normal()), "slider"
        else:
            size = min(WORDS, key=lambda w: abs(w - abs(need)))
            change, word = float(np.sign(need)) * size * float(1 + EXECUTION * rng.normal()), "asked"
        result[rows, j] += change
        source.setdefault(scene.regions[i], {})[MAP_ATTRIBUTES[j]] = word
    if rng.random() < 0.5:
        store.dislike(record("followup"))


def distance(person: Person, estimate: Estimate, scene: Scene) -> float:
    """How far a first result that follows `estimate` lies from the person's ideal (Euclidean, all regions)."""
    return float(np.linalg.norm(table(estimate.values, scene) - person.ideal(scene)))


def nothing(person: Person, scene: Scene) -> float:
    """The same without a memory: the neutral look."""
    return float(np.linalg.norm(person.ideal(scene)))


def apart(
    people: int,
    scenes: Scenes,
    seed: int,
    guess: Callable[[Sequence[Preference], Scene], Estimate],
    *,
    fixed: bool = True,
    both: bool = True,
) -> dict[str, float]:
    """How much of a taste for one kind of scene shows up on another: people with ten likes of warm pictures of one kind.

    `fixed`: sunsets and cities, else two kinds drawn at random; `both`: and ten likes of neutral pictures of the other.
    `leak`: warmth or coolness on the other kind as a share of the warmth on its own, over all people together, so that nobody
    whose taste is hardly found decides. `learning`: how often the estimate says on the other kind that it is still learning;
    `knows`: how often it does not on its own kind.
    """
    kinds = sorted(scenes.shows)
    there = leak = learning = knows = 0.0
    for number in range(people):
        rng = np.random.default_rng([seed, number, 2])
        drawn = map(str, rng.permutation(kinds)[:2])
        warm, cold = ("sunset", "city") if fixed and "sunset" in kinds else drawn
        records = []
        for i in range(10):
            for kind, value in ((warm, 0.35), (cold, 0.0)) if both else ((warm, 0.35),):
                scene = scenes.draw(kind, rng)
                liked = value + 0.04 * float(rng.normal())
                records.append(
                    Preference(
                        user="two", feedback="like", time=1.7e9 + i, embedding=scene.embedding, tags=scene.tags,
                        deviation={"global": {"temperature": liked}}, source={"global": {"temperature": "asked"}},
                    )
                )  # fmt: skip
        own = [guess(records, scenes.draw(warm, rng, fresh=True)) for _ in range(5)]
        other = [guess(records, scenes.draw(cold, rng, fresh=True)) for _ in range(5)]
        there += sum(_warmth(e) for e in own)
        leak += abs(sum(_warmth(e) for e in other))
        learning += float(np.mean([e.learning for e in other])) / people
        knows += float(np.mean([not e.learning for e in own])) / people
    return {"leak": leak / max(there, 1e-6), "learning": learning, "knows": knows}


def _warmth(found: Estimate) -> float:
    return found.values.get("global", {}).get("temperature", 0.0)
