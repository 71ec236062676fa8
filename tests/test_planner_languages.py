"""What people write in German, French, Spanish, Chinese, Japanese and Korean, and what must come of it."""

import time

import pytest

from agent.plan import Edit, PlanContext
from agent.planner import plan_text

SKY = Edit(region="sky", attribute="saturation", amount="strong")


def said(text: str) -> list[str]:
    """Edits as "sky.hue:blue+", without their amounts."""
    return [
        ("" if e.region == "global" else f"{e.region}.") + e.attribute + ("+" if e.direction > 0 else "-")
        for e in plan_text(text).edits
    ]


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        # German
        ("Kontrast runter", ["contrast-"]),
        ("Sättigung im Himmel reduzieren", ["sky.saturation-"]),
        ("dreh mal die Helligkeit ein wenig runter", ["brightness-"]),
        ("zieh die Schatten hoch", ["shadows+"]),
        ("Gelbstich weg", ["temperature-"]),
        ("das Bild hat nen Rotstich", ["tint-"]),
        ("nicht so hell", ["brightness-"]),
        ("die Haut ist gelb", ["skin.hue:yellow-"]),
        ("hell das Gesicht auf", ["face.brightness+"]),
        ("wärmer", ["temperature+"]),
        ("Kontrast zu hoch", ["contrast-"]),
        ("zu wenig Kontrast", ["contrast+"]),
        ("Himmel blauer, aber nicht heller", ["sky.hue:blue+"]),
        ("kein Rauschen mehr", ["denoise+"]),
        ("Kanten abdunkeln", ["vignette+"]),
        ("mehr Farbe ins Gras", ["vegetation.saturation+"]),
        ("man erkennt das Gesicht nicht", ["face.brightness+"]),
        # French
        ("c'est flou", ["sharpness+"]),
        ("arrière-plan flou", ["background.blur+"]),
        ("couleurs fades", ["saturation+"]),
        ("peau jaune", ["skin.hue:yellow-"]),
        ("il y a une dominante bleue", ["temperature+"]),
        ("le contraste est trop fort", ["contrast-"]),
        ("ça manque de lumière", ["brightness+"]),
        ("la photo n'est pas nette", ["sharpness+"]),
        ("plus net", ["sharpness+"]),
        ("pas si clair", ["brightness-"]),
        ("plus lumineux mais pas trop", ["brightness+"]),
        ("remonte les ombres", ["shadows+"]),
        ("j'aimerais que le visage soit plus clair", ["face.brightness+"]),
        ("visage tout rouge", ["face.hue:red-"]),
        ("c jaune", ["temperature-"]),
        # Spanish
        ("muy amarilla", ["temperature-"]),
        ("la foto salió amarilla", ["temperature-"]),
        ("la piel se ve verde", ["skin.hue:green-"]),
        ("está borrosa", ["sharpness+"]),
        ("esta foto más clara", ["brightness+"]),
        ("no tan brillante", ["brightness-"]),
        ("contraste más bajo", ["contrast-"]),
        ("poca luz", ["brightness+"]),
        ("tiene mucho ruido", ["denoise+"]),
        ("colores apagados", ["saturation+"]),
        ("súbele un poco a la saturación", ["saturation+"]),
        ("que no se vea tan amarilla", ["temperature-"]),
        ("cielo muy claro", ["sky.brightness-"]),
        ("la cara quedo muy clara", ["face.brightness-"]),
        # Chinese
        ("背景暗一点", ["background.brightness-"]),
        ("饱和度低一点", ["saturation-"]),
        ("對比度太高", ["contrast-"]),
        ("不要那么亮", ["brightness-"]),
        ("有点暗", ["brightness+"]),
        ("皮膚偏黃", ["skin.hue:yellow-"]),
        ("照片发黄", ["temperature-"]),
        ("把天空压暗", ["sky.brightness-"]),
        ("亮一点但不要太亮", ["brightness+"]),
        ("照片模糊", ["sharpness+"]),
        ("背景模糊一点", ["background.blur+"]),
        ("背景太亮了，压暗一点", ["background.brightness-"]),
        ("四角压暗", ["vignette+"]),
        # Japanese
        ("暗い", ["brightness+"]),
        ("もっと明るい感じ", ["brightness+"]),
        ("ピンボケ", ["sharpness+"]),
        ("肌が黄色い", ["skin.hue:yellow-"]),
        ("黄色っぽさを取って", ["temperature-"]),
        ("コントラストが足りない", ["contrast+"]),
        ("空の彩度を下げて", ["sky.saturation-"]),
        ("コントラストはそのままで明るくして", ["brightness+"]),
        ("空を青くして顔を明るくして", ["sky.hue:blue+", "face.brightness+"]),
        ("明るくなりすぎた", ["brightness-"]),
        ("そんなに明るくしないで", ["brightness-"]),
        ("ノイズがひどい", ["denoise+"]),
        ("色が濃い", ["saturation-"]),
        # Korean
        ("대비 줄여줘", ["contrast-"]),
        ("하늘 채도 높여줘", ["sky.saturation+"]),
        ("대비가 부족해", ["contrast+"]),
        ("피부가 노래", ["skin.hue:yellow-"]),
        ("사진이 누렇게 나왔어", ["temperature-"]),
        ("붉은기 줄여줘", ["tint-"]),
        ("어두워", ["brightness+"]),
        ("초점이 안 맞아", ["sharpness+"]),
        ("배경 날려줘", ["background.blur+"]),
        ("덜 밝게", ["brightness-"]),
        ("이 하얗게", ["teeth.whites+"]),
        ("사진을 밝게 하고 배경은 어둡게", ["brightness+", "background.brightness-"]),
        ("조금 밝게, 너무 밝지 않게", ["brightness+"]),
    ],
)
def test_requests_in_other_languages(text: str, edits: list[str]) -> None:
    assert sorted(said(text)) == sorted(edits)
    assert plan_text(text).lang not in ("en", "mixed")


