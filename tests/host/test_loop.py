"""The training loop: what it makes, and that stopping, killing and resuming change nothing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from toy_recipe import ToneTask, write_features

from voxrack import checkpoint, engine, loop, weights
from voxrack.datasets import Split
from voxrack.errors import Stopped, UsageError, VoxrackError
from voxrack.runs import Run, follow
from voxrack.task import Task, seeded

SPLIT = Split("toy", tuple(range(18)), (), tuple(range(18, 24)))
STEPS = 5  # batches an epoch: 18 items, 4 a batch
EPOCHS = 3


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Bit for bit holds for one number of threads, and other tests of this process may have changed it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


@pytest.fixture(scope="module")
def straight(features, tmp_path_factory):
    """A run that nobody stopped."""
    return go(features, tmp_path_factory.mktemp("straight") / "run")


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


# ---- what a run leaves ----------------------------------------------------------------------------
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


# ---- stopping and going on ------------------------------------------------------------------------
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
sys.path[:0] = [{tests!r}, {host!r}]
import torch
from test_loop import go
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
    folder, here = tmp_path / "run", Path(__file__).parent
    code = KILLED.format(
        tests=str(here.parent), host=str(here), features=str(features.path), run=str(folder), every=every
    )
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


# ---- refusals -------------------------------------------------------------------------------------
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


# ---- the best epoch -------------------------------------------------------------------------------
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


# ---- several optimisers ---------------------------------------------------------------------------
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


# ---- watching -------------------------------------------------------------------------------------
def test_follow_gives_each_line_as_it_comes_and_ends_with_the_run(features, tmp_path):
    folder, seen, waiting = tmp_path / "run", [], threading.Event()

    def watch() -> None:
        for line in follow(folder, every=0.01):
            seen.append(line)
            waiting.set()

    thread = threading.Thread(target=watch)

    def wait(state: Any) -> None:
        if state.line and state.epoch == 1:
            thread.start()
            assert waiting.wait(60)  # the first line arrives while the run is in hand

    run = go(features, folder, progress=wait)
    thread.join(60)
    assert seen == run.metrics() and not thread.is_alive()


def test_progress_tells_rate_remaining_and_loss(features, tmp_path, monkeypatch):
    from voxrack import pace

    monkeypatch.setattr(pace, "_LOOK", 0.0)
    seen = []
    go(features, tmp_path / "run", progress=seen.append)
    assert [state.epoch for state in seen if state.line] == [1, 2, 3]
    middle = next(state for state in seen if state.epoch == 1 and state.step == 2)
    assert middle.rate > 0 and middle.remaining > 0 and math.isfinite(middle.loss) and 0 < middle.share < 1
    assert middle.text().startswith("epoch 2 of 3 · step 2") and "left" in middle.text()


# ---- several processes ----------------------------------------------------------------------------
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
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "voxrack.bare", *map(str, words)], env=env, capture_output=True, text=True
    )
    assert ended.returncode == 0, (ended.stderr, time.monotonic() - began)
    assert json.loads(ended.stdout)["state"] == "finished"  # said once, by the first process
    run = Run(tmp_path / "run")
    assert [line["steps"] for line in run.metrics()] == [3, 3]  # 24 items, 4 a batch, 2 processes
    assert run.config()["asked"]["devices"] == 2
