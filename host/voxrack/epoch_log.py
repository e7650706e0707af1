"""Means over the steps of an epoch, and the watch for losses that are not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .errors import VoxrackError


class NotFinite(VoxrackError):
    """A loss became NaN or infinite."""


class EpochLog:
    """Sums what the steps give.

    Parameters
    ----------
    every : int
        Steps between two readings of the device: each makes a GPU wait, so a NaN is found a few steps later there;
        the step that the message names is the right one all the same.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._waiting: list[tuple[int, int, dict[str, Any]]] = []

    def add(self, numbers: Mapping[str, Any], epoch: int, step: int) -> None:
        """The numbers (or scalar tensors) of a step; epoch and step are counted from 1."""
        kept = {key: value.detach() if isinstance(value, Tensor) else value for key, value in numbers.items()}
        self._waiting.append((epoch, step, kept))
        if len(self._waiting) >= self._every:
            self.read()

    def read(self) -> None:
        """Fetch what waits on the device; :class:`NotFinite` for a loss that is not."""
        waiting, self._waiting = self._waiting, []
        tensors = [
            v.reshape(()).float() for _, _, numbers in waiting for v in numbers.values() if isinstance(v, Tensor)
        ]
        fetched = iter(torch.stack(tensors).tolist() if tensors else [])
        for epoch, step, numbers in waiting:
            for key, value in numbers.items():
                number = next(fetched) if isinstance(value, Tensor) else float(value)
                if not math.isfinite(number) and "loss" in key:
                    raise NotFinite(
                        f"{key} became {number} in epoch {epoch}, step {step}: the training has diverged. Try a lower "
                        "learning rate, gradient clipping, precision 32-true, or look for a silent or broken item "
                        "among the features; with other options name another folder"
                    )
                self._sums[key] = self._sums.get(key, 0.0) + number
                self._counts[key] = self._counts.get(key, 0) + 1

    def means(self) -> dict[str, float]:
        """Of all steps so far."""
        self.read()
        return {key: total / self._counts[key] for key, total in self._sums.items()}

    def mean(self, key: str) -> float:
        """Of one number, over the steps that were fetched; NaN before the first."""
        return self._sums[key] / self._counts[key] if key in self._sums else math.nan

    def clear(self) -> None:
        """For the next epoch."""
        self._sums, self._counts, self._waiting = {}, {}, []

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        self.read()
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back :meth:`state`."""
        self._sums, self._counts, self._waiting = dict(state["sums"]), dict(state["counts"]), []
