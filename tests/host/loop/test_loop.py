"""The training loop: what a run leaves, and that it is the same every time."""

from __future__ import annotations

import math

import pytest
import torch
from loop_bench import STEPS, go, same
from toy_recipe import ToneTask

from voxrack import engine, weights
from voxrack.errors import UsageError


def test_a_run_leaves_a_model_a_line_an_epoch_and_no_checkpoints(straight):
    assert straight.finished and straight.status()["state"] == "finished"
    lines = straight.metrics()
    assert [line["epoch"] for line in lines] == [1, 2, 3] and all(line["steps"] == STEPS for line in lines)
    assert all(math.isfinite(line["train"]["loss"]) and line["seconds"] > 0 for line in lines)
    assert {"accuracy"} == lines[0]["validation"].keys() and "model" in lines[0]["learning_rate"]
    made = weights.load(straight.folder)
    assert made.metadata["labels"] == ["high", "low"] and made.metadata["training"]["seed"] == 1
    assert not straight.checkpoints.exists()


def test_it_learns(features, tmp_path):
    lines = go(features, tmp_path / "run", epochs=30).metrics()
    assert lines[-1]["train"]["loss"] < 0.7 * lines[0]["train"]["loss"]


def test_the_same_seed_gives_the_same_file_and_another_seed_another(features, straight, tmp_path):
    again = go(features, tmp_path / "again")
    assert weights.load(again.folder).sha256 == weights.load(straight.folder).sha256
    other = go(features, tmp_path / "other", seed=2)
    assert not torch.equal(
        weights.load(other.folder).tensors["0.weight"], weights.load(again.folder).tensors["0.weight"]
    )


def test_the_callers_random_state_is_left_alone(features, tmp_path):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    go(features, tmp_path / "run", epochs=1)
    assert torch.equal(torch.rand(3), wanted)


def test_without_fabric_the_result_is_the_same_and_config_says_so(features, straight, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_FABRICS", ("no_such_fabric",))
    plain = go(features, tmp_path / "plain")
    same(plain, straight)
    assert plain.config()["sessions"][0]["engine"].startswith("plain: one device, without")
    assert straight.config()["sessions"][0]["engine"].startswith("lightning")
    with pytest.raises(UsageError, match="2 devices need Lightning Fabric"):
        go(features, tmp_path / "two", devices=2)


def test_bfloat16_is_used_where_asked_for(features, tmp_path):
    seen = []

    class Looking(ToneTask):
        def loss(self, batch, generator):
            seen.append(self.modules["model"](batch["x"]).dtype)
            return super().loss(batch, generator)

    go(features, tmp_path / "run", task=Looking, epochs=1, precision="bf16-mixed")
    assert set(seen) == {torch.bfloat16}
    with pytest.raises(UsageError, match="16-mixed needs a GPU"):
        go(features, tmp_path / "half", precision="16-mixed")
    with pytest.raises(UsageError, match=r"precision '8'.*32-true"):
        go(features, tmp_path / "odd", precision="8")