@pytest.mark.parametrize(
    ("text", "edits", "protected"),
    [
        ("mach alles außer dem Himmel heller", ["brightness+"], {"sky"}),
        ("außer dem Himmel alles dunkler", ["brightness-"], {"sky"}),
        ("ohne den Himmel zu verändern, heller", ["brightness+"], {"sky"}),
        ("lass das Gesicht wie es ist, Hintergrund dunkler", ["background.brightness-"], {"face"}),
        ("sauf le ciel, plus sombre", ["brightness-"], {"sky"}),
        ("éclaircis le visage mais pas le ciel", ["face.brightness+"], {"sky"}),
        ("todo menos el cielo más claro", ["brightness+"], {"sky"}),
        ("blanco y negro menos el vestido", ["black_and_white+"], {"clothing"}),
        ("除了天空都提亮", ["brightness+"], {"sky"}),
        ("天空保持不变，提亮其他部分", ["brightness+"], {"sky"}),
        ("空以外を明るくして", ["brightness+"], {"sky"}),
        ("人物以外をぼかして", ["background.blur+"], {"person"}),
        ("하늘만 빼고 다 밝게", ["brightness+"], {"sky"}),
        ("얼굴 말고 배경만 어둡게", ["background.brightness-"], {"face"}),
    ],
)
def test_what_is_left_out(text: str, edits: list[str], protected: set[str]) -> None:
    assert sorted(said(text)) == sorted(edits)
    assert set(plan_text(text).protect) == protected


@pytest.mark.parametrize(
    ("text", "protected"),
    [
        ("nicht heller", set()), ("mach das Gesicht nicht heller", {"face"}), ("pas plus clair", set()),
        ("n'éclaircis pas le ciel", {"sky"}), ("no más claro", set()), ("no mas claro", set()),
        ("no aclares el cielo", {"sky"}), ("不要变亮", set()), ("天空不要变亮", {"sky"}), ("明るくしないで", set()),
        ("空は明るくしないで", {"sky"}), ("밝게 하지마", set()), ("하늘은 밝게 하지 마", {"sky"}),
    ],
)  # fmt: skip
def test_what_is_forbidden_is_not_done(text: str, protected: set[str]) -> None:
    assert said(text) == []
    assert set(plan_text(text).protect) == protected


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("rückgängig machen", "undo"), ("vorher war es besser", "undo"), ("c'était mieux avant", "undo"),
        ("antes estaba mejor", "undo"), ("之前的更好", "undo"), ("さっきの方がよかった", "undo"), ("아까가 더 나아", "undo"),
        ("恢复原图", "reset"), ("원본으로", "reset"),
    ],
)  # fmt: skip
def test_commands_in_other_languages(text: str, command: str) -> None:
    assert plan_text(text).command == command


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("zu bunt", [-1]), ("doppelt so viel", [1]), ("nur halb so stark", [-1]), ("un peu trop", [-1]),
        ("deux fois plus", [1]), ("no tanto", [-1]), ("el doble", [1]), ("太过了", [-1]), ("再强一点", [1]),
        ("やりすぎ", [-1]), ("もっと強く", [1]), ("조금만 덜", [-1]), ("두 배로", [1]),
    ],
)  # fmt: skip
def test_follow_ups_in_other_languages(text: str, edits: list[int]) -> None:
    plan = plan_text(text, PlanContext(last_edits=(SKY,), versions=2))
    assert [(e.region, e.attribute, e.direction) for e in plan.edits] == [("sky", "saturation", d) for d in edits]


@pytest.mark.parametrize(
    "text", ["make the sky bluer bitte", "brighten it por favor", "the face is too dark s'il vous plaît"]
)
def test_a_polite_foreign_word_changes_nothing(text: str) -> None:
    english = text.rsplit(" ", 1)[0].replace(" por", "").replace(" s'il vous", "")
    assert plan_text(text).edits == plan_text(english).edits


@pytest.mark.parametrize("text", ["少し" * 1900, "etwas " * 600 + "kontrast", "하늘 빼고 " * 600, "除了天空" * 900])
def test_time_stays_bounded(text: str) -> None:
    start = time.perf_counter()
    plan_text(text)
    assert time.perf_counter() - start < 20
