"""Repairs in words: noise, blocks, blur, low light, lost colours, and "fix it", where nobody says what is wrong."""

import pytest

from agent.answer import explained
from agent.plan import LABELLED, Edit, Hint, Plan, PlanContext
from agent.planner import plan_text
from agent.planner.plainer import first, later
from agent.planner.restoring import hints
from agent.planner.served import by_code, checked
from models.recipe import Recipe
from models.vocabulary import ATTRIBUTES


def asked(text: str) -> list[tuple[str, str, int]]:
    return [(e.region, e.attribute, e.direction) for e in plan_text(text).edits]


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("denoise it", "denoise"), ("get rid of the grain please", "denoise"), ("entrausche das Bild", "denoise"),
        ("enlève le bruit", "denoise"), ("quita el ruido", "denoise"), ("去噪", "denoise"), ("ノイズを除去", "denoise"),
        ("노이즈 제거", "denoise"), ("remove the JPEG artifacts", "deblock"), ("reduce the blockiness", "deblock"),
        ("deblock it", "deblock"), ("compression artefacts are visible, remove them", "deblock"),
        ("unblur the photo", "deblur"), ("fix the blur", "deblur"), ("deblur", "deblur"), ("it's shaky", "deblur"),
        ("remove the motion blur", "deblur"), ("corrige le flou de bougé", "deblur"), ("remove the haze", "dehaze"),
        ("brighten this night shot", "low_light"), ("rescue the underexposed photo", "low_light"),
        ("it was taken in the dark, make it brighter", "low_light"), ("fix the low light", "low_light"),
        ("colourise it", "colourise"), ("colorize this photo of my grandma", "colourise"),
        ("add colour to this old photo", "colourise"), ("make this black and white photo colour", "colourise"),
        ("koloriere das Bild", "colourise"), ("colorise la photo", "colourise"), ("colorea la foto", "colourise"),
        ("给照片上色", "colourise"), ("カラー化して", "colourise"), ("컬러로 바꿔줘", "colourise"),
    ],
)  # fmt: skip
def test_repairs_by_what_people_call_them(text: str, attribute: str) -> None:
    assert asked(text) == [("global", attribute, 1)]
    assert not plan_text(text).out_of_scope


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("make it less blurry", ("global", "sharpness", 1)), ("sharpen it", ("global", "sharpness", 1)),
        ("sharpen only her eyes", ("eyes", "sharpness", 1)), ("brighten the photo", ("global", "brightness", 1)),
        ("the photo is underexposed", ("global", "brightness", 1)), ("add color to the image", ("global", "saturation", 1)),
        ("more vibrant in color", ("global", "saturation", 1)), ("black and white please", ("global", "black_and_white", 1)),
        ("blur the background", ("background", "blur", 1)),
        ("brighten the face, it was taken at night", ("face", "brightness", 1)),
    ],
)  # fmt: skip
def test_what_is_no_repair_stays_what_it_was(text: str, edit: tuple[str, str, int]) -> None:
    assert asked(text) == [edit]


@pytest.mark.parametrize(
    "text",
    [
        "fix it", "Fix this photo!", "repair it", "can you fix this?", "restore this old photo", "fix whatever is wrong",
        "fix the picture but leave the sky alone", "repariere das Foto", "répare-la", "arréglala", "修复照片", "直して",
        "고쳐줘",
    ],
)  # fmt: skip
def test_fix_it_is_weak_and_looks_for_faults(text: str) -> None:
    plan = plan_text(text)
    assert plan.kind == "weak"
    assert plan.fix
    assert "fix" not in plan.label()
    assert by_code(plan, text, PlanContext())


@pytest.mark.parametrize(
    "text",
    [
        "make it better",
        "fix the colors",
        "make it pop",
        "enhance it",
        "fix the lighting",
        "fix the scratches",
        "fix the haze",
    ],
)
def test_other_weak_wishes_look_for_no_faults(text: str) -> None:
    assert not plan_text(text).fix


def test_what_had_which_colour_is_told_to_the_colouriser() -> None:
    plan = plan_text("Colourise it. The dress was red, her eyes are blue and the car used to be dark green")
    assert set(plan.hints) == {
        Hint(region="clothing", colour="red"),
        Hint(region="eyes", colour="blue"),
        Hint(region="vehicle", colour="green"),
    }
    assert ("global", "colourise", 1) in asked("colorize it, the dress was red")
    assert plan_text("make the dress red").hints == ()
    assert hints("black and white with a red rose") == (Hint(region="object:rose", colour="red"),)


@pytest.mark.parametrize(
    ("text", "edits", "told"),
    [
        ("colourise it, the dress was dark red", {("global", "colourise")}, {("clothing", "red")}),
        ("colourise it, the flag was red, and less contrast", {("global", "colourise"), ("global", "contrast")},
         {("object:flag", "red")}),
        ("the flag was red", set(), {("object:flag", "red")}),
        ("the car was white", set(), {("vehicle", "white")}),
        ("the dress used to be dark green", set(), {("clothing", "green")}),
        ("colourise it and make the sky bluer", {("global", "colourise"), ("sky", "hue:blue")}, set()),
        ("make the dress redder", {("clothing", "hue:red")}, set()),
        ("the sky was too blue", {("sky", "hue:blue")}, set()),
    ],
)  # fmt: skip
def test_a_colour_that_is_told_is_no_edit_beside_it(
    text: str, edits: set[tuple[str, str]], told: set[tuple[str, str]]
) -> None:
    plan = plan_text(text, PlanContext(colourless=True))
    assert {(e.region, e.attribute) for e in plan.edits} == edits
    assert {(h.region, h.colour) for h in plan.hints} == told
    assert plan.kind == "strong"
    # A photo in colour has no hints, and labels have both as the edits that they were.
    if not plan.colourises:
        assert plan_text(text).hints == ()
    served = Plan(kind="strong", edits=(Edit(region="clothing", attribute="hue:red"), *plan.edits))
    if ("clothing", "red") in told:
        assert checked(served, plan, text).edits == plan.edits
        assert {"region": "clothing", "attribute": "hue:red", "direction": 1, "amount": "medium"} in plan.label()[
            "edits"
        ]


