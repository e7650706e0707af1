"""Auxiliary heads (DiffEVC, section 2.1.4, L_aux): what the projections must go on telling after they were kept apart.

The speaker's identity from the projected speaker vector, the emotion's class and, where there are labels, arousal and
valence from the projected emotion vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

UNKNOWN = -1
"""A speaker or an emotion that is not labelled."""
ATTRIBUTES = ("arousal", "valence")


class Heads(nn.Module):
    """Three linear heads.

    Parameters
    ----------
    size : int
        Of a projected vector.
    speakers, emotions : int
    """

    def __init__(self, size: int, speakers: int, emotions: int) -> None:
        super().__init__()
        self.speaker = nn.Linear(size, speakers)
        self.emotion = nn.Linear(size, emotions)
        self.attributes = nn.Linear(size, len(ATTRIBUTES))

    def forward(
        self, s: Tensor, e: Tensor, speaker: Tensor, emotion: Tensor, attributes: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum of the losses that have labels, and measures.

        Parameters
        ----------
        s, e : Tensor (B, size)
        speaker, emotion : Tensor (B,) int
            Classes; -1 where unknown.
        attributes : Tensor (B, 2)
            Arousal and valence; NaN where unknown.
        """
        who, which = self.speaker(s), self.emotion(e)
        numbers = {"speaker": labelled(who, speaker), "emotion": labelled(which, emotion)}
        known = emotion != UNKNOWN
        if known.any():
            numbers["emotion_accuracy"] = (which.argmax(-1) == emotion)[known].float().mean()
        told = self.attributes(e)
        for column, name in enumerate(ATTRIBUTES):
            there = attributes[:, column].isfinite()
            if there.sum() > 1:
                numbers[name] = 1.0 - ccc(attributes[there, column], told[there, column])
        total = torch.stack([loss for name, loss in numbers.items() if name != "emotion_accuracy"]).sum()
        return total, {name: number.detach() for name, number in numbers.items()}


def labelled(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy over the items whose class is known; 0 where none is."""
    known = classes != UNKNOWN
    return cross_entropy(logits[known], classes[known]) if known.any() else logits.sum() * 0.0


def ccc(reference: Tensor, estimate: Tensor) -> Tensor:
    """Concordance correlation coefficient (Lin 1989), -1 … 1, differentiable:
    ``2 cov / (var + var + difference of means squared)`` with population variances; 0 where nothing varies."""
    x, y = reference - reference.mean(), estimate - estimate.mean()
    below = x.square().mean() + y.square().mean() + (reference.mean() - estimate.mean()).square()
    return 2.0 * (x * y).mean() / below.clamp_min(torch.finfo(below.dtype).tiny)
