"""The look of the app: neutral greys, so that no colour beside a photo deceives the eye, and one warm accent."""

from pathlib import Path
from typing import Final

import gradio as gr
from gradio.themes.utils import colors, sizes

STYLES: Final = tuple(Path(__file__).with_name(name) for name in ("style.css", "pages.css"))

_COPPER = colors.Color(
    name="copper", c50="#fbf4ec", c100="#f6e6d3", c200="#edcca6", c300="#e2ae74", c400="#d79550", c500="#c67d36",
    c600="#a8652a", c700="#874f24", c800="#6e4223", c900="#5c3820", c950="#341d0f",
)  # fmt: skip

_GREY = colors.Color(
    name="grey", c50="#fafafa", c100="#f4f4f4", c200="#e6e6e6", c300="#d3d3d3", c400="#a2a2a2", c500="#737373",
    c600="#545454", c700="#3d3d3d", c800="#282828", c900="#1c1c1c", c950="#131313",
)  # fmt: skip


def theme() -> gr.themes.Base:
    """Fonts of the system only: nothing is fetched."""
    system = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
    base = gr.themes.Base(
        primary_hue=_COPPER,
        secondary_hue=_COPPER,
        neutral_hue=_GREY,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_md,
        font=system,
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "monospace"),
    )
    return base.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_200",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_400",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_300",
        button_primary_text_color="white",
        button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_border_width="1px",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
    )
