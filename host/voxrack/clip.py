"""The bundled clip: five seconds of synthesised speech, so that everything can be tried without a recording."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audio import Audio


def clip_path() -> Path:
    """Where the clip lies: mono, 44.1 kHz, 16-bit FLAC, -23 LUFS; ``data/README.md`` states its origin."""
    return Path(str(files("voxrack") / "data" / "voice.flac"))


def clip() -> Audio:
    """The clip, read."""
    from .files import read

    return read(clip_path())
