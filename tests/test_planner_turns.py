"""Turns of a conversation: commands and questions about them, and follow-ups that speak of parts of the last edits."""

import pytest

from agent.plan import Edit, Plan, PlanContext
from agent.planner import plan_text

HERE = ("sky", "water", "vegetation", "person", "background")


def after(*edits: str, versions: int = 5) -> PlanContext:
    """The context after edits such as "sky.saturation+medium"; a number is a percentage."""
    last = []
    for edit in edits:
        region, rest = edit.split(".", 1)
        sign = "+" if "+" in rest else "-"
        attribute, amount = rest.split(sign)
        last.append(
            Edit(
                region=region,
                attribute=attribute,
                direction=1 if sign == "+" else -1,
                amount=float(amount) if amount.isdigit() else amount,
            )
        )
    return PlanContext(last_edits=tuple(last), versions=versions, regions_present=HERE)


def short(plan: Plan) -> list[str]:
    """The edits of a plan without their amounts."""
    return sorted(f"{e.region}.{e.attribute}{'+' if e.direction > 0 else '-'}" for e in plan.edits)


def full(plan: Plan) -> list[str]:
    """The edits of a plan with their amounts."""
    return sorted(
        f"{e.region}.{e.attribute}{'+' if e.direction > 0 else '-'}"
        + (e.amount if isinstance(e.amount, str) else f"{getattr(e.amount, 'value', e.amount):g}")
        for e in plan.edits
    )


SKY = after("sky.saturation+medium")
WHOLE = after("global.temperature+medium")
LIGHT = after("global.brightness+medium")
TWO = after("global.temperature+medium", "global.contrast+slight")
BOTH = after("sky.saturation+medium", "water.saturation+medium")
CORNERS = after("global.vignette+medium", "global.contrast+medium")
BLUR = after("background.blur+strong")
FIFTY = after("global.contrast+50")


@pytest.mark.parametrize(
    ("text", "versions", "wanted"),
    [
        ("undo twice", 5, "goto:3"), ("go back two steps", 6, "goto:4"), ("undo the last 3", 5, "goto:2"),
        ("undo, undo, undo", 4, "goto:1"), ("take back my last two edits", 4, "goto:2"),
        ("go back a couple of versions", 7, "goto:5"),
        ("remove the last three changes", 9, "goto:6"), ("undo the last four changes", 4, "reset"),
        ("go 9 steps back", 3, "reset"),
        ("go back one step", 3, "undo"), ("undo two times", 0, "undo"), ("go back to 3", 5, "goto:3"),
        ("go 2 back", 4, "goto:2"),
        ("get rid of the last edit", 4, "undo"), ("three versions ago", 7, "goto:4"), ("undo all three", 9, "goto:6"),
    ],
)  # fmt: skip
def test_steps_are_counted(text: str, versions: int, wanted: str) -> None:
    assert plan_text(text, after("sky.saturation+medium", versions=versions)).command == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("before was nicer", "undo"), ("as it was before", "undo"), ("make it like it was", "undo"), ("same as before", "undo"),
        ("I prefer the old version", "undo"), ("the previous look was better", "undo"), ("undo the undo", "redo"),
        ("cancel my undo", "redo"), ("I didn't mean to undo that", "redo"), ("I did not want you to start over", "undo"),
        ("the way it was at the start", "reset"), ("the original looked better", "reset"), ("forget it", "undo"),
        ("oh just forget that", "undo"), ("forget about it", "undo"), ("disregard my last message", "undo"),
        ("forget my taste", "forget"), ("forget me", "forget"), ("why don't you undo that?", "undo"),
        ("can't you go back?", "undo"),
        ("could you please undo that?", "undo"), ("what if we go back to version 2", "goto:2"),
        ("that only made it worse", "dislike"),
        ("perfect, stop there", "like"), ("you did great", "like"), ("that's plenty", "like"),
        ("much better than before", "like"), ("not better than before", "dislike"), ("better before", "undo"),
    ],
)  # fmt: skip
def test_ways_to_say_a_command(text: str, wanted: str) -> None:
    assert plan_text(text, SKY).command == wanted


@pytest.mark.parametrize(
    "text",
    ["don't reset", "please do not undo that", "never go back to the original", "no need to start over",
    "don't forget my style",
     "don't forget my preferences", "I don't want to go back", "nobody asked you to reset it",
     "you don't have to undo everything",
     "don't export it yet", "stop undoing", "I wouldn't go back to version 2", "do not delete my edits",
     "I never asked for a reset",
     "I'd rather not start over", "forget everything"],
)  # fmt: skip
def test_a_command_that_is_not_wanted_is_not_carried_out(text: str) -> None:
    for context in (None, SKY):
        plan = plan_text(text, context)
        assert plan.command in (None, "redo", "undo") if "asked" in text else plan.command is None
        assert not plan.edits


