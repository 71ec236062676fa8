"""From what people say about amounts to values in [-1, 1]: words, percent, stops, kelvin."""

from typing import Final

import numpy as np

from agent.plan import WORD_SIZES, Amount, Edit
from models.attributes import LOGITS_PER_UNIT, OPPONENT_PER_UNIT, tone

#: What a photo is taken to be balanced for as opened: the file does not say, and daylight is the commonest.
AS_SHOT_KELVIN: Final = 5500.0
#: Range of the fit below, and of white balance sliders.
KELVIN_RANGE: Final = (1667.0, 25_000.0)

#: Switches rather than amounts: "make it black and white" means all of it.
SWITCHES: Final = ("black_and_white", "colourise")


def size(edit: Edit, lightness: float = 50.0) -> float:
    """The signed change that one edit asks for, not clipped. `lightness`: mean L* of its region, for stops.

    >>> size(Edit(attribute="contrast", amount="slight")), size(Edit(attribute="contrast", direction=-1, amount=20))
    (0.12, -0.2)
    >>> round(size(Edit(attribute="brightness", amount=Amount(value=1, unit="stop"))), 2)
    0.48
    """
    amount = edit.amount
    if isinstance(amount, str):
        return edit.direction * (1.0 if edit.attribute in SWITCHES else WORD_SIZES[amount])
    if isinstance(amount, Amount):
        signed = edit.direction * abs(amount.value) if not amount.absolute else amount.value
        if amount.unit == "stop":
            return stops(signed, lightness)
        if amount.unit == "kelvin":
            return kelvin(amount.value if amount.absolute else AS_SHOT_KELVIN + signed)
        return signed / 100
    return edit.direction * amount / 100


def stops(count: float, lightness: float = 50.0) -> float:
    """Brightness value of `count` stops on a region of mean L* `lightness`: its luminance times 2^count, at most white.

    >>> round(stops(1, 50), 2), round(stops(-1, 50), 2), stops(0)
    (0.48, -0.37, 0.0)
    """
    start = min(max(lightness, 2.0), 98.0)
    luminance = min(_luminance(start) * 2.0 ** min(max(count, -20.0), 20.0), 1.0)
    return (tone(_lightness(luminance)) - tone(start)) / LOGITS_PER_UNIT


def kelvin(temperature: float) -> float:
    """Temperature value of setting the white balance to `temperature` K, with the photo taken to be `AS_SHOT_KELVIN`.

    The shift of b*/L* on a neutral surface whose light is `AS_SHOT_KELVIN` seen with white at `temperature`: a higher
    setting is warmer, as on a camera.

    >>> kelvin(5500), round(kelvin(6500), 2), round(kelvin(4500), 2)
    (0.0, 0.2, -0.32)
    """
    low, high = KELVIN_RANGE
    ratio = _blue(AS_SHOT_KELVIN) / _blue(min(max(temperature, low), high))
    return 2.0 * (1.0 - float(np.cbrt(ratio))) / OPPONENT_PER_UNIT


def _luminance(lightness: float) -> float:
    """CIE 1976: relative luminance of L*."""
    f = (lightness + 16) / 116
    return f**3 if f > 6 / 29 else 3 * (6 / 29) ** 2 * (f - 4 / 29)


def _lightness(luminance: float) -> float:
    f = luminance ** (1 / 3) if luminance > (6 / 29) ** 3 else luminance / (3 * (6 / 29) ** 2) + 4 / 29
    return 116 * f - 16


def _blue(temperature: float) -> float:
    """Z/Y of a black body, after the cubic fits to the Planckian locus of Kim et al. (US patent 7 024 034, 2006)."""
    t = 1000.0 / temperature
    if temperature < 4000:
        x = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
    else:
        x = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
    if temperature < 2222:
        y = ((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683
    elif temperature < 4000:
        y = ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
    else:
        y = ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483
    return (1 - x - y) / y
