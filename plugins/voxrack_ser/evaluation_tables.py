"""The figures of an evaluation, and the tables that show them beside the baselines and the papers' own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxrack.metrics import (
    Interval,
    Predictions,
    bootstrap,
    confusion,
    over_seeds,
    per_class_recall,
    roc_auc,
)
from voxrack.metrics_folder import MODEL, Evaluation
from voxrack.metrics_intervals import evaluate as measured

MEASURES = ("accuracy", "uar", "macro_auc", "ece")
DRAWS = 1000  # of a bootstrap
PUBLISHED: dict[tuple[str, str], tuple[tuple[str, str, str, str, str], ...]] = {
    ("ser.mfcc_lstm", "paper"): (("the paper, one run", "0.936", "0.650", "", ""),),
    ("ser.mfcc_cnn", "paper"): (("the paper, one run", "0.960", "0.675", "", "0.927"),),
    ("ser.cornn", "iemocap-10"): (
        ("the paper, IEMOCAP, complete", "", "", "0.655", ""),
        ("the paper, without Conformer", "", "", "0.637", ""),
        ("the paper, without BiLSTM", "", "", "0.598", ""),
    ),
    ("ser.acrnn", "iemocap-10"): (("Chen et al. 2018, IEMOCAP", "", "", "0.647 ± 0.054", ""),),
}
"""Printed figures by recipe and protocol: whose, accuracy on the training set, on the test set, UAR, macro AUC."""
PEERS = {
    "folds": (("ResLSTM-SA h64 of Mak-Sim/ResLSTM-SER, same folds", "", "", "0.623 ± 0.012", ""),),
}
"""Figures that others published for a protocol."""
Figures = dict[str, Any]


def figures(evaluation: Evaluation) -> dict[str, Figures]:
    """All that the tables show, by system, as JSON can hold it.

    Answers on all splits are pooled, so every test clip counts once; with several seeds a figure is the mean over
    seeds. Intervals draw speakers (:func:`voxrack.metrics.bootstrap`).
    """
    return {system: _figures(evaluation, system) for system in evaluation.about["systems"]}


def _figures(evaluation: Evaluation, system: str) -> Figures:
    train, test = (evaluation.by_split(what, system) for what in ("train", "test"))
    pooled = evaluation.pooled("test", system)
    out: Figures = {
        "train_accuracy": float(np.mean([_plain("accuracy", run) for runs in train.values() for run in runs])),
        "train_uar": float(np.mean([_plain("uar", run) for runs in train.values() for run in runs])),
        "test": {name: asdict(bootstrap(name, pooled, n=DRAWS)) for name in MEASURES},
        "seed_deviation": {name: over_seeds(name, pooled)[1] for name in MEASURES},
        "splits": [
            {
                "name": split["name"], "train": split["train"], "test": split["test"],
                "train_accuracy": float(np.mean([_plain("accuracy", run) for run in train[split["folder"]]])),
                **{m: float(np.mean([_plain(m, run) for run in test[split["folder"]]])) for m in ("accuracy", "uar")},
            }
            for split in evaluation.about["splits"]
        ],
        **_classes(pooled),
    }  # fmt: skip
    if evaluation.has("windows", system):
        windows = evaluation.pooled("windows", system)
        out["windows"] = {name: asdict(bootstrap(name, windows, n=DRAWS)) for name in ("accuracy", "uar", "ece")}
    return out


def _classes(runs: Sequence[Predictions]) -> Figures:
    classes = runs[0].classes
    recalls = [per_class_recall(run.labels, run.predicted, classes) for run in runs]
    areas = [roc_auc(run.labels, run.probabilities, classes) for run in runs]
    return {
        "classes": list(classes),
        "recall": {name: float(np.mean([one[name] for one in recalls])) for name in classes},
        "auc": {name: float(np.mean([one.per_class[name] for one in areas])) for name in classes},
        "auc_undefined": list(areas[0].undefined),
        "confusion": sum(confusion(run.labels, run.predicted, classes) for run in runs),
    }


def _plain(name: str, run: Predictions) -> float:
    return float(measured(name, run, np.ones((1, len(run))))[0])


@dataclass(frozen=True)
class Report:
    """A finished evaluation: prints, draws and gives its figures.

    Parameters
    ----------
    evaluation : Evaluation
        With ``figures``.
    """

    evaluation: Evaluation

    @property
    def figures(self) -> Mapping[str, Figures]:
        """By system: ``"model"`` and the baselines."""
        return self.evaluation.about["figures"]

    def json(self) -> dict[str, Any]:
        """The content of ``evaluation.json``, with the folder."""
        return {"folder": str(self.evaluation.path), **self.evaluation.about}

    def tables(self) -> None:
        """Print the overview, the splits and the classes."""
        from voxrack.commands.common import table, write

        about = self.evaluation.about
        table(
            ("", "train accuracy", "test accuracy", "UAR", "macro AUC", "ECE"), self.rows(),
            title=self.evaluation.title, right=("train accuracy", "test accuracy", "UAR", "macro AUC", "ECE"),
        )  # fmt: skip
        write("\n".join(["", *self.remarks(), ""]))
        if len(about["splits"]) > 1:
            table(*self._by_split(), right=("train", "test", "train accuracy", "test accuracy", "UAR"))
            write("")
        table(*self._by_class(), right=("items", "recall", "AUC"))

    def rows(self) -> list[tuple[str, ...]]:
        """Of the overview: the model, its windows, the baselines, and what others printed."""
        about, out = self.evaluation.about, []
        for system, name in about["systems"].items():
            found = self.figures[system]
            cells = [_cell(found["test"][measure], found["seed_deviation"][measure]) for measure in MEASURES]
            out.append((name, f"{found['train_accuracy']:.3f}", *cells))
            if "windows" in found:
                wide = found["windows"]
                out.append(("  windows", "", _cell(wide["accuracy"]), _cell(wide["uar"]), "", _cell(wide["ece"])))
        printed = (*PUBLISHED.get((about["recipe"], about["protocol"]), ()), *PEERS.get(about["protocol"], ()))
        return out + [(*row, "") for row in printed]

    def remarks(self) -> list[str]:
        """What the figures rest on: tier, seeds, epochs, n, how the intervals were made, what is undefined."""
        about, test = self.evaluation.about, Interval(**self.figures[MODEL]["test"]["accuracy"])
        seeds, epochs = len(about["seeds"]), about["epochs"]
        out = [
            f"tier {about['tier']}: {seeds} seed{'s' * (seeds > 1)}, {epochs} epoch{'s' * (epochs > 1)} (the recipe's "
            f"own number {about['paper_epochs']}), decided by {about['decided_by']}",
            f"n = {test.n} test clips of {test.speakers} speakers; {100 * test.level:.0f} % intervals by drawing "
            + ("speakers" if test.by == "speaker" else "clips: so few speakers say nothing about others"),
        ]
        if seeds > 1:
            out.append("figures are means over seeds; ± is the standard deviation over seeds")
        undefined = self.figures[MODEL]["auc_undefined"]
        if undefined:
            out.append(f"no AUC for {', '.join(undefined)}: no test clip, or every one, is of that class")
        return out + [str(note) for note in about["notes"]]

    def _by_split(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        rows = [
            (one["name"], str(one["train"]), str(one["test"]),
             *(f"{one[name]:.3f}" for name in ("train_accuracy", "accuracy", "uar")))
            for one in self.figures[MODEL]["splits"]
        ]  # fmt: skip
        return ("split", "train", "test", "train accuracy", "test accuracy", "UAR"), rows

    def _by_class(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        found = self.figures[MODEL]
        counts = np.asarray(found["confusion"], dtype=float).sum(axis=1) / len(self.evaluation.seeds)
        rows = [
            (name, f"{count:.0f}", _number(found["recall"][name]), _number(found["auc"][name]))
            for name, count in zip(found["classes"], counts)
        ]
        return ("class", "items", "recall", "AUC"), rows

    def plot(self, path: Path) -> list[Path]:
        """Draw ROC curves, confusion, training and reliability: into one file, or without a suffix into a folder."""
        from voxrack.notebook.curves import draw

        return draw(self.evaluation.path, path)


def _cell(found: Mapping[str, Any], deviation: float | None = None) -> str:
    """``0.483 [0.441, 0.527]`` and, with several seeds, `` ±0.011``."""
    text = str(Interval(**{**found, **{key: _float(found[key]) for key in ("value", "low", "high")}}))
    return text if deviation is None or not math.isfinite(deviation) else f"{text} ±{deviation:.3f}"


def _float(value: float | None) -> float:
    """NaN is null in JSON."""
    return math.nan if value is None else float(value)


def _number(value: float | None) -> str:
    return "undefined" if value is None or not math.isfinite(value) else f"{value:.3f}"
