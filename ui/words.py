"""How things are named to people: regions, attributes, values and changes."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from models.vocabulary import spoken

if TYPE_CHECKING:
    from agent.events import Change

#: Whose taste it is when nobody says otherwise, in the app and on the command line.
DEFAULT_USER: Final = "me"

_ATTRIBUTES = {
    "bokeh": "depth of field", "tilt_shift": "tilt-shift", "black_and_white": "black and white", "look": "overall look",
}  # fmt: skip


def region_name(region: str) -> str:
    """A region as a person would write it at the start of a line.

    >>> region_name("global"), region_name("sky"), region_name("object:red rose")
    ('Whole photo', 'Sky', 'Red rose')
    """
    return "Whole photo" if region == "global" else spoken(region).replace("_", " ").capitalize()


def attribute_name(attribute: str) -> str:
    """An attribute as a person would say it.

    >>> attribute_name("saturation"), attribute_name("hue:blue"), attribute_name("black_and_white")
    ('saturation', 'blues', 'black and white')
    """
    if attribute.startswith("hue:"):
        return f"{attribute[4:]}s"
    return _ATTRIBUTES.get(attribute, attribute.replace("_", " "))


def points(value: float | None) -> str:
    """A value in [-1, 1] on the -100..100 scale that people see; an en dash where it is unknown.

    >>> points(0.124), points(-0.3), points(0.0), points(None)
    ('+12', '−30', '0', '–')
    """
    if value is None:
        return "–"
    whole = round(value * 100)
    return "0" if whole == 0 else f"{'+' if whole > 0 else '−'}{abs(whole)}"


def seconds(value: float | None) -> str:
    """A duration, short.

    >>> seconds(0.034), seconds(1.26), seconds(None)
    ('0.03 s', '1.3 s', '')
    """
    if value is None:
        return ""
    return f"{value:.2f} s" if value < 0.1 else f"{value:.1f} s"


def change_rows(changes: "Iterable[Change]") -> list[tuple[str, str, str]]:
    """What was asked and what was measured, as (what, asked, measured) texts."""
    return [
        (f"{region_name(c.region)} · {attribute_name(c.attribute)}", points(c.asked), points(c.achieved))
        for c in changes
    ]


def change_table(changes: "Iterable[Change]") -> str:
    """The same as a Markdown table; empty when nothing changed.

    >>> from agent.events import Change
    >>> print(change_table([Change(region="sky", attribute="hue:blue", asked=0.2, achieved=0.18)]))
    | Changed | asked | measured |
    |:--|--:|--:|
    | Sky · blues | +20 | +18 |
    """
    rows = change_rows(changes)
    if not rows:
        return ""
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"| Changed | asked | measured |\n|:--|--:|--:|\n{body}"


#: Marks that Markdown could take for its own: anywhere, before a bracket, at the beginning of a line.
_MARKS: Final = re.compile(r"[\\`*_\[\]|~$]|!(?=\[)|(?m:^)#")
_ESCAPED: Final = re.compile(r"\\([\\`*_\[\]|~$!#])")
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def clean(text: str) -> str:
    """`text` as Markdown that shows just these characters: what a person or a file wrote never becomes markup.

    >>> clean("a <b>*bold*</b> ![link](x)!")
    'a &lt;b&gt;\\\\*bold\\\\*&lt;/b&gt; \\\\!\\\\[link\\\\](x)!'
    """
    for mark, safe in _ENTITIES:
        text = text.replace(mark, safe)
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", text)


def unclean(text: str) -> str:
    """What `clean` was given.

    >>> unclean(clean("# 50 % <b>*more*</b> & a\\\\b"))
    '# 50 % <b>*more*</b> & a\\\\b'
    """
    text = _ESCAPED.sub(lambda mark: mark[1], text)
    for mark, safe in reversed(_ENTITIES):
        text = text.replace(safe, mark)
    return text
