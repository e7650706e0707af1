"""Training to look at: the run in its own process, stopped, taken up again, and told to the page."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ser.tiny_features import tiny_features

from voxrack import default_host, weights
from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.feature_file import FeatureFile
from voxrack.runs import Run
from voxrack.training import train_recipe

pytest.importorskip("anywidget", reason="needs the extra notebook")

from voxrack.notebook.listening import Listener, current_weights
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
    watching.resume()  # nothing is left to do
    sent: list[dict] = []
    stopped = TrainingModel(lambda content, _: sent.append(content), stopped_run(tmp_path / "stopped"))
    with pytest.raises(UsageError, match="only watched here"):
        stopped.start()
    stopped.receive({"type": "start"})  # a page that is old asks in vain
    assert stopped.state()["state"] == "stopped"


def stopped_run(folder: Path) -> Path:
    """A run of a program, stopped after its second epoch."""
    model = Watched(folder, 400).model
    model.start()
    model.wait(epochs=2)
    model.stop()
    assert model.wait() == "stopped"
    return folder


def begun(folder: Path, features: FeatureFile) -> Path:
    """A run of one of our recipes in another process than the watching one's, stopped after its first epoch."""
    train_recipe(
        default_host().recipes()["ser.mfcc_cnn"], features, folder, epochs=2, accelerator="cpu",
        stop=lambda: bool(Run(folder).metrics()),
    )  # fmt: skip
    return folder


def test_a_run_that_was_begun_elsewhere_goes_on_from_its_folder(tmp_path):
    live = LiveTraining(begun(tmp_path / "run", tiny_features(tmp_path / "features.safetensors")))
    assert (live.state, live.run.status()["epoch"], live.controller.lacking()) == ("stopped", 1, "")
    live.controller.receive({"type": "start"})
    assert live.wait(120) == "finished"
    assert [line["epoch"] for line in live.run.metrics()] == [1, 2]
    assert len(live.run.config()["sessions"]) == 2


def test_the_page_is_told_what_a_run_lacks(tmp_path):
    program = LiveTraining(stopped_run(tmp_path / "program"))
    sent: list[dict] = []
    program.controller.send = lambda content, _: sent.append(json.loads(json.dumps(content)))
    program.controller.receive({"type": "ready"})
    assert sent[-1]["lacks"].startswith("it was begun by a program")
    with pytest.raises(UsageError, match="cannot go on from here: it was begun by a program"):
        program.resume()
    with pytest.raises(UsageError, match="leave epochs out"):
        LiveTraining(tmp_path / "program", epochs=3)


def test_a_refusal_to_go_on_is_told(tmp_path):
    """The features are there, and are not those that it was trained from."""
    folder = begun(tmp_path / "run", tiny_features(tmp_path / "features.safetensors"))
    others = tiny_features(tmp_path / "others.safetensors", seed=1).path
    live = LiveTraining(folder, features=others)
    live.resume()
    with pytest.raises(VoxrackError, match="holds other features than"):
        live.wait(120)
    assert live.state == "failed"
    mended = LiveTraining(folder)
    assert mended.state == "stopped"  # nothing happened to it


def test_the_command_is_the_one_of_the_command_line():
    words = train_command("runs/a", "ser.mfcc_cnn", "f.safetensors", {"n_fft": 2048}, {"epochs": 4, "validation": 2})
    expected = (
        "-m voxrack train ser.mfcc_cnn --features f.safetensors -o runs/a --epochs 4 --validation 2 --set n_fft=2048"
    )
    assert " ".join(words[1:]) == expected
    from voxrack.cli import cli

    train = cli.get_command(None, "train")  # pyright: ignore[reportArgumentType]
    train.make_context("train", words[4:])  # every option is one that the verb knows


# ---- listening ----------------------------------------------------------------------------------
def finished(folder: Path, model: Path, recipe: str) -> Path:
    """The folder of a run that has ended with these weights."""
    folder.mkdir()
    asked = {"recipe": recipe, "epochs": 3}
    config = {"format": "voxrack.run", "version": 1, "made": "", "asked": asked, "sessions": []}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.jsonl").write_text("")
    (folder / "outcome.json").write_text(json.dumps({"state": "finished", "why": "all 3 epochs", "epoch": 3}))
    model.rename(folder / "model.safetensors")
    return folder


def test_what_a_recogniser_hears_is_told(tmp_path):
    from random_recogniser import random_recogniser

    from voxrack.testing import voice

    model = random_recogniser(tmp_path / "random.safetensors", training={"epoch": 3})
    folder = finished(tmp_path / "run", model, "ser.mfcc_cnn")
    watching = LiveTraining(folder, listen=voice(2.0, 16_000))
    said = watching.listen(120)
    assert re.fullmatch(r"after epoch 3: (neutral|happy|sad|angry|unsure|no speech)(, [01]\.\d\d sure)?", said)
    assert watching.player.names == ("as it came",)


def test_what_an_enhancer_makes_is_heard_and_the_latest_few_are_kept(tmp_path):
    from random_enhancer import random_enhancer

    from voxrack import Audio, default_host, render
    from voxrack.testing import voice

    model = random_enhancer(tmp_path / "random.safetensors")
    folder = finished(tmp_path / "run", model, "enhance.light")
    noisy = voice(0.5, 16_000)
    watching = LiveTraining(Run(folder), listen=noisy)
    assert watching.listen(120) == "before the first epoch is done: in the player"
    assert watching.player.names == ("as it came", "epoch 0")
    device = default_host().create("enhance.light", weights=str(folder / "model.safetensors"))
    heard = watching.player.controller.takes["epoch 0"].samples
    assert np.array_equal(heard, render(device, noisy, tail=False).samples)
    for epoch in range(1, 7):
        watching._hear(f"epoch {epoch}", Audio(noisy.samples, 16_000))
    assert watching.player.names == ("as it came", "epoch 3", "epoch 4", "epoch 5", "epoch 6")


def test_a_run_that_is_trained_gives_its_weights_of_the_moment(tmp_path):
    watched = Watched(tmp_path / "run", 4000)
    watched.model.start()
    watched.model.wait(epochs=2)
    file = current_weights(watched.model.run)
    assert file.name == "snapshot.safetensors"
    first = weights.load(file).metadata["training"]["epoch"]
    assert first >= 2
    watched.model.wait(epochs=first + 3)
    assert weights.load(current_weights(watched.model.run)).metadata["training"]["epoch"] > first
    watched.model.stop()
    watched.model.wait()
    assert current_weights(watched.model.run) == file  # of a run that stands still the last one


def test_without_weights_the_page_is_told_why(tmp_path):
    from voxrack.testing import voice

    watched = Watched(tmp_path / "run", 3)
    watched.model.start()
    watched.model.wait()
    listener = Listener(watched.model.run, voice(0.5, 16_000))
    model = TrainingModel(watched.model.send, tmp_path / "run", (), listener)
    model.receive({"type": "listen"})
    assert "makes no device to listen with" in model.listened(60)
    assert watched.sent[-1]["failed"]
    with pytest.raises(UsageError, match="give a recording as listen="):
        watched.model.listen()
