"""Variations differ enough to be worth choosing from."""

from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000

from agent.studio import Studio
from agent.variety import spread
from models.attributes import lab
from tests.test_agent_studio import LOOK, pixels, portrait, say, studio

__all__ = ["portrait", "studio"]


@LOOK
async def test_four_variations_are_unlike_each_other(studio: Studio, portrait: Path) -> None:
    thread = (await studio.start(portrait, "anna")).thread
    result = await say(studio, thread, "show me other versions")
    views = {v.number: v for v in await studio.versions(thread)}
    shown = [lab(pixels(views[n].preview)[..., 2::-1].astype(np.float32) / 255) for n in result.variations]
    pairs = [deltaE_ciede2000(a, b).mean() for i, a in enumerate(shown) for b in shown[:i]]
    assert len(pairs) == 6
    assert min(pairs) > 1.5
    assert np.mean(pairs) > 3
    here = await studio.rooms.opened(thread)
    first = await studio.recipe(thread, 1)
    assert spread(here, first, 3) == spread(here, first, 3)
    assert spread(here, first.model_copy(update={"look": None}), 3) == ()