@pytest.mark.parametrize(
    ("context", "text", "wanted"),
    [
        (SKY, "don't reset it, just a bit less", ["sky.saturation-"]),
        (SKY, "don't compare, make it darker", ["global.brightness-"]),
        (BOTH, "do not undo everything, only the water", ["water.saturation-"]),
        (SKY, "without starting over, warm it up", ["global.temperature+"]),
        (SKY, "don't go back to the original, brighten it", ["global.brightness+"]),
    ],
)
def test_what_stands_beside_a_refused_command_is_done(context: PlanContext, text: str, wanted: list[str]) -> None:
    plan = plan_text(text, context)
    assert plan.command is None
    assert short(plan) == wanted


@pytest.mark.parametrize(
    "text",
    ["how do I undo?", "how can I go back", "where is the undo button?", "what does reset do?", "can I still undo this later?",
     "will undo delete my photo?", "should I export it now?", "does resetting lose my versions?", "is there a way to undo?",
     "how do I get back to the original?", "do I have to undo first?", "what is compare?", "did the undo work?"],
)  # fmt: skip
def test_a_question_about_a_command_is_answered(text: str) -> None:
    plan = plan_text(text, SKY)
    assert plan.kind == "question" or plan.command == "help"


@pytest.mark.parametrize(
    ("context", "text", "wanted"),
    [
        (SKY, "the opposite on the water", ["water.saturation-medium"]),
        (SKY, "same on the trees but the other way", ["vegetation.saturation-medium"]),
        (SKY, "do it to the water too, but inverted", ["water.saturation-medium"]),
        (SKY, "now the opposite", ["sky.saturation-strong"]),
        (WHOLE, "reverse it on the sky", ["sky.temperature-medium"]),
        # parts
        (SKY, "sky more, water less", ["sky.saturation+medium", "water.saturation-slight"]),
        (BOTH, "a little more on the sky and less on the water", ["sky.saturation+slight", "water.saturation-slight"]),
        (TWO, "warmth: half. contrast: double.", ["global.contrast+slight", "global.temperature-slight"]),
        (TWO, "half the warmth but twice the contrast", ["global.contrast+slight", "global.temperature-slight"]),
        (TWO, "contrast is fine, the warmth is too much", ["global.temperature-slight"]),
        (BOTH, "undo the sky, more on the water", ["sky.saturation-medium", "water.saturation+medium"]),
        (BOTH, "the water is great but the sky needs more", ["sky.saturation+medium"]),
        (SKY, "half of that, and brighten the water", ["sky.saturation-slight", "water.brightness+medium"]),
        (SKY, "a bit less and leave the water alone", ["sky.saturation-slight"]),
        # shares
        (FIFTY, "only 20 percent of that", ["global.contrast-40"]), (FIFTY, "at 30% strength", ["global.contrast-35"]),
        (FIFTY, "three times that", ["global.contrast+100"]), (FIFTY, "half of that", ["global.contrast-25"]),
        (FIFTY, "use three quarters of it", ["global.contrast-12.5"]),
        (FIFTY, "one and a half times as much", ["global.contrast+25"]),
        (FIFTY, "a tenth of that", ["global.contrast-45"]), (FIFTY, "triple it", ["global.contrast+100"]),
        (FIFTY, "2x", ["global.contrast+50"]), (SKY, "a third of it", ["sky.saturation-slight"]),
        (SKY, "twice that on the trees", ["vegetation.saturation+strong"]),
        (LIGHT, "half of that on the sky", ["sky.brightness-slight"]),
        # numbers
        (FIFTY, "actually 15, not 50", ["global.contrast-35"]), (FIFTY, "I meant 60", ["global.contrast+10"]),
        (FIFTY, "40 instead of 50", ["global.contrast-10"]), (FIFTY, "change it from 50 to 45", ["global.contrast-5"]),
        (FIFTY, "50 was too much, try 25", ["global.contrast-25"]), (FIFTY, "no, 20", ["global.contrast-30"]),
    ],
)  # fmt: skip
def test_how_much_of_which_part(context: PlanContext, text: str, wanted: list[str]) -> None:
    plan = plan_text(text, context)
    assert plan.kind == "followup"
    assert full(plan) == wanted


