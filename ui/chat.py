"""Events of the agent as messages of the chat."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ui.words import change_table, clean, seconds, unclean

if TYPE_CHECKING:
    from agent.events import Event, Message, Result
    from agent.planner.opinions import Critique

#: A message as Gradio's Chatbot takes it.
Bubble = dict[str, Any]

#: Reasons offered beside the thumbs; each is what a person would write.
REASONS: Final = ("Too strong", "Too weak", "Too warm", "Too cool", "Wrong area")

#: Offered where a photo itself suggests too little.
_ALWAYS: Final = ("Make it look good", "A bit more contrast", "A bit warmer")
_USUAL: Final = "My usual"
#: What is asked by pictures to look like without words.
ALIKE: Final = "Make it look like this"
#: Offered where the critic found something.
FIX: Final = "Fix it"

#: Offered after an edit that has no replies of its own.
_NEXT: Final = ("A bit more", "A bit less", "Undo")

#: The pictures that `said` puts after a text; what a person writes never reads like one, as it is cleaned.
_PICTURES: Final = re.compile(r"\s*(?<!\\)!\[picture to look like\]\(.*\Z", re.DOTALL)

#: Quick replies shown at once; more is a list to read, not a choice.
_MAX_OPTIONS = 5


def said(text: str, pictures: Sequence[str] = ()) -> Bubble:
    """What the person wrote, shown as just these characters: a picture in it would be fetched.

    `pictures`: thumbnails in the cache of those that came with it.
    """
    shown = " ".join(f"![picture to look like](gradio_api/file={quote(path)})" for path in pictures)
    return {"role": "user", "content": f"{clean(text)}\n\n{shown}" if shown else clean(text)}


def plain(bubble: Bubble) -> str:
    """The characters a person wrote, out of a message as Gradio hands it back.

    >>> plain(said("2 * 3")), plain({"content": [{"type": "text", "text": "warmer"}]})
    ('2 * 3', 'warmer')
    """
    content = bubble.get("content") or ""
    if not isinstance(content, str):
        parts = [part.get("text", "") if isinstance(part, dict) else str(part) for part in content]
        content = "".join(str(part) for part in parts)
    return unclean(_PICTURES.sub("", content))


def told(text: str, options: Sequence[str] = ()) -> Bubble:
    """A plain sentence of ours, with quick replies."""
    return {"role": "assistant", "content": clean(text), "options": _options(options)}


def greeting(summary: str, suggestions: Sequence[str], opinion: "Critique | None" = None) -> Bubble:
    """The first message about a photo: what is seen, and what could be asked for; after it a served model's opinion, if any."""
    own = [text[:1].upper() + text[1:] for text in suggestions]
    more = [text for text in _ALWAYS if text not in own]
    options = [*own[: _MAX_OPTIONS - 2], *([FIX] if own else []), *more[: max(0, 3 - len(own))]]
    parts = [clean(f"{summary} What would you like?".strip())]
    if opinion is not None:
        from agent.appraisal import WHOSE

        words = " ".join(text for text in (opinion.composition, opinion.aesthetics) if text)
        would = f" It would try: {'; '.join(opinion.suggestions)}." if opinion.suggestions else ""
        parts.append(clean(f"{WHOSE}: {words} (Appeal {opinion.score} of 100.){would}"))
        # What was measured stays first, and the person's own taste has its place.
        theirs = [text[:1].upper() + text[1:] for text in opinion.suggestions[:2]]
        options = [*options[: _MAX_OPTIONS - 1 - len(theirs)], *theirs]
    return {"role": "assistant", "content": "\n\n".join(parts), "options": _options([*options, _USUAL])}


def answered(result: "Result", pictures: Sequence[str] = ()) -> Bubble:
    """The answer of a turn: sentences, the table of changes, the memories it leans on, quick replies.

    `pictures`: paths in the cache of the photos that were liked, to be seen beside the reason.
    """
    parts = [clean(result.answer), change_table(result.changes)]
    parts.append(_leaning(result))
    # The route of Gradio that serves the cache and nothing else; relative, so that it works below any address.
    parts.append(" ".join(f"![a photo you liked](gradio_api/file={quote(path)})" for path in pictures))
    text = "\n\n".join(part for part in parts if part)
    options = result.options or (_NEXT if result.changes else ())
    return {"role": "assistant", "content": text or "Done.", "options": _options(options)}


def _leaning(result: "Result") -> str:
    """What a result leans on, in one line: why, unless the answer has said so, and what was liked."""
    why, *liked = result.memory_used or ("",)
    texts = ([] if why.rpartition("learning: ")[2].rstrip(".") in result.answer else [why]) + [*dict.fromkeys(liked)]
    return f"♥ {' · '.join(clean(text) for text in texts)}" if texts else ""


def remembered(messages: Iterable["Message"], last: "Result | None" = None) -> list[Bubble]:
    """A conversation taken up again."""
    bubbles = [said(m.text) if m.role == "user" else told(m.text) for m in messages]
    if last is not None and bubbles and bubbles[-1]["role"] == "assistant":
        bubbles[-1]["options"] = _options(last.options)
    return bubbles


@dataclass
class Progress:
    """The live steps of one turn: a thought that names what is going on and folds away when it is done."""

    started: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    now: str = "Reading your message"

    def add(self, event: "Event") -> None:
        """Take in a step or a note."""
        from agent.events import Note, Step

        if isinstance(event, Step) and event.state == "running":
            self.now = event.text
        elif isinstance(event, Step):
            took = f" · {seconds(event.seconds)}" if event.seconds is not None else ""
            self.lines.append(f"- {clean(event.text)}{took}")
        elif isinstance(event, Note):
            self.lines.append(f"- {clean(event.text)}")

    def bubble(self, *, done: bool = False, stopped: bool = False) -> Bubble:
        """The thought as it stands."""
        took = round(time.monotonic() - self.started, 1)
        if stopped:
            metadata = {"title": "Stopped", "status": "done", "duration": took}
        elif done:
            metadata = {"title": "How I did it", "status": "done", "duration": took}
        else:
            metadata = {"title": self.now, "status": "pending"}
        return {"role": "assistant", "content": "\n".join(self.lines), "metadata": metadata}


def _options(texts: Sequence[str]) -> list[dict[str, str]]:
    return [{"value": text, "label": text} for text in texts[:_MAX_OPTIONS]]
