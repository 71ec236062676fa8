"""The embedded planner: offline, instant and deterministic. A grammar reads the request; tables say what words mean."""

from agent.plan import Edit, Plan, PlanContext
from agent.planner import grammar, scope
from agent.planner.chunks import chunk
from agent.planner.lexicon import colour_axis, hue, lexicon
from agent.planner.segments import split
from agent.planner.text import plain, words

_WEAK = frozenset(
    """fix correct improve improved better enhance enhanced enhancement edit retouch touch nice nicer beautiful pretty prettier professional pro
    good great awesome amazing cool presentable clean adjust help perfect quality look magic salvage restore photoshop
    photoshopped editing improvement pop worthy tidy spruce cleaned fixed balance natural realistic appealing delicious cleanup
    colorization""".split()
)

_AXES = {"warm": ("temperature", 1), "cold": ("temperature", -1), "green": ("tint", -1), "magenta": ("tint", 1)}


def plan_text(text: str, context: PlanContext | None = None) -> Plan:
    """Plan one message. Never raises: what cannot be understood is a plan of kind `none`.

    >>> plan_text("a bit brighter, and less yellow").edits[1].attribute
    'temperature'
    """
    tokens = words(plain(text))
    segments = split(chunk(tokens, lexicon()))
    edits: dict[tuple[str, str], Edit] = {}
    used: set[int] = set()
    for segment in segments:
        if segment.purpose == "hard":
            continue
        for mention in grammar.read(segment).mentions:
            if mention.purpose and mention.text in (
                "visible",
                "visable",
                "viewable",
                "clear",
                "clearly",
                "clearer",
                "pop",
                "pop out",
                "sharp",
                "sharply",
            ):
                continue
            used |= mention.words
            for edit in to_edits(mention):
                edits.setdefault((edit.region, edit.attribute), edit)
    wishes = scope.out_of_scope(segments, used)
    kind = "strong" if edits else "weak" if _WEAK.intersection(tokens) and not wishes else "none"
    return Plan(kind=kind, edits=tuple(edits.values())[:48], out_of_scope=tuple(wishes))


class EmbeddedPlanner:
    """The `Planner` protocol over `plan_text`."""

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message; instant, so it does not yield."""
        return plan_text(text, context)


def explain(text: str, context: PlanContext | None = None) -> list[tuple[str, Edit]]:
    """Which words led to which edit: pairs of the words in reading order and the edit."""
    tokens = words(plain(text))
    out: list[tuple[str, Edit]] = []
    for segment in split(chunk(tokens, lexicon())):
        for mention in grammar.read(segment).mentions:
            said = " ".join(c.text for c in segment.parts if c.start in mention.words)
            out += [(said, edit) for edit in to_edits(mention)]
    return out


def to_edits(mention: grammar.Mention) -> list[Edit]:
    """The edits of a mention: one a region, colours resolved to casts (whole picture) or hues (a region)."""
    out = []
    for region in dict.fromkeys(mention.regions):
        attribute, sign = mention.attribute, mention.sign
        if attribute.startswith("colour:"):
            colour = attribute[7:]
            axis = colour_axis(colour)
            if region == grammar.GLOBAL and axis in _AXES:
                attribute, direction = _AXES[axis]
                sign *= direction
            elif region == grammar.GLOBAL:
                attribute = "tint" if sign < 0 else "hue:red"
            else:
                attribute = f"hue:{hue(colour)}"
        out.append(
            Edit(region=region, attribute=attribute, direction=1 if sign > 0 else -1, amount=mention.amount or "medium")
        )
    return out
