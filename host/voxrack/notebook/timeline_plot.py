"""The picture of a timeline: bands of emotion over the waveform, and the probabilities under it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ..timeline import NO_SPEECH, UNSURE, Band, Timeline
from .emotion_colours import DOUBT, SILENT, colours
from .plots import GRID, INK, MUTED, drawing, envelope

if TYPE_CHECKING:
    from pathlib import Path

    from ..audio import Audio

COLUMNS = 1500


def timeline_picture(
    timeline: Timeline, source: Audio | str | Path, path: str | os.PathLike[str] | None = None, title: str = ""
) -> Figure:
    """Bands over the waveform: a colour for each emotion, unsure hatched, no speech grey; probabilities below.

    Under them the trust in the recording as it came, where the recogniser tells it.

    Parameters
    ----------
    timeline : Timeline
    source : Audio or path
        What was analysed. A file is read in blocks, so it may last hours.
    path : str or Path, optional
        Write the picture there too (.png, .svg, .pdf), whole or not at all.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    paints = colours(timeline.labels)
    bands = timeline.bands()
    end = max(timeline.duration, 1e-3)
    trust = timeline.trust is not None
    with drawing(12, 7.0 if trust else 5.6, path, title, **{"hatch.linewidth": 0.7}) as figure:
        panels = figure.subplots(3 if trust else 2, 1, sharex=True, height_ratios=(1.5, 1, 0.7)[: 3 if trust else 2])
        wave, curves = panels[:2]
        times, low, high = _envelope(source)
        tallest = max(float(np.abs(low).max(initial=0.0)), float(high.max(initial=0.0)), 1e-4) * 1.08
        for band in bands:
            _paint(wave, band.start, band.end, band.label, paints)
            if band.end - band.start > 0.075 * end and band.label != NO_SPEECH:
                text = f"{band.label} {band.confidence:.2f}" if band.label != UNSURE else UNSURE
                wave.annotate(text, ((band.start + band.end) / 2, 1), (0, -4), xycoords=("data", "axes fraction"),
                              textcoords="offset points", ha="center", va="top", fontsize=9, color=INK)  # fmt: skip
        wave.fill_between(times, low, high, color=INK, alpha=0.8, linewidth=0.4, edgecolor=INK)
        wave.set_ylim(-tallest, 1.25 * tallest)
        wave.set_ylabel("amplitude")
        _chances(curves, timeline, bands, paints)
        if trust:
            _trust(panels[2], timeline, bands, paints)
        for each in panels:
            each.tick_params(length=0)
            each.spines[["top", "right"]].set_visible(False)
        axis = panels[-1]
        axis.set_xlim(0, end)
        axis.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.5, 2, 3, 6, 10] if end > 120 else [1, 2, 5, 10]))
        if end > 120:
            axis.xaxis.set_major_formatter(FuncFormatter(lambda t, _: _clock(t)))
        axis.set_xlabel("time (s)" if end <= 120 else "time (min:s)")
        _legend(figure, timeline, {band.label for band in bands}, paints)
    return figure


def _paint(axes: Axes, start: float, end: float, label: str, paints: Mapping[str, str]) -> None:
    if label == UNSURE:
        axes.axvspan(start, end, facecolor="none", edgecolor=DOUBT, hatch="////", linewidth=0, alpha=0.8, zorder=0)
    elif label == NO_SPEECH:
        axes.axvspan(start, end, color=SILENT, alpha=0.75, linewidth=0, zorder=0)
    else:
        axes.axvspan(start, end, color=paints[label], alpha=0.55, linewidth=0, zorder=0)


def _chances(axes: Axes, timeline: Timeline, bands: Sequence[Band], paints: Mapping[str, str]) -> None:
    """A line for each emotion that leads anywhere, broken where there is no speech; the threshold dashed."""
    silent = ~timeline.probabilities.any(axis=1)
    marker = "o" if len(timeline.times) < 60 else ""
    _silence(axes, bands, paints)
    for index, label in enumerate(timeline.labels):
        shown = np.where(silent, np.nan, timeline.probabilities[:, index])
        axes.plot(timeline.times, shown, color=paints[label], linewidth=1.5, marker=marker, markersize=3)
    axes.axhline(timeline.threshold, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate("threshold", (1, timeline.threshold), (-3, 2), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", va="bottom", fontsize=8, color=MUTED)  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def _trust(axes: Axes, timeline: Timeline, bands: Sequence[Band], paints: Mapping[str, str]) -> None:
    """The trust over time, between 0 (only what was enhanced is believed) and 1 (the recording as it came)."""
    assert timeline.trust is not None
    _silence(axes, bands, paints)
    marker = "o" if len(timeline.times) < 60 else ""
    axes.plot(timeline.times, timeline.trust, color=INK, linewidth=1.5, marker=marker, markersize=3)
    axes.set_ylim(0, 1)
    for place, offset, text in ((1, -3, "trusted as it came"), (0, 3, "only enhanced")):
        axes.annotate(text, (1, place), (-3, offset), xycoords="axes fraction", textcoords="offset points", ha="right",
                      va="top" if place else "bottom", fontsize=8, color=MUTED)  # fmt: skip
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("trust")
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def _silence(axes: Axes, bands: Sequence[Band], paints: Mapping[str, str]) -> None:
    for band in bands:
        if band.label == NO_SPEECH:
            _paint(axes, band.start, band.end, NO_SPEECH, paints)


def _legend(figure: Figure, timeline: Timeline, shown: set[str], paints: Mapping[str, str]) -> None:
    patches = [Patch(facecolor=paints[label], alpha=0.7, label=label) for label in timeline.labels]
    patches.append(Patch(facecolor="white", edgecolor=DOUBT, hatch="////", linewidth=0, label=UNSURE))
    patches.append(Patch(facecolor=SILENT, label=NO_SPEECH))
    legend = figure.legend(
        handles=patches, loc="outside lower center", ncols=len(patches), frameon=False, fontsize=9, handlelength=1.2,
        columnspacing=1.1,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_color(INK if text.get_text() in shown else MUTED)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _envelope(source: Audio | str | Path) -> tuple[NDArray, NDArray, NDArray]:
    """Times (s), lowest and highest sample of each of at most 1500 stretches; a file is never held as a whole."""
    from ..audio import Audio

    if isinstance(source, Audio):
        times, low, high, _ = envelope(source, COLUMNS)
        return times, low, high
    from .. import files

    info = files.info(source)
    size = max(1, -(-max(info.frames, 1) // COLUMNS))
    lows: list[float] = []
    highs: list[float] = []
    for block in files.blocks(source, size):  # one block, one column
        lows.append(float(block.min()))
        highs.append(float(block.max()))
    return (np.arange(len(lows)) + 0.5) * size / info.sample_rate, np.array(lows), np.array(highs)
