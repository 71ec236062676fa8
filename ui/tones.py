"""The histogram beside the photo, as a small drawing: before in outline, after filled, and marks where tones run out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.histogram import Histogram

#: Size of the drawing in its own units.
WIDTH, HEIGHT = 256, 64
#: Share of the pixels at an end from which a mark lights up.
MARKED: Final = 0.001
#: The three channels; where they lie over each other the screen adds them up.
INKS: Final = {"red": "#e5484d", "green": "#46a758", "blue": "#3e7bfa"}


def drawing(before: "Histogram", after: "Histogram") -> str:
    """Both histograms as HTML: an SVG with a text for those who do not see it, and the clipped shares as text."""
    top = max(max(curve[1:-1]) for curve in (before.luma, after.red, after.green, after.blue, after.luma)) or 1.0
    fills = "".join(
        f'<path class="ink" fill="{ink}" d="{_area(getattr(after, name), top)}"/>' for name, ink in INKS.items()
    )
    was = f'<path class="was" d="{_line(before.luma, top)}"/>'
    told = f"Histogram. {_told('black', before.black, after.black)}; {_told('white', before.white, after.white)}."
    marks = _mark("black", before.black, after.black) + _mark("white", before.white, after.white)
    return (
        f'<figure class="tones"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{told}">{fills}{was}</svg><figcaption>{marks}</figcaption></figure>'
    )


def share(value: float) -> str:
    """A share of the photo in percent, short.

    >>> share(0.0), share(0.0004), share(0.0123), share(0.31)
    ('0 %', '<0.1 %', '1.2 %', '31 %')
    """
    if value == 0:
        return "0 %"
    percent = value * 100
    return "<0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def _told(end: str, before: float, after: float) -> str:
    return f"{share(after)} of the photo at plain {end}, {share(before)} as opened"


def _mark(end: str, before: float, after: float) -> str:
    lit = " lit" if after >= MARKED else ""
    arrow = "◣" if end == "black" else "◢"
    was = f", was {share(before)}" if share(before) != share(after) else ""
    text = f"{share(after)} {end}<small>{was}</small>"
    marked = f"<b>{arrow}</b> {text}" if end == "black" else f"{text} <b>{arrow}</b>"
    return f'<span class="{end}{lit}" title="{_told(end, before, after)}">{marked}</span>'


def _points(curve: Sequence[float], top: float) -> str:
    step = WIDTH / (len(curve) - 1)
    # The square root lets what is rare be seen beside what is frequent.
    return " ".join(f"{i * step:.1f},{HEIGHT - HEIGHT * min((v / top) ** 0.5, 1.0):.1f}" for i, v in enumerate(curve))


def _line(curve: Sequence[float], top: float) -> str:
    return f"M{_points(curve, top)}"


def _area(curve: Sequence[float], top: float) -> str:
    return f"M0,{HEIGHT} {_points(curve, top)} {WIDTH},{HEIGHT}Z"
