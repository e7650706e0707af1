"""Stopping, killing and going on change nothing, bit for bit."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from loop_bench import EPOCHS, STEPS, after, go, same

from voxrack.errors import Stopped
from voxrack.runs import Run


@pytest.mark.parametrize("steps", [1, STEPS - 1, STEPS, 2 * STEPS + 2])
def test_a_stopped_run_goes_on_bit_for_bit(features, straight, tmp_path, steps):
    stopped = go(features, tmp_path / "run", stop=after(steps))
    assert not stopped.finished and stopped.status()["state"] == "stopped"
    resumed = go(features, tmp_path / "run")
    assert resumed.finished and len(resumed.config()["sessions"]) == 2
    same(resumed, straight)


def test_a_run_stopped_after_every_step_goes_on_bit_for_bit(features, straight, tmp_path):
    for _ in range(STEPS * EPOCHS):
        run = go(features, tmp_path / "run", stop=lambda: True)
    same(run if run.finished else go(features, tmp_path / "run"), straight)


@pytest.mark.parametrize("number, error", [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Stopped)])
def test_signals_save_first(features, straight, tmp_path, monkeypatch, number, error):
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(error):
            go(features, tmp_path / "run", stop=after(7, lambda: signal.raise_signal(number)))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [path.name for path in Run(tmp_path / "run").checkpoints.iterdir()] == ["0001-000002"]
    same(go(features, tmp_path / "run"), straight)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
import torch
from loop_bench import go
from voxrack.feature_file import FeatureFile
torch.set_num_threads(1)

asked = iter(range(1, 100))
def stop():
    if next(asked) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
go(FeatureFile({features!r}), Path({run!r}), stop=stop, save_every={every})
"""


@pytest.mark.parametrize("every, kept", [(0.0, 1), (1e9, 0)])
def test_kill_9_in_an_epoch_then_the_same_command_ends_with_the_same_weights(features, straight, tmp_path, every, kept):
    folder, tests = tmp_path / "run", Path(__file__).parents[2]
    code = KILLED.format(tests=str(tests), features=str(features.path), run=str(folder), every=every)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    run = Run(folder)
    assert run.status()["state"] == "interrupted"
    assert len(list(run.checkpoints.glob("0*"))) == kept
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 2, "steps": 5, "tra')  # what a kill in the middle of a line leaves
    assert len(run.metrics()) == 1
    same(go(features, folder), straight)


def test_a_file_stop_ends_it_with_a_checkpoint(features, straight, tmp_path):
    folder = tmp_path / "run"
    run = go(features, folder, progress=lambda state: state.line and Run(folder).ask_to_stop())
    assert run.outcome["state"] == "stopped" and "STOP" in run.outcome["why"] and run.outcome["epoch"] == 1
    assert not (folder / "STOP").exists()
    same(go(features, folder), straight)


def test_a_finished_run_is_returned_as_it_is(features, straight):
    before = (straight.folder / "model.safetensors").stat().st_mtime_ns
    again = go(features, straight.folder)
    assert again.finished and (straight.folder / "model.safetensors").stat().st_mtime_ns == before
    assert len(again.config()["sessions"]) == 1
