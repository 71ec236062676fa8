"""The `burnish` command on real photos: what it writes, what it prints, and one sentence for every bad input."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ui.cli import main
from ui.edit import MAX_TEXT

SKIMAGE = Path(skimage.data.__file__).parent


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own for every test, and an empty working directory."""
    place = tmp_path / "home"
    monkeypatch.setenv("BURNISH_HOME", str(place))
    for name in ("BURNISH_LLM_URL", "BURNISH_LLM_MODEL", "BURNISH_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return place


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process."""

    def burnish(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        printed = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ran(end.value.code, printed.out, printed.err)

    return burnish


@pytest.fixture
def portrait() -> Path:
    return Path(shutil.copy(SKIMAGE / "astronaut.png", "portrait.png"))


def sentence(ran: Ran) -> str:
    """The one line that a refused command leaves on stderr, after the steps it had shown."""
    assert ran.code not in (0, 70)
    assert not ran.out
    assert "Traceback" not in ran.err
    line = ran.err.strip().splitlines()[-1]
    assert line.startswith("burnish: ")
    assert line[-1] in ".”"
    return line


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


# ── help ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ui.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"numpy", "torch", "cv2", "gradio", "pyvips", "pydantic", "rich", "langgraph", "chromadb", "numba"}
    assert "typer" in loaded
    assert not heavy & loaded


ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("command", ["serve", "edit", "plan", "look", "apply", "taste", "taste forget"])
def test_every_command_teaches_by_example(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert ran.code == 0
    assert f"burnish {command}" in ran.out.partition("Example")[2]


def test_no_arguments_shows_the_commands(run: Run) -> None:
    ran = run()
    assert ran.code == 0
    assert "burnish serve" in ran.out


# ── bad input ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", [["edit"], ["edit", "a.png"], ["frobnicate"], ["edit", "a.png", "x", "--quiet"]])
def test_wrong_usage_names_the_help(run: Run, command: list[str]) -> None:
    ran = run(*command)
    assert ran.code == 2
    assert "--help" in sentence(ran)


@pytest.mark.parametrize(
    "text",
    ["", "   \n\t", "a" * (MAX_TEXT + 1), "word " * 4000, "\ud800"],
    ids=["", "blank", "long", "20000", "surrogate"],
)
def test_messages_nobody_can_act_on(run: Run, portrait: Path, text: str) -> None:
    sentence(run("edit", portrait, text))
    assert os.listdir() == ["portrait.png"]


def test_a_message_nobody_understands(run: Run, portrait: Path) -> None:
    assert "other words" in sentence(run("edit", portrait, "qwxz blorp fnord"))
    assert os.listdir() == ["portrait.png"]


def test_what_cannot_be_done_is_said(run: Run, portrait: Path) -> None:
    assert "can't" in sentence(run("edit", portrait, "remove the flag"))


def _text_named_jpg() -> str:
    Path("letter.jpg").write_text("Dear photo,")
    return "letter.jpg"


def _cut_off() -> str:
    data = (SKIMAGE / "rocket.jpg").read_bytes()
    Path("cut.jpg").write_bytes(data[: len(data) // 3])
    return "cut.jpg"


def _empty() -> str:
    Path("empty.png").touch()
    return "empty.png"


@pytest.mark.parametrize("make", [lambda: "nowhere.jpg", lambda: ".", _text_named_jpg, _cut_off, _empty])
@pytest.mark.parametrize("command", ["edit", "look", "apply"])
def test_files_that_are_no_photos(run: Run, make: Callable[[], str], command: str) -> None:
    photo = make()
    Path("recipe.json").write_text('{"schema_version": 1}')
    before = sorted(os.listdir())
    arguments = {
        "edit": [photo, "warmer", "-o", "out.png"],
        "look": [photo],
        "apply": ["recipe.json", photo, "-o", "out.png"],
    }
    sentence(run(command, *arguments[command]))
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("recipe", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "settings": 3}'])
def test_recipes_that_are_none(run: Run, portrait: Path, recipe: str) -> None:
    Path("recipe.json").write_text(recipe)
    assert "ecipe" in sentence(run("apply", "recipe.json", portrait, "-o", "out.png"))


def test_outputs_that_cannot_be(run: Run, portrait: Path) -> None:
    Path("there.png").write_bytes(b"mine")
    before = portrait.read_bytes()
    for out in ("there.png", "out.gif", "no/such/folder.png", "/proc/out.png", "portrait.png"):
        sentence(run("edit", portrait, "warmer", "-o", out))
    sentence(run("edit", portrait, "warmer", "-o", portrait, "--overwrite"))
    assert Path("there.png").read_bytes() == b"mine"
    assert portrait.read_bytes() == before


def test_wrong_settings_are_named(run: Run, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURNISH_LLM_TIMEOUT", "soon")
    assert "BURNISH_LLM_TIMEOUT" in sentence(run("edit", portrait, "warmer"))


def test_a_home_that_is_a_file(run: Run, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("notes.txt").write_text("mine")
    monkeypatch.setenv("BURNISH_HOME", str(Path("notes.txt").resolve()))
    sentence(run("edit", portrait, "warmer"))
    assert Path("notes.txt").read_text() == "mine"


def test_serving_where_somebody_serves(run: Run) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "--port" in sentence(run("serve", "--port", str(taken.getsockname()[1])))


# ── plan ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_plan_of_a_sentence(run: Run) -> None:
    plan = json.loads(run("plan", "make the sky a bit bluer and brighten the people").out)
    edits = {(e["region"], e["attribute"]): e["direction"] for e in plan["edits"]}
    assert edits == {("sky", "hue:blue"): 1, ("person", "brightness"): 1}
    said = run("plan", "--explain", "make the sky a bit bluer").out
    assert "Sky: more blues, slightly" in said


def test_plans_of_a_batch_keep_their_ids(run: Run) -> None:
    rows = [
        {"id": "a", "text": "warmer"},
        {"id": 2, "text": ""},
        {"id": None, "text": "undo", "context": {"versions": 2}},
    ]
    Path("in.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    ran = run("plan", "--batch", "in.jsonl")
    plans = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [plan["id"] for plan in plans] == ["a", 2, None]
    assert set(plans[0]) == {"id", "kind", "edits", "out_of_scope", "command", "protect", "style", "lang"}
    assert [plan["kind"] for plan in plans] == ["strong", "none", "command"]


def test_bad_rows_are_named_and_the_others_planned(run: Run) -> None:
    Path("in.jsonl").write_text('{"id": 1, "text": "warmer"}\nnonsense\n[]\n{"id": 4, "text": "cooler"}')
    ran = run("plan", "--batch", "in.jsonl")
    assert ran.code == 1
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [1, 4]
    assert "Row 2" in ran.err
    assert "Row 3" in ran.err


def test_plan_wants_one_source(run: Run) -> None:
    sentence(run("plan"))
    sentence(run("plan", "--batch", "nowhere.jsonl"))


# ── look and apply ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_look_writes_what_is_seen(run: Run, portrait: Path) -> None:
    ran = run("look", portrait, "--json", "--masks", "masks", "--overlay", "seen.png")
    scene: dict[str, Any] = json.loads(ran.out)
    names = {region["name"] for region in scene["regions"]}
    assert {"global", "person", "face", "background"} <= names
    with Image.open("masks/person.png") as mask, Image.open("masks/background.png") as rest:
        assert mask.size == (scene["width"], scene["height"]) == (512, 512)
        person, background = np.asarray(mask), np.asarray(rest)
    face = (slice(90, 150), slice(195, 250))
    assert person[face].mean() > background[face].mean() + 100
    assert (pixels(Path("seen.png")) != pixels(portrait)).any()
    sentence(run("look", portrait, "--masks", "masks"))
    sentence(run("look", portrait, "--overlay", "seen.png"))
    assert "person" in run("look", portrait).out


def test_applying_the_recipe_of_an_edit_gives_its_bytes(run: Run, portrait: Path) -> None:
    ran = run("edit", portrait, "brighten the face", "--json")
    Path("edit.json").write_text(ran.out)
    Path("recipe.json").write_text(json.dumps(json.loads(ran.out)["recipe"]))
    for name in ("edit.json", "recipe.json"):
        out = Path(f"again-{name}.png")
        assert run("apply", name, portrait, "-o", out).out.strip() == str(out)
        assert out.read_bytes() == Path("portrait-burnished.png").read_bytes()


# ── edit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_edit_end_to_end(run: Run, portrait: Path) -> None:
    before = portrait.read_bytes()
    ran = run("edit", portrait, "make the background a bit darker", "brighten the face", "--json")
    assert ran.code == 0
    said: dict[str, Any] = json.loads(ran.out)
    assert said["output"] == "portrait-burnished.png"
    assert [turn["plan"]["kind"] for turn in said["turns"]] == ["strong", "strong"]
    assert {s["region"] for s in said["recipe"]["settings"]} == {"background", "face"}
    assert {region["name"] for region in said["regions"]} >= {"face", "background", "sky"} - {"sky"}
    assert said["measured"]["after"]["face"]["brightness"] > said["measured"]["before"]["face"]["brightness"]
    assert said["review"]
    assert said["seconds"]
    assert "Retouching" in ran.err
    assert portrait.read_bytes() == before
    old, new = pixels(portrait), pixels(Path("portrait-burnished.png"))
    assert old.shape == new.shape
    assert new[100:140, 200:240].mean() > old[100:140, 200:240].mean() + 5  # her face
    assert new[20:80, 330:380].mean() < old[20:80, 330:380].mean() - 2  # the wall behind her


def test_the_same_request_gives_the_same_bytes_and_never_overwrites(run: Run, portrait: Path) -> None:
    assert run("edit", portrait, "more contrast", "-o", "a.jpg").out.strip() == "a.jpg"
    assert run("edit", portrait, "more contrast", "-o", "b.jpg").code == 0
    assert Path("a.jpg").read_bytes() == Path("b.jpg").read_bytes()
    sentence(run("edit", portrait, "less contrast", "-o", "a.jpg"))
    assert Path("a.jpg").read_bytes() == Path("b.jpg").read_bytes()
    assert run("edit", portrait, "less contrast", "-o", "a.jpg", "--overwrite").code == 0
    assert Path("a.jpg").read_bytes() != Path("b.jpg").read_bytes()


def test_undo_is_a_turn(run: Run, portrait: Path) -> None:
    assert run("edit", portrait, "much darker", "undo", "-o", "same.png").code == 0
    assert (pixels(Path("same.png")) == pixels(portrait)).all()


def test_a_question_writes_nothing(run: Run, portrait: Path) -> None:
    ran = run("edit", portrait, "what can you do?")
    assert ran.code == 0
    assert len(ran.out) > 40
    assert os.listdir() == ["portrait.png"]


# ── taste ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_like_is_remembered_for_this_person_alone(run: Run, portrait: Path) -> None:
    liked = run(
        "edit", portrait, "much warmer and more contrast", "--feedback", "like", "--user", "anna", "-o", "a.png"
    )
    assert liked.code == 0
    usual = json.loads(run("edit", portrait, "my usual", "--user", "anna", "-o", "b.png", "--json").out)
    assert usual["memory_used"]
    assert (pixels(Path("b.png")) != pixels(portrait)).any()
    stranger = json.loads(run("edit", portrait, "my usual", "--user", "bert", "-o", "c.png", "--json").out)
    assert not stranger["memory_used"]


def test_taste_is_listed_moved_and_forgotten(run: Run, portrait: Path) -> None:
    assert "Nothing learned" in run("taste", "list").out
    run("edit", portrait, "warmer", "--feedback", "like", "-o", "a.png")
    records = json.loads(run("taste", "list", "--json").out)
    assert [r["feedback"] for r in records] == ["like"]
    short = records[0]["id"][:8]
    assert short in run("taste", "list").out
    assert "temperature" in run("taste", "show", short).out
    assert run("taste", "export", "-o", "mine.json").code == 0
    sentence(run("taste", "export", "-o", "mine.json"))
    sentence(run("taste", "forget"))
    sentence(run("taste", "forget", "ffffffff"))
    assert run("taste", "forget", short).out == "Forgot 1 memory of me.\n"
    assert json.loads(run("taste", "list", "--json").out) == []
    assert run("taste", "import", "mine.json").out == "1 new memory.\n"
    assert run("taste", "import", "mine.json").out == "0 new memories.\n"
    assert run("taste", "forget", "--all").out == "Forgot 1 memory of me.\n"
    Path("broken.json").write_text("{}")
    sentence(run("taste", "import", "broken.json"))
    sentence(run("taste", "import", "nowhere.json"))
