"""The line: whole turns, in the order in which they came, as many at a time as there are places and memory for.

A turn has several renders. Were each of them queued by itself, turns would interleave and all end late; so a turn waits
once, at its beginning. One person's turns keep their order, and somebody who sends many stands with the second behind
everybody's first. A turn that waits for somebody else, as for a served model, steps aside and comes back to the front.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

#: Bytes that a turn takes beside its photo, whatever its size.
BESIDE: Final = 100_000_000
#: How often a photo is in memory while it is worked on: as opened, as rendered, as saved.
COPIES: Final = 3
#: What a photo is taken for whose size is not known yet: 24 megapixels.
USUAL: Final = 72_000_000


def room(photo: int | None) -> int:
    """Bytes that a turn on a photo of so many bytes needs.

    >>> room(1_000_000)
    103000000
    """
    return COPIES * (photo or USUAL) + BESIDE


@dataclass(eq=False)
class Ticket:
    """A turn in the line, of the conversation `name`.

    `room`: bytes that it needs; `ahead`: how many turns come before it, 0 when it is admitted.
    """

    name: str
    user: str
    room: int
    number: int
    admitted: bool = False
    ahead: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Line:
    """At most `places` turns at a time, and together at most `room` bytes; one is always let in, whatever it needs."""

    def __init__(self, places: int, room: int):
        self.places, self.room = places, room
        self._numbers = itertools.count()
        self._inside: list[Ticket] = []
        self._waiting: list[Ticket] = []

    def join(self, name: str, user: str, room: int) -> Ticket:
        """Take a number; `waiting` waits for it to be called, `leave` gives it back, called or not."""
        ticket = Ticket(name, user, room, next(self._numbers))
        self._waiting.append(ticket)
        self._call()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Free a place. Safe to call twice."""
        for tickets in (self._inside, self._waiting):
            if ticket in tickets:
                tickets.remove(ticket)
        self._call()

    async def waiting(self, ticket: Ticket) -> AsyncGenerator[int, None]:
        """How many are before this one, whenever it changes; ends when it is admitted."""
        told = -1
        while not ticket.admitted:
            if ticket.ahead != told:
                told = ticket.ahead
                yield told
            ticket.moved.clear()
            if not ticket.admitted and ticket.ahead == told:
                await ticket.moved.wait()

    @asynccontextmanager
    async def place(self, name: str, user: str, room: int) -> AsyncIterator[Ticket]:
        """Wait in line, and hold a place."""
        ticket = self.join(name, user, room)
        try:
            async for _ in self.waiting(ticket):
                pass
            yield ticket
        finally:
            self.leave(ticket)

    @asynccontextmanager
    async def aside(self, name: str) -> AsyncIterator[None]:
        """Give the place of `name` to others while it waits for what takes none; come back before all later turns."""
        ticket = next((t for t in self._inside if t.name == name), None)
        if ticket is None:
            yield
            return
        self._inside.remove(ticket)
        ticket.admitted = False
        self._call()
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            raise  # it does not come back
        except BaseException:
            await self._back(ticket)
            raise
        await self._back(ticket)

    async def _back(self, ticket: Ticket) -> None:
        self._waiting.append(ticket)
        self._call()
        async for _ in self.waiting(ticket):
            pass

    def _call(self) -> None:
        """Let in whoever is next and fits, and tell the others where they stand."""
        line = self._order()
        while line and self._fits(line[0]):
            ticket = line.pop(0)
            self._waiting.remove(ticket)
            self._inside.append(ticket)
            ticket.admitted, ticket.ahead = True, 0
            ticket.moved.set()
            line = self._order()
        for place, ticket in enumerate(line):
            ticket.ahead = place + 1
            ticket.moved.set()

    def _fits(self, ticket: Ticket) -> bool:
        taken = sum(t.room for t in self._inside)
        return not self._inside or (len(self._inside) < self.places and taken + ticket.room <= self.room)

    def _order(self) -> list[Ticket]:
        """Who waits, next first: everybody's first turn by arrival, then everybody's second."""
        before = Counter(ticket.user for ticket in self._inside)
        rounds: list[tuple[int, int, Ticket]] = []
        for ticket in sorted(self._waiting, key=lambda t: t.number):
            rounds.append((before[ticket.user], ticket.number, ticket))
            before[ticket.user] += 1
        return [ticket for _, _, ticket in sorted(rounds, key=lambda r: r[:2])]
