"""Ways of saying it that the grammar has no rule for, put as it has (`plainer.toml`, `first.toml`, `negated.toml`)."""

import functools
import re

from agent.planner.lexicon import table


@functools.cache
def _rules(stage: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The rules of a stage, with the names in braces filled in."""
    rows = table("plainer.toml")
    names = {name: text for name, text in rows.items() if isinstance(text, str)}
    patterns = rows if stage in rows else table(f"{stage}.toml")
    name = re.compile(r"\{(" + "|".join(names) + r")\}")
    return tuple(
        (re.compile(name.sub(lambda m: names[m[1]], pattern)), instead) for pattern, instead in patterns[stage]
    )


def first(text: str) -> str:
    """A plain text before anything is read of it.

    >>> first("brighten the little boy's face")
    "brighten the boy's face"
    """
    return _put(text, "first")


def negated(text: str) -> str:
    """What is not wanted taken out, and what is not there asked for.

    >>> negated("do not sharpen, just brighten it"), negated("there is no contrast")
    (', just brighten it', 'more contrast')
    """
    return _put(text, "negated")


def later(text: str) -> str:
    """What is left of a request, protections taken off, as the grammar reads it.

    >>> later("return colors back to normal, make look clear")
    'return it to normal, make it look clear'
    """
    return _put(text, "later")


def _put(text: str, stage: str) -> str:
    for pattern, instead in _rules(stage):
        text = pattern.sub(instead, text)
    return re.sub(r"[^\S\n]+", " ", text).strip()
