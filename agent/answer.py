"""What a turn answers: two or three plain sentences. What was understood and done, with numbers; what was not possible."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from agent.decide import Decision
from agent.plan import Plan
from agent.review import Verdict
from models.recipe import Recipe
from models.vocabulary import ATTRIBUTES, spoken

#: (less, more) of each attribute, as in "the sky is brighter".
WORDS: Final = {
    "brightness": ("darker", "brighter"), "contrast": ("softer in contrast", "stronger in contrast"),
    "highlights": ("calmer in the highlights", "brighter in the highlights"),
    "shadows": ("deeper in the shadows", "lighter in the shadows"), "temperature": ("cooler", "warmer"),
    "tint": ("greener", "more magenta"), "saturation": ("less colourful", "more colourful"),
    "whites": ("greyer in the whites", "brighter in the whites"),
    "blacks": ("deeper in the blacks", "lighter in the blacks"), "dehaze": ("hazier", "clearer of haze"),
    "denoise": ("less smoothed", "less noisy"), "clarity": ("softer in detail", "stronger in detail"),
    "sharpness": ("softer", "sharper"), "blur": ("less blurred", "more blurred"),
    "bokeh": ("less out of focus", "out of focus"), "tilt_shift": ("less like a miniature", "like a miniature"),
    "vignette": ("lighter at the edges", "darker at the edges"), "grain": ("less grainy", "grainier"),
    "black_and_white": ("in colour again", "black and white"),
    "deblock": ("less mended of codec traces", "free of codec traces"),
    "deblur": ("less mended of blur", "mended of blur"), "low_light": ("less lifted out of the dark", "lifted out of the dark"),
    "colourise": ("less colourised", "colourised"),
}  # fmt: skip

OUT_OF_SCOPE: Final = {
    "remove_object": "remove things from a photo", "add_object": "add things to a photo",
    "replace_background": "put in another background", "crop": "crop", "rotate": "rotate or straighten", "flip": "flip",
    "resize": "change the size", "reshape": "change the shape of things", "restore_damage": "repair damage",
    "composite": "combine photos", "text": "write on a photo", "other": "do all of that",
}  # fmt: skip

HELP: Final = (
    "Say what you want in your own words, for example “make the sky a bit bluer”, “warmer, but leave her skin alone” or "
    "just “make it look good”. You can name a part of the photo and an amount, and “undo”, “compare”, “go to version 2”, "
    "“show me other versions” or “save it” work too. Press thumbs up on what you like: then “my usual” follows your taste."
)

GLOSSARY: Final = {
    "whites": "The whites are the very brightest tones, the white point; they decide how bright the brightest part gets.",
    "blacks": "The blacks are the very darkest tones, the black point; they decide how deep the darkest part gets.",
    "highlights": "The highlights are the bright half of the tones; turning them down brings back detail in bright areas.",
    "shadows": "The shadows are the dark half of the tones; turning them up shows what is hidden in dark areas.",
    "contrast": "Contrast is the distance between dark and bright tones.",
    "clarity": "Clarity is contrast between neighbouring tones; it makes texture stand out.",
    "sharpness": "Sharpness is the crispness of fine edges.",
    "temperature": "Temperature moves colours between cool (blue) and warm (yellow).",
    "tint": "Tint moves colours between green and magenta.",
    "saturation": "Saturation is how strong colours are; at −100 the photo is grey.",
    "dehaze": "Dehaze takes away the grey veil that haze and fog leave.",
    "vignette": "A vignette darkens the edges so that the eye goes to the middle.",
    "denoise": "Denoising takes away grain and coloured specks, as a camera leaves them in poor light.",
    "deblock": "Deblocking takes away the squares and fringes that strong JPEG compression leaves.",
    "deblur": "Deblurring mends a photo that is out of focus or was shaken, as far as its detail is still there.",
    "low_light": "Low light lifts a photo taken in the dark, and its noise with care.",
    "colourise": "Colourising gives a black-and-white photo colours; say what colour something had, and it is followed.",
}  # fmt: skip


def repaired(structure: float) -> str:
    """What repairs have done to the photo's fine structure, in a sentence; empty where they left it alone.

    >>> repaired(1.0), repaired(0.7)
    ('', 'Its fine structure is 70 % of what it was: noise went, nothing was made up.')
    """
    if abs(structure - 1) < 0.02:
        return ""
    why = "noise went, nothing was made up" if structure < 1 else "brought out within bounds, nothing was made up"
    return f"Its fine structure is {structure:.0%} of what it was: {why}.".replace("%", " %", 1)


#: Attributes that people ask about in other forms than their name.
ASKED_AS: Final = {
    "denoise": r"(?:de)?nois\w*",
    "deblock": r"(?:deblock\w*|(?:jpe?g|compression) art[ei]facts?|blockiness)",
    "deblur": r"(?:de|un)blur\w*",
    "dehaze": r"dehaz\w*",
    "low_light": r"low[ _-]light",
    "colourise": r"colou?ri[sz]\w*",
}


def place(region: str) -> str:
    """A region in a sentence.

    >>> place("global"), place("object:red rose"), place("person")
    ('the photo', 'the red rose', 'the people')
    """
    return f"the {'people' if region == 'person' else spoken(region)}"


def points(value: float) -> str:
    """A value in [-1, 1] as people see it.

    >>> points(0.28), points(-0.3), points(0.0)
    ('+28', '−30', '0')
    """
    whole = round(value * 100)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)}"


def wording(attribute: str, change: float) -> str:
    """How a change of an attribute reads after "is".

    >>> wording("brightness", -0.1), wording("hue:blue", 0.2)
    ('darker', 'bluer')
    """
    if attribute.startswith("hue:"):
        colour = attribute[4:]
        short = {"red": "redder", "green": "greener", "blue": "bluer", "yellow": "yellower"}
        return short.get(colour, f"more {colour}") if change > 0 else f"less {colour}"
    return WORDS[attribute][change > 0]


def listed(parts: Iterable[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a", "b", "c"]), listed([])
    ('a, b and c', '')
    """
    *head, last = [*parts] or [""]
    return f"{', '.join(head)} and {last}" if head else last


