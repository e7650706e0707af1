"""Expressive guidance: towards the conditions that are wanted, away from others (DiffEVC, section 2.1.3).

``s = s(negative) + lambda (s(positive) - s(negative))`` with lambda >= 1 (eq. 1). The positive pair is always the
source's speaker with the reference's emotion; the negative one takes its speaker from the reference ("speaker"), its
emotion from the source ("emotion"), or both ("both"): the rows of the paper's table 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from voxrack.errors import UsageError
from voxrack.params import suggest

from .specs_diffevc import NEGATIVES

Score = Callable[[Tensor, float], Tensor]
Conditioned = Callable[[Tensor, float, Tensor], Tensor]  # spectra, time, conditions (B, …): scores


@dataclass(frozen=True)
class Conditions:
    """Vectors of the source and of the reference.

    Parameters
    ----------
    speaker, other_speaker : Tensor (256,)
        Of the source, and of the reference.
    emotion, other_emotion : Tensor (size,)
        Of the reference (what is to be heard), and of the source.
    """

    speaker: Tensor
    emotion: Tensor
    other_speaker: Tensor
    other_emotion: Tensor


Pair = tuple[Tensor, Tensor]


def positive(conditions: Conditions) -> Pair:
    """Speaker and emotion that are wanted: S(source), E(reference)."""
    return conditions.speaker, conditions.emotion


def negative(conditions: Conditions, which: str) -> Pair:
    """Speaker and emotion that guidance leads away from.

    Raises
    ------
    UsageError
        ``none``, for which there is no such pair, or an unknown word.
    """
    pairs = {
        "speaker": (conditions.other_speaker, conditions.emotion),
        "emotion": (conditions.speaker, conditions.other_emotion),
        "both": (conditions.other_speaker, conditions.other_emotion),
    }
    if which not in pairs:
        raise UsageError(f"there is no negative condition '{which}'{suggest(which, pairs)}")
    return pairs[which]


def is_plain(strength: float, which: str) -> bool:
    """Whether there is nothing to lead away from: lambda = 1, or no negative condition.

    Raises
    ------
    UsageError
        An unknown negative condition.
    """
    if which not in NEGATIVES:
        raise UsageError(f"there is no negative condition '{which}'{suggest(which, NEGATIVES)}")
    return strength == 1.0 or which == "none"


def guided(network: Conditioned, wanted: Tensor, unwanted: Tensor | None, strength: float) -> Score:
    """A score that is led.

    Parameters
    ----------
    network : callable
    wanted, unwanted : Tensor (B, size)
        Projected conditions; ``unwanted`` None: plain conditioning, the network's own answer and nothing else, one
        call a step. Else both are asked in one call of twice the batch.
    strength : float
        lambda.
    """
    if unwanted is None or strength == 1.0:
        return lambda x, t: network(x, t, wanted)
    both = torch.cat([wanted, unwanted])

    def score(x: Tensor, t: float) -> Tensor:
        toward, away = network(torch.cat([x, x]), t, both).chunk(2)
        return away + strength * (toward - away)

    return score
