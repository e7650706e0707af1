"""Recipes: their specification, preparing a corpus, training on a split, and the verbs for all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import done, lines, run
from toy_recipe import SPEC, Bands, write_features

from voxrack import Audio, Host, Param, hookimpl, read, weights, write
from voxrack.datasets import read_manifest
from voxrack.errors import ParamError, PluginError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.preparation import extract
from voxrack.recipe import RecipeSpec, check_recipe, check_stage, create, find, options, options_for, structural
from voxrack.runs import Run
from voxrack.training import choose_split, described, train_recipe

RATE = 8000


class Plugin:
    def __init__(self, *recipes: Any) -> None:
        self.recipes = recipes

    @hookimpl
    def voxrack_recipes(self):
        return self.recipes


@pytest.fixture
def host(monkeypatch) -> Iterator[Host]:
    made = Host({"toy": Plugin(SPEC)}, discover=False)
    monkeypatch.setattr("voxrack.host.default_host", lambda: made)
    yield made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A manifest of 12 tones by three speakers, one of them an unreadable file."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = ["path,speaker,label"]
    generator = np.random.default_rng(0)
    for number in range(12):
        label = ("low", "high")[number % 2]
        time = np.arange(int(RATE * (0.2 + 0.02 * number))) / RATE
        tone = np.sin(2 * np.pi * (200 if label == "low" else 3000) * time) + 0.1 * generator.normal(size=len(time))
        write(folder / f"{number}.wav", Audio(0.3 * tone, RATE))
        rows.append(f"{number}.wav,{number // 4},{label}")
    (folder / "5.wav").write_text("no audio")
    (folder / "tones.csv").write_text("\n".join(rows) + "\n")
    return folder / "tones.csv"


# ---- the specification ----------------------------------------------------------------------------
def test_options_are_checked_as_parameters_are():
    assert options(SPEC) == {"bands": 4, "width": 8, "rate": 0.01, "dropout": 0.3}
    assert options(SPEC, [("width", "16"), ("rate", "1e-3")]) == {**options(SPEC), "width": 16, "rate": 0.001}
    with pytest.raises(ParamError, match=r"recipe toy\.tone has no parameter 'widht'; did you mean 'width'"):
        options(SPEC, [("widht", "16")])
    with pytest.raises(ParamError, match=r"'width' got .*4000.*1 to 1024"):
        options(SPEC, [("width", "4000")])
    with pytest.raises(ParamError, match="a whole number"):
        options(SPEC, {"width": 2.5})


def test_options_of_the_features_are_taken_from_them():
    values = options_for(SPEC, {"bands": 7}, [("width", "16")])
    assert values == {**options(SPEC), "bands": 7, "width": 16} and structural(SPEC, values) == {"bands": 7}
    assert options_for(SPEC, {"bands": 7}, [("bands", "7")])["bands"] == 7
    with pytest.raises(
        UsageError, match=r"'bands' is 7 in the features, 8 was asked for.*prepare again with --set bands=8"
    ):
        options_for(SPEC, {"bands": 7}, [("bands", "8")])
    with pytest.raises(UsageError, match=r"say nothing of recipe.*'bands'"):
        options_for(SPEC, {})


@pytest.mark.parametrize(
    "spec, said",
    [
        (7, "which is no recipe"),
        (replace(SPEC, factory="toy_recipe"), "not of the form module:function"),
        (replace(SPEC, stages=("train", "bake")), "stage 'bake' is unknown"),
        (replace(SPEC, options=(Param("a", 0.5), Param("a", 0.5))), "'a' is there twice"),
        (replace(SPEC, options=(Param("a", 2.0),)), "defaults do not fit"),
    ],
)
def test_a_specification_that_cannot_work_is_a_failure_of_its_plugin(spec, said):
    assert said in check_recipe(spec)
    host = Host({"toy": Plugin(spec)}, discover=False)
    (status,) = host.plugins()
    assert status.status == "failed" and said in status.error and not host.recipes()


def test_a_recipe_is_made_with_its_options_and_needs():
    assert create(SPEC, options(SPEC)).dropout == 0.3  # pyright: ignore[reportAttributeAccessIssue]
    needy = RecipeSpec("toy.needy", "", "builtins:dict", needs={"enhancer": "processor"})
    assert create(needy, {}, {"enhancer": 1}) == {"needs": {"enhancer": 1}}
    with pytest.raises(PluginError, match="'no_such:thing', which cannot be imported"):
        create(replace(SPEC, factory="no_such:thing"), {})
    with pytest.raises(UsageError, match=r"no recipe 'toy\.tune'; did you mean 'toy\.tone'"):
        find({SPEC.id: SPEC}, "toy.tune")
    with pytest.raises(UsageError, match="has no stage 'train'; it has prepare"):
        check_stage(replace(SPEC, stages=("prepare",)), "train")


# ---- preparing ------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [1, 2])
def test_a_corpus_is_walked_in_its_order_and_what_cannot_be_read_is_noted(corpus, tmp_path, workers):
    found = read_manifest(corpus)
    seen = []
    with FeatureWriter(tmp_path / "f.safetensors", SPEC.id, {"bands": 4}, workers=workers) as writer:
        extract(found, writer, Bands(4), lambda share, text: seen.append((share, text)))
    file = FeatureFile(tmp_path / "f.safetensors")
    names = [utterance.id for utterance in found.utterances]
    left = [name for name in names if name.endswith("5.wav")]
    assert [item.id for item in file.items] == [name for name in names if name not in left]
    ((id, why),) = file.failures
    assert [id] == left and "not an audio file" in why
    assert seen[-1] == (1.0, "12 of 12") and len(seen) == 12
    assert len({item.sha256 for item in file.items}) == 11 and file.items[0].duration == pytest.approx(0.2)
    expected = Bands(4)(read(found.utterances[0].path))["bands"]
    assert np.array_equal(file.get("bands", 0).numpy(), expected.astype(np.float32))


# ---- training on a split --------------------------------------------------------------------------
@pytest.fixture(scope="module")
def features(tmp_path_factory) -> FeatureFile:
    return write_features(tmp_path_factory.mktemp("features") / "f.safetensors")


def test_all_takes_everybody_or_all_but_validation_speakers(features):
    every = choose_split(features.items, "all")
    assert every.train == tuple(range(24)) and not every.test and not every.validation
    some = choose_split(features.items, "all", validation_speakers=1, seed=3)
    assert len(some.validation) == 6 and {*some.train, *some.validation} == set(range(24))
    assert len({features.items[index].speaker for index in some.validation}) == 1
    assert choose_split(features.items, "all", validation_speakers=1, seed=3) == some
    with pytest.raises(UsageError, match="4 validation speakers wanted of 4"):
        choose_split(features.items, "all", validation_speakers=4)


def test_a_fold_is_chosen_by_number_or_name(features):
    second = choose_split(features.items, "loso", "2")
    assert second.name == "toy/1" and choose_split(features.items, "loso", "toy/1") == second
    for fold, said in (("", "say which with --fold"), ("5", "no fold '5': 1 to 4"), ("toy/9", "no fold 'toy/9'")):
        with pytest.raises(UsageError, match=said):
            choose_split(features.items, "loso", fold)


def test_the_run_says_who_was_on_which_side(features, tmp_path):
    named: dict[str, Any] = {"epochs": 1, "accelerator": "cpu"}
    train_recipe(SPEC, features, tmp_path / "run", protocol="loso", fold="1", **named)
    asked = Run(tmp_path / "run").config()["asked"]
    assert asked["split"] == described(choose_split(features.items, "loso", "1"), features.items)
    assert asked["split"]["train"] == 18 and asked["features"] == features.digest and asked["recipe"] == "toy.tone"
    with pytest.raises(UsageError, match=r"split\.name: \"toy/0\" there, \"toy/1\" now"):
        train_recipe(SPEC, features, tmp_path / "run", protocol="loso", fold="2", **named)
    with pytest.raises(UsageError, match=r"prepared for recipe toy\.tone, not for toy\.other"):
        train_recipe(replace(SPEC, id="toy.other"), features, tmp_path / "run", **named)


# ---- the verbs ------------------------------------------------------------------------------------
@pytest.mark.parametrize("verb", ["recipes", "prepare", "train", "evaluate", "runs"])
def test_help_has_examples_exit_codes_and_json(verb):
    text = done(verb, "--help").stdout
    assert "Examples" in text and f"voxrack {verb}" in text and "--json" in text and "Exit codes" in text


def test_recipes_are_listed_with_their_options(host):
    assert "toy.tone" in done("recipes").stdout
    (only,) = json.loads(done("recipes", "--json").stdout)
    one = json.loads(done("recipes", "toy.tone", "--json").stdout)
    assert only == one and [option["id"] for option in one["options"]] == ["bands", "width", "rate", "dropout"]
    text = done("recipes", "toy.tone").stdout
    assert "Bands of the features." in text and "1 to 1024" in text and "folds" in text
    assert run("recipes", "toy.tune").exit_code == 2


def test_prepare_train_and_runs_from_the_command_line(host, corpus, tmp_path):
    features, folder = tmp_path / "f.safetensors", tmp_path / "run"
    prepared = run("prepare", "toy.tone", "--manifest", corpus, "--set", "bands=6", "-o", features)
    assert prepared.exit_code == 1 and "1 recordings left out" in prepared.stdout and "5.wav" in prepared.stdout
    assert "high 5, low 6" in prepared.stdout
    about = json.loads(run("prepare", "toy.tone", "--data", corpus, "--half", "-o", features, "--json").stdout)
    assert (
        about["utterances"] == 11 and about["failures"][0]["id"].endswith("5.wav") and about["options"] == {"bands": 4}
    )
    words = ("train", "toy.tone", "--features", features, "-o", folder, "--epochs", 2, "--accelerator", "cpu")
    trained = run(*words, "--json")
    *epochs, last = lines(trained)
    assert trained.exit_code == 0 and [line["epoch"] for line in epochs] == [1, 2]
    assert last["run"]["state"] == "finished" and weights.load(last["run"]["model"]).metadata["labels"] == [
        "high",
        "low",
    ]
    again = done(*words)
    assert "finished" in again.stdout and "model of epoch 2" in again.stdout
    assert "finished" in done("runs", folder).stdout and json.loads(done("runs", folder, "--json").stdout)["epoch"] == 2
    assert [json.loads(line) for line in done("runs", folder, "--follow", "--json").stdout.splitlines()] == epochs
    other = run(*words, "--set", "width=5")
    assert other.exit_code == 2 and "options.width: 8 there, 5 now" in other.stderr and not other.stdout


def test_a_run_stopped_from_elsewhere_says_how_to_go_on(host, features, tmp_path, monkeypatch):
    from voxrack.commands import recipe_screen

    folder = tmp_path / "run"
    words = ("train", "toy.tone", "--features", features.path, "-o", folder, "--epochs", 3, "--accelerator", "cpu")
    real = recipe_screen.Training.__call__

    def stopping(self: Any, state: Any) -> None:
        real(self, state)
        if state.line and state.epoch == 1:
            assert json.loads(done("runs", folder, "--stop", "--json").stdout)["state"] == "running"

    monkeypatch.setattr(recipe_screen.Training, "__call__", stopping)
    stopped = run(*words)
    assert stopped.exit_code == 1 and "the same command goes on" in stopped.stdout
    monkeypatch.undo()
    assert Run(folder).status()["state"] == "stopped" and Run(folder).status()["epoch"] == 1


def test_ctrl_c_saves_says_how_to_go_on_and_is_130(host, features, tmp_path, monkeypatch):
    import signal

    from voxrack.commands import recipe_screen

    monkeypatch.setattr(
        recipe_screen.Training, "__call__",
        lambda self, state: (setattr(self, "_state", state), signal.raise_signal(signal.SIGINT)),
    )  # fmt: skip
    stopped = run("train", "toy.tone", "--features", features.path, "-o", tmp_path / "run", "--accelerator", "cpu")
    assert stopped.exit_code == 130 and "is saved, the same command goes on" in stopped.stderr
    assert Run(tmp_path / "run").outcome["state"] == "stopped"
    assert len(list(Run(tmp_path / "run").checkpoints.iterdir())) == 1


@pytest.mark.parametrize(
    "words, said",
    [
        (["prepare", "toy.tone", "-o", "OUT/f.safetensors"], "name what to prepare"),
        (["prepare", "toy.tone", "--data", "OUT/none", "-o", "OUT/f.safetensors"], "none"),
        (["prepare", "toy.tone", "--data", "CORPUS", "-o", "OUT/f.npz"], "ends in .safetensors"),
        (["prepare", "toy.tone", "--data", "CORPUS", "--set", "bands=0", "-o", "OUT/f.safetensors"], "1 to 16"),
        (["train", "toy.tone", "--features", "OUT/none.safetensors", "-o", "OUT/run"], "does not exist"),
        (["train", "toy.tone", "--features", "FEATURES", "-o", "OUT/run", "--protocol", "nonsense"], "no protocol"),
        (["train", "toy.tone", "--features", "FEATURES", "-o", "OUT/run", "--accelerator", "tpu9"], "accelerator"),
        (["runs", "OUT"], "holds no run"),
    ],
)
def test_wrong_use_and_bad_input_are_told_in_one_line(host, corpus, features, tmp_path, words, said):
    places = {"CORPUS": str(corpus), "FEATURES": str(features.path), "OUT/": f"{tmp_path}/"}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    result = run(*(str(tmp_path) if word == "OUT" else word for word in words))
    assert result.exit_code in (2, 3) and said in result.stderr and not result.stdout
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_feature_file_stands_where_preparing_was_interrupted(host, corpus, tmp_path, monkeypatch):
    features = tmp_path / "f.safetensors"
    run("prepare", "toy.tone", "--data", corpus, "-o", features)
    before = features.read_bytes()

    def interrupt(self: Any, audio: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bands, "__call__", interrupt)
    assert run("prepare", "toy.tone", "--data", corpus, "--set", "bands=9", "-o", features).exit_code == 130
    assert features.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["f.safetensors"]
