"""The planner's own language model in this process: alone, or beside the grammar where it knows better."""

import asyncio
import functools
import json
import threading
from pathlib import Path
from typing import Final

from agent.plan import Plan, PlanContext
from agent.planner import wire
from agent.planner.embedded import plan_text
from agent.planner.served import by_code, checked, situation
from models import pinned
from models.errors import PlanError
from models.language import Language

#: Beside the grammar, the model's plan is taken where its logarithm of the probability exceeds that of the grammar's by this.
SURER: Final = 10.0

_ONE_AT_A_TIME = threading.Lock()


@functools.cache
def language(folder: Path) -> Language:
    """The model of a folder, loaded once."""
    return Language(folder)


class InsidePlanner:
    """The `Planner` protocol over the model in `folder` (default: the one that ships with Burnish).

    `beside`: the grammar plans, and the model where it is much surer of another plan. Raises `WeightsError` without weights.
    """

    def __init__(self, folder: Path | None = None, *, beside: bool = False) -> None:
        self.folder, self.beside = folder or pinned.FOLDER / "planner", beside
        pinned.checked(self.folder.name, folder=self.folder.parent)

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message; the answer is written in a thread."""
        return await asyncio.to_thread(self.plan_now, text, context)

    def plan_now(self, text: str, context: PlanContext) -> Plan:
        """Plan one message; the grammar's plan where the model writes none. Raises `WeightsError` without a model."""
        own = plan_text(text, context)
        if by_code(own, text, context):
            return own
        said = situation(text, context, own)
        with _ONE_AT_A_TIME:
            model = language(self.folder)
            answer = model.answer(said)
            grammars = wire.write(own)
            if self.beside and (grammars is None or grammars == answer):
                return own
            surer = model.likely(said, answer) - model.likely(said, grammars) if self.beside and grammars else SURER
        try:
            plan = checked(wire.read(json.loads(answer)), own, text)
        except (json.JSONDecodeError, PlanError):
            return own
        return plan if surer >= SURER else own
