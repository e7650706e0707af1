"""The clock of a training: when to report, when to look for a wish to stop, when to save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .polite import Polite
from .runs import Run

_LOOK = 0.3  # seconds between reports of progress, and between looks for a file STOP
_SHARE = 20  # saving takes at most one part in so many of the time


@dataclass(frozen=True, slots=True)
class State:
    """How far a training is.

    Attributes
    ----------
    epoch, epochs : int
        Finished, and asked for.
    step, steps : int
        Of the epoch in hand; ``steps`` is 0 while it is not known.
    loss : float
        Mean over the epoch in hand; NaN before its first step, or where the task gives none.
    rate : float
        Steps a second, in this session.
    remaining : float
        Seconds, if all epochs are needed; NaN while it cannot be told.
    line : dict or None
        The line of measures, when an epoch has just ended.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    rate: float
    remaining: float
    line: dict[str, Any] | None = None

    def text(self) -> str:
        """``"epoch 3 of 40 · step 12 of 41 · loss 1.234 · 23.1 steps/s · 2 min 03 s left"``."""
        if self.line is not None:
            means = {**self.line["train"], **self.line["validation"]}
            shown = [f"{key} {value:.4g}" for key, value in means.items() if value is not None]
            parts = [f"epoch {self.epoch} of {self.epochs} done", *shown]
        else:
            steps = f" of {self.steps}" if self.steps else ""
            parts = [f"epoch {self.epoch + 1} of {self.epochs}", f"step {self.step}{steps}"]
            parts += [f"loss {self.loss:.4g}"] if math.isfinite(self.loss) else []
        parts += [f"{self.rate:.1f} steps/s" if self.rate >= 1 else f"{1 / self.rate:.1f} s/step"] if self.rate else []
        parts += [f"{duration(self.remaining)} left"] if math.isfinite(self.remaining) else []
        return " · ".join(parts)

    @property
    def share(self) -> float:
        """What is finished of all epochs, 0 … 1."""
        return min(1.0, (self.epoch + (self.step / self.steps if self.steps else 0.0)) / self.epochs)


def duration(seconds: float) -> str:
    """``"12 s"``, ``"2 min 03 s"``, ``"3 h 05 min"``."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Clock:
    """Counts the steps of this session.

    Parameters
    ----------
    progress : callable or None
        Gets a :class:`State`.
    stop : callable or None
        Asked after each step.
    save_every : float
        Seconds.
    """

    def __init__(
        self, progress: Callable[[State], Any] | None, stop: Callable[[], bool] | None, save_every: float
    ) -> None:
        self._progress, self._stop, self._save_every = progress, stop, save_every
        self._began = self._looked = self._saved = time.monotonic()
        self._cost = 0.0
        self._steps = 0

    def why(self, run: Run, signals: Polite, epoch_ended: bool = False) -> str:
        """Why to stop after this step, or after this epoch's validation; empty to go on."""
        if not epoch_ended and self._stop is not None and self._stop():
            return "the caller asked for it"
        if signals.number:
            return "a signal (Ctrl-C or the like)"
        if (epoch_ended or self.look_is_due) and run.stop_asked():
            return "a file STOP lay in the folder"
        return ""

    @property
    def look_is_due(self) -> bool:
        """Whether a little time has passed since the last report."""
        return time.monotonic() - self._looked >= _LOOK

    @property
    def save_is_due(self) -> bool:
        """Whether to keep a checkpoint now."""
        return time.monotonic() - self._saved >= max(self._save_every, _SHARE * self._cost)

    def saved(self, seconds: float) -> None:
        """A checkpoint was kept, and took so long."""
        self._saved, self._cost = time.monotonic(), seconds

    def count(self) -> None:
        """One more step."""
        self._steps += 1

    def report(
        self, epoch: int, epochs: int, step: int, steps: int, loss: float, line: dict[str, Any] | None = None
    ) -> None:
        """Tell the caller how far it is."""
        self._looked = time.monotonic()
        if self._progress is None:
            return
        rate = self._steps / max(self._looked - self._began, 1e-9)
        left = (epochs - epoch) * steps - step
        remaining = left / rate if steps and rate else math.nan
        self._progress(State(epoch, epochs, step, steps, loss, rate, remaining, line))