def done(decision: Decision, verdict: Verdict | None) -> str:
    """What was changed, with numbers: where each value stands now and what was measured."""
    got = {(f.region, f.attribute): f.achieved for f in verdict.findings} if verdict else {}
    by_region: dict[str, list[str]] = {}
    for asked in decision.asked:
        if abs(asked.wanted) < 0.005:
            continue
        text = f"{wording(asked.attribute, asked.wanted)} ({points(asked.value) if asked.value else 'as it was'}"
        achieved = got.get((asked.region, asked.attribute))
        text += f", measured {points(achieved)})" if achieved is not None else ")"
        by_region.setdefault(asked.region, []).append(text)
    parts = [
        f"{place(region)} {'are' if region == 'person' else 'is'} now {listed(texts)}"
        for region, texts in by_region.items()
    ]
    return f"{capital(listed(parts))}." if parts else ""


def looked(changes: Mapping[str, float]) -> str:
    """What an automatic look did to the whole photo, from its measured change."""
    largest = sorted(((n, v) for n, v in changes.items() if abs(v) >= 0.02), key=lambda nv: -abs(nv[1]))[:3]
    if not largest:
        return "I tried an automatic look, and the photo hardly needed it."
    return f"I gave it an automatic look: {listed(f'{wording(n, v)} ({points(v)})' for n, v in largest)}, as measured."


def against_opened(changes: Mapping[str, float]) -> str:
    """How the whole photo now differs from the one that was opened, from its measured change.

    >>> against_opened({"temperature": 0.2, "tint": 0.001})
    'Against the photo as opened it is warmer (+20), as measured.'
    """
    largest = sorted(((n, v) for n, v in changes.items() if abs(v) >= 0.02), key=lambda nv: -abs(nv[1]))[:3]
    if not largest:
        return "That is hardly to be told from the photo as opened."
    return f"Against the photo as opened it is {listed(f'{wording(n, v)} ({points(v)})' for n, v in largest)}, as measured."