@pytest.mark.parametrize(
    "text",
    [
        "Das Kleid war rot",
        "la robe était rouge",
        "el vestido era rojo",
        "裙子以前是红色的",
        "ドレスは赤かった",
        "드레스는 빨간색이었어",
    ],
)
def test_what_had_which_colour_is_told_in_any_language(text: str) -> None:
    plan = plan_text(text, PlanContext(colourless=True))
    assert plan.hints == (Hint(region="clothing", colour="red"),)
    assert not plan.edits


@pytest.mark.parametrize("text", ["färbe es ein", "mach es farbig", "mets la photo en couleur", "ponla a color"])
def test_other_words_for_colourising(text: str) -> None:
    assert ("global", "colourise", 1) in asked(text)


def test_a_photo_without_colours_is_coloured_where_another_gets_more_colour() -> None:
    assert asked("colour it") == [("global", "saturation", 1)]
    plan = plan_text("colour it", PlanContext(colourless=True))
    assert [e.attribute for e in plan.edits] == ["colourise"]


def test_no_model_is_asked_about_a_reference() -> None:
    here = PlanContext(reference=True)
    for text in ("colourise it like this", "like this, but less green"):
        plan = plan_text(text, here)
        assert plan.likeness is not None
        assert plan.kind == ("strong" if plan.colourises else "style")
        assert by_code(plan, text, here)


def test_labels_know_repairs_by_what_they_were_called_before() -> None:
    assert set(LABELLED) <= set(ATTRIBUTES)
    label = plan_text("colorize the image").label()
    assert (label["kind"], label["edits"], label["out_of_scope"]) == ("none", [], ["other"])
    label = plan_text("remove the blur and colorize it").label()
    assert [(e["attribute"], e["direction"]) for e in label["edits"]] == [("sharpness", 1)]
    assert label["kind"] == "strong"
    label = plan_text("restore this old photo").label()
    assert (label["kind"], label["out_of_scope"]) == ("none", ["restore_damage"])
    assert plan_text("brighten the night shot").label()["edits"][0]["attribute"] == "brightness"


def test_blocks_and_shaking_are_never_put_in() -> None:
    plan = plan_text("make it more blocky and warmer")
    assert [(e.attribute, e.direction) for e in plan.edits] == [("temperature", 1)]
    assert "other" in plan.out_of_scope


def test_a_model_that_knows_no_repairs_is_helped_out() -> None:
    text = "unblur the photo, colorize it and make the sky bluer"
    own = plan_text(text)
    served = Plan(
        kind="strong",
        edits=(Edit(attribute="sharpness"), Edit(region="sky", attribute="hue:blue")),
        out_of_scope=("other",),
    )
    plan = checked(served, own, text)
    assert {(e.region, e.attribute) for e in plan.edits} == {
        ("global", "deblur"), ("global", "colourise"), ("sky", "hue:blue")
    }  # fmt: skip
    assert plan.out_of_scope == ()
    knowing = checked(own, own, text)
    assert knowing.edits == own.edits


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("brighten the little boy's face", "brighten the boy's face"),
        ("add a hue/saturation adjustment layer and brighten it", "brighten it"),
        ("make the sky the same shade of blue", "make the sky blue"),
        ("sharpen the man (the one on the left) a bit", "sharpen the man a bit"),
        ("crop it. i can not see my face", "crop it. brighten my face"),
    ],
)
def test_other_ways_of_saying_it_mean_the_same(said: str, meant: str) -> None:
    assert later(first(said)) == meant or plan_text(said).label() == plan_text(meant).label()


@pytest.mark.parametrize(
    ("text", "protected"),
    [
        ("black and white, and only keep the flower in color", "object:flower"),
        ("only the dog is colored and the rest is black and white", "animal"),
        ("take all the color out except for the girl", "person"), ("only the flower in colour", "object:flower"),
    ],
)  # fmt: skip
def test_one_thing_in_colour_and_the_rest_without(text: str, protected: str) -> None:
    plan = plan_text(text)
    assert asked(text) == [("background", "black_and_white", 1)]
    assert plan.protect == (protected,)


def test_a_wish_that_cannot_be_granted_leaves_the_rest_to_be_made_better() -> None:
    plan = plan_text("crop the girl and enhance the picture")
    assert (plan.kind, plan.out_of_scope) == ("weak", ("crop",))
    plan = plan_text("remove the sign to enhance the view")
    assert (plan.kind, plan.out_of_scope) == ("none", ("remove_object",))


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("what is denoising?", "grain"), ("what does deblur do?", "out of focus"), ("what are jpeg artifacts?", "squares"),
        ("what is low light?", "in the dark"), ("how does colorizing work?", "black-and-white"),
    ],
)  # fmt: skip
def test_a_question_about_a_repair_is_answered(question: str, told: str) -> None:
    assert plan_text(question).kind == "question"
    assert told in explained(question, 0, Recipe())
