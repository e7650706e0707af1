"""Recipe of ACRNN (Chen et al. 2018), after its authors' code (xuanjihe/speech-emotion-recognition).

From that code: three-channel log-mel, z-scored with the statistics of the training set, pieces of 300 frames; a longer
clip gives its first and its last 300 frames, in training and in recognition, and the maximum over both of each class's
probability counts; a longer clip of class "happy" is cut every 100 frames in training, which makes up for its rarity
in IEMOCAP. Adam with 1e-5 and batches of 60, the best step on validation speakers. Its ``num_epoch`` of 5,000 counts
batches, not passes: about 100 passes over the pieces of IEMOCAP's improvised turns, hence the default of 100 epochs,
which on a fold of RAVDESS are 3,600 batches. A higher rate for fewer of them (the CPU tier) is a choice of one's own,
which tables name beside the recipe. Ours: pieces in random order, padding with zeros behind the z-score (theirs is
before it).
"""

from __future__ import annotations

from ..frontends import ThreeChannels
from .common import Cut, SerRecipe

FRAMES, STEP = 300, 100


def first_and_last(frames: int, label: str) -> list[Cut]:
    """One piece of a clip up to 300 frames, else its first and its last 300."""
    return [(0, frames)] if frames <= FRAMES else [(0, FRAMES), (frames - FRAMES, frames)]


def happy_often(frames: int, label: str) -> list[Cut]:
    """As :func:`first_and_last`, but "happy" is cut every 100 frames: 300 frames from 0, 100, 200 … on."""
    if label != "happy" or frames <= FRAMES:
        return first_and_last(frames, label)
    return [(start, start + FRAMES) for start in range(0, frames - FRAMES + 1, STEP)]


def first(frames: int, label: str) -> list[Cut]:
    """The first 300 frames alone, which is what CoRNN's comparison hears of a clip."""
    return [(0, min(frames, FRAMES))]


CUTS = {"paper": happy_often, "ends": first_and_last, "first": first}


def acrnn(
    *, cuts: str, dropout: float, mask: bool, normalise: str, learning_rate: float, weight_decay: float, batch: int,
    epochs: int, balance: str, patience: int, bfloat16: bool,
) -> SerRecipe:  # fmt: skip
    """Recipe ``ser.acrnn``."""
    return SerRecipe(
        "ser.acrnn", "acrnn", ThreeChannels(), {"dropout": dropout, "mask": mask, "frames": FRAMES},
        learning_rate, weight_decay, batch, epochs, normalise, balance,
        CUTS[cuts], patience, bfloat16,
    )  # fmt: skip
