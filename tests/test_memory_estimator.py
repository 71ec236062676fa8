"""The estimator: one like moves a little, ten move all the way, tastes stay apart, slips and dislikes are treated as such."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.estimator import Estimate, estimate
from memory.record import Preference
from memory.wording import explanation, phrase, sentence
from models.vocabulary import MAP_ATTRIBUTES

RNG = np.random.default_rng(11)
SUNSET, CITY, FOREST = RNG.normal(size=(3, 64))
REGIONS = ("global", "sky")


def record(centre: np.ndarray, when: float, value: float, feedback: str = "like", source: str = "asked",
           **more: object) -> Preference:  # fmt: skip
    rng = np.random.default_rng(int(when * 1000) + 17)
    data: dict[str, object] = {
        "user": "anna", "feedback": feedback, "time": when, "embedding": tuple(centre + 0.4 * rng.normal(size=64)),
        "deviation": {"global": {"temperature": value}, "sky": {"temperature": value}},
        "source": {"global": {"temperature": source}},
    }  # fmt: skip
    return Preference.model_validate({**data, **more})


def on(centre: np.ndarray, records: list[Preference], regions: tuple[str, ...] = REGIONS) -> Estimate:
    query = centre / np.linalg.norm(centre)
    return estimate([(r, float(np.dot(r.embedding, query))) for r in records], regions)


def warmth(found: Estimate, region: str = "sky") -> float:
    return found.values.get(region, {}).get("temperature", 0.0)


def likes(centre: np.ndarray, count: int, value: float = 0.3, start: float = 0.0) -> list[Preference]:
    return [record(centre, start + i, value) for i in range(count)]


def test_nothing_known_is_neutral() -> None:
    assert on(SUNSET, []) == Estimate()
    assert Estimate().learning


def test_one_like_moves_a_little_and_ten_all_the_way() -> None:
    moved = [warmth(on(SUNSET, likes(SUNSET, n))) / 0.3 for n in (1, 2, 3, 5, 10)]
    assert moved == sorted(moved)
    assert 0.2 <= moved[0] <= 0.5
    assert moved[-1] >= 0.9
    assert all(m <= 1.02 for m in moved)


def test_below_three_comparable_likes_it_is_still_learning() -> None:
    assert [on(SUNSET, likes(SUNSET, n)).learning for n in (1, 2, 3, 4)] == [True, True, False, False]
    assert on(CITY, likes(SUNSET, 10)).learning
    assert "still learning" in sentence(on(SUNSET, likes(SUNSET, 2))).sentence


def test_more_likes_make_it_surer() -> None:
    found = [on(SUNSET, likes(SUNSET, n)) for n in (1, 3, 10)]
    spreads = [f.spread["sky"]["temperature"] for f in found]
    assert spreads == sorted(spreads, reverse=True)
    assert [f.sure for f in found] == sorted(f.sure for f in found)
    assert found[-1].sure > 0.95


def test_tastes_for_different_scenes_stay_apart() -> None:
    records = likes(SUNSET, 5, 0.3) + likes(CITY, 5, -0.3)
    assert warmth(on(SUNSET, records)) > 0.24
    assert warmth(on(CITY, records)) < -0.24
    assert {e.record.id for e in on(CITY, records).evidence} == {r.id for r in records[5:]}


def test_a_taste_for_one_kind_of_scene_hardly_leaks_to_another() -> None:
    for count in (3, 10, 20):
        records = likes(SUNSET, count)
        assert abs(warmth(on(CITY, records))) <= 0.15 * warmth(on(SUNSET, records))


def test_a_taste_that_is_the_same_everywhere_reaches_new_scenes_a_little() -> None:
    records = likes(SUNSET, 6) + likes(CITY, 6, start=10)
    alone = likes(SUNSET, 12)
    assert 0.02 < warmth(on(FOREST, records)) <= 0.1
    assert warmth(on(FOREST, records)) > 3 * abs(warmth(on(FOREST, alone)))
    # Once some photos of the new kind have been liked, what holds everywhere counts in full.
    assert warmth(on(FOREST, [*records, *likes(FOREST, 2, start=20)])) > 0.2


@pytest.mark.parametrize("kinds", [(SUNSET,), (SUNSET, CITY)])
def test_many_likes_of_other_kinds_are_none_of_this_one(kinds: tuple[np.ndarray, ...]) -> None:
    records = [r for i, kind in enumerate(kinds) for r in likes(kind, 20, start=100 * i)]
    for count in range(4):
        found = on(FOREST, [*records, *likes(FOREST, count, start=500)])
        assert (found.likes, found.others) == (count, len(records))
        assert found.learning == (count < 3)
        assert {e.record.time >= 500 for e in found.evidence} == ({True} if count else set())
        assert warmth(found) <= (0.1, 0.24, 0.3, 0.3)[count]
    assert "still learning" in sentence(on(FOREST, records)).sentence


def tagged(records: list[Preference], **tags: float) -> list[Preference]:
    return [r.model_copy(update={"tags": tags}) for r in records]


def test_tags_tell_scenes_apart_where_embeddings_do_not() -> None:
    # Photos half way between two kinds, as the embedding has it.
    query = SUNSET / np.linalg.norm(SUNSET)
    between = SUNSET / np.linalg.norm(SUNSET) + CITY / np.linalg.norm(CITY)
    records = tagged(likes(8 * between, 6), sunset=0.9) + tagged(likes(8 * between, 6, 0.0, start=10), city=0.9)
    hits = [(r, float(np.dot(r.embedding, query))) for r in records]
    blind = estimate(hits, REGIONS)
    at_sunset, in_city = (estimate(hits, REGIONS, tags={name: 0.9}) for name in ("sunset", "city"))
    assert warmth(at_sunset) > warmth(blind) > warmth(in_city)


def test_a_record_of_another_encoder_counts_by_its_tags_alone() -> None:
    query = SUNSET / np.linalg.norm(SUNSET)
    older = [r.model_copy(update={"embedding": ()}) for r in tagged(likes(SUNSET, 5), sunset=0.9)]
    newer = tagged(likes(CITY, 2, 0.0, start=10), city=0.9)
    hits = [(r, None) for r in older] + [(r, float(np.dot(r.embedding, query))) for r in newer]
    found = estimate(hits, REGIONS, tags={"sunset": 0.8})
    assert found.likes == 5
    assert warmth(found) > 0.2
    assert estimate(hits, REGIONS, tags={"portrait": 0.9}).likes == 0
    assert estimate(hits, REGIONS).likes == 0


def test_a_taste_that_changes_is_followed() -> None:
    old = likes(SUNSET, 10, 0.3)
    path = [warmth(on(SUNSET, old + likes(SUNSET, n, -0.2, start=100))) for n in (0, 2, 5, 10)]
    assert path[:3] == sorted(path[:3], reverse=True)
    assert path[2] < -0.1
    assert path[-1] == pytest.approx(-0.2, abs=0.03)


def test_one_slip_among_many_counts_little() -> None:
    steady = likes(SUNSET, 10)
    slip = [*steady[:5], record(SUNSET, 4.5, -0.6), *steady[5:]]
    assert abs(warmth(on(SUNSET, slip)) - warmth(on(SUNSET, steady))) < 0.05


def test_a_slider_says_more_than_words_and_words_more_than_silence() -> None:
    slider, asked, given_ = (
        warmth(on(SUNSET, [record(SUNSET, 1, 0.3, source=s)])) for s in ("slider", "asked", "given")
    )
    assert slider > asked > given_ > 0


def test_remember_this_counts_more_than_a_like() -> None:
    assert warmth(on(SUNSET, [record(SUNSET, 1, 0.3, "remember")])) > warmth(on(SUNSET, [record(SUNSET, 1, 0.3)]))


def test_dislikes_repel() -> None:
    rejected = [record(SUNSET, i, 0.4, "dislike", source="given") for i in range(3)]
    assert warmth(on(SUNSET, rejected)) < -0.02
    assert abs(warmth(on(CITY, rejected))) < 0.01
    assert warmth(on(SUNSET, likes(SUNSET, 2, 0.2) + rejected)) < warmth(on(SUNSET, likes(SUNSET, 2, 0.2)))


def test_what_was_asked_for_in_a_rejected_result_was_a_wish() -> None:
    liked = likes(SUNSET, 3, 0.1)
    asked = record(SUNSET, 5.0, 0.5, "dislike", kind="followup")
    given_ = record(SUNSET, 5.0, 0.5, "dislike", source="given", kind="followup")
    style = record(SUNSET, 5.0, 0.5, "dislike", kind="style")
    before = warmth(on(SUNSET, liked))
    assert before < warmth(on(SUNSET, [*liked, asked])) < warmth(on(SUNSET, [*liked, record(SUNSET, 5.0, 0.5)]))
    assert warmth(on(SUNSET, [*liked, given_])) <= before
    assert warmth(on(SUNSET, [*liked, style])) <= before
    assert on(SUNSET, [*liked, asked]).likes == 3


def test_old_likes_of_a_kind_do_not_fade_while_others_are_liked() -> None:
    old = likes(SUNSET, 6, 0.3)
    assert warmth(on(SUNSET, [*old, *likes(CITY, 14, 0.0, start=6.0)])) >= 0.9 * warmth(on(SUNSET, old))


def test_likes_given_since_answer_a_dislike() -> None:
    dislike = record(SUNSET, 0, 0.5, "dislike", source="given")
    after = likes(SUNSET, 8, 0.3, start=1)
    assert abs(warmth(on(SUNSET, [dislike, *after])) - warmth(on(SUNSET, after))) < 0.01


def test_what_nobody_cared_about_stays_neutral() -> None:
    records = [
        record(SUNSET, i, 0.3, deviation={"global": {"temperature": 0.3, "tint": float(0.02 * RNG.normal())}})
        for i in range(10)
    ]
    assert abs(on(SUNSET, records).values["global"]["tint"]) < 0.02


def test_a_region_never_seen_borrows_from_the_whole_with_more_doubt() -> None:
    found = on(SUNSET, likes(SUNSET, 5), ("global", "sky", "water"))
    assert 0.1 < warmth(found, "water") <= warmth(found, "global")
    assert found.spread["water"]["temperature"] >= found.spread["sky"]["temperature"]


def test_style_is_a_mean_shrunk_towards_the_neutral_one() -> None:
    records = [record(SUNSET, i, 0.3, style=(0.5, -0.5)) for i in range(9)]
    one, nine = on(SUNSET, records[:1]).style, on(SUNSET, records).style
    assert 0 < one[0] < nine[0] <= 0.5
    assert nine[0] == pytest.approx(-nine[1])
    assert on(SUNSET, likes(SUNSET, 3)).style == ()


values = st.floats(-1, 1).map(lambda v: round(v, 3))
records_ = st.lists(
    st.builds(
        record,
        st.sampled_from([SUNSET, CITY, FOREST]),
        st.floats(0, 1e6),
        values,
        st.sampled_from(["like", "dislike", "remember"]),
        st.sampled_from(["slider", "asked", "given"]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(records_, st.randoms(use_true_random=False))
def test_any_history_gives_bounded_values_whatever_its_order(history: list[Preference], random: object) -> None:
    found = on(SUNSET, history, ("global", "sky", "skin"))
    highest = max((abs(v) for r in history for d in r.deviation.values() for v in d.values()), default=0.0)
    for region, names in found.values.items():
        assert set(names) <= set(MAP_ATTRIBUTES)
        for name, value in names.items():
            assert np.isfinite(value)
            assert abs(value) <= min(1.0, 1.5 * highest + 0.11)
            assert 0 < found.spread[region][name] < 1
    assert 0 <= found.sure <= 1
    assert sum(e.weight for e in found.evidence) == pytest.approx(1 if found.evidence else 0)
    mixed = list(history)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert on(SUNSET, mixed, ("global", "sky", "skin")) == found


def test_liking_the_opposite_gives_the_opposite() -> None:
    there, back = on(SUNSET, likes(SUNSET, 4, 0.3)), on(SUNSET, likes(SUNSET, 4, -0.3))
    assert warmth(there) == pytest.approx(-warmth(back), abs=1e-3)


def test_the_sentence_says_what_was_used_and_why() -> None:
    records = [record(SUNSET, i, 0.3, tags={"sunset": 0.9}) for i in range(4)]
    text = sentence(on(SUNSET, records)).sentence
    assert text.startswith("warmer ")
    assert "as in 4 sunsets you liked" in text
    assert text.endswith("% sure")
    assert phrase("sky", "temperature", 0.3) == "warmer skies"


def test_the_sentence_names_a_part_only_for_what_the_whole_does_not_have() -> None:
    regions = ("global", "sky", "left", "shadows")
    same = {"global": {"temperature": 0.3}, "sky": {"temperature": 0.3}, "left": {"temperature": 0.5}}
    text = sentence(on(SUNSET, [record(SUNSET, i, 0.3, deviation=same) for i in range(6)], regions)).sentence
    assert text.startswith("warmer pictures, as in 6 photos like this you liked")
    more = {**same, "sky": {"temperature": 0.5}}
    text = sentence(on(SUNSET, [record(SUNSET, i, 0.3, deviation=more) for i in range(6)], regions)).sentence
    assert text.startswith("warmer skies, warmer pictures, as in")


def test_an_explanation_names_every_value_and_like() -> None:
    records = [record(SUNSET, i, 0.3, summary="warmer sky") for i in range(3)]
    text = explanation(sentence(on(SUNSET, records)))
    assert "sky temperature: +" in text
    assert all(r.id[:8] in text for r in records)
