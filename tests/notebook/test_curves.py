"""Pictures from a folder: what is drawn where, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from voxrack import metrics
from voxrack.errors import InputError, UsageError
from voxrack.metrics_compare import compare
from voxrack.metrics_folder import FORMAT, VERSION
from voxrack.metrics_predictions import Predictions
from voxrack.notebook import curves

CLASSES = ("angry", "happy", "sad")


def answers(seed: int, missing: str = "", speakers: tuple[str, ...] = ("a", "b", "c")) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = [name for name in CLASSES if name != missing] * 10
    truth = np.array([CLASSES.index(label) for label in labels])
    chances = generator.dirichlet(np.ones(3), len(labels)) + 0.5 * np.eye(3)[truth]
    ids = tuple(f"{speakers[0]}{index}" for index in range(len(labels)))
    who = tuple(speakers[index % len(speakers)] for index in range(len(labels)))
    return Predictions(ids, who, tuple(labels), chances / chances.sum(1, keepdims=True), CLASSES)


def folder(place, missing: str = "", options: dict | None = None, shift: int = 0):
    """Two splits, two seeds, with logs of three epochs."""
    splits = [{"name": f"fold {n}", "folder": f"fold-{n}", "train": 30, "test": 30} for n in (1, 2)]
    about = {
        "format": FORMAT, "version": VERSION, "recipe": "ser.toy", "options": options or {}, "protocol": "folds",
        "tier": "cpu", "seeds": [0, 1], "epochs": 3, "splits": splits, "systems": {"model": "ser.toy"},
    }  # fmt: skip
    place.mkdir(parents=True)
    (place / "evaluation.json").write_text(json.dumps(about))
    for number, who in ((1, ("a", "b", "c")), (2, ("d", "e", "f"))):
        for seed in (0, 1):
            run = place / f"fold-{number}" / f"seed-{seed}"
            run.mkdir(parents=True)
            answers(10 * number + seed + shift, missing, who).save(run / "test.npz")
            log(run, 1.0 + seed)
    return place


def log(run, start: float, epochs: int = 3) -> None:
    lines = [
        {"epoch": epoch, "steps": 1, "seconds": 0.1, "train": {"loss": start / epoch, "accuracy": 0.3 * epoch},
         "validation": {"validation_uar": 0.2 * epoch}, "learning_rate": {"network": 1e-3}, "best": False}
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip
    (run / "config.json").write_text(json.dumps({"format": "voxrack.run", "version": 1}))
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def evaluation(tmp_path):
    return folder(tmp_path / "folds")


def texts(figure) -> str:
    found = [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, axes._left_title)]
    legends = [entry.get_text() for axes in figure.axes if axes.get_legend() for entry in axes.get_legend().get_texts()]
    return "\n".join([*found, *legends])


def test_roc_names_every_area_and_their_mean(evaluation):
    runs = [Predictions.joined([answers(10 + seed), answers(20 + seed, speakers=("d", "e", "f"))]) for seed in (0, 1)]
    areas = [metrics.roc_auc(run.labels, run.probabilities, CLASSES) for run in runs]
    shown = texts(curves.roc(evaluation))
    for name in CLASSES:
        assert f"{name} {np.mean([one.per_class[name] for one in areas]):.3f}" in shown
    assert f"mean {np.mean([one.macro for one in areas]):.3f}" in shown


def test_the_drawn_curve_has_the_area_that_it_names(evaluation):
    axes = curves.roc(evaluation).axes[0]
    line = next(line for line in axes.lines if str(line.get_label()).startswith("happy"))
    area = float(str(line.get_label()).split()[-1])
    assert np.trapezoid(np.asarray(line.get_ydata(), float), np.asarray(line.get_xdata(), float)) == pytest.approx(
        area, abs=0.01
    )


def test_a_class_without_clips_is_said_to_be_undefined(tmp_path):
    place = folder(tmp_path / "folds", missing="sad")
    assert "sad: undefined, no such clip" in texts(curves.roc(place))
    ticks = [label.get_text() for label in curves.confusion(place).axes[0].get_yticklabels()]
    assert ticks == ["angry", "happy", "sad (none)"]


def test_confusion_shows_shares_and_counts(evaluation):
    runs = [Predictions.joined([answers(10 + seed), answers(20 + seed, speakers=("d", "e", "f"))]) for seed in (0, 1)]
    counts = np.mean([metrics.confusion(run.labels, run.predicted, CLASSES) for run in runs], axis=0)
    shown = texts(curves.confusion(evaluation))
    assert f"{counts[0, 0]:.4g}" in shown and f"{100 * counts[0, 0] / counts[0].sum():.0f}" in shown
    assert f"mean of the diagonal {np.mean(np.diag(counts) / counts.sum(1)):.3f}" in shown


def test_reliability_states_the_calibration_error(evaluation):
    runs = [Predictions.joined([answers(10 + seed), answers(20 + seed, speakers=("d", "e", "f"))]) for seed in (0, 1)]
    error = np.mean([metrics.expected_calibration_error(run.labels, run.probabilities, CLASSES) for run in runs])
    assert f"expected calibration error {error:.3f}" in texts(curves.reliability(evaluation))


def test_training_draws_every_run_and_their_mean(evaluation):
    figure = curves.training(evaluation)
    names = [axes._left_title.get_text() for axes in figure.axes]
    assert names == ["loss", "accuracy", "uar"]
    loss = figure.axes[0]
    assert len(loss.lines) == 5  # four runs and their mean
    np.testing.assert_allclose(np.asarray(loss.lines[-1].get_ydata(), float), 1.5 / np.arange(1, 4))
    assert "train, mean of 4 runs" in texts(figure)
    assert "validation, mean of 4 runs" in texts(figure)


def test_training_of_one_run_also_while_it_grows(evaluation):
    run = evaluation / "fold-1" / "seed-1"
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 4, "tra')  # half a line
    loss = curves.training(run).axes[0]
    np.testing.assert_allclose(np.asarray(loss.lines[0].get_ydata(), float), 2 / np.arange(1, 4))
    (run / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="no epoch is finished yet"):
        curves.training(run)


def test_pictures_are_written_and_show_themselves(evaluation, tmp_path):
    made = curves.draw(evaluation, tmp_path / "pictures")
    assert [path.name for path in made] == ["roc.png", "confusion.png", "reliability.png", "training.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made)
    assert curves.draw(evaluation, tmp_path / "all.svg") == [tmp_path / "all.svg"]
    assert b"<svg" in (tmp_path / "all.svg").read_bytes()
    assert curves.confusion(evaluation)._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"'\.xyz' names no picture"):
        curves.draw(evaluation, tmp_path / "all.xyz")


def test_comparison_is_drawn(tmp_path):
    one, other = folder(tmp_path / "a", options={"n_fft": 2048}), folder(tmp_path / "b", shift=5)
    found = compare([one, other], n=100)
    figure = curves.compared(found)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["ser.toy (n_fft 2048)", "ser.toy (n_fft as usual)"]
    points = [float(line.get_xdata()[0]) for line in figure.axes[0].lines]
    assert points == [measures["uar"].value for measures in found.systems.values()]


def test_a_folder_with_several_evaluations_asks_which(tmp_path):
    folder(tmp_path / "all" / "folds")
    folder(tmp_path / "all" / "paper")
    with pytest.raises(InputError, match="holds 2 evaluations; name one"):
        curves.roc(tmp_path / "all")
    with pytest.raises(InputError, match="no such folder"):
        curves.roc(tmp_path / "none")
    with pytest.raises(InputError, match="holds 2 evaluations"):
        curves.training(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no folder of `voxrack evaluate`"):
        curves.training(tmp_path / "empty")
