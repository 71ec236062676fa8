"""The edit tree: nothing is lost, undo always works, and no turn is written twice."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from agent.history import MAX_TEXT, History, Version, difference, merge
from models.errors import ConversationError
from models.recipe import Look, Recipe

PIXELS = {"preview": "p" * 64, "thumbnail": "t" * 64}


def new_thread(history: History, user: str = "anna") -> str:
    thread = str(uuid.uuid4())
    history.open_thread(thread, user=user, photo="a" * 64, name="beach.jpg", **PIXELS)
    return thread


def edit(history: History, thread: str, value: float, turn: str | None = None) -> Version:
    recipe = Recipe().with_values("sky", {"brightness": value})
    return history.add(thread, recipe, label=f"sky {value}", turn=turn or str(uuid.uuid4()), **PIXELS)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite3")


def test_a_new_conversation_stands_at_the_photo_as_opened(history: History) -> None:
    thread = new_thread(history)
    assert history.version(thread).number == 0
    assert history.version(thread).recipe.is_identity
    with pytest.raises(ConversationError, match="nothing to undo"):
        history.move(thread, "undo", "t")


def test_undo_and_redo_walk_the_moves_and_keep_every_version(history: History) -> None:
    thread = new_thread(history)
    for value in (0.1, 0.2, 0.3):
        edit(history, thread, value)
    assert history.move(thread, "undo", "u1").number == 2
    assert history.move(thread, "undo", "u2").number == 1
    assert history.move(thread, "redo", "r1").number == 2
    branch = edit(history, thread, 0.9)
    assert (branch.number, branch.parent) == (4, 2)
    with pytest.raises(ConversationError, match="nothing to redo"):
        history.move(thread, "redo", "r2")
    assert history.move(thread, "goto:3", "g").number == 3
    assert history.move(thread, "undo", "u3").number == 4
    assert [v.number for v in history.versions(thread)] == [0, 1, 2, 3, 4]


def test_reset_goes_back_to_the_photo_and_can_be_undone(history: History) -> None:
    thread = new_thread(history)
    edit(history, thread, 0.1)
    assert history.move(thread, "reset", "x").number == 0
    assert history.move(thread, "undo", "y").number == 1


def test_a_turn_run_again_changes_nothing_twice(history: History) -> None:
    thread = new_thread(history)
    first = edit(history, thread, 0.1, turn="same")
    assert edit(history, thread, 0.7, turn="same") == first
    edit(history, thread, 0.2)
    assert history.move(thread, "undo", "u").number == 1
    assert history.move(thread, "undo", "u").number == 1
    assert len(history.versions(thread)) == 3


@pytest.mark.parametrize("command", ["goto:7", "goto:-1", "goto:", "sideways", "goto:99999999999999"])
def test_an_impossible_step_is_said_in_a_sentence(history: History, command: str) -> None:
    with pytest.raises(ConversationError, match=r"\.$"):
        history.move(new_thread(history), command, "t")


def test_an_unknown_thread_is_said_in_a_sentence(history: History) -> None:
    for call in (history.thread, history.version, history.versions, history.messages):
        with pytest.raises(ConversationError, match="open the photo again"):
            call("0000")


def test_threads_belong_to_their_person(history: History) -> None:
    hers, his = new_thread(history, "anna"), new_thread(history, "ben")
    assert [t.id for t in history.threads("anna")] == [hers]
    assert [t.id for t in history.threads("ben")] == [his]


def test_messages_are_kept_once_in_order_and_cut(history: History) -> None:
    thread = new_thread(history)
    history.say(thread, "t1", "user", "x" * 20_000)
    history.say(thread, "t1", "user", "again")
    assert history.unanswered(thread) is not None
    assert (history.begin(thread, "t1"), history.begin(thread, "t1")) == (1, 2)
    history.say(thread, "t1", "assistant", "done", 1)
    assert history.unanswered(thread) is None
    said = history.messages(thread)
    assert [(m.role, len(m.text)) for m in said] == [("user", MAX_TEXT), ("assistant", 4)]


def test_everything_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from agent.history import History\n"
        "from tests.test_agent_history import edit, new_thread\n"
        "h = History(Path(sys.argv[1])); t = new_thread(h)\n"
        "for i in range(5): edit(h, t, i / 10, turn=str(i)); h.say(t, str(i), 'user', str(i))\n"
        "print(t, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    history = History(path)
    thread = done.stdout.strip()
    assert history.version(thread).number == 5
    assert [m.text for m in history.messages(thread)] == list("01234")
    assert edit(history, thread, 0.9, turn="4").number == 5


def test_two_processes_of_one_installation_share_it(tmp_path: Path) -> None:
    one, two = History(tmp_path / "h.sqlite3"), History(tmp_path / "h.sqlite3")
    thread = new_thread(one)
    edit(two, thread, 0.1)
    assert one.version(thread).number == 1


values = st.floats(-1, 1).map(lambda v: round(v, 2)).filter(bool)
regions = st.sampled_from(["global", "sky", "person", "object:rose"])
recipes = st.builds(
    lambda settings, look: _recipe(settings, look),
    st.dictionaries(regions, st.dictionaries(st.sampled_from(["brightness", "tint", "vignette"]), values, min_size=1)),
    st.none() | st.builds(Look, seed=st.integers(0, 9)),
)


def _recipe(settings_: dict[str, dict[str, float]], look: Look | None) -> Recipe:
    recipe = Recipe(look=look)
    for region, at in settings_.items():
        recipe = recipe.with_values(region, at)
    return recipe


@given(recipes, recipes, st.sets(regions))
def test_merge_takes_the_named_regions_and_leaves_the_rest(a: Recipe, b: Recipe, taken: set[str]) -> None:
    both = merge(a, b, tuple(taken))
    for region in ("global", "sky", "person", "object:rose"):
        assert both.values(region) == (b if region in taken else a).values(region)
    assert merge(a, a, tuple(taken)) == a
    assert difference(a, a) == {}


@settings(max_examples=40, stateful_step_count=30, suppress_health_check=list(HealthCheck), deadline=None)
class Tree(RuleBasedStateMachine):
    """The database against the simplest model of an editor: two stacks and a list."""

    turns = Bundle("turns")

    @initialize()
    def start(self) -> None:
        self.history = History(Path(":memory:"))
        self.thread = new_thread(self.history)
        self.all, self.at = [Recipe()], 0
        self.undo: list[int] = []
        self.redo: list[int] = []
        self.count = 0

    def turn(self) -> str:
        self.count += 1
        return str(self.count)

    def go(self, target: int) -> None:
        self.undo.append(self.at)
        self.redo.clear()
        self.at = target

    @rule(recipe=recipes, again=st.booleans())
    def make(self, recipe: Recipe, again: bool) -> None:
        turn = self.turn()
        for _ in range(1 + again):
            made = self.history.add(self.thread, recipe, label="x", turn=turn, **PIXELS)
        assert made.parent == self.at
        self.all.append(recipe)
        self.go(len(self.all) - 1)

    @rule(data=st.data())
    def goto(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.all) - 1))
        self.history.move(self.thread, f"goto:{number}", self.turn())
        self.go(number)

    @rule()
    def undo_one(self) -> None:
        if not self.undo:
            with pytest.raises(ConversationError):
                self.history.move(self.thread, "undo", self.turn())
            return
        assert self.history.target(self.thread, "undo").number == self.undo[-1]
        self.history.move(self.thread, "undo", self.turn())
        self.redo.append(self.at)
        self.at = self.undo.pop()

    @rule()
    def redo_one(self) -> None:
        if not self.redo:
            with pytest.raises(ConversationError):
                self.history.move(self.thread, "redo", self.turn())
            return
        self.history.move(self.thread, "redo", self.turn())
        self.undo.append(self.at)
        self.at = self.redo.pop()

    @invariant()
    def same(self) -> None:
        if hasattr(self, "history"):
            assert self.history.version(self.thread).number == self.at
            assert [v.recipe for v in self.history.versions(self.thread)] == self.all

    def teardown(self) -> None:
        if hasattr(self, "history"):
            self.history.close()


test_tree = Tree.TestCase


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "broken.sqlite3").write_bytes(b"no database at all" * 100)
    for path in (tmp_path / "file" / "h.sqlite3", tmp_path / "broken.sqlite3"):
        with pytest.raises(ConversationError, match="BURNISH_HOME"):
            History(path)
