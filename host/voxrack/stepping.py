"""What a training step may use: gradients to some optimisers only, averaged, clipped, in the precision asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from .engine import Precision, average_gradients
from .errors import UsageError


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
