"""What every planner can do, and nothing more."""

from typing import Protocol

from agent.plan import Plan, PlanContext


class Planner(Protocol):
    """Turns one message into a `Plan`. Never raises for anything a person can type or a server can answer."""

    async def plan(self, text: str, context: PlanContext) -> Plan:
        """Plan one message in its context."""
        ...
