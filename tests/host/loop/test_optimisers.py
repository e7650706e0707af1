"""Several losses and optimisers in one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from loop_bench import after, same
from torch import nn

from voxrack import loop, weights
from voxrack.errors import UsageError
from voxrack.runs import Run
from voxrack.task import Task, seeded


class Adversarial(Task):
    """A generator and a critic, each with its own optimiser; the graph of one runs through the other."""

    epochs, clip = 2, 0.5

    def __init__(self) -> None:
        self.modules = {"generator": nn.Linear(3, 3), "critic": nn.Linear(3, 1)}
        self.norms: list[float] = []

    def optimisers(self):
        return {name: torch.optim.SGD(module.parameters(), 0.1) for name, module in self.modules.items()}

    def batches(self, epoch, generator):
        return [torch.randn(4, 3, generator=generator) for _ in range(3)]

    def step(self, batch, loop):
        before = {name: module.weight.detach().clone() for name, module in self.modules.items()}
        made = self.modules["generator"](batch + torch.randn(4, 3, generator=loop.generator))
        critical = (100 * self.modules["critic"](made.detach()) - 1).square().mean()
        loop.minimise(critical, "critic")
        assert torch.equal(self.modules["generator"].weight, before["generator"])
        moved = self.modules["critic"].weight.detach().clone()
        biased = self.modules["critic"].bias.grad
        fooling = -self.modules["critic"](made).mean()
        loop.minimise(fooling, "generator")
        assert torch.equal(self.modules["critic"].weight, moved) and biased is None
        step = torch.cat([(moved - before["critic"]).reshape(-1)])
        self.norms.append(float(step.norm()) / 0.1)
        return {"loss": fooling, "critic_loss": float(critical.detach())}


def test_each_loss_moves_its_own_optimiser_and_gradients_are_clipped(tmp_path):
    with seeded(1):
        task = Adversarial()
    run = loop.train(task, tmp_path / "run", accelerator="cpu")
    assert run.finished and {"loss", "critic_loss"} == run.metrics()[0]["train"].keys()
    assert max(task.norms) <= 0.5 + 1e-5 and max(task.norms) > 0.1
    assert {"generator.weight", "critic.bias"} <= weights.load(run.folder).tensors.keys()


def test_several_optimisers_resume_bit_for_bit(tmp_path):
    def run(folder: Path, **named: Any) -> Run:
        with seeded(1):
            task = Adversarial()
        return loop.train(task, folder, accelerator="cpu", **named)

    whole = run(tmp_path / "whole")
    run(tmp_path / "part", stop=after(4))
    same(run(tmp_path / "part"), whole)


def test_a_task_without_batches_or_without_gradients_says_so(tmp_path):
    class Empty(Adversarial):
        def batches(self, epoch, generator):
            return []

    with pytest.raises(UsageError, match="training set is empty"):
        loop.train(Empty(), tmp_path / "empty", accelerator="cpu")

    class Idle(Adversarial):
        def step(self, batch, loop):
            loop.advance("critic")
            return {}

    with pytest.raises(UsageError, match="optimiser 'critic' has no gradients"):
        loop.train(Idle(), tmp_path / "idle", accelerator="cpu")
