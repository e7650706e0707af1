"""Several processes share the batches and train one model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from voxrack import engine
from voxrack.runs import Run


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("count, world", [(6, 2), (7, 2), (7, 3), (1, 2), (2, 3)])
def test_processes_share_all_batches_and_get_equally_many(kind, count, world):
    shares = [list(engine.share(kind(range(count)), world, rank, 0)) for rank in range(world)]
    assert {len(share) for share in shares} == {-(-count // world)}
    assert {batch for share in shares for batch in share} == set(range(count))
    for rank, mine in enumerate(shares):
        assert list(engine.share(kind(range(count)), world, rank, 1)) == mine[1:]


def test_two_processes_train_one_model(features, tmp_path):
    """Strategy ddp on the CPU: the mean gradient of two half batches is that of the whole one."""
    words = ["toy_recipe:SPEC", features.path, tmp_path / "run", "--devices", 2, "--accelerator", "cpu", "--epochs", 2]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "voxrack.bare", *map(str, words)], env=env, capture_output=True, text=True
    )
    assert ended.returncode == 0, (ended.stderr, time.monotonic() - began)
    assert json.loads(ended.stdout)["state"] == "finished"  # said once, by the first process
    run = Run(tmp_path / "run")
    assert [line["steps"] for line in run.metrics()] == [3, 3]  # 24 items, 4 a batch, 2 processes
    assert run.config()["asked"]["devices"] == 2
