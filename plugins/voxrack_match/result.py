"""What a fit gives back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack import Audio, Preset

if TYPE_CHECKING:
    from .problem import Pair

SHORTEST = 1025  # frames that the losses need
NAMES = {
    "mss_lr": "spectra, left/right", "mss_ms": "spectra, mid/side", "mldr_lr": "dynamics, left/right",
    "mldr_ms": "dynamics, mid/side", "total": "weighted total",
}  # fmt: skip


@dataclass(frozen=True)
class FitResult:
    """The outcome of :func:`voxrack_match.fit`.

    Attributes
    ----------
    preset : Preset
        Renders the very dry recording that was given to the wet's level.
    before, after : dict
        The four terms and their weighted total (``compare``) of the unprocessed dry and of the fitted rendering.
    history : list of dict
        One line a step.
    notes : tuple of str
        What a person should know of the recordings and of the fit.
    seconds : float
        Wall time of the fit.
    steps : int
    pair : Pair
    """

    preset: Preset
    before: Mapping[str, float]
    after: Mapping[str, float]
    history: list[dict[str, Any]] = field(repr=False)
    notes: tuple[str, ...]
    seconds: float
    steps: int
    pair: Pair = field(repr=False)

    @property
    def improved(self) -> bool:
        """Whether the fitted rendering is clearly nearer to the wet than the unprocessed dry is."""
        return self.after["total"] < 0.98 * self.before["total"] or self.before["total"] < 1e-3

    def render(self) -> Audio:
        """The dry recording through the preset, as long as it."""
        return render_preset(self.preset, self.pair.source)

    def takes(self) -> dict[str, Audio]:
        """What to listen to, on one timeline: the dry where the wet has it, the wet, and the match.

        Of recordings longer than a player takes, the beginning.
        """
        from voxrack.notebook.takes import excerpt

        pair = self.pair
        dry = Audio(pair.dry * np.float32(10 ** (-pair.dry_gain / 20)), pair.sample_rate)
        match = render_preset(self.preset, excerpt(pair.source))
        return {"dry": excerpt(dry), "wet": excerpt(pair.original), "match": match}

    def rows(self) -> list[tuple[str, float, float]]:
        """Term in words, before, after."""
        return [(NAMES[key], self.before[key], self.after[key]) for key in NAMES]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the preset."""
        return self.preset.save(path)

    def picture(self, path: str | os.PathLike[str]) -> Path:
        """Write a picture of what was fitted (PNG, SVG or PDF); needs matplotlib."""
        from .report import draw

        return draw(self, Path(path))

    def summary(self) -> dict[str, Any]:
        """The result in plain JSON, without audio and history."""
        return {
            "before": dict(self.before), "after": dict(self.after), "improved": self.improved, "steps": self.steps,
            "seconds": self.seconds, "notes": list(self.notes), "preset_sha256": self.preset.sha256,
            "offset_ms": self.pair.offset_ms,
        }  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"<FitResult {self.preset.name!r}: total {self.before['total']:.3f} -> {self.after['total']:.3f}, "
            f"{self.steps} steps, {self.seconds:.0f} s>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """In a notebook the figures with a player of :meth:`takes` below; without the notebook extra, that it lacks."""
        try:
            from voxrack.notebook.stacked import table_and_player
        except ImportError:
            need = "<p>To hear dry, wet and match here: <code>pip install 'voxrack[notebook]'</code></p>"
            return {"text/html": self._repr_html_() + need}
        return table_and_player(self._repr_html_(), self.takes)

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td {left}>{name}</td><td align='right'>{a:.3f}</td><td align='right'>{b:.3f}</td></tr>"
            for name, a, b in self.rows()
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<div><b>{escape(self.preset.name)}</b> · {self.steps} steps · {self.seconds:.0f} s"
            f"<table style='margin-left:0'><tr><th></th><th>unprocessed</th><th>fitted</th></tr>{rows}</table>"
            f"<ul>{notes}</ul></div>"
        )


def judge(pair: Pair, match: Audio | None = None) -> dict[str, float]:
    """``compare`` of a rendering, or of the unprocessed dry, with the wet.

    Under 0.4 s there is no loudness in LUFS: both are brought to the same power instead.
    """
    from .comparison import compare

    target = pair.original
    if match is None:
        match = Audio(pair.dry, pair.sample_rate)
        target = Audio(target.samples[:1], target.sample_rate) if pair.mono else target
    elif match.channels == 1:  # a mono rack is heard on both sides
        match = Audio(np.repeat(match.samples, 2, axis=0), match.sample_rate)
    frames = min(match.frames, target.frames)
    if frames >= 0.4 * target.sample_rate and match.peak > 1e-6:
        return compare(match, target)
    from .problem import gain_to_level
    from .reference import NAMES as TERMS
    from .scoring import losses, total_loss

    signals = []
    for audio in (match, target):
        samples = audio.samples[:, :frames].astype(np.float64)
        gain = gain_to_level(samples, audio.sample_rate)[0] if audio.peak > 1e-6 else 0.0
        signals.append(np.pad(samples, [(0, 0), (0, max(0, SHORTEST - frames))]) * 10 ** (gain / 20))
    terms = losses(signals[0], signals[1], target.sample_rate)
    return {name: terms[name] for name in TERMS} | {"total": float(total_loss(terms))}


def render_preset(preset: Preset, dry: Audio) -> Audio:
    """``dry`` through the streaming rack, as long as it."""
    from voxrack import render

    return render(preset.rack(), dry, tail=False)
