"""The figures of an enhancer's evaluation: means with intervals, by SNR, corpus, noise class and for the pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from voxrack.metrics_quality import NAMES

from .evaluation_items import PAIRS
from .evaluation_systems import NOISY

Row = Mapping[str, Any]
Figures = dict[str, Any]
DRAWS = 1000  # of a bootstrap
GAINS = ("pesq", "stoi", "si_sdr", "ovrl")


def figures(rows: Sequence[Row], systems: Sequence[str]) -> Figures:
    """All that tables and pictures show, as JSON can hold it.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`voxrack_enhance.evaluation.hear` makes them; those that failed are left out.
    systems : sequence of str
        In the order of the tables.

    Returns
    -------
    dict
        ``snr``, ``corpora``, ``classes``, ``pairs``: lists of groups, each with its keys, ``system``, ``n`` and
        ``measures`` (name to ``mean``, ``low``, ``high``); ``gains``: differences to what came in, by pairs of the
        same item; ``cost``: CPU-seconds per second of audio, the median over items.
    """
    whole = [row for row in rows if not row["failed"]]
    mixed = [row for row in whole if row["set"] != PAIRS]
    noisy = {_item(row): row for row in whole if row["system"] == NOISY}
    gains = [_gain(row, noisy[_item(row)]) for row in whole if row["system"] != NOISY and _item(row) in noisy]
    return {
        "snr": _groups(mixed, systems, ("set", "snr")),
        "corpora": _groups(mixed, systems, ("set", "corpus", "snr")),
        "classes": _groups([row for row in mixed if row["snr"] is not None], systems, ("set", "category")),
        "pairs": _groups([row for row in whole if row["set"] == PAIRS], systems, ("corpus",)),
        "gains": _groups([row for row in gains if row["snr"] is not None], systems, ("set",))
        + _groups([row for row in gains if row["set"] == PAIRS], systems, ("set",)),
        "cost": {name: _cost([row for row in whole if row["system"] == name]) for name in systems},
        "speakers": len({row["speaker"] for row in mixed}),
    }


def interval(values: Sequence[float], speakers: Sequence[str]) -> dict[str, float]:
    """Mean, and the ends of its 95 % interval: speakers are drawn with replacement, or clips where there are few.

    Percentiles are widened for small numbers as in :func:`voxrack.metrics_intervals.bootstrap`. NaN where one item is
    all there is, or where a value is infinite.
    """
    from voxrack.metrics_intervals import FEW_SPEAKERS, draws, expanded_percentiles

    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean())
    names, owner = np.unique(np.asarray(speakers), return_inverse=True)
    if len(names) < FEW_SPEAKERS:
        names, owner = np.arange(len(found)), np.arange(len(found))
    if len(names) < 2 or not math.isfinite(mean):
        return {"mean": mean, "low": math.nan, "high": math.nan}
    weights = draws(len(names), DRAWS, 0)
    sums = weights @ np.bincount(owner, found)
    low, high = expanded_percentiles(sums / (weights @ np.bincount(owner)), 0.95, len(names))
    return {"mean": mean, "low": low, "high": high}


def _groups(rows: Sequence[Row], systems: Sequence[str], keys: Sequence[str]) -> list[Figures]:
    """Rows with equal keys together, in the order in which they come; within a group, system by system."""
    sorted_: dict[tuple[Hashable, ...], dict[str, list[Row]]] = {}
    for row in rows:
        place = sorted_.setdefault(tuple(row.get(key) for key in keys), {name: [] for name in systems})
        place[row["system"]].append(row)
    out = []
    for values in sorted(sorted_, key=_order(keys)):
        for system, own in sorted_[values].items():
            if own:
                out.append({**dict(zip(keys, values)), "system": system, "n": len(own), "measures": _measures(own)})
    return out


def _order(keys: Sequence[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Sets, corpora and classes by name (clean, matched, unmatched), SNRs from the best down."""
    return lambda values: tuple(
        -math.inf if value is None else -value if key == "snr" else value for key, value in zip(keys, values)
    )


def _measures(rows: Sequence[Row]) -> Figures:
    out = {}
    for name in NAMES:
        own = [row for row in rows if row.get(name) is not None]
        if own:
            out[name] = interval([float(row[name]) for row in own], [row["speaker"] for row in own])
    return out


def _item(row: Row) -> tuple[Any, ...]:
    return row["set"], row["snr"], row["speech"]


def _gain(row: Row, noisy: Row) -> Row:
    """The row with differences in place of its measures."""
    both = [name for name in GAINS if row[name] is not None and noisy[name] is not None]
    differences = {name: float(row[name]) - float(noisy[name]) for name in both}
    return {**row, **dict.fromkeys(NAMES), **differences}


def _cost(rows: Sequence[Row]) -> float | None:
    ratios = [row["cpu"] / row["seconds"] for row in rows if row["cpu"]]
    return float(np.median(ratios)) if ratios else None
