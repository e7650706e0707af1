"""Recordings packed for the converters, and which of them train, choose and test.

``voxrack prepare evc.diffevc --data RAVDESS --data LIBRISPEECH -o f.safetensors`` keeps of each recording its log-mel
frames without the silence around them, an emotion embedding, and a speaker embedding where an encoder is installed
that need not be trained. The division depends on names alone, so that every stage agrees on who is tested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.datasets.words import natural
from voxrack.errors import InputError

from .emotion import EmotionEncoder
from .level import levelled

if TYPE_CHECKING:
    from voxrack import Audio
    from voxrack.datasets import Corpus, Item
    from voxrack.feature_file import FeatureWriter

MEL, EMOTION, SPEAKER = "mel", "emotion", "speaker"
ENCODER = "emotion_encoder"  # attribute of an item: what made its emotion embedding

SHORTEST = 0.4  # s of speech that a recording must hold
_BELOW = 40.0  # dB under the loudest frame: what is softer at both ends is silence
_MARGIN = 12  # frames of it that are kept

ACTORS = {"test": range(21, 25), "validation": range(19, 21)}
"""RAVDESS: numbers of the actors, women and men alike."""

TEST_EVERY, VALIDATION_EVERY = 7, 14
"""Of other corpora's speakers in natural order: the 7th, 14th, 21st … test, the 8th, 22nd, 36th … validate."""

FEW = 8
"""A corpus of fewer speakers only trains."""


# ---- preparing ------------------------------------------------------------------------------------
def prepare(
    corpus: Corpus, writer: FeatureWriter, emotion: EmotionEncoder, speaker: Any, progress: Callable[..., Any]
) -> None:
    """Add every utterance of ``corpus``; see :class:`Packing`."""
    from voxrack.preparation import extract

    said = emotion.described()
    utterances = tuple(replace(u, attributes={**u.attributes, ENCODER: said}) for u in corpus.utterances)
    extract(replace(corpus, utterances=utterances), writer, Packing(emotion, speaker), progress)


@dataclass(frozen=True)
class Packing:
    """Decoded audio to ``mel`` (frames, 80), ``emotion`` (1, size) and, with an encoder, ``speaker`` (1, 256).

    Parameters
    ----------
    emotion : EmotionEncoder
    speaker : callable or None
        A mono recording and its rate to a vector (256,).

    Raises
    ------
    InputError
        For a recording that is silent, holds less than 0.4 s of sound, or no speech that the emotion encoder hears.
    """

    emotion: EmotionEncoder
    speaker: Any = None

    def __call__(self, audio: Audio) -> dict[str, NDArray[np.float32]]:
        import torch

        from .mel import HOP, RATE, log_mel

        mono = audio.mono()
        heard = mono.resample(RATE)
        samples, _ = levelled(heard.samples[0], RATE)
        if len(samples) < SHORTEST * RATE:
            raise InputError(f"the recording lasts {len(samples) / RATE:.2f} s; {SHORTEST} s are needed")
        mel = trimmed(log_mel(torch.from_numpy(samples)).T.numpy())
        if len(mel) * HOP < SHORTEST * RATE:
            raise InputError(f"there are {len(mel) * HOP / RATE:.2f} s of sound in it; {SHORTEST} s are needed")
        made = {MEL: mel, EMOTION: self.emotion(mono.samples[0], mono.sample_rate)[None]}
        if self.speaker is not None:
            made[SPEAKER] = self.speaker(mono.samples[0], mono.sample_rate)[None]
        return made


def trimmed(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames (frames, 80) from the first to the last within 40 dB of the loudest, and 0.14 s at both ends."""
    power = 10.0 * np.log10(np.square(np.exp(mel.astype(np.float64))).sum(axis=1))
    sound = np.flatnonzero(power > power.max() - _BELOW)
    return np.ascontiguousarray(mel[max(0, sound[0] - _MARGIN) : sound[-1] + 1 + _MARGIN])


# ---- dividing -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Parts:
    """Positions in the list of items, in its order; nobody is in two parts.

    Parameters
    ----------
    train, validation, test : tuple of int
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def divide(items: Sequence[Item]) -> Parts:
    """Who trains, who validates and who tests; an utterance without a known speaker trains.

    Raises
    ------
    InputError
        Nobody is left to train on.
    """
    speakers: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.speaker:
            speakers[item.corpus].add(item.speaker)
    sides = {speaker: side for corpus, known in speakers.items() for speaker, side in _sides(corpus, known).items()}
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for index, item in enumerate(items):
        parts[sides.get(item.speaker, "train")].append(index)
    if not parts["train"]:
        raise InputError(
            "the features hold nobody to train on: of RAVDESS actors 1 to 18 do; prepare with more of --data"
        )
    return Parts(*(tuple(parts[side]) for side in ("train", "validation", "test")))


def _sides(corpus: str, speakers: set[str]) -> dict[str, str]:
    ordered = sorted(speakers, key=natural)
    if corpus == "ravdess":
        return {speaker: _actor(speaker) for speaker in ordered}
    if len(ordered) < FEW:
        return dict.fromkeys(ordered, "train")
    return {speaker: _by_position(position) for position, speaker in enumerate(ordered, 1)}


def _actor(speaker: str) -> str:
    number = speaker.rpartition("/")[2]
    found = [side for side, actors in ACTORS.items() if number.isdigit() and int(number) in actors]
    return found[0] if found else "train"


def _by_position(position: int) -> str:
    if position % TEST_EVERY == 0:
        return "test"
    return "validation" if position % VALIDATION_EVERY == TEST_EVERY + 1 else "train"