def alike(whose: str, changes: Mapping[str, float]) -> str:
    """What carrying a look over did to the whole photo, from its measured change.

    >>> alike("the reference", {"temperature": 0.2, "tint": 0.001})
    'I gave it the look of the reference: warmer (+20), as measured.'
    """
    largest = sorted(((n, v) for n, v in changes.items() if abs(v) >= 0.02), key=lambda nv: -abs(nv[1]))[:4]
    if not largest:
        return f"I carried over {whose}, and the photo hardly had to change."
    said = listed(f"{wording(n, v)} ({points(v)})" for n, v in largest)
    return f"I gave it {'' if whose.startswith('your look') else 'the look of '}{whose}: {said}, as measured."


def coloured(decision: Decision) -> str:
    """Where the colours of a photo that is colourised come from; empty where nobody gave any.

    >>> coloured(Decision(recipe=Recipe(), told=("clothing",)))
    'The clothing has the colour you told me.'
    >>> coloured(Decision(recipe=Recipe(), lender="the reference", lent=("sky", "skin")))
    'The sky and the skin take their colours from the reference, of which nothing else was carried over.'
    """
    said, took = listed(place(r) for r in decision.told), listed(place(r) for r in decision.lent)
    have = "have the colours" if len(decision.told) > 1 or decision.told == ("person",) else "has the colour"
    take = "take their colours" if len(decision.lent) > 1 else "takes its colour"
    return joined(
        f"{capital(said)} {have} you told me." if said else "",
        f"{capital(took)} {take} from {decision.lender}, of which nothing else was carried over." if took else "",
    )


def nothing_lent(whose: str) -> str:
    """Why a reference lent no colours.

    >>> nothing_lent("your look “Friday”")
    'I found no colour in your look “Friday” of anything that is here too, so the colours are a guess of mine.'
    """
    return f"I found no colour in {whose} of anything that is here too, so the colours are a guess of mine."


def not_done(plan: Plan, decision: Decision) -> list[str]:
    """What was not possible, and what is, one sentence each."""
    out = []
    for region, near in decision.missing:
        absent = f"I can't find {place(region).replace('the ', 'any ', 1)} in this photo"
        out.append(f"{absent}; the nearest I can change is {place(near)}." if near else f"{absent} to hold back.")
    out += decision.notes
    if wishes := [OUT_OF_SCOPE[w] for w in plan.out_of_scope]:
        out.append(
            f"I can't {' or '.join(dict.fromkeys(wishes))} yet; I can change light, colour, sharpness and mood, "
            "of the whole photo or of a part."
        )
    return out


def standing(number: int, recipe: Recipe) -> str:
    """What a version consists of."""
    if recipe.is_identity:
        return "This is the photo as opened." if number == 0 else f"Version {number} leaves the photo as opened."
    parts = [
        f"{place(s.region)} {listed(f'{name_of(n)} {points(v)}' for n, v in s.values.items())}" for s in recipe.settings
    ]
    if recipe.look is not None and recipe.look.strength > 0:
        parts.insert(0, "the look that the artist drew" if recipe.look.drawn else "the automatic look")
    return f"Version {number} has {'; '.join(parts)}."


def name_of(attribute: str) -> str:
    """An attribute by name.

    >>> name_of("hue:blue"), name_of("black_and_white")
    ('blues', 'black and white')
    """
    return f"{attribute[4:]}s" if attribute.startswith("hue:") else attribute.replace("_", " ")


def explained(text: str, number: int, recipe: Recipe) -> str:
    """The answer to a question: the words it asks about, and what the current version consists of."""
    asked = [w for w in ATTRIBUTES if w in GLOSSARY and re.search(rf"\b{ASKED_AS.get(w, w)}\b", text.lower())]
    return " ".join([*(GLOSSARY[w] for w in asked[:2]), standing(number, recipe)])


def clipped(verdict: Verdict | None, limit: float) -> str:
    """A word on detail that was lost; empty below `limit`."""
    if verdict is None or verdict.clipped <= limit:
        return ""
    return f"About {max(round(100 * verdict.clipped), 1)} % of the photo lost its detail to pure white or black."


def capital(text: str) -> str:
    """`text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def joined(*sentences: str) -> str:
    """Sentences one after the other; empty ones are left out."""
    return " ".join(s.strip() for s in sentences if s and s.strip())
