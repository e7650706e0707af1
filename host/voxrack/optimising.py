"""What most recipes do alike: weights that decay, the rate of learning, averaged weights, fast half precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def decaying(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for an optimiser: matrices decay, biases and normalisation do not."""
    weights: list[Tensor] = list(module.parameters())
    return [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def warm_cosine(epochs: int, warm: float) -> Callable[[int], float]:
    """Factor of the learning rate in an epoch (from 0): up for a share ``warm`` of them, then half a cosine to zero."""
    rising = max(1.0, warm * epochs)

    def rate(epoch: int) -> float:
        if epoch < rising:
            return (epoch + 0.5) / rising
        return 0.5 * (1.0 + math.cos(math.pi * (epoch - rising + 0.5) / max(1.0, epochs - rising)))

    return rate


def warm_cosine_schedule(optimiser: Optimizer, epochs: int, warm: float) -> LambdaLR:
    """:func:`warm_cosine` as a schedule that is stepped after each epoch."""
    return LambdaLR(optimiser, warm_cosine(epochs, warm))


def average(into: nn.Module, of: nn.Module, decay: float, step: int) -> None:
    """Move every number of ``into`` towards that of ``of``: an exponential average of weights over steps.

    ``step`` counts from 1; at first the average follows quickly, so that the random start is forgotten.
    """
    share = 1.0 - min(decay, (1 + step) / (10 + step))
    state: dict[str, Any] = of.state_dict()
    with torch.no_grad():
        for name, value in into.state_dict().items():
            if value.is_floating_point():
                value.lerp_(state[name].to(value.dtype), share)
            else:
                value.copy_(state[name])


def bfloat16_is_fast() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware: convolutions and LSTMs are then two to three times as fast."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False
