"""Lessons for the planner's language model: `python -m agent.planner.lessons DATA --out lessons.jsonl`.

A lesson is what the model is told and what it should answer, as JSON on one line. They come from five sources:
requests labelled by hand, singly and put together; requests nobody labelled, where the embedded planner gives the same plan
after words that should not matter are left out; both also with their nouns, attributes and directions exchanged
(`agent.planner.exchange`); sentences made from the lexicon and `lessons.toml`, where the planner's reading agrees with what
was put in; the same beside a last turn; and the commands' and follow-ups' own patterns, run backwards. Typing errors and
fillers are added after labelling. DATA holds `requests/` (see its README for the labels).
"""

import argparse
import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agent.plan import LABELLED, Plan, PlanContext
from agent.planner import wire
from agent.planner.embedded import plan_text
from agent.planner.exchange import placed, turned
from agent.planner.languages import glosses
from agent.planner.lexicon import lexicon
from agent.planner.phrases import SLOT, backwards, fill, mistyped, said_by, templates
from agent.planner.served import situation
from models.language import told
from models.vocabulary import ATTRIBUTES, REGIONS

#: Share of the lessons from each source.
SHARES: Final = {"hand": 0.26, "joined": 0.08, "unlabelled": 0.36, "made": 0.14, "dialogue": 0.13, "languages": 0.03}

#: Share of the texts with typing errors, and with something polite around them.
TYPED, POLITE = 0.2, 0.2

#: Share of the lessons with the embedded planner's draft, and of those drafts in which something is wrong that was right.
DRAFTED, SPOILT = 0.9, 0.12


def written(text: str, plan: Plan, context: PlanContext, rng: random.Random) -> dict[str, str] | None:
    """The lesson for one request, with noise; None where the wire cannot carry the plan."""
    answer = wire.write(plan)
    if answer is None or len(text) > 900:
        return None
    if rng.random() < POLITE and plan.lang == "en" and plan.kind not in ("none", "question"):
        text = (
            rng.choice(templates("around", "before")) + text.rstrip(".!? ") + rng.choice(templates("around", "after"))
        )
    if rng.random() < TYPED:
        text = mistyped(text, rng)
    draft = plan_text(text, context) if rng.random() < DRAFTED else None
    if draft is not None and draft.edits and rng.random() < SPOILT:
        draft = misread(draft, rng)
    return {"told": told(situation(text, context, draft)), "answer": answer}


def misread(plan: Plan, rng: random.Random) -> Plan:
    """The plan with one edit lost, or turned round, or of another region, attribute or size: what a draft may get wrong."""
    at = rng.randrange(len(plan.edits))
    edit = plan.edits[at]
    change = rng.choice(("lost", "direction", "region", "region", "attribute", "attribute", "amount"))
    if change == "lost":
        return plan.model_copy(update={"edits": plan.edits[:at] + plan.edits[at + 1 :]})
    other: dict[str, object] = {
        "direction": -edit.direction,
        "region": rng.choice(("global", *REGIONS)),
        "attribute": rng.choice(ATTRIBUTES),
        "amount": rng.choice(("slight", "medium", "strong")),
    }
    wrong = edit.model_copy(update={change: other[change]})
    return plan.model_copy(update={"edits": (*plan.edits[:at], wrong, *plan.edits[at + 1 :])})


def by_hand(path: Path) -> list[tuple[str, Plan, PlanContext]]:
    """Requests labelled by hand; what such labels leave out is what the embedded planner reads."""
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        context = PlanContext.model_validate(row.get("context") or {})
        own = plan_text(row["text"], context)
        wanted = {key: row[key] for key in ("kind", "edits", "out_of_scope") if key in row}
        if any(e.attribute in LABELLED for e in own.edits) and wanted.items() <= own.label().items():
            out.append((row["text"], own, context))  # labels know a repair only by what it was called before
            continue
        style = row.get("style") or (own.style if row["kind"] == "style" else None)
        plan = Plan(
            kind=row["kind"], edits=row["edits"], out_of_scope=row.get("out_of_scope", ()), style=style,
            command=row.get("command", own.command if row["kind"] == "command" else None),
            protect=row.get("protect", own.protect if own.edits else ()), lang=row.get("lang", own.lang)[:2],
        )  # fmt: skip
        out.append((row["text"], plan, context))
    return out


def joined(rows: list[tuple[str, Plan, PlanContext]], rng: random.Random) -> tuple[str, Plan] | None:
    """Two requests in one; None where they speak of the same attribute of the same region."""
    (one, first, _), (two, second, _) = rng.sample(rows, 2)
    if len(one) + len(two) > 400 or first.kind not in ("strong", "none") or second.kind not in ("strong", "none"):
        return None
    keys = {(e.region, e.attribute) for e in first.edits} & {(e.region, e.attribute) for e in second.edits}
    edits = first.edits + second.edits
    if keys or not edits:
        return None
    text = (
        one.rstrip(" .!?") + rng.choice((". ", ". ", ", and ", "; ", ". then ", ". also ")) + two[:1].lower() + two[1:]
    )
    return text, Plan(
        kind="strong", edits=edits, out_of_scope=tuple(dict.fromkeys(first.out_of_scope + second.out_of_scope)),
        protect=tuple(dict.fromkeys(first.protect + second.protect)),
    )  # fmt: skip


