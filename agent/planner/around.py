"""What stands around a word in its segment: the modifier before it, negation, complaint, the verb that governs it."""

from agent.planner.elements import GLOBAL, Element
from agent.planner.lexicon import word_set
from agent.planner.placing import Mention
from agent.planner.segments import Segment

APPEARING = word_set("around_appearing")

_PLAIN = frozenset(("white", "black", "gray", "grey"))


class Around:
    """A segment with its elements, and questions about a position among them."""

    def __init__(self, segment: Segment, elements: list[Element], last: Mention | None) -> None:
        self.last = last
        """The mention before this segment."""
        self.parts, self.heads, self.segment, self.elements = segment.parts, set(segment.heads), segment, elements
        self.ops = segment.ops
        self.head_chunks = [segment.parts[i] for i in segment.heads]
        self.make = any(o in ("make", "add") for o in self.ops)
        self.direction = -1 if any(o in ("down", "remove") for o in self.ops) else 1 if "up" in self.ops else 0

    def after(self, position: int) -> Element | None:
        """The next element."""
        return self.elements[position + 1] if position + 1 < len(self.elements) else None

    def belongs_to_removed(self, position: int) -> bool:
        """ "Remove the girl in brown", "remove the red cap": the word describes the thing to be removed."""
        if "remove" not in self.ops:
            return False
        e, after = self.elements[position], self.after(position)
        for x in self.elements[position + 1 :]:  # past further adjectives: "the light green background"
            if x.kind not in ("attr", "achromatic") or x.index != e.index + 1:
                break
            e, after = x, self.after(self.elements.index(x))
        if after is not None and after.kind == "region" and not after.preposition and after.region != GLOBAL:
            between = self.parts[e.index + 1 : after.index]
            if not any(p.is_joint or p.sense("the") for p in between):
                return True
        start = max(
            (i for i, x in enumerate(self.elements[:position]) if x.kind == "head" and x.chunk.op() == "remove"),
            default=0,
        )
        for x in self.elements[start:position]:
            if x.kind == "region" and x.region != GLOBAL and not x.preposition:
                return not (x.index == e.index - 1 and e.chunk.attr("noun", "fault", "over", "thing"))
        return False

    def modifier(self, position: int) -> int:
        """+1 after "more", -1 after "less"; it carries over "and" to the next of its kind."""
        e = self.elements[position]
        for back in range(position - 1, -1, -1):
            x = self.elements[back]
            if x.kind == "more":
                sign = -1 if x.chunk.op() == "down" else 1
                near = all(y.kind in ("amount", "region", "cast") for y in self.elements[back + 1 : position])
                if near or e.chunk.attr("noun", "thing") or (sign < 0 and not e.chunk.text.endswith("er")):
                    return sign
                return 0
            if x.kind == "head":
                return 0
        return 0

    def flag(self, kind: str, position: int) -> bool:
        """True when "too", "not" ... (`kind`) governs the element, past adverbs and "and"."""
        for x in reversed(self.elements[:position]):
            if x.kind == kind:
                return True
            if x.kind == "head" and x.chunk.text in APPEARING:
                continue
            if x.kind in ("amount", "be", "more", "should", "joint") or (x.kind == "attr" and kind == "too"):
                continue
            return False
        return False

    def complains(self, position: int) -> bool:
        """True in "the image is dark" and "it looks dull", false in "needs to be darker" or "make it dark"."""
        e = self.elements[position]
        if self.segment.purpose or any(x.kind == "should" for x in self.elements[:position]):
            return False
        if self.make and not all(p.text in APPEARING or p.attr("verb") for p in self.head_chunks):
            return False
        words = [p.text for p in self.parts[: e.index]]
        if "to be" in " ".join(words):
            return False
        if any(w in APPEARING for w in words):
            return not any(w in ("would", "like", "want", "to", "should") for w in words)
        return any(x.kind == "be" for x in self.elements[:position])

    def changes_to(self, start: int) -> bool:
        """True when "to <colour>" follows a verb of changing."""
        if "make" not in self.ops or not any(
            p.text.startswith(("chang", "turn", "convert", "replac", "alter", "switch", "swap"))
            for p in self.head_chunks
        ):
            return False
        for i in range(start, len(self.parts) - 1):
            if self.parts[i].text in ("to", "into", "with"):
                return any(p.sense("colour") or p.text in _PLAIN for p in self.parts[i + 1 : i + 5])
        return False