@pytest.mark.parametrize(
    ("context", "text", "wanted", "kept"),
    [
        (SKY, "I was talking about the water", ["sky.saturation-", "water.saturation+"], ()),
        (SKY, "no, the water!", ["sky.saturation-", "water.saturation+"], ()),
        (SKY, "put it on the trees instead", ["sky.saturation-", "vegetation.saturation+"], ()),
        (SKY, "I wanted it on the water", ["sky.saturation-", "water.saturation+"], ()),
        (SKY, "on everything", ["global.saturation+"], ()),
        (SKY, "not just the sky, the whole photo", ["global.saturation+"], ()),
        (WHOLE, "everywhere except the sky", ["sky.temperature-"], ()),
        (SKY, "everything but the water", ["global.saturation+"], ("water",)),
        (WHOLE, "but not the clouds", ["sky.temperature-"], ()), (WHOLE, "leave the sky out of it", ["sky.temperature-"], ()),
        (WHOLE, "not on her face", ["face.temperature-"], ()), (BOTH, "not the water though", ["water.saturation-"], ()),
        (LIGHT, "just the top", ["global.brightness-"], ("top",)),
        (LIGHT, "only on the left please", ["global.brightness-"], ("left",)),
        (LIGHT, "the top half only", ["global.brightness-"], ("top",)),
        (LIGHT, "in the background only", ["global.brightness-"], ("background",)),
        (SKY, "only the water", ["sky.saturation-", "water.saturation+"], ()),
        (LIGHT, "limit it to the sky", ["global.brightness-"], ("sky",)),
        (LIGHT, "keep it off her face", ["face.brightness-"], ()),
        (LIGHT, "the person, not the background", ["global.brightness-", "person.brightness+"], ()),
        (SKY, "water, not sky", ["sky.saturation-", "water.saturation+"], ()),
        (SKY, "copy that to the water", ["water.saturation+"], ()),
        (TWO, "only the contrast", ["global.temperature-"], ()), (TWO, "without the contrast", ["global.contrast-"], ()),
        (LIGHT, "put the sky back", ["sky.brightness-"], ()), (LIGHT, "undo it on the face", ["face.brightness-"], ()),
        (LIGHT, "the sky should not have changed", ["sky.brightness-"], ()),
    ],
)  # fmt: skip
def test_where_it_should_have_been(context: PlanContext, text: str, wanted: list[str], kept: tuple[str, ...]) -> None:
    plan = plan_text(text, context)
    assert plan.kind == "followup"
    assert (short(plan), plan.protect) == (wanted, kept)


@pytest.mark.parametrize(
    ("context", "text", "wanted"),
    [
        (LIGHT, "better, but the background is still too dark", ["background.brightness+"]),
        (WHOLE, "better, but the background is still too dark", ["background.brightness+"]),
        (BLUR, "you blurred my arm", ["object:arm.blur-"]), (BLUR, "you blurred her hair as well", ["hair.blur-"]),
        (LIGHT, "you brightened his face", ["face.brightness-"]), (None, "you blurred my arm", ["object:arm.blur-"]),
        (CORNERS, "I don't like the dark corners", ["global.vignette-"]),
        (CORNERS, "no dark corners please", ["global.vignette-"]),
        (WHOLE, "I don't like the yellow tint", ["global.temperature-"]), (TWO, "I hate the contrast", ["global.contrast-"]),
        (WHOLE, "you turned the sky orange", ["sky.temperature-"]), (SKY, "brighter again", ["global.brightness+"]),
        (WHOLE, "warm up the sky too", ["sky.temperature+"]), (BLUR, "not that blurry", ["background.blur-"]),
        (CORNERS, "brighter corners", ["global.vignette-"]), (LIGHT, "the sky was nicer before", ["sky.brightness-"]),
        (TWO, "it looks washed out", ["global.contrast+"]),
        (after("global.clarity+strong"), "looks HDR", ["global.clarity-"]),
        (after("global.brightness-medium"), "now it looks like night", ["global.brightness+"]),
    ],
)  # fmt: skip
def test_what_was_done_wrongly(context: PlanContext | None, text: str, wanted: list[str]) -> None:
    assert short(plan_text(text, context)) == wanted


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("it looks like night", None), ("looks HDR", None), ("it looks like a cartoon", None), ("looks washed out", None),
        ("now everything looks like a horror movie", None), ("it came out like an old polaroid", None),
        ("make it look like a horror movie", "horror movie"), ("I want it to look like film noir", "film noir"),
        ("edit it so it looks like film noir", "film noir"), ("it looks dull, give it a film look", "film look"),
    ],
)  # fmt: skip
def test_what_a_photo_looks_like_is_no_wish_for_it(text: str, style: str | None) -> None:
    assert plan_text(text).style == style
