"""A model that sees, with random weights, in a real vLLM: pictures arrive, and its opinions have the right form."""

import asyncio
import io
import json
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from agent.appraisal import WHOSE
from agent.plan import PlanContext
from agent.planner.opinions import Critique, critique, review
from agent.planner.served import INSTEAD, ServedPlanner
from agent.planner.server import Server
from tests.test_agent_studio import photo
from tests.vllm.conftest import Vllm
from ui.cli import main


def jpeg(name: str, size: tuple[int, int] = (400, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(getattr(skimage.data, name)()).resize(size).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(400, 300), (3000, 2000), (40, 30)])
async def test_a_plan_with_the_picture_beside_the_message(seeing_model: Vllm, size: tuple[int, int]) -> None:
    planner = ServedPlanner(seeing_model.url, timeout=300)
    plan = await planner.plan("make it a bit bluer", PlanContext(thumbnail=jpeg("coffee", size)))
    assert INSTEAD not in (plan.note or "")
    assert planner.server.sees


async def test_what_it_says_depends_on_what_it_sees(seeing_model: Vllm) -> None:
    planner = ServedPlanner(seeing_model.url, timeout=300)
    plans = [
        await planner.plan("make it a bit bluer", PlanContext(thumbnail=jpeg(name))) for name in ("coffee", "rocket")
    ]
    assert plans[0] != plans[1]


async def test_a_review_of_before_and_after(seeing_model: Vllm) -> None:
    server = Server(seeing_model.url, timeout=300)
    opinion = await review(server, "brighter", jpeg("coffee"), jpeg("rocket"))
    assert opinion is not None
    assert server.sees


async def test_a_critique_is_words_a_score_and_what_can_be_done(seeing_model: Vllm) -> None:
    server = Server(seeing_model.url, timeout=300)
    said = [await critique(server, jpeg(name), "A still life.") for name in ("coffee", "rocket")]
    for one in said:
        assert isinstance(one, Critique)
        assert one.composition
        assert one.aesthetics
        assert (one.composition + one.aesthetics).isprintable()
        assert 0 <= one.score <= 100
    assert said[0] != said[1]


async def test_look_prints_an_opinion_of_a_photo(
    seeing_model: Vllm, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = photo(tmp_path / "photo.png", "coffee")
    monkeypatch.setenv("BURNISH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BURNISH_LLM_TIMEOUT", "300")
    printed = []
    for url, options in (("", ()), (seeing_model.url, ()), ("", ("--json",)), (seeing_model.url, ("--json",))):
        monkeypatch.setenv("BURNISH_LLM_URL", url)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            await asyncio.to_thread(main, ["look", str(picture), *options])
        assert end.value.code == 0
        printed.append(capsys.readouterr().out)
    plain, words, scene, data = printed
    assert words.startswith(plain)
    assert WHOSE in words[len(plain) :]
    opinion = json.loads(data)
    Critique.model_validate(opinion.pop("opinion"))
    assert opinion == json.loads(scene)
