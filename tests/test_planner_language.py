"""The planner's own language model: its lessons, what it reads and writes, its training, and the model that ships."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from agent.plan import Edit, Plan, PlanContext
from agent.planner import exchange, lessons, phrases, plan_text, wire
from agent.planner.inside import InsidePlanner
from agent.planner.served import situation
from models import pinned
from models.language import Language, told
from models.vocabulary import ATTRIBUTES, REGIONS

EDITS = st.builds(
    Edit,
    region=st.sampled_from((*REGIONS, "object:door", "object:red areas")),
    attribute=st.sampled_from((*ATTRIBUTES, "hue:gold")),
    direction=st.sampled_from((-1, 1)),
    amount=st.one_of(st.sampled_from(("slight", "medium", "strong")), st.integers(1, 100).map(float)),
)
SHIPPED = pinned.FOLDER / "planner"
needs_model = pytest.mark.skipif(not pinned.available("planner"), reason="the planner's own model is not shipped")


@given(
    st.lists(EDITS, max_size=6, unique_by=lambda e: (e.region, e.attribute)),
    st.lists(st.sampled_from(REGIONS), max_size=3, unique=True),
)
def test_what_is_written_for_the_wire_reads_as_the_same_plan(edits: list[Edit], protect: list[str]) -> None:
    plan = Plan(kind="strong", edits=tuple(edits), protect=tuple(protect), lang="de")
    answer = wire.write(plan)
    assert answer is not None
    back = wire.read(json.loads(answer))

    def sizes(p: Plan) -> list[tuple[str, str, int, object]]:
        return [(e.region, e.attribute, e.direction, getattr(e.amount, "value", e.amount)) for e in p.edits]

    assert sizes(back) == sizes(plan)
    assert (back.kind, back.protect, back.lang) == (plan.kind, plan.protect, plan.lang)


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(0, 9))
def test_the_chat_template_keeps_what_the_model_was_trained_on(text: str, versions: int) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from models.language import TEMPLATE

    tokens = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", chat_template=TEMPLATE)
    said = situation(text, PlanContext(versions=versions, summary="a beach", turns=("message: undo",)), plan_text(text))
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    for content in (said, [{"type": "text", "text": said}, picture]):
        messages = [
            {"role": "system", "content": "You are\nmessage: undo"},
            {"role": "user", "content": content},
            {"role": "assistant", "content": "message: undo"},
            {"role": "user", "content": "That does not fit.\nmessage: redo"},
        ]
        assert tokens.apply_chat_template(messages, tokenize=False) == "<s>" + told(said)


def test_the_model_that_ships_is_told_by_the_same_template() -> None:
    from models import pinned
    from models.language import TEMPLATE

    assert (pinned.FOLDER / "planner" / "chat_template.jinja").read_text("utf-8").strip() == TEMPLATE


def test_patterns_run_backwards_give_texts_they_match() -> None:
    rng = random.Random(5)
    plain = [p for _, p in phrases.backwards() if not re.search(r"\(\?[=!<]|\[\^|\\S", p.pattern)]
    matched = [bool(p.search(phrases.said_by(p, rng))) for p in plain]
    assert len(plain) > 50
    assert sum(matched) >= 0.95 * len(matched)


def requests_folder(folder: Path) -> Path:
    """A folder of made-up labelled requests."""
    texts = ("brighten the sky", "more contrast", "make the grass greener", "remove the car", "less noise", "warmer")
    rows = [{"id": i, "text": t, **plan_text(t).label()} for i, t in enumerate(texts)]
    home = folder / "requests"
    (home / "unlabelled").mkdir(parents=True)
    for name, some in (("train", rows), ("dev", [{"text": "Sharpen the house!", "kind": "strong", "edits": []}])):
        (home / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in some), "utf-8")
    less = {"region": "global", "attribute": "contrast", "direction": -1, "amount": "slight"}
    context = {"last_edits": [{"region": "global", "attribute": "contrast"}], "versions": 1}
    turn = {"text": "a bit less", "kind": "followup", "edits": [less], "context": context}
    (home / "dialogue_dev.jsonl").write_text(json.dumps(turn), "utf-8")
    raw = [
        {
            "expert_summary": ["sharpen the house", "brighten the face and lower the contrast"],
            "request": "make it warmer",
        }
    ]
    (home / "unlabelled" / "a.json").write_text(json.dumps(raw), "utf-8")
    return folder


def test_lessons_can_be_read_back_and_leave_out_what_is_measured_with(tmp_path: Path) -> None:
    made = list(lessons.lessons(requests_folder(tmp_path), 400, 3, 0.0))
    assert len(made) == 400
    assert {row["from"] for row in made} == set(lessons.SHARES)
    for row in made:
        wire.read(json.loads(row["answer"]))
        assert row["told"].endswith("\n")
    assert not any("sharpen the house" in row["told"] for row in made if row["from"] == "unlabelled")
    assert made == list(lessons.lessons(tmp_path, 400, 3, 0.0))
    drafts = [json.loads(row["told"].split("draft: ")[1].split("\n")[0]) for row in made if "draft: " in row["told"]]
    assert 300 < len(drafts) < 400
    for draft in drafts:
        wire.read(draft)


def test_a_spoilt_draft_has_one_edit_too_few_or_wrong() -> None:
    rng = random.Random(2)
    plan = plan_text("brighten the sky, much more contrast and a bit less red in the face")
    assert len(plan.edits) == 3
    spoilt = [lessons.misread(plan, rng) for _ in range(60)]
    for draft in spoilt:
        kept = [e for e in draft.edits if e in plan.edits]
        assert len(kept) >= 2
        assert draft.model_copy(update={"edits": plan.edits}) == plan
    assert {len(draft.edits) for draft in spoilt} == {2, 3}


def test_a_lesson_about_other_nouns_is_labelled_with_their_regions() -> None:
    rng = random.Random(4)
    text = "brighten the sky and blur the car, but leave her skin alone. remove the flowers"
    plan = plan_text(text)
    texts = set()
    for _ in range(40):
        said, meant = exchange.placed(text, plan, rng)
        texts.add(said)
        read = plan_text(said)
        assert {(e.region, e.attribute) for e in read.edits} == {(e.region, e.attribute) for e in meant.edits}
        assert set(read.protect) == set(meant.protect)
        assert read.out_of_scope == plan.out_of_scope
    assert len(texts) > 30
    # What is exchanged is nouns alone, and never into the parts of a phrase that names one region.
    parts = "brighten the face of the dog"
    assert exchange.placed(parts, plan_text(parts), rng)[0].startswith("brighten the face of the ")


def test_a_lesson_turned_round_means_another_thing() -> None:
    rng = random.Random(1)
    text = "increase the brightness a bit"
    turned = {exchange.turned(text, plan_text(text), rng) for _ in range(30)}
    assert "decrease the brightness a bit" in turned
    assert all(plan_text(said).edits != plan_text(text).edits for said in turned)


def test_training_goes_on_where_it_stopped_and_the_model_answers(tmp_path: Path) -> None:
    from models.training import planner as training

    path = tmp_path / "lessons.jsonl"
    rows = list(lessons.lessons(requests_folder(tmp_path), training.HELD + 200, 1, 0.0))
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    say = ["--batch", "16", "--width", "64", "--layers", "1", "--threads", "1"]
    training.main([str(path), "--out", str(tmp_path / "a"), "--steps", "4", *say])
    state = tmp_path / "a" / "state.safetensors"
    at_four = state.read_bytes()
    training.main([str(path), "--out", str(tmp_path / "a"), "--steps", "6", *say])
    first = (tmp_path / "a" / "model.safetensors").read_bytes()
    state.write_bytes(at_four)
    training.main([str(path), "--out", str(tmp_path / "a"), "--steps", "6", *say])
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == first
    model = Language(tmp_path / "a")
    said = situation("warmer", PlanContext())
    assert model.answer(said) == model.answer(said)
    assert model.likely(said, rows[0]["answer"]) < 0
    # Another training may begin with what this one has learned, in the same words.
    training.main([str(path), "--out", str(tmp_path / "b"), "--steps", "2", "--start-from", str(tmp_path / "a"), *say])
    assert (tmp_path / "b" / "tokenizer.json").read_text() == (tmp_path / "a" / "tokenizer.json").read_text()
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all((one[key].float() - other[key].float()).abs().max() < 0.01 for key in one)
    # A model that knows nothing yet leaves the plan to the grammar.
    assert InsidePlanner(tmp_path / "a").plan_now("warmer", PlanContext()).edits == plan_text("warmer").edits


@needs_model
def test_the_model_that_ships_plans_what_it_has_never_read() -> None:
    planner = InsidePlanner()
    texts = (
        "make the sky a bit bluer", "less contrast please", "brighten the face", "sharpen it a little", "warmer", "too dark",
        "more saturation in the grass", "remove the noise", "make it darker and add contrast", "blur the background",
        "the photo is too yellow", "lower the highlights",
    )  # fmt: skip
    keys = [
        [
            {(e.region, e.attribute, e.direction) for e in plan.edits}
            for plan in (plan_text(t), planner.plan_now(t, PlanContext()))
        ]
        for t in texts
    ]
    assert sum(want == got for want, got in keys) >= 10
    last = (Edit(attribute="temperature", amount="medium"),)
    assert planner.plan_now("undo that please", PlanContext(last_edits=last, versions=2)).command == "undo"
    less = planner.plan_now("a bit less", PlanContext(last_edits=last, versions=2))
    assert [(e.attribute, e.direction) for e in less.edits] == [("temperature", -1)]


@needs_model
@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_whatever_is_said_the_shipped_model_gives_a_valid_plan(text: str) -> None:
    plan = InsidePlanner().plan_now(text, PlanContext())
    assert Plan.model_validate(plan.model_dump()) == plan
