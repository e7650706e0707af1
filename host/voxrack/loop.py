"""The training loop: any :class:`~voxrack.task.Task` into a run folder, stopped and resumed at any step.

What is random in a step is seeded from (seed, epoch, step, process), so a checkpoint needs no generator's state, and
a run that was stopped or killed ends with the very weights of one that was not (bit for bit on one kind of machine
and number of threads).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from . import checkpoint, weights
from .engine import ending_others, engine, share, share_state
from .epoch_log import EpochLog, NotFinite
from .errors import UsageError, VoxrackError
from .pace import Clock, State
from .polite import Polite
from .runs import Run
from .stepping import Stepper
from .task import Task, derived_seed, forked, move
from .verdicts import Best, finite

__all__ = ["Loop", "NotFinite", "State", "train"]


def train(
    task: Task,
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    epochs: int | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    precision: str = "32-true",
    resume: bool = True,
    progress: Callable[[State], Any] | None = None,
    stop: Callable[[], bool] | None = None,
    about: Mapping[str, Any] | None = None,
    note: Mapping[str, Any] | None = None,
    save_every: float = 60.0,
) -> Run:
    """Train ``task`` in the run folder ``folder``, or go on where it stands; a finished run is returned as it is.

    Parameters
    ----------
    task : Task
    folder : str or Path
        A new or empty folder, or one that holds this run.
    seed : int
        Of everything random in the loop; the task's initial weights are the caller's (:func:`voxrack.task.seeded`).
    epochs : int, optional
        Instead of the task's own number.
    accelerator : str
        ``"auto"``, ``"cpu"``, ``"gpu"``, ``"cuda"``, ``"mps"``.
    devices : int
        With more than one, each process takes its share of every epoch's batches and gradients are averaged.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
    resume : bool
        False refuses a folder that holds a run.
    progress : callable, optional
        Gets a :class:`State` a few times a second and after each epoch.
    stop : callable, optional
        Asked after each step; True stops with a checkpoint. So does a file ``STOP`` in the folder.
    about : mapping, optional
        What else defines the run (recipe, options, features): kept in ``config.json``, and a folder that was made
        with anything else is refused.
    note : mapping, optional
        What else ``config.json`` shall say of this session (where the features lie); it defines nothing.
    save_every : float
        Seconds between checkpoints; a run that is killed loses at most so much.

    Returns
    -------
    Run
        ``run.finished`` is False where it was stopped.

    Raises
    ------
    UsageError
        The folder holds another run (the message names what differs), or is in use.
    NotFinite
        The loss became NaN or infinite; the message names epoch and step, and what to try.
    KeyboardInterrupt, Stopped
        After Ctrl-C or SIGTERM, with a checkpoint saved.
    """
    fabric, name = engine(accelerator, devices)
    run = Run(folder)
    clock = Clock(progress, stop, save_every)
    loop = Loop(task, run, fabric, clock, seed, task.epochs if epochs is None else epochs, precision)
    asked = {
        **(about or {}), "seed": seed, "epochs": loop.epochs, "precision": precision, "devices": devices,
        "monitor": task.monitor, "patience": task.patience, "clip": task.clip, "modules": _described(task),
    }  # fmt: skip
    session = {"engine": name, "device": str(fabric.device), "torch": torch.__version__,
               "threads": torch.get_num_threads(), **(note or {})}  # fmt: skip
    run.leading = fabric.is_global_zero
    with forked():
        if run.leading:
            with ending_others(fabric), run.held():
                run.begin(asked, session, resume)
                if not fabric.broadcast(run.finished):
                    loop.go()
        elif not fabric.broadcast(False):  # which gives what the first process said
            loop.go()
    return run


def _described(task: Task) -> dict[str, Any]:
    """Class and number of weights of each module: another network is another run."""
    return {
        name: {"class": type(module).__name__, "weights": sum(p.numel() for p in module.parameters())}
        for name, module in task.modules.items()
    }


class Loop(Stepper):
    """Epochs, validation, checkpoints: everything around the steps; made by :func:`train`."""

    def __init__(self, task: Task, run: Run, fabric: Any, clock: Clock, seed: int, epochs: int, precision: str) -> None:
        if epochs < 1:
            raise UsageError(f"epochs is {epochs}; it takes 1 or more")
        super().__init__(fabric, precision, task.clip)
        self.task, self.run, self.seed, self.epochs = task, run, seed, epochs
        self._best = Best(task.monitor, task.mode, task.patience)
        self._log = EpochLog(1 if self.device.type == "cpu" else 20)
        self._clock = clock
        self._seconds = 0.0  # of the epoch in hand, in this and earlier sessions
        self._steps = 0  # of an epoch, once it is known

    # ---- from start to end --------------------------------------------------------------------
    def go(self) -> None:
        """Train to the end, or until asked to stop; how it ended is written in any case."""
        try:
            self._restore()
            with Polite() as signals:
                why = ""
                while not (ended := self._ended()) and not why:
                    why = self._train_epoch(signals)
                if ended:
                    self._finish(ended)
                else:
                    self._save()
                    self._snapshot_if_asked()
                    self._end("stopped", why)
                signals.obey()
        except torch.OutOfMemoryError as error:
            self._end("failed", "out of memory")
            raise VoxrackError(
                f"out of memory on {self.device} in epoch {self.epoch + 1}, step {self.step + 1}: smaller batches or "
                f"precision bf16-mixed may fit ({' '.join(str(error).split())[:200]})"
            ) from error
        except Exception as error:
            self._end("failed", " ".join(str(error).split()))
            raise

    def _ended(self) -> str:
        """Why there is nothing left to train; empty where there is."""
        if self.step or not self.epoch:
            return ""
        return f"all {self.epochs} epochs" if self.epoch >= self.epochs else self._best.patience_is_over()

    def _train_epoch(self, signals: Polite) -> str:
        """The rest of an epoch and its validation; returns why to stop, or nothing."""
        began = time.monotonic() - self._seconds
        order = torch.Generator().manual_seed(derived_seed(self.seed, "batches", self.epoch))
        batches = self.task.batches(self.epoch, order)
        if isinstance(batches, Sequence):
            self._steps = -(-len(batches) // self.fabric.world_size)
        self._set_mode(training=True)
        for batch in share(batches, self.fabric.world_size, self.fabric.global_rank, self.step):
            self.reseed(self.seed, "step", self.epoch, self.step, self.fabric.global_rank)
            with self.precision.forward():
                numbers = self.task.step(move(batch, self.device), self)
            self.step += 1
            self._log.add(numbers, self.epoch + 1, self.step)
            self._clock.count()
            self._seconds = time.monotonic() - began
            why = self._clock.why(self.run, signals)
            if self._any(bool(why)):
                return why or "another process was asked to"
            if self._clock.look_is_due:
                self._snapshot_if_asked()
                self._report()
            if self._clock.save_is_due:
                self._save()
        if self.step == 0:
            raise UsageError("the task gives no batches: its training set is empty")
        self._close_epoch(began)
        why = self._clock.why(self.run, signals, epoch_ended=True)
        return (why or "another process was asked to") if self._any(bool(why)) else ""

    def _close_epoch(self, began: float) -> None:
        steps = self._steps = self.step
        train = self._mean_of_processes(self._log.means())
        validation = self._validate()
        rates = {name: float(optimiser.param_groups[0]["lr"]) for name, optimiser in self.optimisers.items()}
        best = self._best.judge(self.epoch + 1, validation, self.task.modules)
        self.advance_schedules(validation.get(self.task.monitor))
        seconds = round(time.monotonic() - began, 3)
        line = {"epoch": self.epoch + 1, "steps": steps, "seconds": seconds, "train": finite(train),
                "validation": validation, "learning_rate": rates, "best": best}  # fmt: skip
        self.epoch, self.step, self._seconds = self.epoch + 1, 0, 0.0
        if self.fabric.is_global_zero:
            self.run.append(line)
        self._snapshot_if_asked()
        self._report(line)
        self._log.clear()
        if self._clock.save_is_due:
            self._save()

    def _validate(self) -> dict[str, float | None]:
        """Measured by the first process and told to all, so that all stop at the same epoch."""
        share_state(self.fabric, self.task.modules, weights=False)
        numbers: dict[str, float] = {}
        if self.fabric.is_global_zero:
            self._set_mode(training=False)
            self.reseed(self.seed, "validate", self.epoch)
            with torch.no_grad(), self.precision.forward():
                numbers = {key: float(value) for key, value in self.task.validate().items()}
        return finite(self.fabric.broadcast(numbers))

    # ---- keeping and taking up again ----------------------------------------------------------
    def _save(self) -> None:
        log = self._log.state()  # which refuses what is not finite: that must not be kept
        if not self.fabric.is_global_zero:
            return
        began = time.monotonic()
        state = {"steps": self._steps, "seconds": self._seconds, "log": log, "best": self._best.state(),
                 "stepper": self.state(), "task": self.task.state()}  # fmt: skip
        checkpoint.save(self.run.checkpoints, self.epoch, self.step, state)
        self._clock.saved(time.monotonic() - began)

    def _restore(self) -> None:
        self.take_up(self.task)
        found = checkpoint.latest(self.run.checkpoints)
        if found is None:
            share_state(self.fabric, self.task.modules, weights=True)
        else:
            state = checkpoint.load(found)
            self.epoch, self.step = map(int, found.name.split("-"))
            self.load_state(state["stepper"])
            self.task.load_state(state["task"])
            self._best.load(state["best"])
            self._log.load(state["log"])
            self._seconds, self._steps = state["seconds"], state["steps"]
        self.fabric.barrier()
        if self.fabric.is_global_zero:
            self.run.heal(self.epoch)

    def _finish(self, why: str) -> None:
        """Export the best weights, or the last; then the checkpoints have served."""
        if not self.fabric.is_global_zero:
            return
        exported = self._best.put_back(self.task.modules) or self.epoch
        self._set_mode(training=False)
        self._export(self.run.model_file, exported, why)
        self._end("finished", why, exported)
        shutil.rmtree(self.run.checkpoints, ignore_errors=True)
        self.run.snapshot_file.unlink(missing_ok=True)
        self.run.snapshot_given()

    def _snapshot_if_asked(self) -> None:
        """Write the present weights where somebody wishes to hear them; training goes on as if nothing had been."""
        if not self.fabric.is_global_zero or not self.run.snapshot_asked():
            return
        self._set_mode(training=False)
        with forked():
            self._export(self.run.snapshot_file, self.epoch, f"a snapshot, step {self.step} of epoch {self.epoch + 1}")
        self._set_mode(training=True)
        self.run.snapshot_given()

    def _export(self, file: Path, epoch: int, why: str) -> None:
        with torch.no_grad():
            tensors, metadata = self.task.export()
        made = {**self.run.config()["asked"], "epoch": epoch, "why": why}
        weights.save(file, tensors, {**metadata, "training": made})

    def _end(self, state: str, why: str, exported: int = 0) -> None:
        if not self.fabric.is_global_zero:
            return
        outcome = {"state": state, "why": why, "epoch": self.epoch, "step": self.step, "exported": exported,
                   "best": self._best.summary()}  # fmt: skip
        try:
            self.run.end(outcome)
        except VoxrackError:
            if state != "failed":  # else the error that is on its way says more: the disk is full, perhaps
                raise

    # ---- small things -------------------------------------------------------------------------
    def _set_mode(self, training: bool) -> None:
        for module in self.task.modules.values():
            module.train(training)

    def _any(self, wish: bool) -> bool:
        """Whether any process wishes it; all of them get the same answer."""
        if self.fabric.world_size == 1:
            return wish
        return bool(self.fabric.all_reduce(torch.tensor(float(wish), device=self.device), reduce_op="sum") > 0)

    def _mean_of_processes(self, numbers: Mapping[str, float]) -> dict[str, float]:
        if self.fabric.world_size == 1:
            return dict(numbers)
        mine = torch.tensor([numbers[key] for key in sorted(numbers)], dtype=torch.float32, device=self.device)
        return dict(zip(sorted(numbers), self.fabric.all_reduce(mine, reduce_op="mean").tolist(), strict=True))

    def _report(self, line: dict[str, Any] | None = None) -> None:
        if self.fabric.is_global_zero:
            loss = self._log.mean("loss")
            self._clock.report(self.epoch, self.epochs, self.step, self._steps, loss, line)
