"""What the loop trains: modules, their optimisers, batches and a step. Imports torch and nothing else that is heavy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

if TYPE_CHECKING:
    from torch.optim.lr_scheduler import LRScheduler

    from .loop import Loop

Batch = Any  # a tensor, or a dict, list or tuple of such; on the CPU


class Task:
    """One thing to train. Subclasses set the attributes and override the methods.

    A simple task overrides :meth:`optimisers`, :meth:`batches`, :meth:`loss`, :meth:`validate`, :meth:`export`; one
    with several optimisers overrides :meth:`step` instead of :meth:`loss`.

    Attributes
    ----------
    modules : dict of str to nn.Module
        All that has weights or buffers to keep: the loop moves, saves and restores them, and sets ``train()`` and
        ``eval()``. Class weights and normalisation are buffers of one of them.
    epochs : int
        The recipe's own number; the loop's ``epochs`` overrides it.
    monitor : str
        A key of what :meth:`validate` returns: the best epoch by it is exported. Empty: the last epoch.
    mode : {"max", "min"}
        Whether a higher or a lower ``monitor`` is better.
    patience : int
        Epochs without a better ``monitor`` after which training stops; 0: never.
    clip : float
        Greatest Euclidean norm of an optimiser's gradients; 0: not clipped.

    Notes
    -----
    Randomness comes from the generators handed over, or from torch's own generator inside :meth:`loss`,
    :meth:`step`, :meth:`validate` (dropout). The loop seeds all of them afresh from (seed, epoch, step, process), so
    a step depends on nothing but the weights, the optimisers and its number: that is what makes resuming exact.
    """

    modules: dict[str, nn.Module]
    epochs: int = 1
    monitor: str = ""
    mode: str = "max"
    patience: int = 0
    clip: float = 0.0

    def optimisers(self) -> dict[str, Optimizer]:
        """Optimisers by name, made after the modules are on their device."""
        raise NotImplementedError(f"{type(self).__name__} gives no optimisers")

    def schedulers(self, optimisers: Mapping[str, Optimizer]) -> dict[str, LRScheduler]:
        """Learning-rate schedules by the name of their optimiser, stepped after each epoch."""
        return {}

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Batch] | Iterable[Batch]:
        """The batches of an epoch (counted from 0), in order.

        Draw from ``generator`` (CPU) only: every process asks for the same batches and takes its share, and a
        resumed epoch asks again and leaves out those that were done.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no batches")

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        """The loss to minimise and further numbers for the log. ``batch`` and ``generator`` are on the device."""
        raise NotImplementedError(f"{type(self).__name__} gives neither a loss nor a step")

    def step(self, batch: Batch, loop: Loop) -> dict[str, Any]:
        """One update; returns numbers (or scalar tensors) for the log, of which ``loss`` is watched for NaN.

        With several optimisers: ``loop.minimise(loss, "generator")``, then ``loop.minimise(other, "critic")``.
        Each moves the weights of the named optimisers only.
        """
        loss, numbers = self.loss(batch, loop.generator)
        loop.minimise(loss)
        return {"loss": loss.detach(), **numbers}

    def validate(self) -> dict[str, float]:
        """Measures on held-out speakers, without gradients and in ``eval()``; ``{}`` where there are none."""
        return {}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The finished model: tensors, and what a device must know to use them (JSON: options, labels …)."""
        tensors = {
            f"{name}.{key}": t for name, module in self.modules.items() for key, t in module.state_dict().items()
        }
        return (tensors if len(self.modules) > 1 else dict(next(iter(self.modules.values())).state_dict())), {}

    def state(self) -> dict[str, Any]:
        """Further state a checkpoint must keep (a queue, a running mean): dicts, lists, numbers, texts, tensors."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state` gave."""


def derived_seed(seed: int, *where: int | str) -> int:
    """A 63-bit seed for one purpose: independent for every different ``where``, the same on every machine."""
    text = "/".join(map(str, (seed, *where))).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little") >> 1


@contextmanager
def seeded(seed: int, *where: int | str) -> Iterator[None]:
    """Inside, torch's own generators are seeded; afterwards they are as they were before."""
    with forked():
        torch.manual_seed(derived_seed(seed, *where))
        yield


@contextmanager
def forked() -> Iterator[None]:
    """Torch's own generators are afterwards as they were before, on every device."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield


def move(batch: Batch, device: torch.device) -> Batch:
    """``batch`` with every tensor on ``device``; what is no tensor stays as it is."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {key: move(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(move(value, device) for value in batch))  # a named tuple
    if isinstance(batch, (list, tuple)):
        return type(batch)(move(value, device) for value in batch)
    return batch


def pad(sequences: Sequence[Tensor], frames: int = 0) -> tuple[Tensor, Tensor]:
    """Sequences (frames, …) of unequal length as one tensor (B, frames, …), zeros behind, and lengths.

    Parameters
    ----------
    sequences : sequence of Tensor, each (frames, …)
    frames : int
        Cut or fill every sequence to this length; 0: as long as the longest.
    """
    longest = frames or max(len(sequence) for sequence in sequences)
    lengths = torch.tensor([min(len(sequence), longest) for sequence in sequences])
    out = sequences[0].new_zeros((len(sequences), longest, *sequences[0].shape[1:]))
    for row, sequence in enumerate(sequences):
        out[row, : lengths[row]] = sequence[:longest]
    return out, lengths
