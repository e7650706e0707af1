"""Pictures of audio. Figures are made without pyplot, so nothing global is touched and nothing needs a screen."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from ..report import figures

if TYPE_CHECKING:
    from ..audio import Audio
    from ..device import Track

INK, MUTED, GRID = "#22262e", "#6b7280", "#dfe3e8"
BEFORE, AFTER = "#5b6b83", "#d9562b"
CURVES = (AFTER, "#2f6fb5", "#3c9d6d", "#8b5fbf", "#c79a1b", BEFORE)
COLUMNS = 1500  # of a picture; finer is not seen
ROWS = 360
DEPTH = 80.0  # dB from the brightest to the darkest colour
LOW = 40.0  # Hz, the lower edge of a spectrogram
_TICKS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
_STYLE: dict[Any, Any] = {
    "font.size": 10, "font.family": ["DejaVu Sans"], "text.color": INK, "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID, "xtick.color": MUTED, "ytick.color": MUTED, "axes.titlesize": 11, "axes.linewidth": 0.8,
}  # fmt: skip


def before_after(before: Audio, after: Audio, path: str | os.PathLike[str] | None = None, title: str = "") -> Figure:
    """Waveform and spectrogram of two signals, one under the other on a common time axis.

    Both pairs share their scales, so what differs in the picture differs in the sound.

    Parameters
    ----------
    before, after : Audio
        Any lengths, channels and sample rates.
    path : str or Path, optional
        Write the picture there too (.png, .svg, .pdf), whole or not at all.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        It shows itself in a notebook.
    """
    end = max(before.duration, after.duration)
    top = max(min(before.sample_rate, after.sample_rate) / 2, 4 * LOW)
    with drawing(12, 8.4, path, title) as figure:
        rows = figure.subplots(5, 1, sharex=True, height_ratios=(1, 2.3, 0.06, 1, 2.3))
        rows[2].set_visible(False)  # air between the pairs
        tallest = max(before.peak, after.peak, 1e-3) * 1.06
        images = []
        levels = [log_spectrogram(audio, top) for audio in (before, after)]
        brightest = 5 * np.ceil(max(float(level.max()) for level in levels) / 5)
        for index, (audio, name, colour) in enumerate(((before, "Before", BEFORE), (after, "After", AFTER))):
            wave, spectrum = rows[3 * index], rows[3 * index + 1]
            draw_waveform(wave, audio, colour, tallest)
            wave.set_title(name, loc="left", color=colour, fontweight="bold")
            wave.set_title(figures(audio).line(), loc="right", color=INK)
            images.append(draw_spectrogram(spectrum, levels[index], audio.duration, top, brightest))
        if end > 1.01 * before.duration:
            for row, colour in ((rows[3], MUTED), (rows[4], "white")):
                row.axvline(before.duration, color=colour, linewidth=0.9, linestyle=(0, (4, 3)), alpha=0.8)
            rows[3].annotate("tail", (before.duration, 1), (5, -2), xycoords=("data", "axes fraction"),
                             textcoords="offset points", va="top", color=MUTED, fontsize=9)  # fmt: skip
        rows[-1].set_xlim(0, end)
        rows[-1].set_xlabel("time (s)")
        rows[-1].xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
        bar = figure.colorbar(images[0], ax=[rows[1], rows[4]], fraction=0.03, pad=0.012, aspect=42)
        bar.set_label("level (dBFS)")
        bar.outline.set(visible=False)  # pyright: ignore[reportCallIssue]
    return figure


def curves(tracks: Sequence[Track], path: str | os.PathLike[str] | None = None, title: str = "") -> Figure:
    """Curves that an analyzer read off a signal, one panel per track, on a common time axis.

    Parameters
    ----------
    tracks : sequence of Track
    path : str or Path, optional
        Write the picture there too, whole or not at all.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    with drawing(12, 1.2 + 2.6 * max(1, len(tracks)), path, title) as figure:
        panels = figure.subplots(max(1, len(tracks)), 1, sharex=True, squeeze=False)[:, 0]
        for axes, track in zip(panels, tracks):
            labels = track.labels or tuple(str(index) for index in range(track.values.shape[1]))
            for index, label in enumerate(labels):
                shown = np.where(np.isfinite(track.values[:, index]), track.values[:, index], np.nan)  # -inf: a gap
                axes.plot(track.times_s, shown, label=label, color=CURVES[index % len(CURVES)], linewidth=1.4)
            axes.set_title(track.name.replace("_", " "), loc="left", color=INK, fontweight="bold")
            axes.set_ylabel(track.unit)
            axes.grid(color=GRID, linewidth=0.6)
            axes.tick_params(length=0)
            axes.spines[["top", "right"]].set_visible(False)
            if len(labels) > 1:
                axes.legend(frameon=False, loc="upper right", ncols=min(6, len(labels)))
        panels[-1].set_xlabel("time (s)")
    return figure


