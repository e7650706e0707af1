"""What a training step may use: gradients to some optimisers only, averaged, clipped, in the precision asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .engine import Precision, average_gradients
from .errors import UsageError
from .task import Task, derived_seed


class Stepper:
    """The part of the loop that a task's :meth:`~voxrack.task.Task.step` may use.

    Attributes
    ----------
    device : torch.device
    generator : torch.Generator
        On the device, seeded for the step in hand.
    optimisers : dict of str to Optimizer
    epoch, step : int
        Finished epochs, and finished steps of the epoch in hand.
    epochs : int
        Asked for.
    fabric : Fabric or Plain
        For ``all_reduce`` and ``broadcast``.
    precision : Precision
    clip : float
        Greatest norm of an optimiser's gradients; 0: not clipped.
    """

    def __init__(self, fabric: Any, precision: str, clip: float) -> None:
        self.fabric, self.clip = fabric, clip
        self.device: torch.device = fabric.device
        self.generator = torch.Generator(device=self.device)
        self.precision = Precision(precision, self.device)
        self.optimisers: dict[str, Optimizer] = {}
        self._modules: dict[str, nn.Module] = {}
        self._schedulers: dict[str, Any] = {}
        self.epoch = self.step = self.epochs = 0

    def minimise(self, loss: Tensor, *names: str, retain_graph: bool = False) -> None:
        """Gradients of ``loss``, then a step of the named optimisers (all of them by default)."""
        self.backward(loss, *names, retain_graph=retain_graph)
        self.advance(*names)

    def backward(self, loss: Tensor, *names: str, retain_graph: bool = False) -> None:
        """Add the gradients of ``loss`` to the weights of the named optimisers, and to no others."""
        inputs = [weight for name in names or self.optimisers for weight in self._weights(name)]
        with self.precision.backward():
            self.precision.scaler.scale(loss).backward(inputs=inputs, retain_graph=retain_graph)

    def advance(self, *names: str) -> None:
        """Average the gradients over all processes, clip them, move the weights, and forget the gradients."""
        scaler = self.precision.scaler
        for name in names or tuple(self.optimisers):
            optimiser = self.optimisers[name]
            average_gradients(self.fabric, self._weights(name))
            moved = [weight for weight in self._weights(name) if weight.grad is not None]
            if not moved:
                raise UsageError(f"optimiser '{name}' has no gradients; call backward with its loss first")
            if self.clip:
                scaler.unscale_(optimiser)
                torch.nn.utils.clip_grad_norm_(moved, self.clip)
            scaler.step(optimiser)
            optimiser.zero_grad(set_to_none=True)
        scaler.update()

    def _weights(self, name: str) -> list[Tensor]:
        groups = self.optimisers[name].param_groups
        return [weight for group in groups for weight in group["params"] if weight.requires_grad]

    # ---- for the loop -------------------------------------------------------------------------
    def take_up(self, task: Task) -> None:
        """Move the task's modules to the device and make its optimisers and schedules."""
        self._modules = task.modules
        for module in task.modules.values():
            module.to(self.device)
        self.optimisers = task.optimisers()
        self._schedulers = task.schedulers(self.optimisers)

    def advance_schedules(self, measure: float | None) -> None:
        """An epoch has ended; ``measure`` is what the task monitors, for schedules that wait for a plateau."""
        with warnings.catch_warnings():
            # resumed right after an epoch's last step, no optimiser has moved in this process yet
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            for scheduler in self._schedulers.values():
                if not isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                    scheduler.step()
                elif measure is not None:
                    scheduler.step(measure)

    def reseed(self, seed: int, *where: int | str) -> None:
        """Seed everything random on this device for one purpose."""
        number = derived_seed(seed, *where)
        self.generator.manual_seed(number)
        torch.default_generator.manual_seed(number)  # torch.manual_seed asks every backend: 1 ms
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(number)

    def state(self) -> dict[str, Any]:
        """Weights, optimisers, schedules, scale of the loss: for a checkpoint."""
        return {
            "modules": {name: dict(module.state_dict()) for name, module in self._modules.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "schedulers": {name: scheduler.state_dict() for name, scheduler in self._schedulers.items()},
            "scaler": self.precision.scaler.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back :meth:`state`."""
        for name, module in self._modules.items():
            module.load_state_dict(state["modules"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for name, scheduler in self._schedulers.items():
            scheduler.load_state_dict(state["schedulers"][name])
        self.precision.scaler.load_state_dict(state["scaler"])
