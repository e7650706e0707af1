"""The compressor's gain without a loop over samples: for accelerators, and as a check of the compiled one.

The detector is a one-pole and is scanned. The gain is a one-pole whose coefficient depends on the outcome:

    g[n] = (1 - q) g[n-1] + q f[n],  q = attack where f[n] < g[n-1], release elsewhere

that is the lower (attack the faster) or the upper of two increasing lines in g[n-1] at every sample. Given which
line holds where, the gain is one scan; from that gain one reads anew which line holds. This is Howard's policy
iteration (Dynamic Programming and Markov Processes, 1960): the gain only falls (or only rises) from one turn to
the next, and at least one more sample from the left is final, so it ends at the solution. In practice it takes
about ten turns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from voxrack.errors import DeviceError

from .filters import one_pole

_FLOOR = 1e-8  # of the squared signal
_LOWEST = -1000.0  # octaves
_MOST_TURNS = 1000
_TIE = 1e-12  # an aim this near to the gain may count as above or below


def gain_by_scan(x: Tensor, numbers: Tensor) -> Tensor:
    """Gain (rows, frames) of ``x`` for ``numbers`` (rows, 7), the same as that of the compiled kernels.

    Raises
    ------
    DeviceError
        Where the turns do not end.
    """
    attack, release = numbers[:, 5, None], numbers[:, 6, None]
    power = _follow(x.double().square().clamp(min=_FLOOR), numbers[:, 0], 0.0)
    aims = _aims(torch.log2(power), numbers)
    with torch.no_grad():
        falls = aims < 1.0
        for _ in range(_MOST_TURNS):
            gain = _follow(aims, torch.where(falls, attack, release), 1.0)
            above = torch.nn.functional.pad(gain[:, :-1], (1, 0), value=1.0) - aims
            if not ((falls != (above > 0.0)) & (above.abs() > _TIE)).any():
                break
            falls = above > 0.0
        else:
            raise DeviceError(
                f"the compressor's gain did not settle in {_MOST_TURNS} scans over {tuple(x.shape)} samples; "
                "render this signal on the CPU, whose path needs no scans"
            )
    return _follow(aims, torch.where(falls, attack, release), 1.0).to(x.dtype)


def _follow(x: Tensor, speed: Tensor, initial: float) -> Tensor:
    """One-pole over rows: ``x`` (rows, frames), ``speed`` (rows,) or (rows, frames)."""
    return one_pole(x[:, None], speed[:, None], "scan", initial)[:, 0]


def _aims(level: Tensor, numbers: Tensor) -> Tensor:
    """Gain of the curve at a level in octaves of power; which branch acts as in the compiled kernels."""
    threshold, expander_threshold, slope, expander_slope = (numbers[:, k, None] for k in range(1, 5))
    compressed, expanded = slope * (threshold - level), expander_slope * (expander_threshold - level)
    over, under = level > threshold, level < expander_threshold
    compresses = over & ((compressed <= expanded) | ~under)
    octaves = torch.where(compresses, compressed, torch.where(under, expanded, torch.zeros_like(level)))
    return torch.exp2(octaves.clamp(_LOWEST, 0.0))
