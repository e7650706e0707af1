"""Training to look at: the run in its own process, stopped, taken up again, and told to the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from voxrack.errors import InputError, UsageError, VoxrackError

pytest.importorskip("anywidget", reason="needs the extra notebook")

from voxrack.notebook.training import LiveTraining, TrainingModel, train_command

PROGRAM = """
import sys
import torch
from torch import nn
from voxrack.loop import train
from voxrack.task import Task

class Line(Task):
    epochs = 400
    def __init__(self):
        self.modules = {"line": nn.Linear(1, 1)}
    def optimisers(self):
        return {"line": torch.optim.SGD(self.modules["line"].parameters(), lr=0.01)}
    def batches(self, epoch, generator):
        import time
        time.sleep(0.02)
        return [torch.ones(4, 1)]
    def loss(self, batch, generator):
        found = self.modules["line"](batch).square().mean()
        return found, {"loss": found}
    def export(self):
        return dict(self.modules["line"].state_dict()), {}

train(Line(), sys.argv[1], epochs=int(sys.argv[2]))
"""


class Watched:
    """A model whose messages are kept, over a run of a tiny task."""

    def __init__(self, folder: Path, epochs: int, program: str = PROGRAM) -> None:
        self.sent: list[dict] = []
        command = [sys.executable, "-c", program, str(folder), str(epochs)]
        self.model = TrainingModel(
            lambda content, _: self.sent.append(json.loads(json.dumps(content))), folder, command
        )


def test_a_run_is_stopped_and_taken_up_again_and_the_page_hears_of_it(tmp_path):
    watched = Watched(tmp_path / "run", 400)
    model = watched.model
    model.start()
    assert model.wait(epochs=2) == "running"
    model.receive({"type": "stop"})
    assert model.wait() == "stopped"
    reached = model.state()["epoch"]
    assert 2 <= reached < 400
    again = Watched(tmp_path / "run", 400)
    assert again.model.state()["state"] == "stopped"  # another process sees the same
    model.receive({"type": "start"})
    assert model.wait(epochs=reached + 1) == "running"
    model.stop()
    assert model.wait() == "stopped"
    epochs = [line["epoch"] for line in model.state()["lines"]]
    assert epochs == list(range(1, len(epochs) + 1))
    assert epochs[-1] > reached
    assert {message["state"] for message in watched.sent} >= {"running", "stopped"}
    assert watched.sent[-1]["lines"] == model.state()["lines"]


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    model = Watched(tmp_path / "run", 3).model
    model.start()
    assert model.wait() == "finished"
    assert (tmp_path / "run" / "model.safetensors").is_file()
    model.start()
    assert model.state()["state"] == "finished"


def test_what_kills_the_training_is_told(tmp_path):
    watched = Watched(tmp_path / "run", 3, "raise SystemExit('the features are of another recipe')")
    watched.model.start()
    with pytest.raises(VoxrackError, match=r"failed: the features are of another recipe"):
        watched.model.wait()
    watched.model.receive({"type": "ready"})
    assert watched.sent[-1]["state"] == "failed"
    assert watched.sent[-1]["why"] == "the features are of another recipe"


def test_a_run_of_somebody_else_is_watched_only(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        LiveTraining(tmp_path)
    model = Watched(tmp_path / "run", 2).model
    model.start()
    model.wait()
    watching = LiveTraining(tmp_path / "run")
    assert (watching.state, watching.wait()) == ("finished", "finished")
    with pytest.raises(UsageError, match="only watched here"):
        watching.resume()


def test_the_command_is_the_one_of_the_command_line():
    words = train_command("runs/a", "ser.mfcc_cnn", "f.safetensors", {"n_fft": 2048}, {"epochs": 4, "validation": 2})
    expected = (
        "-m voxrack train ser.mfcc_cnn --features f.safetensors -o runs/a --epochs 4 --validation 2 --set n_fft=2048"
    )
    assert " ".join(words[1:]) == expected
    from voxrack.cli import cli

    train = cli.get_command(None, "train")  # pyright: ignore[reportArgumentType]
    train.make_context("train", words[4:])  # every option is one that the verb knows
