"""Which epoch is exported where validation speakers decide."""

from __future__ import annotations

import math

import pytest
import torch
from loop_bench import SPLIT, go
from toy_recipe import ToneTask

from voxrack import loop, weights
from voxrack.errors import UsageError
from voxrack.task import seeded


class Scripted(ToneTask):
    """Validates to given numbers, and notes the weights of each epoch."""

    scores: tuple[float, ...] = (0.1, 0.5, 0.2, 0.3, 0.9)
    patience = 2

    def validate(self):
        self.seen = [*getattr(self, "seen", []), self.modules["model"][0].weight.clone()]
        assert not self.modules["model"].training
        return {"accuracy": self.scores[len(self.seen) - 1]}


def test_patience_ends_it_and_the_best_epoch_is_exported(features, tmp_path):
    with seeded(1):
        task = Scripted(features, SPLIT)
    run = loop.train(task, tmp_path / "run", epochs=5, accelerator="cpu")
    assert len(run.metrics()) == 4 and "no better accuracy than in epoch 2" in run.outcome["why"]
    assert run.outcome["best"] == {"epoch": 2, "monitor": "accuracy", "value": 0.5}
    assert torch.equal(weights.load(run.folder).tensors["0.weight"], task.seen[1])
    assert weights.load(run.folder).metadata["training"]["epoch"] == 2
    assert [line["best"] for line in run.metrics()] == [True, True, False, False]


def test_lower_is_better_where_the_mode_says_so_and_a_loss_is_never_maximised(features, tmp_path):
    class Lower(Scripted):
        mode, scores = "min", (0.5, math.nan, 0.1, 0.2, 0.3)

    run = go(features, tmp_path / "run", task=Lower, epochs=5)
    assert run.outcome["best"]["epoch"] == 3 and run.metrics()[1]["validation"] == {"accuracy": None}
    with seeded(1):
        task = ToneTask(features, SPLIT)
    task.monitor = "loss"
    with pytest.raises(UsageError, match="keeps the worst epoch"):
        loop.train(task, tmp_path / "loss", accelerator="cpu")


def test_a_monitor_that_is_not_measured_is_named(features, tmp_path):
    with seeded(1):
        task = ToneTask(features, SPLIT)
    task.monitor = "uar"
    with pytest.raises(UsageError, match="monitors 'uar', but validates accuracy"):
        loop.train(task, tmp_path / "run", accelerator="cpu")
