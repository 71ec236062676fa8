"""What an installation is told: environment variables that begin with `BURNISH_`, then what was chosen in the app."""

import os
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.choices import kept


def _half() -> int:
    """Half of this machine's memory."""
    try:
        return max(100_000_000, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 4_000_000_000


def _home() -> Path:
    return user_data_path("burnish", appauthor=False)


class _Kept(PydanticBaseSettingsSource):
    """What was chosen in the app, under the home that the other sources name."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the file is read whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The choices by name."""
        return dict(kept(Path(self.current_state.get("home") or _home())))


class Settings(BaseSettings):
    """Where things live and which servers, if any, may be asked. Everything works with none of it set.

    >>> Settings(home="x", llm_url=None).served
    False
    """

    model_config = SettingsConfigDict(env_prefix="BURNISH_", frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what was chosen in the app (`agent.choices`)."""
        return init_settings, env_settings, _Kept(settings_cls)

    home: Path = Field(default_factory=_home)
    """Everything Burnish keeps: history, photos by content, preferences, checkpoints."""

    database_url: str | None = Field(default=None, repr=False)
    """A PostgreSQL database, such as `postgresql://user:password@host/burnish`, that keeps conversations, photos and
    preferences for all hosts that name it; None: files under `home`."""
    chroma_url: str | None = None
    """A Chroma server, such as `http://host:8000`, for the index of preferences; None: a folder under `home`."""

    llm_url: str | None = None
    """Base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`; None: the embedded planner alone."""
    llm_model: str | None = None
    llm_key: str = "none"
    """Key sent to that server; vLLM takes any."""
    llm_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds before the embedded planner answers instead."""

    planner: Literal["grammar", "model", "both"] = "grammar"
    """What plans without a server: the grammar, Burnish's own language model, or the grammar where the model is not much
    surer of another plan. The last two need transformers (the extra `hub`) and some 200 ms a request."""

    segmenter: str | None = None
    """Hub id or folder of a larger segmentation model (SegFormer, OneFormer, Mask2Former, SAM 3); None: Burnish's own."""

    restorer: str | None = None
    """Hub id or folder of a larger network against noise, blocks and blur (Swin2SR); None: Burnish's own."""
    artist: str | None = None
    """Hub id or folder of a diffusers pipeline that draws looks (`tools.artist`); None: Burnish's own model alone."""
    artist_device: Literal["auto", "cpu", "cuda"] = "auto"
    artist_steps: int = Field(default=20, ge=1, le=200)
    """Denoising steps of a drawing; 20 to 30 for most pipelines, 1 to 8 for distilled ones."""

    preview_edge: int = Field(default=1024, ge=256, le=4096)
    """Long edge of a preview in pixels."""
    renders: int = Field(default=2, ge=1, le=64)
    """Turns that may be worked on at the same time; the others wait in line."""
    memory_for_turns: int = Field(default_factory=_half, ge=100_000_000)
    """Bytes that the photos of these turns may take together; a larger photo is worked on alone."""
    photos_in_memory: int = Field(default=1_500_000_000, ge=100_000_000)
    """Bytes of opened photos kept for the next turn."""

    @property
    def served(self) -> bool:
        """True when a language model server is configured."""
        return bool(self.llm_url)
