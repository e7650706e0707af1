"""Devices and processes for training: Lightning Fabric where it can be imported, else one device without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from .errors import UsageError

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_FABRICS = ("lightning_fabric", "lightning.fabric")


class Plain:
    """What the loop uses of Fabric, on one device: for machines that hold torch and no Fabric.

    Parameters
    ----------
    accelerator : {"auto", "cpu", "gpu", "cuda", "mps"}
    """

    world_size = 1
    global_rank = 0
    is_global_zero = True

    def __init__(self, accelerator: str) -> None:
        self.device = torch.device(_kind(accelerator))

    def launch(self) -> None:
        """There is one process, and it runs already."""

    def all_reduce(self, data: torch.Tensor, reduce_op: str = "mean") -> torch.Tensor:
        """Of one process: itself."""
        return data

    def broadcast(self, value: Any) -> Any:
        """Of one process: itself."""
        return value

    def barrier(self) -> None:
        """One process waits for nobody."""


def engine(accelerator: str, devices: int) -> tuple[Any, str]:
    """A launched Fabric, or :class:`Plain`, and what it is in words for ``config.json``.

    With several devices Fabric starts the same command once for each (strategy ``ddp``); gradients are averaged by
    the loop, so that modules stay what the task made them.

    Raises
    ------
    UsageError
        An accelerator that is not there; several devices without Fabric.
    """
    if devices < 1:
        raise UsageError(f"devices is {devices}; it takes 1 or more")
    module, why = _fabric()
    if module is None:
        if devices > 1:
            raise UsageError(
                f"{devices} devices need Lightning Fabric ({why}): pip install lightning-fabric; or use devices 1"
            )
        return Plain(accelerator), f"plain: one device, without Lightning Fabric ({why})"
    strategy = "ddp" if devices > 1 else "auto"
    try:
        fabric = module.Fabric(accelerator=accelerator, devices=devices, strategy=strategy, precision="32-true")
    except (RuntimeError, ValueError) as error:  # Fabric's MisconfigurationException is one of them
        raise UsageError(f"accelerator '{accelerator}' with {devices} devices cannot be used: {error}") from None
    fabric.launch()
    return fabric, f"{module.__name__} {getattr(module, '__version__', '')}".strip()


class Precision:
    """Autocast and, for float16, scaling of the loss.

    Parameters
    ----------
    name : {"32-true", "bf16-mixed", "16-mixed"}
    device : torch.device
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name not in PRECISIONS:
            raise UsageError(f"precision '{name}' is unknown; it takes {', '.join(PRECISIONS)}")
        if name == "16-mixed" and device.type == "cpu":
            raise UsageError("precision 16-mixed needs a GPU; on the CPU use bf16-mixed or 32-true")
        self.device = device
        self._dtype = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(name)
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "16-mixed")

    def forward(self) -> Any:
        """Context in which modules compute."""
        return torch.autocast(self.device.type, dtype=self._dtype, enabled=self._dtype is not None)

    def backward(self) -> Any:
        """Context without autocast: gradients follow the types of the forward pass."""
        return torch.autocast(self.device.type, enabled=False)


def _fabric() -> tuple[ModuleType | None, str]:
    """The module with the class Fabric; or None, and why there is none."""
    reasons = []
    for name in _FABRICS:
        try:
            return import_module(name), ""
        except ImportError as error:  # not installed, or a version that does not fit this torch
            reasons.append(str(error))
    return None, "; ".join(reasons)


def _kind(accelerator: str) -> str:
    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if accelerator == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if have[kind])
    kind = {"gpu": "cuda" if have["cuda"] or not have["mps"] else "mps"}.get(accelerator, accelerator)
    if kind not in have:
        raise UsageError(f"accelerator '{accelerator}' is unknown; it takes auto, cpu, gpu, cuda or mps")
    if not have[kind]:
        raise UsageError(f"accelerator '{accelerator}' is not there on this machine; use auto or cpu")
    return kind


# ---- several processes ------------------------------------------------------------------------
def share(batches: Sequence[Any] | Iterable[Any], world: int, rank: int, skip: int) -> Iterator[Any]:
    """The batches of process ``rank`` of ``world``, the first ``skip`` of its own left out.

    Every process gets the same number: where they do not come out even, the first batches are used again.
    """
    if isinstance(batches, Sequence):
        for step in range(skip, -(-len(batches) // world)):
            yield batches[(step * world + rank) % len(batches)]
        return
    first: list[Any] = []
    group: list[Any] = []
    step = 0
    for batch in batches:
        if len(first) < world - 1:
            first.append(batch)
        group.append(batch)
        if len(group) == world:
            if step >= skip:
                yield group[rank]
            group, step = [], step + 1
    if group and step >= skip:
        yield group[rank] if rank < len(group) else first[(rank - len(group)) % len(first)]


def average_gradients(fabric: Any, weights: Sequence[Tensor]) -> None:
    """Give every process the mean of all processes' gradients; a weight without one counts as zero there."""
    if fabric.world_size == 1:
        return
    flat = torch.cat([(torch.zeros_like(w) if w.grad is None else w.grad).reshape(-1) for w in weights])
    flat = fabric.all_reduce(flat, reduce_op="mean")
    for weight, piece in zip(weights, flat.split([w.numel() for w in weights]), strict=True):
        weight.grad = piece.reshape(weight.shape).clone()


def share_state(fabric: Any, modules: Mapping[str, nn.Module], weights: bool) -> None:
    """Give every process the buffers of the first one, and with ``weights`` its weights."""
    if fabric.world_size == 1:
        return
    for module in modules.values():
        for tensor in (*module.buffers(), *(module.parameters() if weights else ())):
            tensor.data.copy_(fabric.broadcast(tensor.data))


@contextmanager
def ending_others(fabric: Any) -> Iterator[None]:
    """Where the first process fails inside, end those that it started: they would wait for it in vain."""
    try:
        yield
    except BaseException:
        for process in getattr(getattr(getattr(fabric, "strategy", None), "launcher", None), "procs", ()):
            process.terminate()
        raise
