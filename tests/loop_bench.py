"""A toy training for the tests of the loop: 3 epochs of 5 steps, and what makes two runs the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from toy_recipe import ToneTask

from voxrack import loop, weights
from voxrack.datasets import Split
from voxrack.runs import Run
from voxrack.task import seeded

SPLIT = Split("toy", tuple(range(18)), (), tuple(range(18, 24)))
STEPS = 5  # batches an epoch: 18 items, 4 a batch
EPOCHS = 3


def go(features: Any, folder: Path, *, task: type[ToneTask] = ToneTask, **named: Any) -> Run:
    with seeded(1, "weights"):
        made = task(features, SPLIT)
    return loop.train(made, folder, **{"seed": 1, "epochs": EPOCHS, "accelerator": "cpu", **named})


def after(steps: int, then: Callable[[], Any] = lambda: True) -> Callable[[], Any]:
    """A ``stop`` that acts when it is asked for the ``steps``-th time."""
    asked = iter(range(1, 10**6))
    return lambda: then() if next(asked) == steps else False


def measures(run: Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in run.metrics()]


def same(one: Run, other: Run) -> None:
    """Weights equal bit for bit, and so are the logs (but for the seconds)."""
    mine, theirs = weights.load(one.folder), weights.load(other.folder)
    assert mine.tensors.keys() == theirs.tensors.keys()
    for key, tensor in mine.tensors.items():
        assert torch.equal(tensor, theirs.tensors[key]), key
    assert measures(one) == measures(other)
