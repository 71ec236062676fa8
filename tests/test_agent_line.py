"""The line: order, fairness between people, memory, and places that always come free again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.events import Failed, Result, Step
from agent.line import BESIDE, Line, Ticket, room
from agent.settings import Settings
from agent.studio import Studio, unpacked
from tests.test_agent_studio import events, photo, say


def inside(line: Line) -> list[str]:
    return [t.name for t in line._inside]


async def test_turns_go_in_as_they_came_and_know_their_place() -> None:
    line = Line(1, 1000)
    tickets = [line.join(name, name, 10) for name in "abc"]
    assert [t.admitted for t in tickets] == [True, False, False]
    assert [t.ahead for t in tickets] == [0, 1, 2]
    line.leave(tickets[0])
    line.leave(tickets[0])
    assert [t.ahead for t in tickets[1:]] == [0, 1]
    assert inside(line) == ["b"]


async def test_one_person_cannot_keep_the_others_out() -> None:
    line = Line(2, 1000)
    hers = [line.join(f"a{i}", "anna", 1) for i in range(4)]
    his = line.join("b", "ben", 1)
    assert (hers[2].ahead, hers[3].ahead, his.ahead) == (2, 3, 1)
    line.leave(hers[0])
    assert inside(line) == ["a1", "b"]
    line.leave(his)
    assert inside(line) == ["a1", "a2"]


async def test_memory_bounds_the_line_but_never_stops_it() -> None:
    line = Line(4, 100)
    small, large, after = line.join("small", "a", 60), line.join("large", "b", 500), line.join("after", "c", 10)
    # What is next waits for room, and nobody slips by it for ever.
    assert inside(line) == ["small"]
    line.leave(small)
    assert inside(line) == ["large"]
    line.leave(large)
    assert inside(line) == ["after"]
    line.leave(after)
    assert room(1000) == 3000 + BESIDE


async def test_who_steps_aside_comes_back_before_later_ones() -> None:
    line, seen = Line(1, 100), []

    async def turn(name: str, aside: bool) -> None:
        async with line.place(name, name, 1):
            if aside:
                async with line.aside(name):
                    await asyncio.sleep(0.05)
                    seen.append(f"{name} asked")
            seen.append(name)
            await asyncio.sleep(0.1)

    await asyncio.wait_for(asyncio.gather(turn("a", True), turn("b", False), turn("c", False)), 10)
    assert seen == ["b", "a asked", "a", "c"]
    assert not line._inside
    assert not line._waiting


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 150), st.sampled_from(["stay", "aside", "cancel"]))),
    st.integers(1, 3),
)
def test_every_turn_is_served_within_the_bounds_and_nothing_is_left(turns: list, places: int) -> None:
    async def run() -> None:
        line, served, most = Line(places, 100), [], 0

        async def turn(number: int, user: str, size: int, how: str) -> None:
            nonlocal most
            async with line.place(str(number), user, size):
                if how == "aside":
                    async with line.aside(str(number)):
                        await asyncio.sleep(0)
                served.append((user, number))
                most = max(most, len(line._inside))
                assert len(line._inside) == 1 or sum(t.room for t in line._inside) <= 100
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(turn(i, *t)) for i, t in enumerate(turns)]
        await asyncio.sleep(0)
        for task, (*_, how) in zip(tasks, turns, strict=True):
            if how == "cancel":
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        expected = [(user, i) for i, (user, _, how) in enumerate(turns) if how != "cancel"]
        assert {*expected} <= {*served}
        assert most <= places
        assert not line._inside
        assert not line._waiting

    asyncio.run(run())


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Studio]:
    async with await Studio.open(Settings(home=tmp_path / "home", preview_edge=320, renders=1)) as opened:
        yield opened


async def test_a_waiting_turn_tells_its_place_and_can_be_cancelled(narrow: Studio, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    threads = {name: (await narrow.start(source, name)).thread for name in ("anna", "ben", "cleo")}
    place = narrow.rooms.line.join("long", "somebody", 1)
    first = asyncio.create_task(events(narrow.turn(threads["anna"], "brighter")))
    while len(narrow.rooms.line._waiting) < 1:
        await asyncio.sleep(0.01)
    async with aclosing(narrow.turn(threads["ben"], "warmer")) as stream:
        step = await anext(stream)
        assert isinstance(step, Step)
        assert (step.node, step.state) == ("queue", "running")
        assert "2 others" in step.text
        third = asyncio.create_task(events(narrow.turn(threads["cleo"], "cooler")))
        while len(narrow.rooms.line._waiting) < 3:
            await asyncio.sleep(0.01)
    # Ben has gone: his place is free, nothing of his turn is left to be taken up, and he may say it again.
    assert [t.user for t in narrow.rooms.line._waiting] == ["anna", "cleo"]
    assert "Stopped" in narrow.rooms.history.messages(threads["ben"])[-1].text
    assert narrow.rooms.history.unanswered(threads["ben"]) is None
    narrow.rooms.line.leave(place)
    for got in (await first, await third):
        assert isinstance(got[-1], Result)
        waits = [e for e in got if isinstance(e, Step) and e.node == "queue"]
        assert waits[-1].state == "done"
        assert waits[-1].seconds
    assert (await say(narrow, threads["ben"], "warmer")).version == 1
    assert not narrow.rooms.line._inside


async def test_a_turn_that_fails_frees_its_place(narrow: Studio, tmp_path: Path) -> None:
    opened = await narrow.start(photo(tmp_path / "a.png"), "anna")
    picture = narrow.rooms.store.path(opened.photo)
    picture.rename(tmp_path / "gone")
    narrow.rooms.darkroom._opened.clear()
    *_, end = await events(narrow.turn(opened.thread, "brighter"))
    assert isinstance(end, Failed)
    (tmp_path / "gone").rename(picture)
    assert (await say(narrow, opened.thread, "brighter")).version == 1
    assert not narrow.rooms.line._inside


def test_a_photo_is_measured_by_its_header(tmp_path: Path) -> None:
    assert unpacked(photo(tmp_path / "a.png", size=320)) == 320 * 320 * 3
    (tmp_path / "text.jpg").write_text("no photo")
    for path in (tmp_path / "text.jpg", tmp_path, tmp_path / "none.png"):
        assert unpacked(path) is None


def test_a_ticket_is_its_own() -> None:
    assert Ticket("a", "a", 1, 0) != Ticket("a", "a", 1, 0)
