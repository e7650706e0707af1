"""Pictures of an enhancer's evaluation: measures over SNR, by class of noise, and of the pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from voxrack.metrics_quality import NAMES
from voxrack.notebook.plots import BEFORE, CURVES, GRID, MUTED, drawing

from .evaluation_items import PAIRS
from .evaluation_systems import NOISY

_LINES = {"matched": "-", "unmatched": (0, (4, 2))}
_UNITS = {"si_sdr": "dB"}


def draw(about: Mapping[str, Any], target: Path) -> list[Path]:
    """The pictures into a new or existing folder, or with a suffix one file with the measures over SNR.

    Returns
    -------
    list of Path
        What was written.
    """
    from voxrack.replace import make_folder

    if target.suffix and not target.is_dir():
        over_snr(about, target)
        return [target]
    make_folder(target)
    made = []
    for name, one in (("snr", over_snr), ("classes", by_class), (PAIRS, pairs)):
        if about["figures"][name]:
            made.append(target / f"{name}.png")
            one(about, made[-1])
    return made


def over_snr(about: Mapping[str, Any], path: Path) -> None:
    """A panel for each measure: systems in colours, unmatched noise in broken lines, intervals as bands."""
    groups = about["figures"]["snr"]
    names = [name for name in NAMES if any(name in one["measures"] for one in groups)]
    with drawing(4.6 * math.ceil(len(names) / 2), 7.6, path, f"{about['recipe']}: over SNR") as figure:
        rows = figure.subplots(2, math.ceil(len(names) / 2), squeeze=False)
        for axes, name in zip(rows.flat, names):
            for system in about["systems"]:
                for set, line in _LINES.items():
                    _curve(axes, groups, name, system, set, line, _colour(about, system))
            _finish(axes, name)
        for axes in rows.flat[len(names) :]:
            axes.set_visible(False)
        _legend(figure, rows.flat[0])


def by_class(about: Mapping[str, Any], path: Path) -> None:
    """PESQ and SI-SDR of every class of noise, a bar for each system."""
    groups = about["figures"]["classes"]
    places = list(dict.fromkeys((one["set"], one["category"]) for one in groups))
    labels = [f"{category}\n({set})" if set != "matched" else category for set, category in places]
    with drawing(max(7.0, 1.1 * len(places)), 7.2, path, f"{about['recipe']}: by class of noise, all SNRs") as figure:
        found = {(one["set"], one["category"], one["system"]): one for one in groups}
        systems = [name for name in about["systems"] if any(one["system"] == name for one in groups)]
        for axes, name in zip(figure.subplots(2, 1, sharex=True), ("pesq", "si_sdr")):
            _bars(axes, about, name, {one: [found.get((*place, one)) for place in places] for one in systems})
            _finish(axes, name)
            axes.set_xticks(range(len(places)), labels, rotation=30, ha="right")
            axes.set_xlabel("")
        _legend(figure, axes)


def pairs(about: Mapping[str, Any], path: Path) -> None:
    """A panel for each measure, a bar for each system and for what others published."""
    groups = {one["system"]: one for one in about["figures"][PAIRS]}
    n = max(one["n"] for one in groups.values())
    with drawing(12, 3.8, path, f"{about['pairs']}: {n} recorded pairs") as figure:
        panels = figure.subplots(1, 4)
        for axes, name in zip(panels, ("pesq", "stoi", "si_sdr", "ovrl")):
            _bars(axes, about, name, {system: [groups.get(system)] for system in about["systems"]})
            _finish(axes, name)
            axes.set_xticks([])
            axes.set_xlabel("")
        _legend(figure, panels[0])


def _curve(
    axes: Axes, groups: Sequence[Mapping[str, Any]], name: str, system: str, set: str, line: Any, colour: str
) -> None:
    own = [
        (one["snr"], one["measures"][name]) for one in groups
        if one["system"] == system and one["set"] == set and name in one["measures"]
    ]  # fmt: skip
    if not own:
        return
    snr, values = [place for place, _ in own], [found for _, found in own]
    label = f"{system}, {set}"
    axes.plot(snr, [found["mean"] for found in values], color=colour, linestyle=line, marker="o", ms=3.5, label=label)
    low, high = ([math.nan if f[end] is None else f[end] for f in values] for end in ("low", "high"))
    axes.fill_between(snr, low, high, color=colour, alpha=0.10, linewidth=0)


def _bars(
    axes: Axes, about: Mapping[str, Any], name: str, groups: Mapping[str, Sequence[Mapping[str, Any] | None]]
) -> None:
    """``groups``: of each system, one for each place."""
    width = 0.8 / len(groups)
    for at, (system, own) in enumerate(groups.items()):
        found = [one["measures"].get(name) if one else None for one in own]
        means = [_number(one, "mean") for one in found]
        wide = [[abs(_number(one, "mean") - _number(one, end)) for one in found] for end in ("low", "high")]
        x = np.arange(len(own)) + (at - (len(groups) - 1) / 2) * width
        axes.bar(x, means, width * 0.92, color=_colour(about, system), label=system)
        axes.errorbar(x, means, np.nan_to_num(wide), fmt="none", ecolor=MUTED, elinewidth=1.0)


def _legend(figure: Figure, axes: Axes) -> None:
    """Below all panels, where no curve runs."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)


def _number(found: Mapping[str, Any] | None, key: str) -> float:
    return math.nan if found is None or found[key] is None else float(found[key])


def _colour(about: Mapping[str, Any], system: str) -> str:
    if system == NOISY:
        return BEFORE
    others = [name for name in about["systems"] if name != NOISY]
    return CURVES[others.index(system) % (len(CURVES) - 1)]


def _finish(axes: Axes, name: str) -> None:
    unit = f" ({_UNITS[name]})" if name in _UNITS else ""
    axes.set(xlabel="SNR (dB)", title=f"{NAMES[name]}{unit}")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
