"""What a complaint is blamed on: "too dark" after darker shadows speaks of the shadows; and the answers to a dislike."""

import re
from typing import Final

from agent.plan import Complaint, Plan, PlanContext
from agent.planner.text import plain

#: An attribute and a direction.
Key = tuple[str, int]

#: What a complaint (attribute, direction complained of) may be blamed on, likeliest first.
BLAME: dict[Key, tuple[Key, ...]] = {
    ("brightness", -1): (
        ("brightness", -1),
        ("shadows", -1),
        ("blacks", -1),
        ("highlights", -1),
        ("vignette", 1),
        ("contrast", 1),
    ),
    ("brightness", 1): (("brightness", 1), ("whites", 1), ("highlights", 1), ("shadows", 1), ("dehaze", -1)),
    ("temperature", 1): (("temperature", 1), ("hue:orange", 1), ("hue:yellow", 1), ("saturation", 1)),
    ("temperature", -1): (("temperature", -1), ("hue:blue", 1), ("hue:teal", 1), ("saturation", 1)),
    ("tint", -1): (("tint", -1), ("hue:green", 1), ("saturation", 1)),
    ("tint", 1): (("tint", 1), ("hue:pink", 1), ("hue:purple", 1), ("hue:magenta", 1)),
    ("hue:red", 1): (("hue:red", 1), ("temperature", 1), ("tint", 1), ("saturation", 1)),
    ("saturation", 1): (("saturation", 1), ("hue", 1)),
    ("saturation", -1): (("saturation", -1), ("shadows", 1), ("contrast", -1), ("blacks", 1), ("dehaze", -1)),
    ("contrast", -1): (("contrast", -1), ("blacks", 1), ("shadows", 1), ("dehaze", -1), ("highlights", -1)),
    ("contrast", 1): (("contrast", 1), ("clarity", 1), ("blacks", -1), ("dehaze", 1)),
    ("sharpness", 1): (("sharpness", 1), ("clarity", 1)),
    ("clarity", 1): (("clarity", 1), ("sharpness", 1), ("contrast", 1)),
    ("sharpness", -1): (("blur", 1), ("sharpness", -1), ("clarity", -1), ("denoise", 1)),
    ("blur", 1): (("blur", 1), ("sharpness", -1), ("clarity", -1), ("denoise", 1)),
    ("denoise", -1): (("denoise", -1), ("sharpness", 1), ("clarity", 1), ("shadows", 1), ("brightness", 1)),
    ("dehaze", -1): (("dehaze", -1), ("shadows", 1), ("contrast", -1), ("saturation", -1), ("blacks", 1)),
    ("highlights", 1): (("highlights", 1), ("whites", 1), ("brightness", 1)),
    ("vignette", 1): (("vignette", 1),),
}

#: Complaint words that ordinary requests do not use.
WORDS: dict[str, Key] = {
    "hot": ("brightness", 1),
    "glowing": ("brightness", 1),
    "blown": ("brightness", 1),
    "blinding": ("brightness", 1),
    "white": ("brightness", 1),
    "gray": ("saturation", -1),
    "grey": ("saturation", -1),
    "pale": ("saturation", -1),
    "dead": ("saturation", -1),
    "muddy": ("contrast", -1),
    "loud": ("saturation", 1),
    "garish": ("saturation", 1),
    "neon": ("saturation", 1),
    "radioactive": ("saturation", 1),
    "cartoonish": ("saturation", 1),
    "crunchy": ("clarity", 1),
    "crispy": ("sharpness", 1),
    "hdr": ("clarity", 1),
    "gritty": ("clarity", 1),
    "rough": ("clarity", 1),
    "edgy": ("clarity", 1),
    "plastic": ("blur", 1),
    "waxy": ("blur", 1),
    "smooth": ("blur", 1),
    "soft": ("sharpness", -1),
    "mushy": ("sharpness", -1),
    "orange": ("temperature", 1),
    "tanned": ("temperature", 1),
    "sunburnt": ("temperature", 1),
    "icy": ("temperature", -1),
    "harsh": ("contrast", 1),
    "black": ("brightness", -1),
    "colors": ("saturation", 1),
    "colours": ("saturation", 1),
    "muted": ("saturation", -1),
    "yellow": ("temperature", 1),
    "sickly": ("tint", -1),
}

#: Answers to "what was wrong with it?", whole messages only.
_ANSWERS: Final[tuple[tuple[Complaint, str], ...]] = (
    ("too strong", r"(?:much |way |far )?(?:too (?:strong|much|extreme|intense|heavy)|overdone|over the top)"),
    ("too weak", r"(?:much |way |far )?(?:too (?:weak|little|subtle|faint)|not (?:strong )?enough)"),
    ("wrong place", r"(?:in |at )?(?:the )?wrong (?:place|area|region|part|spot)"),
    ("wrong colour", r"(?:the )?wrong colou?rs?|(?:the )?colou?rs? (?:is|are) wrong"),
    ("too artificial", r"(?:looks? |much |way )*(?:too )?(?:artificial|fake|unnatural|processed)"),
)


def answer(text: str, context: PlanContext | None) -> Plan | None:
    """The plan of an answer to the question that a dislike ends with; None when nobody asked.

    >>> answer("Too strong", PlanContext(disliked=True)).complaint, answer("Too strong", PlanContext())
    ('too strong', None)
    """
    if context is None or not context.disliked:
        return None
    said = plain(text).strip(" .!")
    for name, pattern in _ANSWERS:
        if re.fullmatch(rf"(?:it (?:is|was) |that (?:is|was) )?(?:{pattern})", said):
            return Plan(kind="followup", complaint=name)
    return None