class Picture(Figure):
    """A figure that shows itself as the last line of a notebook cell, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        picture = BytesIO()
        self.savefig(picture, format="png", facecolor="white")
        return picture.getvalue()


@contextmanager
def drawing(
    width: float, height: float, path: str | os.PathLike[str] | None = None, title: str = "", **style: Any
) -> Iterator[Figure]:
    """An empty figure of that many inches, drawn by Agg in the house's style (``style`` adds to it).

    What is drawn inside gets its title at the left (file names come as they are: dollars are no formula, odd bytes are
    replaced), and is written to ``path``, whole or not at all.
    """
    settings: dict[Any, Any] = {**_STYLE, **style}
    with mpl.rc_context(settings):
        engine = ConstrainedLayoutEngine(h_pad=0.05, w_pad=0.06)
        figure = Picture(figsize=(width, height), dpi=120, layout=engine, facecolor="white")
        FigureCanvasAgg(figure)
        yield figure
        if title:
            text = title.encode("utf-8", "replace").decode("utf-8")
            figure.suptitle(text, x=0.012, ha="left", fontsize=14, fontweight="bold", color=INK, parse_math=False)
        if path is not None:
            save(figure, path)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a file whose suffix names the format, whole or not at all."""
    from ..errors import UsageError
    from ..files import write_bytes

    kind = os.path.splitext(path)[1].lower().lstrip(".")
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        takes = ", ".join(sorted(known))
        raise UsageError(f"cannot draw {path}: the suffix '.{kind}' names no picture format; it takes {takes}")
    picture = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a file name in a script that the font has not
        figure.savefig(picture, format=kind, facecolor="white")
    write_bytes(path, picture.getvalue())


