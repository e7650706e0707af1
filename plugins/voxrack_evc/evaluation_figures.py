"""The figures of a converter's evaluation: means with intervals, how far prosody went, who was taken for what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]
Figures = dict[str, Any]
DRAWS = 1000  # of a bootstrap
MEANS = ("secs", "secs_own", "voice", "sig", "ovrl", "utmos", "words", "other_words")


def figures(rows: Sequence[Row], systems: Sequence[str], emotions: Sequence[str]) -> Figures:
    """All that tables and pictures show, as JSON can hold it.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`voxrack_evc.evaluation_hearing.judge_one` makes them; those that failed are left out.
    systems : sequence of str
        In the order of the tables.
    emotions : sequence of str

    Returns
    -------
    dict
        ``groups``: for acted and for spoken recordings and each system, ``n``, ``speakers``, ``eca`` and the other
        means (``mean``, ``low``, ``high``), ``pitch_way`` and ``energy_way`` (1: moved as far as real recordings
        differ), ``pitch`` and ``energy`` (mean shift, semitones and dB), ``cpu`` (seconds per second, the median).
        ``targets``: ECA of each target. ``confusion``: of each system, counts by target and what was heard.
    """
    whole = [row for row in rows if not row["failed"]]
    out: Figures = {"groups": [], "targets": [], "confusion": {}}
    for acted in (True, False):
        for system in systems:
            own = [row for row in whole if row["system"] == system and row["acted"] is acted]
            if own:
                kind = "acted" if acted else "spoken"
                out["groups"].append({"kind": kind, "system": system, **_group(own)})
                for target in dict.fromkeys(row["target"] for row in own):
                    part = [row for row in own if row["target"] == target]
                    found = {"kind": kind, "system": system, "target": target, "n": len(part), "eca": _eca(part)}
                    out["targets"].append(found)
    for system in systems:
        own = [row for row in whole if row["system"] == system and row["acted"]]
        out["confusion"][system] = {
            target: {
                word: sum(row["target"] == target and row["heard"] == word for row in own)
                for word in (*emotions, "no speech")
            }
            for target in emotions
        }
    return out


def interval(rows: Sequence[Row], value: Callable[[Row], float]) -> dict[str, float]:
    """Mean, and the ends of its 95 % interval by drawing speakers with replacement (items, where they are few)."""
    from voxrack.metrics_intervals import FEW_SPEAKERS, draws, expanded_percentiles

    found = np.array([value(row) for row in rows], dtype=np.float64)
    owner = np.unique([row["speaker"] for row in rows], return_inverse=True)[1]
    units = int(owner.max()) + 1
    if units < FEW_SPEAKERS:  # conversions of one recording belong together
        owner = np.unique([row["item"] for row in rows], return_inverse=True)[1]
        units = int(owner.max()) + 1
    mean = float(found.mean())
    if units < 2:
        return {"mean": mean, "low": math.nan, "high": math.nan}
    weights = draws(units, DRAWS, 0)
    sums = weights @ np.bincount(owner, found)
    low, high = expanded_percentiles(sums / (weights @ np.bincount(owner)), 0.95, units)
    return {"mean": mean, "low": low, "high": high}


def _group(rows: Sequence[Row]) -> Figures:
    out: Figures = {"n": len(rows), "speakers": len({row["speaker"] for row in rows}), "eca": _eca(rows)}
    for name in MEANS:
        own = [row for row in rows if row.get(name) is not None]
        out[name] = interval(own, lambda row, name=name: float(row[name])) if own else None
    for name in ("pitch", "energy"):
        own = [row[name] for row in rows if row.get(name) is not None]
        out[name] = float(np.mean(own)) if own else None
        out[f"{name}_way"] = _way(rows, name)
    costs = [row["cpu"] / row["seconds"] for row in rows if row["cpu"]]
    out["cpu"] = float(np.median(costs)) if costs else None
    return out


def _eca(rows: Sequence[Row]) -> dict[str, float]:
    return interval(rows, lambda row: float(row["heard"] == row["target"]))


def _way(rows: Sequence[Row], name: str) -> float | None:
    """Least-squares factor from the real recordings' shifts to the converted ones': 1 is as far as people go."""
    pairs = [(row[name], row[f"real_{name}"]) for row in rows]
    both = [pair for pair in pairs if None not in pair]
    if not both:
        return None
    made, real = np.array(both, dtype=np.float64).T
    return float(made @ real / (real @ real)) if real.any() else None
