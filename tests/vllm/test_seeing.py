"""A model that sees, with random weights, in a real vLLM: pictures arrive, and its opinions have the right form."""

import io

import pytest
import skimage.data
from PIL import Image

from agent.plan import PlanContext
from agent.planner.opinions import review
from agent.planner.served import INSTEAD, ServedPlanner
from agent.planner.server import Server
from tests.vllm.conftest import Vllm


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
