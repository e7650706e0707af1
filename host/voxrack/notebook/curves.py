"""Pictures of training and evaluation, each by one call from the folder.

>>> from voxrack.notebook import curves
>>> curves.roc("runs/cornn/folds")  # one curve a class, and their mean  # doctest: +SKIP
>>> curves.confusion("runs/cornn/folds")  # doctest: +SKIP
>>> curves.reliability("runs/cornn/folds")  # doctest: +SKIP
>>> curves.training("runs/cornn/folds")  # every run; or the folder of one  # doctest: +SKIP
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from ..errors import InputError
from ..metrics_folder import MODEL, Evaluation
from ..runs import Run
from .curve_panels import draw_confusion, draw_reliability, draw_roc, draw_training, measures
from .plots import AFTER, BEFORE, GRID, INK, drawing

if TYPE_CHECKING:
    from ..metrics_compare import Comparison

Folder = str | os.PathLike[str]


def roc(folder: Folder, path: Folder | None = None, *, what: str = "test", system: str = MODEL) -> Figure:
    """Receiver operating characteristic of every class against the rest, and the mean over classes.

    Answers on all splits are pooled; several seeds are averaged at equal false positive rate. The legend names each
    area; a class that the test set lacks has none and is said to.

    Parameters
    ----------
    folder : str or Path
        Of an evaluation.
    path : str or Path, optional
        Write the picture there too (.png, .svg, .pdf), whole or not at all.
    what : {"test", "train", "windows"}
    system : str
        ``"model"`` or a baseline (``"logistic"``, ``"svm"``).

    Returns
    -------
    matplotlib.figure.Figure
        It shows itself in a notebook.
    """
    evaluation = Evaluation.load(folder)
    with drawing(7.2, 6.4, path, _title(evaluation, "ROC curves", what, system)) as figure:
        draw_roc(figure.subplots(), evaluation.pooled(what, system))
    return figure


def confusion(folder: Folder, path: Folder | None = None, *, what: str = "test", system: str = MODEL) -> Figure:
    """Confusion matrix: a row is a label, the share and the number of its clips by prediction. See :func:`roc`."""
    evaluation = Evaluation.load(folder)
    with drawing(7.4, 6.4, path, _title(evaluation, "confusion", what, system)) as figure:
        draw_confusion(figure.subplots(), evaluation.pooled(what, system))
    return figure


def reliability(folder: Folder, path: Folder | None = None, *, what: str = "test", system: str = MODEL) -> Figure:
    """Accuracy over confidence in 15 bins, and how many clips are in each. See :func:`roc`."""
    evaluation = Evaluation.load(folder)
    with drawing(6.4, 6.4, path, _title(evaluation, "reliability", what, system)) as figure:
        rows = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        draw_reliability(rows[0], rows[1], evaluation.pooled(what, system))
    return figure


def training(folder: Folder, path: Folder | None = None) -> Figure:
    """Measures over epochs: of one run, or of every run of an evaluation with their mean.

    Parameters
    ----------
    folder : str or Path
        Of a run (also while it grows) or of an evaluation.
    path : str or Path, optional

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each measure (loss, accuracy …), training and validation in one.
    """
    place = Path(folder)
    single = (place / "config.json").is_file()
    evaluation = None if single else Evaluation.load(place)
    runs = [Run(place)] if evaluation is None else [Run(run) for run in evaluation.runs()]
    title = place.name if evaluation is None else f"{evaluation.title}: training"
    logs = [log for log in (run.metrics() for run in runs) if log]
    if not logs:
        raise InputError(f"{folder}: no epoch is finished yet, so there is nothing to draw")
    names = list(dict.fromkeys(name for log in logs for name in measures(log)))
    with drawing(1.4 + 4.6 * len(names), 4.2, path, title) as figure:
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            draw_training(axes, logs, name)
    return figure


def draw(folder: Folder, target: Folder) -> list[Path]:
    """The four pictures of an evaluation into a new or existing folder, or, with a suffix, one picture of all.

    Returns
    -------
    list of Path
        What was written.
    """
    from ..replace import make_folder

    place = Path(target)
    if place.suffix and not place.is_dir():
        overview(folder, place)
        return [place]
    make_folder(place)
    made = []
    for one in (roc, confusion, reliability, training):
        made.append(place / f"{one.__name__}.png")
        one(folder, made[-1])
    return made


def overview(folder: Folder, path: Folder | None = None) -> Figure:
    """Confusion, ROC curves, reliability and training loss of an evaluation in one picture."""
    evaluation = Evaluation.load(folder)
    answers = evaluation.pooled()
    logs = [log for log in (Run(run).metrics() for run in evaluation.runs()) if log]
    with drawing(13.5, 11.5, path, evaluation.title) as figure:
        (left, right), (low, last) = figure.subplots(2, 2)
        draw_confusion(left, answers)
        draw_roc(right, answers)
        draw_reliability(low, None, answers)
        if logs:
            draw_training(last, logs, measures(logs[0])[0])
    return figure


def _title(evaluation: Evaluation, what: str, side: str, system: str) -> str:
    name = evaluation.title if system == MODEL else f"{evaluation.about['systems'][system]}, {evaluation.title}"
    return f"{name}: {what}{'' if side == 'test' else f' ({side})'}"


def compared(comparison: Comparison, path: Folder | None = None) -> Figure:
    """Unweighted recall of several systems with intervals; see :func:`voxrack.metrics_compare.compare`."""
    found = {name: measures["uar"] for name, measures in comparison.systems.items()}
    with drawing(8.5, 1.4 + 0.5 * len(found), path, f"protocol {comparison.protocol}") as figure:
        axes = figure.subplots()
        rows = range(len(found))[::-1]
        for row, one in zip(rows, found.values()):
            axes.hlines(row, one.low, one.high, color=BEFORE, linewidth=5, alpha=0.4)
            axes.plot([one.value], [row], "o", color=AFTER)
            axes.annotate(f"{one.value:.3f}", (one.value, row), (0, 7), textcoords="offset points", ha="center",
                          fontsize=9, color=INK)  # fmt: skip
        axes.set_yticks(list(rows), list(found))
        axes.set(xlabel="unweighted average recall, with its interval", ylim=(-0.6, len(found) - 0.3))
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.tick_params(length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    return figure
