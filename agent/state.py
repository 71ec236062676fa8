"""What the graph remembers between its nodes: hashes and small JSON, never a picture. At most 64 kB a checkpoint.

Only plain JSON types appear here, so that a checkpoint holds data and nothing that could be executed when it is read.
`Turn` fields are cleared by `perceive` when a new turn begins; the others last as long as the conversation.
"""

from typing import Annotated, Any, Final, TypedDict

#: Messages carried in the state; all of them are in `agent.history`.
REMEMBERED: Final = 12
#: Longest text of a message in the state.
MAX_TEXT: Final = 1500

Json = dict[str, Any]


def latest(old: list[Json], new: list[Json]) -> list[Json]:
    """Append messages, keeping the last `REMEMBERED`, each cut to `MAX_TEXT` characters."""
    short = [{**m, "text": str(m.get("text", ""))[:MAX_TEXT]} for m in new]
    return [*old, *short][-REMEMBERED:]


class InputState(TypedDict, total=False):
    """What one turn is called with."""

    thread: str
    """uuid4 made by the server; also the id of the conversation in `agent.history`."""
    turn: str
    """uuid4 of this turn: whatever is written is written once under it."""
    text: str
    command: str
    """A command given by a button instead of by words; empty for none."""
    picked: str
    """The region that is selected on the photo (`models.pick`); empty for none."""
    reference: Json
    """`models.reference.Reference` of the picture that came with the message; empty without one."""
    share: float
    """How much of a look is carried over, as a share of what the words ask."""
    retry: bool
    """True when the same has been asked of this version before: a look is then another sample."""


class State(InputState, total=False):
    """All of it."""

    messages: Annotated[list[Json], latest]

    # what is known of the photo and the person
    photo: str
    user: str
    summary: str
    regions: list[str]

    # Turn
    base: int
    """The version that this turn builds on."""
    taste: Json
    """`agent.decide.Taste`."""
    plan: Json
    """`agent.plan.Plan`."""
    decision: Json
    """`agent.decide.Decision`."""
    move: str
    """`undo`, `redo`, `reset` or `goto:<n>` when the turn moves without an edit."""
    candidate: Json
    """The rendition under review: recipe, hashes, measurements, verdict."""
    best: Json
    """The best candidate so far."""
    trials: list[Json]
    """Develop parameters tried, with what they achieved."""
    correction: Json
    """The recipe that review wants rendered next; empty when it is content."""
    rounds: int
    opinions: int
    """Candidates that a served model was shown."""
    rethought: list[str]
    """One sentence per round."""
    again: bool
    """True when this turn shows something else than a version that was disliked."""
    lead: str
    """What the answer begins with."""
    problem: str
    """Why nothing can be done, as a sentence for the answer; empty when something can."""
    feedback: Json
    """`{"kind", "reason", "turn"}` of the thumb that was pressed."""
    seconds: dict[str, float]
    result: Json
    """What the turn ends with: `agent.events.Result` less thread and paths."""


#: What a new turn begins with.
FRESH: Final[Json] = {
    "base": 0, "taste": {}, "plan": {}, "decision": {}, "move": "", "candidate": {}, "best": {}, "trials": [],
    "correction": {}, "rounds": 0, "opinions": 0, "rethought": [], "again": False, "lead": "", "problem": "", "feedback": {},
    "seconds": {}, "result": {},
}  # fmt: skip
