"""Hands on: sliders over the very numbers of the recipe, of the whole photo or a region, and the strength of the last step."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from models.vocabulary import MIXER_ATTRIBUTES, RESTORE_ATTRIBUTES
from ui.chat import FIX
from ui.desk import Session
from ui.paint import Paint
from ui.words import attribute_name, region_name

if TYPE_CHECKING:
    from ui.actions import Actions
    from ui.desk import Frames

#: The groups of sliders; those that are open at first.
GROUPS: Final = {
    "Light": ("brightness", "contrast", "highlights", "shadows", "whites", "blacks"),
    "Colour": ("temperature", "tint", "saturation"),
    "Colour mixer": MIXER_ATTRIBUTES,
    "Repair": RESTORE_ATTRIBUTES,
    "Detail": ("clarity", "sharpness", "blur", "bokeh"),
    "Effects": ("tilt_shift", "vignette", "grain", "black_and_white"),
}
OPEN: Final = ("Light", "Colour")

#: What cannot be less than nothing.
FROM_ZERO: Final = frozenset(
    {
        *(name for name in RESTORE_ATTRIBUTES if name != "dehaze"),
        "blur", "bokeh", "tilt_shift", "grain", "black_and_white",
    }
)  # fmt: skip

#: What is done to the whole photo only.
WHOLE_ONLY: Final = frozenset({"colourise"})

WHOLE: Final = "global"


@dataclass(frozen=True)
class Adjust:
    """The components of the panel."""

    region: gr.Dropdown
    sliders: dict[str, gr.Slider]
    fix: gr.Button
    strength: gr.Slider
    """Percent of the last step."""

    @property
    def all(self) -> list[Any]:
        """Every component that is repainted."""
        return [self.region, *self.sliders.values(), self.strength]

    def paint(self, session: Session, frames: "Frames") -> Paint:
        """The panel as the version on the page has it."""
        values = frames.recipe.values(session.region)
        choices = [(region_name(WHOLE), WHOLE), *((chip.label, chip.name) for chip in frames.chips)]
        strength = gr.update(value=round(frames.strength * 100), interactive=session.version > 0)
        return {
            self.region: gr.update(choices=choices, value=session.region),
            **{slider: round(values.get(name, 0.0) * 100) for name, slider in self.sliders.items()},
            **{self.sliders[name]: _whole(values.get(name, 0.0), session.region) for name in WHOLE_ONLY},
            self.strength: strength,
        }


def build() -> Adjust:
    """Lay out the panel."""
    with gr.Row(elem_id="adjust-head", equal_height=True):
        region = gr.Dropdown(
            [(region_name(WHOLE), WHOLE)], value=WHOLE, label="Region", show_label=False, container=False,
            elem_id="adjust-region", min_width=120,
        )  # fmt: skip
        fix = gr.Button(FIX, size="sm", scale=0, min_width=76, elem_id="fix")
    sliders: dict[str, gr.Slider] = {}
    with gr.Column(elem_id="sliders"):
        strength = gr.Slider(
            0,
            200,
            100,
            step=1,
            label="Strength of the last step",
            elem_id="strength",
            elem_classes="amount",
            buttons=[],
        )
        for title, names in GROUPS.items():
            with gr.Accordion(title, open=title in OPEN, elem_classes="group"):
                for name in names:
                    least = 0 if name in FROM_ZERO else -100
                    label = attribute_name(name).capitalize()
                    sliders[name] = gr.Slider(
                        least, 100, 0, step=1, label=label, elem_id=f"set-{name.replace(':', '-')}",
                        elem_classes="amount", buttons=["reset"],
                    )  # fmt: skip
    return Adjust(region, sliders, fix, strength)


def _whole(value: float, region: str) -> Any:
    """A slider of what is done to the whole photo only, with another region's sliders beside it."""
    return gr.update(value=round(value * 100), interactive=region == WHOLE)


class Hands:
    """What happens when something on the panel, or a region's chip, is moved or chosen."""

    def __init__(self, do: "Actions", adjust: Adjust) -> None:
        self.do, self.adjust = do, adjust

    def wire(self, session: gr.State, **how: Any) -> None:
        """Attach every slider and the choice of region."""
        quick = {**how, "trigger_mode": "always_last"}
        for name, slider in self.adjust.sliders.items():
            slider.release(partial(self.move, name), [session, slider], **quick)
        self.adjust.strength.release(self.strength, [session, self.adjust.strength], **quick)
        self.adjust.region.input(self.choose, [session, self.adjust.region], **quick)

    async def choose(self, session: Session, name: str | None) -> Paint:
        """The sliders show another region from now on."""
        if not session.thread or not name or (name != WHOLE and name not in session.regions):
            return self.do.same()
        return await self.do.shown(replace(session, region=name), panels_only=True)

    async def chip(self, session: Session, picked: gr.SelectData) -> Paint:
        """A region's chip was pressed: its sliders, or those of the whole photo when it was pressed already."""
        name = str(picked.value)
        return await self.choose(session, WHOLE if name == session.region else name)

    async def move(self, name: str, session: Session, value: float | None) -> AsyncIterator[Paint]:
        """A slider was moved: a new version with that one value changed."""
        if not session.thread or value is None:
            yield self.do.same()
            return
        studio = await self.do.desk.studio()
        values = (await studio.recipe(session.thread)).values(session.region)
        if round(values.get(name, 0.0) * 100) == round(value):
            yield self.do.same()
            return
        values[name] = min(max(float(value) / 100, -1.0), 1.0)
        async for paint in self._made(session, studio.set_values(session.thread, session.region, values), name):
            yield paint

    async def strength(self, session: Session, percent: float | None) -> AsyncIterator[Paint]:
        """The last step is to be weaker or stronger."""
        if not session.thread or percent is None:
            yield self.do.same()
            return
        studio = await self.do.desk.studio()
        async for paint in self._made(session, studio.set_strength(session.thread, float(percent) / 100), ""):
            yield paint

    async def _made(self, session: Session, work: Any, moved: str) -> AsyncIterator[Paint]:
        from models.errors import BurnishError

        try:
            await work
        except BurnishError as error:
            gr.Info(str(error))
            moved = ""
        paint = await self.do.shown(session)
        # The one that was moved stays under the hand that moves it.
        paint.pop(self.adjust.sliders.get(moved), None)
        yield paint
