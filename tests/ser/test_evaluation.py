"""Evaluation: every split and seed once, figures equal to those of the saved answers, comparison, other corpora."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from ser.tiny_features import tiny_features, write_tiny

from voxrack.datasets import splits
from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.feature_file import FeatureFile
from voxrack.metrics import Predictions, accuracy, roc_auc, uar
from voxrack.metrics_compare import compare
from voxrack.metrics_folder import Evaluation, slug
from voxrack.recipe import create, options
from voxrack_ser import evaluation_tables
from voxrack_ser.evaluation import changed, evaluate, plan, settings
from voxrack_ser.recipes.common import SerRecipe
from voxrack_ser.specs import RECIPES

FAST = {"frames": 60, "batch": 16, "learning_rate": 2e-3}


def recipe(**values):
    spec = next(spec for spec in RECIPES if spec.id == "ser.mfcc_cnn")
    return create(spec, options(spec, {**FAST, **values}))


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return tiny_features(tmp_path_factory.mktemp("evaluation") / "f.safetensors")


@pytest.fixture(scope="module")
def report(features, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return evaluate(recipe(), features, protocol="kfold:3", folder=folder, seeds=2, epochs=2, tier="cpu")


@pytest.mark.parametrize(
    ("tier", "seeds", "epochs", "expected"),
    [
        ("cpu", None, None, (1, 40, "cpu")),
        ("full", None, None, (3, 250, "full")),
        ("full", 5, None, (5, 250, "full")),
        ("full", 1, None, (1, 250, "between cpu and full: 1 seed, 250 of 250 epochs")),
        ("full", None, 100, (3, 100, "between cpu and full: 3 seeds, 100 of 250 epochs")),
        ("full", 3, 20, (3, 20, "cpu")),
        ("cpu", 3, 250, (3, 250, "full")),
    ],
)
def test_a_tier_is_what_was_run_and_not_what_was_asked(tier, seeds, epochs, expected):
    found = plan(tier, seeds, epochs, 250)
    assert (len(found.seeds), found.epochs, found.tier) == expected


def test_a_short_recipe_is_full_with_its_own_epochs():
    assert plan("full", None, None, 20).tier == "full"
    assert plan("cpu", None, None, 20).epochs == 20
    with pytest.raises(UsageError, match="tier is 'gpu'"):
        plan("gpu", None, None, 20)
    with pytest.raises(UsageError, match="seeds is 0"):
        plan("cpu", 0, None, 20)


def test_every_clip_is_answered_once_by_a_model_that_never_heard_its_speaker(report, features):
    evaluation = report.evaluation
    wanted = splits(features.items, "kfold:3")
    for name, runs in evaluation.by_split().items():
        (split,) = [one for one in wanted if slug(one.name) == name]
        for run in runs:
            assert set(run.ids) == {features.items[index].id for index in split.test}
            trained = {features.items[index].speaker for index in split.train}
            assert not trained & set(run.speakers)
    for pooled in evaluation.pooled():
        assert sorted(pooled.ids) == sorted(item.id for item in features.items)
        assert dict(zip(pooled.ids, pooled.labels)) == {item.id: item.label for item in features.items}


def test_figures_are_those_of_the_answers(report):
    found = report.figures["model"]
    runs = report.evaluation.pooled()
    assert found["test"]["uar"]["value"] == pytest.approx(np.mean([uar(run.labels, run.predicted) for run in runs]))
    areas = [roc_auc(run.labels, run.probabilities, run.classes).macro for run in runs]
    assert found["test"]["macro_auc"]["value"] == pytest.approx(np.mean(areas))
    train = [run for runs in report.evaluation.by_split("train").values() for run in runs]
    assert len(train) == 6
    assert found["train_accuracy"] == pytest.approx(np.mean([accuracy(run.labels, run.predicted) for run in train]))
    assert np.sum(found["confusion"]) == 2 * len(runs[0])
    assert report.figures["logistic"]["test"]["uar"]["value"] > 0.9
    assert math.isfinite(found["seed_deviation"]["uar"])


def test_the_saved_model_gives_the_saved_answers(report, features):
    """What is measured is what would be shipped: weights from disk, built as an analyzer builds them."""
    from voxrack import weights
    from voxrack_ser.evaluation_runs import predict

    place = report.evaluation.places("fold-1-of-3")[0]
    saved = Predictions.load(place / "test.npz")
    rows = [next(i for i, item in enumerate(features.items) if item.id == id) for id in saved.ids]
    chances, classes = predict(weights.load(place / "model.safetensors"), features, rows)
    assert classes == saved.classes
    np.testing.assert_allclose(chances, saved.probabilities, atol=1e-6)


def test_what_is_finished_is_not_done_again(report, features, monkeypatch):
    import voxrack.training

    def never(*_args, **_named):
        raise AssertionError("trained again")

    monkeypatch.setattr(voxrack.training, "train_split", never)
    folder = report.evaluation.path.parent
    again = evaluate(recipe(), features, protocol="kfold:3", folder=folder, seeds=2, epochs=2, tier="cpu")
    assert again.json() == report.json()


def test_some_folds_first_the_others_later(features, tmp_path):
    asked = {"protocol": "kfold:3", "folder": tmp_path, "seeds": 1, "epochs": 1, "tier": "cpu", "baselines": ()}
    two = evaluate(recipe(), features, folds=("3", "1"), **asked).evaluation
    assert len(two.about["splits"]) == 2
    every = evaluate(recipe(), features, **asked).evaluation
    assert [part["name"] for part in every.about["splits"]][::2] == sorted(part["name"] for part in two.about["splits"])
    with pytest.raises(UsageError, match="no fold '4'"):
        evaluate(recipe(), features, folds=("4",), **asked)


def test_validation_speakers_are_told_of(features, tmp_path):
    asked = {"protocol": "kfold:2", "folder": tmp_path, "seeds": 1, "epochs": 1, "tier": "cpu", "baselines": ()}
    found = evaluate(recipe(), features, validation_speakers=1, **asked)
    assert found.evaluation.about["decided_by"] == "1 validation speakers"
    with pytest.raises(UsageError, match="decided_by"):
        evaluate(recipe(), features, **asked)


def test_a_folder_of_another_question_is_refused(report, features):
    folder = report.evaluation.path.parent
    with pytest.raises(UsageError, match="settings"):
        evaluate(recipe(batch=8), features, protocol="kfold:3", folder=folder, seeds=2, epochs=2, tier="cpu")
    with pytest.raises(UsageError, match="epochs = 2, not 3"):
        evaluate(recipe(), features, protocol="kfold:3", folder=folder, seeds=2, epochs=3, tier="cpu")


def test_tables_say_what_the_figures_rest_on(report, capsys):
    report.tables()
    text = capsys.readouterr().out
    for words in ("train accuracy", "test accuracy", "UAR", "logistic regression", "SVM (rbf)", "tier cpu: 2 seeds",
                  "n = 48 test clips of 6 speakers", "decided by the last epoch", "fold 1 of 3"):  # fmt: skip
        assert words in text
    found = report.figures["model"]["test"]["uar"]
    assert f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]" in text
    json.dumps(report.json(), allow_nan=False)


def test_printed_figures_of_the_papers_stand_beside():
    rows = evaluation_tables.PUBLISHED[("ser.mfcc_cnn", "paper")]
    assert rows == (("the paper, one run", "0.960", "0.675", "", "0.927"),)
    assert evaluation_tables.PUBLISHED[("ser.mfcc_lstm", "paper")][0][1:3] == ("0.936", "0.650")


def test_variants_are_named_by_what_changed():
    assert changed(recipe()) == {"frames": 60, "batch": 16, "learning_rate": 2e-3}
    assert changed(recipe(n_fft=2048))["n_fft"] == 2048
    assert json.dumps(settings(recipe())) == json.dumps(settings(recipe()))


def test_two_workers_give_what_one_gives(report, features, tmp_path):
    two = evaluate(
        recipe(), features, protocol="kfold:3", folder=tmp_path, seeds=1, epochs=2, tier="cpu", workers=2, baselines=()
    )
    one = report.evaluation.by_split()
    for split, (run,) in two.evaluation.by_split().items():
        np.testing.assert_allclose(run.probabilities, one[split][0].probabilities, atol=1e-4)
    assert list(two.evaluation.about["systems"]) == ["model"]


def test_a_failing_run_is_named_and_the_others_stay(features, tmp_path, monkeypatch):
    import voxrack.training

    real = voxrack.training.train_split

    def fails_once(recipe, features, split, folder, **named):
        if split.name == "fold 2 of 3":
            raise VoxrackError("no luck")
        return real(recipe, features, split, folder, **named)

    monkeypatch.setattr(voxrack.training, "train_split", fails_once)
    asked = {"protocol": "kfold:3", "folder": tmp_path, "seeds": 1, "epochs": 1, "tier": "cpu", "baselines": ()}
    with pytest.raises(VoxrackError, match="fold-2-of-3/seed-0 failed: no luck"):
        evaluate(recipe(), features, **asked)
    with pytest.raises(InputError, match="not finished"):
        Evaluation.load(tmp_path).pooled()
    monkeypatch.setattr(voxrack.training, "train_split", real)
    assert len(evaluate(recipe(), features, **asked).evaluation.pooled()[0]) == 48


def test_progress_counts_epochs(features, tmp_path, monkeypatch):
    import voxrack_ser.evaluation as module

    monkeypatch.setattr(module, "_LOOK", 0.01)
    seen = []
    evaluate(recipe(), features, protocol="kfold:2", folder=tmp_path, seeds=1, epochs=3, tier="cpu",
             progress=lambda share, text: seen.append((share, text)), baselines=())  # fmt: skip
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1 and any(0 < share < 1 for share in shares)
    assert "of 2 runs" in seen[0][1]


def test_another_corpus_is_judged_on_the_shared_classes(tmp_path):
    path = tmp_path / "both.safetensors"
    write_tiny(path, [("ravdess", 4, ("neutral", "happy", "sad", "angry")), ("tess", 2, ("happy", "sad", "disgust"))])
    found = evaluate(
        recipe(), FeatureFile(path), protocol="cross:tess", folder=tmp_path / "out", seeds=1, epochs=2, tier="cpu"
    )
    for system in ("model", "logistic", "svm"):
        (run,) = found.evaluation.pooled("test", system)
        assert set(run.classes) == {"happy", "sad"} and set(run.speakers) == {"tess/00", "tess/01"}
        assert len(run) == 8
        np.testing.assert_allclose(run.probabilities.sum(1), 1, atol=1e-6)
    assert found.evaluation.path.name == "cross-tess"


def test_features_without_statistics_have_no_baselines_and_a_note(tmp_path):
    from voxrack.feature_file import FeatureWriter

    whole = tiny_features(tmp_path / "whole.safetensors", speakers=2)
    with FeatureWriter(tmp_path / "bare.safetensors", "ser.mfcc_cnn", whole.options) as writer:
        for index, item in enumerate(whole.items):
            writer.add(item, {"frames": whole.get("frames", index).numpy()})
    found = evaluate(recipe(), FeatureFile(tmp_path / "bare.safetensors"), protocol="kfold:2", folder=tmp_path / "o",
                     seeds=1, epochs=1, tier="cpu")  # fmt: skip
    assert list(found.figures) == ["model"]
    assert any("no baselines" in remark and "statistics" in remark for remark in found.remarks())


@dataclass(frozen=True)
class Windowed(SerRecipe):
    """Every clip in two windows: the first is known, of the second nothing."""

    def windows(self, weights, features, rows):
        labels = list(weights.metadata["labels"])
        known = np.eye(len(labels))[[labels.index(features.items[row].label) for row in rows]]
        unknown = np.tile(np.eye(len(labels))[0], (len(rows), 1))
        return np.tile(np.arange(len(rows)), 2), np.concatenate([known, unknown])


def test_windows_are_scored_where_the_recipe_offers_them(features, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # in a narrow one the row goes on further down
    own = recipe()
    windowed = Windowed(**{field.name: getattr(own, field.name) for field in fields(own)})
    found = evaluate(windowed, features, protocol="kfold:2", folder=tmp_path, seeds=1, epochs=1, tier="cpu",
                     baselines=())  # fmt: skip
    wide = found.figures["model"]["windows"]
    assert wide["uar"]["n"] == 96 and wide["uar"]["value"] == pytest.approx((1 + 3 * 0.5) / 4)
    assert found.figures["model"]["test"]["uar"]["n"] == 48
    found.tables()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "windows" in line]
    assert f"{wide['uar']['value']:.3f} [" in line


# ---- comparison -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def other(features, tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    return evaluate(recipe(learning_rate=1e-6), features, protocol="kfold:3", folder=folder, seeds=3, epochs=2,
                    tier="cpu", baselines=())  # fmt: skip


def test_comparison_pairs_the_same_clips_and_seeds(report, other, capsys):
    found = compare([report.evaluation.path, other.evaluation.path], baselines=True, n=500)
    assert found.seeds == (0, 1)  # the common ones
    assert len(found.systems) == 4 and len(found.pairs) == 6
    names = list(found.systems)
    assert names[:2] == ["ser.mfcc_cnn (learning_rate 0.002)", "ser.mfcc_cnn (learning_rate 1e-06)"]
    gap = found.pairs[0]
    values = [report.figures["model"]["test"]["uar"]["value"],
              np.mean([uar(run.labels, run.predicted) for run in other.evaluation.pooled()[:2]])]  # fmt: skip
    assert gap.speakers.difference == pytest.approx(values[0] - values[1])
    assert gap.runs is not None and gap.runs.runs == 6  # 3 folds x 2 seeds
    assert gap.adjusted >= gap.speakers.p
    found.tables()
    text = capsys.readouterr().out
    assert "n = 48 test clips of 6 speakers, seeds 0, 1" in text and "Holm: for 6 pairs" in text
    json.dumps(found.json(), default=str)


def test_what_cannot_be_compared_is_refused(report, features, tmp_path):
    with pytest.raises(UsageError, match="there is 1 evaluation to compare"):
        compare([report.evaluation.path])
    with pytest.raises(InputError, match="no folder of `voxrack evaluate`"):
        compare([report.evaluation.path, tmp_path])
    with pytest.raises(InputError, match="no such folder"):
        compare([tmp_path / "none", report.evaluation.path])
    evaluate(recipe(), features, protocol="kfold:2", folder=tmp_path, seeds=1, epochs=1, tier="cpu", baselines=())
    with pytest.raises(UsageError, match="kfold:2, kfold:3"):
        compare([report.evaluation.path, tmp_path])


def test_a_damaged_description_is_named(report, tmp_path):
    (tmp_path / "evaluation.json").write_text("{")
    with pytest.raises(InputError, match=r"evaluation\.json cannot be read"):
        Evaluation.load(tmp_path)
    about = {**report.json(), "version": 99, "format": "voxrack.evaluation"}
    (tmp_path / "evaluation.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="upgrade"):
        Evaluation.load(tmp_path)


# ---- the command ----------------------------------------------------------------------------
def test_the_command_varies_an_option_and_compares(features, tmp_path, capsys):
    from voxrack.cli import cli

    words = ["evaluate", "ser.mfcc_cnn", "--features", str(features.path), "--protocol", "kfold:2", "--seeds", "1",
             "--epochs", "1", "--set", "frames=60", "--vary", "normalise=none,train", "-o", str(tmp_path / "o"),
             "--plot", str(tmp_path / "pictures"), "--json"]  # fmt: skip
    assert cli.run(words) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made["variants"]) == {"ser.mfcc_cnn,normalise=none", "ser.mfcc_cnn,normalise=train"}
    assert made["comparison"]["pairs"][0]["speakers"]["n"] == 48
    assert (tmp_path / "o" / "ser.mfcc_cnn,normalise=none" / "kfold-2" / "evaluation.json").is_file()
    pictures = {str(path.relative_to(tmp_path / "pictures")) for path in (tmp_path / "pictures").rglob("*.png")}
    assert "comparison.png" in pictures and str(Path("ser.mfcc_cnn,normalise=none") / "roc.png") in pictures
    folders = [word for name in made["variants"] for word in ("--compare", str(tmp_path / "o" / name))]
    assert cli.run(["evaluate", *folders]) == 0
    assert "sign-flip" in capsys.readouterr().out


def test_the_command_prepares_the_features_of_every_variant(tmp_path, capsys):
    from voxrack.cli import cli
    from voxrack.testing import emotional_voices

    folder = emotional_voices(tmp_path / "corpus", ("sad", "angry"), speakers=2, takes=2, seconds=0.6)
    words = ["evaluate", "ser.mfcc_cnn", "--data", str(folder), "--protocol", "kfold:2", "--seeds", "1", "--epochs",
             "1", "--vary", "n_fft=2048,4096", "-o", str(tmp_path / "o"), "--json"]  # fmt: skip
    assert cli.run(words) == 0
    made = json.loads(capsys.readouterr().out)
    sizes = {name: one["features"]["options"]["n_fft"] for name, one in made["variants"].items()}
    assert sizes == {"ser.mfcc_cnn,n_fft=2048": 2048, "ser.mfcc_cnn,n_fft=4096": 4096}
    assert set(made["comparison"]["systems"]) == {"ser.mfcc_cnn (n_fft 2048)", "ser.mfcc_cnn (n_fft 4096)"}
    assert set(made["variants"]["ser.mfcc_cnn,n_fft=2048"]["figures"]) == {"model", "logistic", "svm"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a RECIPE"),
        (["ser.mfcc_cnn"], "-o DIR"),
        (["ser.mfcc_cnn", "-o", "o", "--vary", "n_fft=2048"], "--vary takes OPTION=VALUE,VALUE"),
        (["ser.mfcc_cnn", "-o", "o", "--vary", "depth=1,2"], "depth"),
        (["ser.mfcc_cnn", "ser.mfcc_cnn", "-o", "o"], "named twice"),
        (["ser.mfcc_cnn", "-o", "o"], "--data FOLDER"),
    ],
)
def test_wrong_use_is_told(words, message, tmp_path, monkeypatch, capsys):
    from voxrack.cli import cli

    monkeypatch.chdir(tmp_path)
    assert cli.run(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err
