"""The maps between DiffVox's raw numbers and plain units, and back (spec, section 2).

Each is written through softplus, so that numbers deep in the saturation of a sigmoid return unharmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
REFERENCE_LINE = 997  # samples of the shortest line, whose gain the vector holds
LONGEST_T60 = 9.0  # s, of that line
LOOK_AHEAD = 15.0  # ms


@dataclass(frozen=True)
class Map:
    """``plain`` of a raw number and ``raw`` of a plain one; ``low`` and ``high`` bound the plain side, both open."""

    plain: Callable[[Array], Array]
    raw: Callable[[Array], Array]
    low: float = -math.inf
    high: float = math.inf


def softplus(x: Array) -> Array:
    """``ln(1 + e^x)``."""
    return np.logaddexp(0.0, x)


def inverse_softplus(y: Array) -> Array:
    """``ln(e^y - 1)``, of positive ``y``."""
    return y + np.log(-np.expm1(-y))


def logit(u: Array) -> Array:
    """``ln(u / (1 - u))``."""
    return np.log(u) - np.log1p(-u)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + e^-x)``."""
    return np.exp(-softplus(-x))


IDENTITY = Map(lambda r: r, lambda v: v)


def between(low: float, high: float) -> Map:
    """A sigmoid from ``low`` to ``high``."""
    return Map(lambda r: low + (high - low) * sigmoid(r), lambda v: logit((v - low) / (high - low)), low, high)


PAN = between(-100.0, 100.0)
SHARE = between(0.0, 1.0)
LEVEL = Map(  # dB of a gain that is a sigmoid
    lambda r: -softplus(-r) * (20.0 / math.log(10.0)),
    lambda v: -inverse_softplus(-v * (math.log(10.0) / 20.0)),
    high=0.0,
)
LOOK = Map(lambda r: np.abs(r) % LOOK_AHEAD, lambda v: v, low=-1e-300, high=LOOK_AHEAD)


def time(sample_rate: int) -> Map:
    """Milliseconds (10 to 90 %) of a one-pole coefficient that is a sigmoid."""
    return Map(lambda r: 2200.0 / (sample_rate * softplus(r)), lambda v: inverse_softplus(2200.0 / (sample_rate * v)),
               low=0.0)  # fmt: skip


def decay(sample_rate: int) -> Map:
    """Reverberation time in seconds of the gain of one trip through the line of 997 samples."""
    trip = REFERENCE_LINE / sample_rate
    highest = -math.log(1000.0) * trip / LONGEST_T60  # ln of the greatest gain
    return Map(
        lambda r: -math.log(1000.0) * trip / (highest - softplus(-r)),
        lambda v: -inverse_softplus(highest + math.log(1000.0) * trip / v),
        low=0.0, high=LONGEST_T60,
    )  # fmt: skip