# ---- waveform -------------------------------------------------------------------------------
def envelope(audio: Audio, columns: int = COLUMNS) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Times (s), lowest sample, highest sample and RMS of each of at most ``columns`` stretches, over all channels."""
    edges = np.unique(np.linspace(0, audio.frames, min(columns, audio.frames) + 1).astype(np.int64))
    starts = edges[:-1]
    low = np.minimum.reduceat(audio.samples.min(axis=0), starts)
    high = np.maximum.reduceat(audio.samples.max(axis=0), starts)
    power = np.square(audio.samples, dtype=np.float64).mean(axis=0)
    rms = np.sqrt(np.add.reduceat(power, starts) / np.diff(edges))
    return 0.5 * (starts + edges[1:]) / audio.sample_rate, low, high, rms


def draw_waveform(axes: Axes, audio: Audio, colour: str, tallest: float) -> None:
    """Range of the samples, light, and their RMS, dark."""
    times, low, high, rms = envelope(audio)
    axes.fill_between(times, low, high, color=colour, alpha=0.45, linewidth=0.4, edgecolor=colour)
    axes.fill_between(times, np.maximum(-rms, low), np.minimum(rms, high), color=colour, linewidth=0)
    axes.axhline(0, color="white", linewidth=0.5, alpha=0.7)
    axes.set_ylim(-tallest, tallest)
    axes.set_ylabel("amplitude")
    axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True))
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


# ---- spectrogram ----------------------------------------------------------------------------
def log_spectrogram(audio: Audio, top: float, columns: int = COLUMNS, rows: int = ROWS) -> NDArray[np.float64]:
    """Level over logarithmic frequency and time.

    Parameters
    ----------
    audio : Audio
        Channels are averaged in power.
    top : float
        Highest frequency in Hz; the lowest is 40 Hz.

    Returns
    -------
    ndarray, shape (rows, columns or fewer)
        dBFS, 0 for a full-scale sine; rows run upwards. Above the signal's Nyquist frequency it is -200.
    """
    size = 1 << round(np.log2(0.043 * audio.sample_rate)) if audio.sample_rate > 400 else 16
    padded = 2 * size  # a finer grid at the low end, where a row is narrower than a bin
    window = np.hanning(size + 1)[:-1]
    hop = max(1, size // 4, audio.frames // (8 * columns))
    count = 1 + (audio.frames - 1) // hop
    groups = min(columns, count)
    owner = np.arange(count) * groups // count
    power = np.zeros((groups, padded // 2 + 1))
    chunk = max(1, 4_000_000 // padded)
    signal = np.pad(audio.samples, ((0, 0), (size // 2, size)))
    for channel in signal:
        frames = np.lib.stride_tricks.sliding_window_view(channel, size)[::hop]
        for first in range(0, count, chunk):
            piece = np.abs(np.fft.rfft(frames[first : min(first + chunk, count)] * window, padded)) ** 2
            mine = owner[first : first + len(piece)]
            starts = np.flatnonzero(np.diff(mine, prepend=-1))
            power[mine[starts]] += np.add.reduceat(piece, starts)
    power /= np.bincount(owner, minlength=groups)[:, None] * audio.channels * (window.sum() / 2) ** 2
    return 10 * np.log10(_on_rows(power, audio.sample_rate / padded, top, rows).T + 1e-20)


def _on_rows(power: NDArray[np.float64], spacing: float, top: float, rows: int) -> NDArray[np.float64]:
    """From bins of equal width to rows of equal ratio: the strongest bin in a row, or between bins the line."""
    edges = np.geomspace(LOW, top, rows + 1) / spacing
    centres = np.sqrt(edges[:-1] * edges[1:])
    last = power.shape[1] - 1
    below = np.minimum(centres.astype(np.int64), last - 1)
    share = np.clip(centres - below, 0, 1)
    out = power[:, below] * (1 - share) + power[:, below + 1] * share
    for row in range(rows):
        first, end = int(np.ceil(edges[row])), int(np.floor(edges[row + 1]))
        if first <= min(end, last):
            out[:, row] = np.maximum(out[:, row], power[:, first : end + 1].max(axis=1))
    out[:, centres > last] = 0
    return out


def draw_spectrogram(axes: Axes, level: NDArray, duration: float, top: float, brightest: float) -> AxesImage:
    """``level`` of :func:`log_spectrogram` as an image whose colours span 80 dB below ``brightest``."""
    low, high = np.log2(LOW), np.log2(top)
    image = axes.imshow(
        level, origin="lower", aspect="auto", interpolation="bilinear", cmap="magma",
        extent=(0.0, duration, float(low), float(high)), vmin=brightest - DEPTH, vmax=brightest,
    )  # fmt: skip
    axes.set_facecolor("#000004")  # magma's darkest: where there is no more sound
    ticks = [tick for tick in _TICKS if LOW <= tick <= top]
    axes.yaxis.set_major_locator(FixedLocator([float(np.log2(tick)) for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _hertz(2**y)))
    axes.set_ylabel("frequency (Hz)")
    axes.tick_params(length=2)
    axes.spines[:].set_visible(False)
    return image


def _hertz(frequency: float) -> str:
    number = round(frequency)
    return f"{number / 1000:g} k" if number >= 1000 else f"{number}"
