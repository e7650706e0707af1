"""A training that goes on from its run folder alone: with what was asked before, and no other features."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import done, run
from toy_recipe import SPEC, write_features

from voxrack import Host, hookimpl, weights
from voxrack.errors import UsageError
from voxrack.feature_file import FeatureFile
from voxrack.resuming import lacking, noted_features, resume
from voxrack.runs import Run
from voxrack.training import train_recipe

RECIPES = {SPEC.id: SPEC}
ASKED: dict[str, Any] = {"settings": {"width": 5, "rate": 0.02}, "seed": 7, "epochs": 3, "accelerator": "cpu"}


class Plugin:
    @hookimpl
    def voxrack_recipes(self):
        return [SPEC]


@pytest.fixture
def host(monkeypatch) -> Iterator[Host]:
    made = Host({"toy": Plugin()}, discover=False)
    monkeypatch.setattr("voxrack.host.default_host", lambda: made)
    yield made


@pytest.fixture
def features(tmp_path) -> FeatureFile:
    return write_features(tmp_path / "f.safetensors")


def begun(folder: Path, features: FeatureFile, **asked: Any) -> Run:
    """A run that was stopped after its first epoch."""
    stop = lambda: bool(Run(folder).metrics())  # noqa: E731
    made = train_recipe(SPEC, features, folder, **{**ASKED, **asked}, stop=stop)
    assert made.status()["state"] == "stopped" and made.status()["epoch"] == 1
    return made


def rewritten(run: Run, change: Any) -> Run:
    """A run whose ``config.json`` is another."""
    file = run.folder / "config.json"
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))
    return run


@pytest.mark.parametrize(
    "split",
    [{}, {"validation_speakers": 2}, {"protocol": "loso", "fold": "2"},
     {"protocol": "kfold:2", "fold": "1", "validation_speakers": 1}],
)  # fmt: skip
def test_it_ends_with_the_weights_of_a_run_without_a_pause(features, tmp_path, split):
    whole = train_recipe(SPEC, features, tmp_path / "whole", **ASKED, **split)
    again = resume(begun(tmp_path / "run", features, **split), RECIPES, accelerator="cpu")
    assert again.finished and len(again.config()["sessions"]) == 2
    one, other = (weights.load(made.model_file).tensors for made in (whole, again))
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)
    assert resume(again, {}).finished  # nothing is left to do, so nothing is needed


def test_features_that_were_moved_are_named_by_hand(features, tmp_path):
    run = begun(tmp_path / "run", features)
    assert noted_features(run) == features.path
    moved = features.path.rename(tmp_path / "moved.safetensors")
    assert lacking(run, RECIPES) == f"it needs its feature file (features=…): {features.path} is not there"
    assert lacking(run, RECIPES, moved) == ""
    with pytest.raises(UsageError, match=r"cannot go on from its folder alone: it needs its feature file"):
        resume(run, RECIPES)
    assert resume(run, RECIPES, moved, accelerator="cpu").finished
    assert noted_features(run) == moved


def test_other_features_are_refused(features, tmp_path):
    run = begun(tmp_path / "run", features)
    others = write_features(tmp_path / "others.safetensors", speakers=3)
    with pytest.raises(UsageError, match=r"others\.safetensors holds other features than .*run was begun with"):
        resume(run, RECIPES, others.path)
    assert run.status()["state"] == "stopped"


def test_what_a_run_lacks_is_said(features, tmp_path):
    run = begun(tmp_path / "run", features)
    assert "'toy.tone' is not installed" in lacking(run, {})
    rewritten(run, lambda config: [session.pop("features") for session in config["sessions"]])
    assert "config.json does not name" in lacking(run, RECIPES)  # as an older voxrack began it
    assert lacking(run, RECIPES, features.path) == ""
    rewritten(run, lambda config: config["asked"].pop("options"))
    assert "`voxrack evaluate`" in lacking(run, RECIPES, features.path)
    rewritten(run, lambda config: config["asked"].pop("recipe"))
    assert "begun by a program" in lacking(run, RECIPES, features.path)


def test_a_split_that_cannot_be_made_again_is_refused(features, tmp_path):
    run = begun(tmp_path / "run", features, validation_speakers=1)
    rewritten(run, lambda config: config["asked"]["split"].update(sha256="0" * 64))
    with pytest.raises(UsageError, match="gives no split 'all' of protocol 'all' as the run had it"):
        resume(run, RECIPES)


def test_the_verb_goes_on(host, features, tmp_path):
    folder = begun(tmp_path / "run", features).folder
    *epochs, last = [json.loads(line) for line in done("runs", folder, "--resume", "--json").stdout.splitlines()]
    assert [line["epoch"] for line in epochs] == [2, 3] and last["run"]["state"] == "finished"
    assert "model of epoch 3" in done("runs", folder, "--resume").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["RUN", "RUN", "--resume"], "--resume goes on with one run; 2 were given"),
        (["RUN", "--resume", "--follow"], "leave --follow and --stop out"),
        (["RUN", "--features", "f.safetensors"], "--features is for --resume"),
        (["RUN", "--resume", "--features", "nowhere.safetensors"], "nowhere.safetensors is not there"),
    ],
)
def test_the_verb_refuses_in_one_line(host, features, tmp_path, words, said):
    folder = begun(tmp_path / "run", features).folder
    result = run("runs", *(str(folder) if word == "RUN" else word for word in words))
    assert result.exit_code == 2 and said in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert Run(folder).status()["state"] == "stopped"