def varied(text: str, plan: Plan, context: PlanContext, rng: random.Random) -> tuple[str, Plan]:
    """The request about other nouns, or turned round, where the planner reads the exchange as it was meant."""
    draw = rng.random()
    if draw < 0.4:
        return text, plan
    before = plan_text(text, context)
    if draw < 0.82:
        said, meant = placed(text, plan, rng)
        # Where the planner reads the original as it is labelled, it has to read the exchange so too.
        if said == text or (before.edits == plan.edits and plan_text(said, context).edits != meant.edits):
            return text, plan
        return said, meant
    said = turned(text, plan, rng)
    after = plan_text(said, context)
    same = [(e.region, e.amount) for e in before.edits] == [(e.region, e.amount) for e in after.edits]
    changed = sum(one != other for one, other in zip(before.edits, after.edits, strict=False)) == 1
    return (said, after) if before.label() == plan.label() and same and changed else (text, plan)


def unlabelled(folder: Path, without: set[str], rng: random.Random) -> Iterator[tuple[str, Plan]]:
    """Requests that nobody labelled, with the embedded planner's plan where it is sure; `without`: bare texts to leave out."""
    texts: set[str] = set()
    for path in sorted(folder.glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8")):
            texts.update(_strings(record))
    for text in rng.sample(sorted(texts), len(texts)):
        if bare(text) in without or not 4 <= len(text) <= 400:
            continue
        plan = plan_text(text)
        words = text.split()
        fewer = [w for w in words if w.lower() not in ("the", "a", "please", "this", "that", "just", "of")]
        if plan.kind == "none" and not plan.out_of_scope:
            continue
        if plan_text(" ".join(fewer)).edits == plan.edits and plan_text("ok so " + text).edits == plan.edits:
            yield text, plan


def _strings(record: Any) -> Iterator[str]:
    """Every sentence a person wrote in a record of the public sets."""
    if isinstance(record, dict):
        for name, value in record.items():
            if "summary" in name or "request" in name or name in ("expr", "sents", "caption", "text"):
                yield from ([value] if isinstance(value, str) else [v for v in value or () if isinstance(v, str)])
    elif isinstance(record, list):
        for value in record:
            yield from _strings(value)


def bare(text: str) -> str:
    """A text without case, marks and spaces, for comparing.

    >>> bare("Make it POP!") == bare("make it pop")
    True
    """
    return re.sub(r"\W+", "", text.lower())


def made(rng: random.Random) -> tuple[str, Plan] | None:
    """A request from the lexicon, where the embedded planner reads as many edits as were put in."""
    clauses = [fill(rng.choice(templates("clauses", "say")), rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    draw = rng.random()
    if draw < 0.06:
        text = fill(rng.choice(templates("around", "weak")), rng)
        return text, plan_text(text)
    if draw < 0.18:
        text = fill(rng.choice(templates("around", "look")), rng)
        plan = plan_text(text)
        return (text, plan) if plan.kind == "style" else None
    if draw < 0.24:
        clauses.append(fill(rng.choice(templates("dialogue", "out")), rng))
    parts = [plan_text(c) for c in clauses]
    text = clauses[0] + "".join(rng.choice(templates("around", "join")) + c for c in clauses[1:])
    if rng.random() < 0.15:
        text += fill(rng.choice(templates("around", "protect")), rng)
    plan = plan_text(text)
    keys = {(e.region, e.attribute, e.direction) for part in parts for e in part.edits}
    if any(not p.edits and not p.out_of_scope for p in parts):
        return None
    agreed = {(e.region, e.attribute, e.direction) for e in plan.edits} == keys
    return (text, plan) if agreed and plan.kind in ("strong", "style", "none") else None


def dialogue(rng: random.Random, pool: list[tuple[str, Plan]]) -> tuple[str, Plan, PlanContext] | None:
    """A message beside a last turn, or a command, a question, an attack or nothing at all."""
    last = rng.choice(pool)[1].edits[: rng.choice((1, 1, 2, 3))]
    context = PlanContext(last_edits=last, versions=rng.randint(1, 5)) if last else PlanContext()
    draw = rng.random()
    if draw < 0.4:
        template = rng.choice(templates("dialogue", "follow"))
        if "{place" in template and last and rng.random() < 0.4:
            template = template.replace("{place}", "the " + last[-1].region.removeprefix("object:"), 1)
        text = fill(template, rng)
    elif draw < 0.62:
        text = fill(said_by(rng.choice(backwards())[1], rng), rng)
    elif draw < 0.78:
        text = fill(rng.choice(templates("dialogue", "command")), rng)
        context = context if rng.random() < 0.6 else PlanContext()
    elif draw < 0.82:
        text = fill(rng.choice(templates("dialogue", "question")), rng)
    elif draw < 0.84:
        text = rng.choice(templates("dialogue", "nothing"))
    elif draw < 0.87:
        text = rng.choice(pool)[0] + rng.choice(templates("dialogue", "attack"))
    else:
        text, alone = rng.choice(pool)
        plan = plan_text(text, context)
        return (text, plan, context) if plan.edits == alone.edits and plan.kind == alone.kind else None
    if not text or len(text) > 300:
        return None
    plan = plan_text(text, context)
    # Nothing was understood: the sentence made no sense beside that turn.
    lost = plan.kind == "none" and not plan.out_of_scope and draw < 0.78
    return None if lost or plan.tree is not None else (text, plan, context)


def foreign(rng: random.Random) -> tuple[str, Plan] | None:
    """A common ask in another language, from the glosses of its table."""
    lang = rng.choice(("de", "fr", "es", "zh", "ja", "ko"))
    table_ = glosses(lang)
    script = lang in ("zh", "ja", "ko")
    by_slot: dict[str, list[str]] = {}
    for gloss in table_:
        senses = lexicon().senses.get(tuple(gloss.split()))
        if senses:
            kind, form = senses[0].kind, senses[0].form
            slot = {"region": "place", "amount": "amount"}.get(kind) or {
                "adj": "adj",
                "verb": "verb",
                "noun": "attr",
            }.get(form)
            if slot:
                by_slot.setdefault(slot, []).append(gloss)

    def word(match: re.Match[str]) -> str:
        options = by_slot.get(match[1].rstrip("2"))
        return f"<{rng.choice(options)}>" if options else ""

    template = rng.choice(templates("glosses", "script" if script else "latin"))
    template = re.sub(r"(?<![{<\w])([a-z]+)(?![\w}>])", r"<\1>", template) if not script else re.sub(
        r"(?<![{<\w])(more|too)(?![\w}>])|(?<=\})(more)|(too)(?=\{)", lambda m: f"<{m[0]}>", template
    )  # fmt: skip
    filled = SLOT.sub(word, template)
    text = re.sub(r"<([^>]+)>", lambda m: rng.choice(table_[m[1]]) if m[1] in table_ else "", filled)
    text = "".join(text.split()) if script and lang != "ko" else " ".join(text.split())
    plan = plan_text(text)
    return (text, plan) if plan.lang == lang and (plan.edits or plan.command) else None


def lessons(data: Path, count: int, seed: int, held: float) -> Iterator[dict[str, str]]:
    """`count` lessons. `held`: the last share of the dialogue rows, kept for measuring."""
    rng = random.Random(seed)
    requests = data / "requests"
    hand = by_hand(requests / "train.jsonl")
    turns = by_hand(requests / "dialogue_dev.jsonl")
    random.Random(0).shuffle(turns)
    turns = turns[: round(len(turns) * (1 - held))]
    kept_out = {bare(json.loads(line)["text"]) for line in (requests / "dev.jsonl").read_text("utf-8").splitlines()}
    known = kept_out | {bare(text) for text, _, _ in hand}
    unread = unlabelled(requests / "unlabelled", known, random.Random(seed))
    sure = list(itertools.islice(unread, 256))
    pool = [(text, plan) for text, plan, _ in hand if plan.edits] + [row for row in sure if row[1].edits]
    print(f"{len(hand)} by hand, {len(turns)} turns", flush=True)
    kinds, shares = list(SHARES), list(SHARES.values())
    done = 0
    while done < count:
        kind = rng.choices(kinds, shares)[0]
        row: tuple[str, Plan] | tuple[str, Plan, PlanContext] | None
        if kind == "hand":
            text, plan, context = rng.choice(turns) if rng.random() < 0.15 else rng.choice(hand)
            row = (*varied(text, plan, context, rng), context)
        elif kind == "joined":
            row = joined(hand, rng)
        elif kind == "unlabelled":
            fresh = next(unread, None)
            if fresh is not None:
                sure.append(fresh)
                pool += [fresh] if fresh[1].edits else []
            row = varied(*(fresh or rng.choice(sure)), PlanContext(), rng)
        elif kind == "made":
            row = made(rng)
        elif kind == "dialogue":
            row = dialogue(rng, pool)
        else:
            row = foreign(rng)
        if row is None:
            continue
        lesson = written(row[0], row[1], row[2] if len(row) == 3 else PlanContext(), rng)
        if lesson is not None:
            done += 1
            yield lesson | {"from": kind}


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m agent.planner.lessons`."""
    parser = argparse.ArgumentParser(prog="python -m agent.planner.lessons", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with requests/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held", type=float, default=0.4, help="share of the dialogue rows kept for measuring")
    a = parser.parse_args(arguments)
    with a.out.open("w", encoding="utf-8") as file:
        for lesson in lessons(a.data, a.count, a.seed, a.held):
            file.write(json.dumps(lesson, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
