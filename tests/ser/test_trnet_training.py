"""Training of TRNet and its baselines, their evaluation, and the two pictures, on made-up features at toy width."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ser.small_trnet import BANDS, LABELS, small_trnet

from voxrack import weights
from voxrack.datasets import splits
from voxrack.errors import InputError, UsageError
from voxrack.metrics import Predictions
from voxrack.recipe import create, options
from voxrack.task import seeded
from voxrack.training import train_split
from voxrack_ser.calibration import fit_temperature
from voxrack_ser.recipes.trnet import TrnetRecipe
from voxrack_ser.specs_trnet import SYSTEMS, TRNET_RECIPE
from voxrack_ser.trnet import heard
from voxrack_ser.trnet.answers import Answers
from voxrack_ser.trnet.conditions import ALL, CLEAN, LEVELS, TESTED, TRAINED
from voxrack_ser.trnet.evaluation import evaluate, predict
from voxrack_ser.trnet.folder import TrnetEvaluation
from voxrack_ser.trnet.representation import shift, silhouette
from voxrack_ser.trnet.task import TrnetTask
from voxrack_ser.trnet.trust import spearman, trust

FAST = {"width": 3, "batch": 16, "learning_rate": 3e-3, "epochs": 2, "draws": 2}


def recipe(**values) -> TrnetRecipe:
    made = create(TRNET_RECIPE, options(TRNET_RECIPE, {**FAST, **values}))
    assert isinstance(made, TrnetRecipe)
    return made


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return small_trnet(tmp_path_factory.mktemp("trnet") / "f.safetensors")


@pytest.fixture(scope="module")
def split(features):
    return splits(features.items, "kfold:2", validation_speakers=1)[0]


@pytest.fixture(scope="module")
def report(features, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return evaluate(recipe(), features, protocol="kfold:2", folder=folder, seeds=1, epochs=2, tier="cpu")


def task(features, split, epochs=None, **values) -> TrnetTask:
    with seeded(0, "weights"):
        return TrnetTask(recipe(**values), features, split, epochs)


def drawn(made: TrnetTask, epoch: int = 0):
    return made.batches(epoch, torch.Generator().manual_seed(epoch))


# ---- what is trained ----------------------------------------------------------------------------
def test_normalisation_is_that_of_clean_training_speech(features, split):
    network = task(features, split).network
    frames = torch.cat([features.get("clean", index) for index in split.train])
    torch.testing.assert_close(network.normalise.mean, frames.mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(network.normalise.deviation, frames.std(0, correction=0), atol=1e-3, rtol=1e-3)


def test_the_coefficient_begins_at_one_half_on_average(features, split):
    made = task(features, split)
    drawn(made, made.pretraining)
    batch = made.collate(range(len(made._takes)))
    with torch.no_grad():
        c = made.network(batch["x"], batch["lengths"])["trust"]
    assert 0.4 < float(c.mean()) < 0.6


def test_an_epoch_hears_every_clip_in_so_many_conditions(features, split):
    made = task(features, split, system="n", draws=4)
    drawn(made)
    first = list(made._takes)
    assert len(first) == 4 * len(split.train) == len(set(first))
    assert {take.condition for take in first} == set(TRAINED)
    drawn(made, 1)
    assert made._takes != first
    clean = task(features, split, system="c")
    drawn(clean)
    assert {take.condition for take in clean._takes} == {CLEAN} and len(clean._takes) == len(split.train)


def test_the_target_is_as_loud_as_the_speech_in_the_mixture(features, split):
    made = task(features, split, draws=6)
    drawn(made, made.pretraining)
    for row, take in enumerate(made._takes):
        if take.condition == ALL[3]:
            one = made.collate([row])
            clean = features.get("clean", take.index)
            torch.testing.assert_close(one["speech"][0], (clean - 2.0).clamp_min(-100.0))
            break
    else:
        pytest.fail("the condition with a scaled mixture was not drawn")


def test_the_loss_is_equation_8_and_ablations_leave_out_one_part(features, split):
    totals = {}
    for system in ("trnet", "no_low", "no_high", "snr"):
        made = task(features, split, system=system)
        batch = drawn(made, made.pretraining)[0]
        made.network.eval()
        total, numbers = made.loss(batch, torch.Generator())
        cross = torch.nn.functional.cross_entropy(
            made.network(batch["x"], batch["lengths"])["logits"], batch["targets"]
        )
        low, high = system not in ("no_low", "snr"), system != "no_high"
        expected = cross + 0.5 * numbers["low"] * low + 0.5 * numbers["high"] * high
        torch.testing.assert_close(total, expected)
        totals[system] = total.item()
        assert numbers["low"] > 0 and numbers["high"] > 0
    assert totals["no_low"] < totals["trnet"] and totals["no_high"] < totals["trnet"]


def test_the_twin_is_trained_first_and_then_frozen(features, split, tmp_path):
    seen: list[tuple[bool, dict[str, torch.Tensor], dict[str, torch.Tensor]]] = []

    class Watching(TrnetTask):
        def batches(self, epoch, generator):
            made = super().batches(epoch, generator)
            states = [{k: v.clone() for k, v in net.state_dict().items()} for net in (self.network, self.twin)]
            seen.append((self._on_twin, states[0], states[1]))
            return made

    class Recipe(TrnetRecipe):
        def task(self, features, split, *, seed, epochs):
            return Watching(self, features, split, epochs)

    base = recipe(pretrain=2)
    made = Recipe(**{name: getattr(base, name) for name in base.__dataclass_fields__})
    done = train_split(made, features, split, tmp_path / "run", seed=0, epochs=None, accelerator="cpu")
    assert [on_twin for on_twin, _, _ in seen] == [True, True, False, False]

    def same(one, other):
        return all(torch.equal(one[key], other[key]) for key in one)

    assert same(seen[0][1], seen[2][1]) and not same(seen[0][2], seen[2][2])  # first the twin alone
    assert not same(seen[2][1], seen[3][1]) and same(seen[2][2], seen[3][2])  # then the network, its statistics too
    logs = done.metrics()
    assert [bool(line["validation"]) for line in logs] == [False, False, True, True]
    assert {"low", "high", "trust", "clamped"} <= logs[-1]["train"].keys()
    found = weights.load(done.model_file)
    assert found.metadata["enhancer"] == "toy.gate" and found.metadata["labels"] == list(LABELS)


def test_a_twin_that_does_not_fit_is_refused(features, split, tmp_path):
    for name, values in (("c", {"system": "c", "width": 2}), ("e", {"system": "e"})):
        train_split(recipe(**values), features, split, tmp_path / name, seed=0, epochs=1, accelerator="cpu")
        with pytest.raises(InputError, match="is no twin for this"):
            task(features, split, twin=str(tmp_path / name))
    with pytest.raises(UsageError, match="1 epoch is too few"):
        task(features, split, epochs=1)


def test_features_of_another_recipe_are_refused(tmp_path, split):
    from ser.tiny_features import tiny_features

    with pytest.raises(InputError, match="holds no 'clean'"):
        heard.check(tiny_features(tmp_path / "other.safetensors", speakers=2))


def test_enhanced_speech_can_be_learned_from(features, split, tmp_path):
    asked = recipe(system="e", epochs=8, draws=6)
    run = train_split(asked, features, split, tmp_path, seed=0, accelerator="cpu")
    answers = predict(weights.load(run.model_file), features, split.test)
    right = answers.probabilities[0].argmax(1) == [answers.classes.index(label) for label in answers.labels]
    assert right.mean() > 0.6  # of four


# ---- evaluation ---------------------------------------------------------------------------------
def test_all_systems_answer_every_condition(report, features):
    for system in SYSTEMS:
        (run,) = report.evaluation.pooled(system)
        assert sorted(run.ids) == sorted(item.id for item in features.items)
        assert run.probabilities.shape == (len(TESTED), len(features.items), len(LABELS))
        np.testing.assert_allclose(run.probabilities.sum(-1), 1, atol=1e-5)
        wanted = {"c": {1.0}, "n": {1.0}, "e": {0.0}}.get(system)
        assert wanted is None or set(run.trust.ravel().tolist()) == wanted


def test_the_clean_baseline_is_the_twin(report):
    place = report.evaluation.path / "fold-1-of-2"
    twin = weights.load(place / "c" / "seed-0" / "model.safetensors")
    assert twin.metadata["options"]["system"] == "c"
    with pytest.raises(UsageError, match="leave out the options system and twin"):
        evaluate(recipe(system="c"), None, protocol="kfold:2", folder=place)  # pyright: ignore[reportArgumentType]


def test_figures_are_those_of_the_answers(report):
    from voxrack.metrics import accuracy, uar

    (run,) = report.evaluation.pooled("trnet")
    found = report.figures["systems"]["trnet"]
    matched = [run.predictions(condition) for condition in TESTED if condition.origin == "matched"]
    assert len(matched) == 5
    for measure, function in (("uar", uar), ("accuracy", accuracy)):
        each = [function(one.labels, one.predicted) for one in matched]
        assert found["matched"][measure]["value"] == pytest.approx(np.mean(each))
        assert found["conditions"]["matched_20"][measure] == pytest.approx(each[0])
    (other,) = report.evaluation.pooled("n")
    clean = [uar(one.predictions(CLEAN).labels, one.predictions(CLEAN).predicted) for one in (run, other)]
    test = next(row for row in report.figures["tests"]["clean"] if row["against"] == "n")
    assert test["difference"] == pytest.approx(clean[0] - clean[1])


def test_tables_name_the_enhancer_and_say_what_they_rest_on(report, capsys):
    report.tables()
    text = capsys.readouterr().out
    for words in ("in front: toy.gate", "baseline -c: clean speech", "TRNet without L_high", "matched noise", "WAR",
                  "1 seed, 2 epochs of each system", "n = 32 test clips of 4 speakers", "rho", "silhouette",
                  "the paper, IEMOCAP"):  # fmt: skip
        assert words in text, words
    json.dumps(report.json(), allow_nan=False)


def test_what_is_finished_is_not_done_again(report, features, monkeypatch):
    import voxrack.training

    monkeypatch.setattr(voxrack.training, "train_split", lambda *_a, **_k: pytest.fail("trained again"))
    folder = report.evaluation.path.parent
    asked = {"protocol": "kfold:2", "folder": folder, "seeds": 1, "tier": "cpu"}
    assert evaluate(recipe(), features, epochs=2, **asked).json() == report.json()
    with pytest.raises(UsageError, match="epochs = 2, not 3"):
        evaluate(recipe(), features, epochs=3, **asked)
    with pytest.raises(UsageError, match="settings"):
        evaluate(recipe(draws=1), features, epochs=2, **asked)


def test_what_ships_is_one_fold_with_the_temperature_of_the_others(report, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "tools")
    tool, folder = importlib.import_module("ship_trnet"), report.evaluation.path
    answers = {name: runs[0] for name, runs in report.evaluation.answers("snr").items()}
    first, second = answers
    monkeypatch.setattr(sys, "argv", ["ship_trnet", str(folder), "--split", second, "--out", str(tmp_path)])
    tool.main()
    assert json.loads(capsys.readouterr().out)["problems"] == []
    made = weights.load(tmp_path / "ser.trnet.safetensors")
    own = weights.load(folder / second / "snr" / "seed-0")
    assert all(torch.equal(made.tensors[name], tensor) for name, tensor in own.tensors.items())
    others = Predictions.joined(tool.everything(answers[first]))
    assert made.metadata == own.metadata | {"temperature": round(fit_temperature(others), 4)}
    card = (tmp_path / "ser.trnet.md").read_text()
    assert all(cell in card for row in report.rows("uar") for cell in row)
    assert tool.RAVDESS in card and second in card


def test_both_figures_are_drawn_from_the_folder(report, tmp_path, capsys):
    from voxrack_ser.trnet.pictures import main

    assert main([str(report.evaluation.path.parent), str(tmp_path / "pictures")]) == 0
    for name in ("coefficient", "representations"):
        assert (tmp_path / "pictures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in report.plot(tmp_path / "p.svg")] == ["p-coefficient.svg", "p-representations.svg"]
    assert main([str(tmp_path), "x"]) == 3
    assert "is no folder of `voxrack evaluate ser.trnet`" in capsys.readouterr().err


def test_an_unfinished_evaluation_is_told(report, tmp_path):
    bare = replace(report.evaluation, path=tmp_path)
    with pytest.raises(InputError, match="not finished"):
        bare.pooled("trnet")
    (tmp_path / "answers.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="cannot be read"):
        Answers.load(tmp_path / "answers.npz")
    with pytest.raises(InputError, match="is no folder"):
        TrnetEvaluation.load(tmp_path)


# ---- the numbers behind the pictures --------------------------------------------------------------
def test_spearman_is_scipys():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 50), rng.normal(size=50)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert spearman([np.inf, 20, 10], [3, 2, 1]) == 1.0
    assert np.isnan(spearman([1, 2, 3], [5, 5, 5]))


def test_a_coefficient_that_follows_the_ratio_has_rho_1():
    snrs = np.array([min(condition.snr, 30.0) for condition in TESTED])
    clips = 12
    follows = Answers(
        tuple(map(str, range(clips))), tuple(str(at % 3) for at in range(clips)), ("sad",) * clips, ("sad", "happy"),
        np.zeros((len(TESTED), clips, 2)), np.repeat(snrs[:, None] / 40, clips, 1).astype(np.float32),
        np.zeros((len(TESTED), clips, 0)),
    )  # fmt: skip
    found = trust([follows])
    assert found["matched_rho"]["rho"] == pytest.approx(1.0) and found["matched_rho"]["within"] == pytest.approx(1.0)
    assert found["matched_10"]["mean"] == pytest.approx(0.25) and found["clean"]["deviation"] == pytest.approx(0)
    assert found["clamped"] == pytest.approx(2 / len(TESTED))  # 0 dB, of both origins
    backwards = replace(follows, trust=1 - follows.trust)
    assert trust([backwards])["unmatched_rho"]["rho"] == pytest.approx(-1.0)


def test_shift_and_silhouette_in_closed_form():
    square = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert shift([square, square]) == 0.0
    assert shift([square, square + np.array([6, 0])]) == pytest.approx(6.0)
    assert shift([square, 3 * square]) == 0.0
    apart = np.concatenate((square, square + np.array([100, 0])))
    assert silhouette(apart, ["sad"] * 4 + ["happy"] * 4) > 0.95
    assert silhouette(apart, ["sad", "happy"] * 4) < 0.1
    assert np.isnan(silhouette(square, ["sad"] * 4))


def test_features_hold_all_conditions(features):
    assert features.shape("clean") == (BANDS,)
    assert set(features.names) == {LEVELS, *(name for one in ALL for name in (one.name, one.enhanced))}
    assert len(ALL) == 16 and len(TESTED) == 11 and len(TRAINED) == 6
