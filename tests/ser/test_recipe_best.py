"""The recipe of ser.best: it learns, what it exports is the averaged network, and a stopped run goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ser.small_features import features

from voxrack import weights
from voxrack.datasets import splits
from voxrack.feature_file import FeatureFile
from voxrack.loop import train
from voxrack.recipe import check_recipe, create, options
from voxrack.task import seeded
from voxrack_ser.evaluation_runs import predict
from voxrack_ser.recipes.best import HOP, WINDOW, BestRecipe, BestTask
from voxrack_ser.specs import RECIPES

SPEC = next(spec for spec in RECIPES if spec.id == "ser.best")


def recipe(**settings: Any) -> BestRecipe:
    return create(SPEC, options(SPEC, {"members": 1, "batch": 8, "epochs": 3, **settings}))


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> FeatureFile:
    return features(tmp_path_factory.mktemp("best") / "f.safetensors", bands=84, takes=3, frames=(40, 120))


def task(file: FeatureFile, **settings: Any) -> BestTask:
    with seeded(0):
        return recipe(**settings).task(file, splits(file.items, "kfold:2")[0], seed=0, epochs=None)


def test_options_are_explained_and_arrive():
    assert check_recipe(SPEC) == ""
    assert all(param.help for param in SPEC.options)
    made = recipe(noise=0.6, shift=1.5, temperature=0.7, window_temperature=0.8, smoothing=0.2)
    assert (made.augmentation.noise, made.augmentation.shift, made.smoothing) == (0.6, 1.5, 0.2)
    assert (made.temperature, made.window_temperature) == (0.7, 0.8)


def test_what_is_exported_is_the_average_and_what_is_measured(file, tmp_path):
    made = task(file, temperature=0.5)
    run = train(made, tmp_path / "run", seed=1, accelerator="cpu")
    found = weights.load(run.model_file)
    for name, tensor in made.averaged.state_dict().items():
        assert torch.equal(found.tensors[name], tensor)
    moved = [n for n, p in made.network.named_parameters() if not torch.equal(p, found.tensors[n])]
    assert moved  # the network in training is ahead of its average
    assert (found.metadata["device"], found.metadata["network"]) == ("ser.best", "best")
    assert found.metadata["temperature"] == 0.5
    rows = list(made.split.test)
    chances, labels = predict(found, file, rows)
    raw = np.log(made.probabilities(rows)) / 0.5
    wanted = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    assert labels == made.labels
    assert np.allclose(chances, wanted, atol=1e-5)


def test_a_stopped_run_ends_with_the_same_weights(file, tmp_path):
    whole = train(task(file), tmp_path / "whole", seed=1, accelerator="cpu")
    steps = iter(range(1000))
    train(task(file), tmp_path / "stopped", seed=1, accelerator="cpu", stop=lambda: next(steps) == 2)
    resumed = train(task(file), tmp_path / "stopped", seed=1, accelerator="cpu")
    one, other = weights.load(whole.model_file), weights.load(resumed.model_file)
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())


def test_learning_rate_rises_and_falls(file):
    made = task(file, epochs=20)
    optimisers = made.optimisers()
    scheduler = made.schedulers(optimisers)["network"]
    rates = []
    for _ in range(20):
        rates.append(optimisers["network"].param_groups[0]["lr"])
        optimisers["network"].step()
        scheduler.step()
    peak = int(np.argmax(rates))
    assert 3 <= peak <= 4
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)
    assert rates[-1] < 0.01 * max(rates)


def test_it_learns_an_easy_corpus(file, tmp_path):
    made = task(file, epochs=8, learning_rate=5e-3, noise=0.0, masks=0.0)
    train(made, tmp_path / "run", seed=0, accelerator="cpu")
    rows = list(made.split.train)
    right = [made.labels[int(row.argmax())] for row in made.probabilities(rows)]
    assert np.mean([word == file.items[index].label for word, index in zip(right, rows, strict=True)]) > 0.6


def test_windows_are_those_of_an_analyzer(file, tmp_path):
    made = task(file, epochs=1)
    found = weights.load(Path(train(made, tmp_path / "run", accelerator="cpu").model_file))
    rows = list(made.split.test)
    owners, chances = recipe().windows(found, file, rows)
    speech = [len(made._load(row)) for row in rows]
    wanted = [max(1, (length - WINDOW) // HOP + 1) for length in speech]
    assert [int((owners == place).sum()) for place in range(len(rows))] == wanted
    assert np.allclose(chances.sum(axis=1), 1.0)
