"""The picture of a timeline: bands of emotion over the waveform, and the probabilities under it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ..timeline import NO_SPEECH, UNSURE, Timeline
from .emotion_colours import DOUBT, SILENT, colours
from .plots import _STYLE, GRID, INK, MUTED, _figure, _headline, envelope, save

if TYPE_CHECKING:
    from pathlib import Path

    from ..audio import Audio

COLUMNS = 1500


def timeline_picture(
    timeline: Timeline, source: Audio | str | Path, path: str | os.PathLike[str] | None = None, title: str = ""
) -> Figure:
    """Bands over the waveform: a colour for each emotion, unsure hatched, no speech grey; probabilities below.

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
    with mpl.rc_context({**_STYLE, "hatch.linewidth": 0.7}):
        figure = _figure(12, 5.6)
        wave, curves = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
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
        curves.set_xlim(0, end)
        curves.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.5, 2, 3, 6, 10] if end > 120 else [1, 2, 5, 10]))
        if end > 120:
            curves.xaxis.set_major_formatter(FuncFormatter(lambda t, _: _clock(t)))
        curves.set_xlabel("time (s)" if end <= 120 else "time (min:s)")
        _legend(figure, timeline, {band.label for band in bands}, paints)
        if title:
            _headline(figure, title)
        if path is not None:
            save(figure, path)
    return figure


def _paint(axes: Axes, start: float, end: float, label: str, paints: Mapping[str, str]) -> None:
    if label == UNSURE:
        axes.axvspan(start, end, facecolor="none", edgecolor=DOUBT, hatch="////", linewidth=0, alpha=0.8, zorder=0)
    elif label == NO_SPEECH:
        axes.axvspan(start, end, color=SILENT, alpha=0.75, linewidth=0, zorder=0)
    else:
        axes.axvspan(start, end, color=paints[label], alpha=0.55, linewidth=0, zorder=0)


def _chances(axes: Axes, timeline: Timeline, bands: Sequence, paints: Mapping[str, str]) -> None:
    """A line for each emotion that leads anywhere, broken where there is no speech; the threshold dashed."""
    silent = ~timeline.probabilities.any(axis=1)
    marker = "o" if len(timeline.times) < 60 else ""
    for band in bands:
        if band.label == NO_SPEECH:
            _paint(axes, band.start, band.end, NO_SPEECH, paints)
    for index, label in enumerate(timeline.labels):
        shown = np.where(silent, np.nan, timeline.probabilities[:, index])
        axes.plot(timeline.times, shown, color=paints[label], linewidth=1.5, marker=marker, markersize=3)
    axes.axhline(timeline.threshold, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate("threshold", (1, timeline.threshold), (-3, 2), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", va="bottom", fontsize=8, color=MUTED)  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    for each in (axes, *axes.figure.axes[:1]):
        each.tick_params(length=0)
        each.spines[["top", "right"]].set_visible(False)


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
