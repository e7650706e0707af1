"""The picture that a Track shows in a notebook: its curves over time, as one piece of SVG, and its summary."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .device import Track

_COLOURS = ("#3b82d6", "#e07b1a", "#118a5a", "#d75fb7", "#826f11", "#665ad9")  # told apart by the colour-blind too
_WIDTH, _HEIGHT, _LEFT = 640, 120, 4  # pixels
_POINTS = 640  # of a curve; finer is not seen
_WORDS = 12  # entries of a summary that are shown


def picture(track: Track) -> str:
    """HTML with the curves (of more than six columns the first six), a legend, both axes' ends, and the summary."""
    values = track.values if track.values.ndim == 2 else track.values.reshape(len(track.times_s), -1)
    shown = values[:, : len(_COLOURS)].astype(np.float64)
    labels = [*(track.labels or map(str, range(values.shape[1])))]
    title = f"<b>{escape(track.name.replace('_', ' '))}</b>" + (f" ({escape(track.unit)})" if track.unit else "")
    count = f"{len(track.times_s)} frames"
    if values.shape[1] > shown.shape[1]:
        count += f", {values.shape[1]} columns, the first {shown.shape[1]} drawn"
    legend = " ".join(
        f'<span style="color:{colour}">▬</span> {escape(str(label))}' for colour, label in zip(_COLOURS, labels)
    )
    words = [f"{escape(str(key))} <b>{escape(_text(value))}</b>" for key, value in track.summary.items()][:_WORDS]
    return (
        f'<figure class="voxrack-track" style="margin:0;max-width:{_WIDTH}px">'
        f"<figcaption>{title} · {count}<br><small>{legend if len(labels) > 1 else ''}</small></figcaption>"
        f"{_drawing(track.times_s, shown)}"
        f"<small>{' · '.join(words)}</small></figure>"
    )


def _drawing(times: NDArray[np.float64], values: NDArray[np.float64]) -> str:
    finite = values[np.isfinite(values)]
    if not len(times) or not finite.size:
        return "<div><i>nothing to draw</i></div>"
    low, high = float(finite.min()), float(finite.max())
    span = high - low or 1.0
    start, stop = float(times[0]), float(times[-1])
    rows = np.unique(np.linspace(0, len(times) - 1, min(_POINTS, len(times))).astype(int))
    x = _LEFT + (times[rows] - start) / ((stop - start) or 1.0) * (_WIDTH - 2 * _LEFT)
    lines = []
    for column, colour in zip(values.T, _COLOURS):
        y = _HEIGHT - 18 - (column[rows] - low) / span * (_HEIGHT - 32)
        for run in _runs(np.isfinite(y)):
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[run], y[run]))
            if run.stop - run.start == 1:
                lines.append(f'<circle cx="{x[run.start]:.1f}" cy="{y[run.start]:.1f}" r="2" fill="{colour}"/>')
            else:
                lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    text = 'fill="currentColor" fill-opacity="0.65" font-size="10"'
    ends = (
        f'<text x="{_LEFT}" y="9" {text}>{high:.4g}</text><text x="{_LEFT}" y="{_HEIGHT - 14}" {text}>{low:.4g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 2}" {text}>{start:.4g} s</text>'
        f'<text x="{_WIDTH - _LEFT}" y="{_HEIGHT - 2}" text-anchor="end" {text}>{stop:.4g} s</text>'
    )
    return (
        f'<svg role="img" aria-label="curves over time" width="100%" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"{''.join(lines)}{ends}</svg>"
    )


def _runs(good: NDArray[np.bool_]) -> list[slice]:
    """Stretches without a gap: silence, say, has no loudness."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [slice(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2])]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in list(value.items())[:8])
    if isinstance(value, (list, tuple)):
        return f"{len(value)} entries"
    return str(value)
