"""What a training refuses or stops at, by name: another run's folder, a loss that is not finite, a full disk."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch
from loop_bench import STEPS, after, go, same
from toy_recipe import ToneTask

from voxrack import checkpoint, loop
from voxrack.errors import UsageError, VoxrackError
from voxrack.runs import Run


def test_another_configuration_is_refused_by_the_name_of_what_differs(features, straight, tmp_path):
    with pytest.raises(UsageError, match="seed: 1 there, 2 now"):
        go(features, straight.folder, seed=2)
    with pytest.raises(UsageError, match="epochs: 3 there, 4 now"):
        go(features, straight.folder, epochs=4)
    folder = tmp_path / "run"
    go(features, folder, epochs=1, about={"options": {"width": 8, "rate": 0.01}})
    with pytest.raises(UsageError, match=r"options\.width: 8 there, 16 now"):
        go(features, folder, epochs=1, about={"options": {"width": 16, "rate": 0.01}})
    with pytest.raises(UsageError, match="holds a run already"):
        go(features, folder, epochs=1, about={"options": {"width": 8, "rate": 0.01}}, resume=False)


def test_a_folder_of_other_things_is_refused(features, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds other things \(thesis\.txt\)"):
        go(features, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thesis.txt"]


def test_a_run_in_hand_is_refused_to_others(features, tmp_path):
    said = []

    def meanwhile():
        assert Run(tmp_path / "run").status()["state"] == "running"
        with pytest.raises(UsageError, match="is being trained by another voxrack") as caught:
            go(features, tmp_path / "run")
        said.append(str(caught.value))

    go(features, tmp_path / "run", epochs=1, stop=after(2, meanwhile))
    assert f"process {os.getpid()}" in said[0]


class Diverging(ToneTask):
    def loss(self, batch, generator):
        value, numbers = super().loss(batch, generator)
        self.asked = getattr(self, "asked", 0) + 1
        return (value * math.nan if self.asked == STEPS + 3 else value), numbers


def test_a_loss_that_is_not_finite_names_epoch_and_step_and_what_to_try(features, tmp_path):
    with pytest.raises(loop.NotFinite, match=r"loss became nan in epoch 2, step 3.*lower learning rate"):
        go(features, tmp_path / "run", task=Diverging, save_every=0.0)
    run = Run(tmp_path / "run")
    assert run.status()["state"] == "failed" and "epoch 2, step 3" in run.outcome["why"]
    state = checkpoint.load(next(run.checkpoints.glob("0*")))
    assert all(tensor.isfinite().all() for tensor in state["stepper"]["modules"]["model"].values())


def test_gpu_style_late_reading_still_names_the_step():
    from voxrack.epoch_log import EpochLog, NotFinite

    log = EpochLog(every=20)
    for step in range(1, 6):
        log.add({"loss": torch.tensor(math.inf if step == 3 else 1.0), "accuracy": 0.5}, 1, step)
    with pytest.raises(NotFinite, match="loss became inf in epoch 1, step 3"):
        log.means()


def test_a_full_disk_stops_with_the_reason_and_keeps_the_old_checkpoint(features, straight, tmp_path, monkeypatch):
    run = go(features, tmp_path / "run", stop=after(7))
    real = checkpoint._write

    def full(path: Path, data: bytes) -> str:
        if path.name == "state.json":
            raise OSError(28, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(VoxrackError, match="no space is left"):
        go(features, tmp_path / "run", stop=after(3))
    assert [path.name for path in run.checkpoints.iterdir()] == ["0001-000002"]
    assert run.status()["state"] == "failed"
    monkeypatch.undo()
    same(go(features, tmp_path / "run"), straight)
