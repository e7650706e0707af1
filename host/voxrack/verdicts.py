"""Which epoch is the best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from .errors import UsageError


class Best:
    """The best epoch so far by a validation measure, with its weights.

    Parameters
    ----------
    monitor : str
        Which measure; empty: no epoch is better than another, the last one counts.
    mode : {"max", "min"}
    patience : int
        Epochs without a better one after which to stop; 0: never.
    """

    def __init__(self, monitor: str, mode: str, patience: int) -> None:
        if mode not in ("max", "min"):
            raise UsageError(f"a task's mode is 'max' or 'min'; got '{mode}'")
        if mode == "max" and "loss" in monitor:
            raise UsageError(f"the task monitors '{monitor}' with mode 'max', which keeps the worst epoch: set 'min'")
        self.monitor, self.mode, self.patience = monitor, mode, patience
        self._epoch = 0
        self._value = math.nan
        self._weights: dict[str, dict[str, Any]] = {}
        self._waited = 0

    def judge(self, epoch: int, validation: Mapping[str, float | None], modules: Mapping[str, nn.Module]) -> bool:
        """Whether ``epoch`` is the best so far; then its weights are kept. A measure that is NaN is never better."""
        if not self.monitor or not validation:
            return False
        if self.monitor not in validation:
            raise UsageError(f"the task monitors '{self.monitor}', but validates {', '.join(validation)}")
        value = validation[self.monitor]
        sign = 1.0 if self.mode == "max" else -1.0
        if value is None or (self._epoch and sign * value <= sign * self._value):
            self._waited += 1
            return False
        self._epoch, self._value, self._waited = epoch, value, 0
        self._weights = {
            name: {key: tensor.detach().cpu().clone() for key, tensor in module.state_dict().items()}
            for name, module in modules.items()
        }
        return True

    def patience_is_over(self) -> str:
        """Why to stop; empty to go on."""
        over = self.patience and self._waited >= self.patience
        return f"no better {self.monitor} than in epoch {self._epoch} for {self._waited} epochs" if over else ""

    def put_back(self, modules: Mapping[str, nn.Module]) -> int:
        """Give ``modules`` the best weights; returns their epoch, 0 where none was judged."""
        for name, weights in self._weights.items():
            modules[name].load_state_dict(weights)
        return self._epoch

    def summary(self) -> dict[str, Any] | None:
        """Epoch and value, for people."""
        return {"epoch": self._epoch, "monitor": self.monitor, "value": self._value} if self._epoch else None

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"epoch": self._epoch, "value": self._value, "weights": self._weights, "waited": self._waited}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back :meth:`state`."""
        self._epoch, self._value = state["epoch"], state["value"]
        self._weights, self._waited = state["weights"], state["waited"]


def finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """``numbers`` with None for what is not finite, as JSON has no NaN."""
    return {key: value if math.isfinite(value) else None for key, value in numbers.items()}
