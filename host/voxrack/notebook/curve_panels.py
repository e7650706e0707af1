"""The panels of :mod:`voxrack.notebook.curves`: each draws one thing into axes that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..metrics import confusion as confusion_matrix
from ..metrics import expected_calibration_error, roc_auc, roc_curve
from ..metrics import reliability as reliability_bins
from ..metrics_predictions import Predictions
from .emotion_colours import colours
from .plots import AFTER, BEFORE, GRID, INK, MUTED

_GRID = np.linspace(0, 1, 201)  # false positive rates at which curves are averaged
Log = Sequence[dict[str, Any]]  # lines of metrics.jsonl


def draw_roc(axes: Axes, runs: Sequence[Predictions]) -> None:
    """Curves of every class, mean over ``runs``, and the mean over classes in ink."""
    classes = runs[0].classes
    curves = [roc_curve(run.labels, run.probabilities, classes) for run in runs]
    areas = [roc_auc(run.labels, run.probabilities, classes) for run in runs]
    axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
    means, shade = [], colours(classes)
    for name in classes:
        own = [np.interp(_GRID, *curve[name]) for curve in curves if name in curve]
        if not own:
            axes.plot([], [], color=GRID, label=f"{name}: undefined, no such clip")
            continue
        means.append(np.mean(own, axis=0))
        area = np.mean([one.per_class[name] for one in areas])
        label = f"{name} {area:.3f}"
        axes.plot(np.r_[0, _GRID], np.r_[0, means[-1]], color=shade[name], linewidth=1.4, label=label)
    if means:
        macro = np.mean([one.macro for one in areas])
        axes.plot(np.r_[0, _GRID], np.r_[0, np.mean(means, axis=0)], color=INK, linewidth=2.2,
                  linestyle=(0, (4, 2)), label=f"mean {macro:.3f}")  # fmt: skip
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01), xlabel="false positive rate", ylabel="true positive rate")
    axes.set_aspect("equal")
    axes.legend(frameon=False, loc="lower right", title="area under the curve", alignment="left")
    _plain(axes)


def draw_confusion(axes: Axes, runs: Sequence[Predictions]) -> None:
    """Rows are labels; the number in a cell is the row's share in percent, the small one the clips (mean over runs)."""
    classes = runs[0].classes
    counts = np.sum([confusion_matrix(run.labels, run.predicted, classes) for run in runs], axis=0) / len(runs)
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)
    axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for row, column in np.ndindex(*shares.shape):
        if counts[row, column] > 0:
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(column, row - 0.08, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=colour)
            axes.text(column, row + 0.28, f"{counts[row, column]:.4g}", ha="center", va="center", color=colour,
                      fontsize=7, alpha=0.8)  # fmt: skip
    ticks = np.arange(len(classes))
    totals = counts.sum(axis=1)
    axes.set_xticks(ticks, classes, rotation=40, ha="right")
    axes.set_yticks(ticks, [name if total else f"{name} (none)" for name, total in zip(classes, totals)])
    axes.set(xlabel="predicted", ylabel="label")
    recall = np.nanmean(np.diag(shares))
    axes.set_title(f"percent of the label's clips; mean of the diagonal {recall:.3f}", loc="left", color=MUTED)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_reliability(axes: Axes, below: Axes | None, runs: Sequence[Predictions]) -> None:
    """Accuracy over confidence; the numbers of clips in ``below``, where there is one."""
    bins = 15
    found = [reliability_bins(run.labels, run.probabilities, run.classes, bins) for run in runs]
    count = np.sum([one[2] for one in found], axis=0)
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (
            np.sum([np.nan_to_num(one[part]) * one[2] for one in found], axis=0) / count for part in (0, 1)
        )
    error = np.mean([expected_calibration_error(run.labels, run.probabilities, run.classes, bins) for run in runs])
    edges = (np.arange(bins) + 0.5) / bins
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.bar(edges, np.nan_to_num(accuracy), width=0.92 / bins, color=BEFORE, alpha=0.35)
    axes.plot(confidence[count > 0], accuracy[count > 0], "o-", color=AFTER, linewidth=1.4, markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    axes.set_title(f"expected calibration error {error:.3f}", loc="left", color=INK, fontweight="bold")
    _plain(axes)
    last = axes
    if below is not None:
        below.bar(edges, count / len(runs), width=0.92 / bins, color=BEFORE, alpha=0.6)
        below.set(ylabel="clips")
        _plain(below)
        last = below
    last.set_xlabel("confidence: the largest probability")


def draw_training(axes: Axes, logs: Sequence[Log], name: str) -> None:
    """One measure over epochs: each run thin, their mean thick where there are several."""
    for side, colour in (("train", BEFORE), ("validation", AFTER)):
        series = [_series(log, side, name) for log in logs]
        series = [(epochs, values) for epochs, values in series if len(values)]
        for epochs, values in series:
            alone = len(series) == 1
            axes.plot(epochs, values, color=colour, linewidth=1.6 if alone else 0.7, alpha=1 if alone else 0.35,
                      label=side if alone else None)  # fmt: skip
        if len(series) > 1:
            longest = max(len(values) for _, values in series)
            padded = np.full((len(series), longest), np.nan)
            for row, (_, values) in enumerate(series):
                padded[row, : len(values)] = values
            epochs = max((epochs for epochs, _ in series), key=len)
            axes.plot(epochs, np.nanmean(padded, axis=0), color=colour, linewidth=2,
                      label=f"{side}, mean of {len(series)} runs")  # fmt: skip
    axes.set_title(name.replace("_", " "), loc="left", color=INK, fontweight="bold")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    _plain(axes)


def measures(log: Log) -> list[str]:
    """Names of measures, the loss first; ``validation_uar`` shares a panel with ``uar``."""
    names = [_short(name) for line in log for side in ("train", "validation") for name in line.get(side, {})]
    known = list(dict.fromkeys(names))
    return sorted(known, key=lambda name: name != "loss")


def _short(name: str) -> str:
    return name.removeprefix("validation_")


def _series(log: Log, side: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        (line["epoch"], np.nan if value is None else value)
        for line in log for key, value in line.get(side, {}).items() if _short(key) == name
    ]  # fmt: skip
    return np.array([epoch for epoch, _ in pairs]), np.array([value for _, value in pairs], dtype=float)


def _plain(axes: Axes) -> None:
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right"]].set_visible(False)
