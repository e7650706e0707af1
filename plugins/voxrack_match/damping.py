"""The damping of an echo's gradient: a number of the fit, not of the device (DiffVox spec, sections 6 and 8).

A delay of ``d`` samples has the response ``exp(-i w d)``, whose gradient by ``d`` sees one period far. The surrogate
``eta^k exp(-i w d)`` forgets high frequencies (bin ``k``), so it sees further; ``(1 - eta)^2`` draws it back to the
true one while the echo settles. Of the optimiser's numbers it is ``-ln(eta)``, which is above 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import torch
from torch import Tensor

from voxrack import Param

from .rack_module import RackModule

NUMBER = Param("log_damp", default=0.01, lo=1e-4, hi=0.5, scale="log", help="-ln(eta) of the gradient to the time.")


def damped_echoes(module: RackModule, held: Collection[str]) -> dict[str, Param]:
    """By address: the damping of every slot whose module takes it and whose time is to be moved."""
    found = [prefix for prefix, node in module.nodes.items() if hasattr(node.module, "log_damp")]
    return {f"{prefix}.log_damp": NUMBER for prefix in found if f"{prefix}.time" not in held}


def signed(tensors: dict[str, Tensor], addresses: Iterable[str]) -> dict[str, Tensor]:
    """``tensors`` with the sign that modules expect of ``log_damp``."""
    return {**tensors, **{address: -tensors[address] for address in addresses}}


def damping_term(log_damp: Tensor) -> Tensor:
    """``(1 - eta)^2`` of ``log_damp = ln(eta)`` (below 0), any shape."""
    return torch.square(1.0 - torch.exp(log_damp))
