"""Speech and noise for the enhancers, packed into a feature file, and which of it trains, chooses and tests.

``voxrack prepare enhance.light --data RAVDESS --noise ESC10 --unmatched OTHER -o f.safetensors`` keeps the sound itself
as the only array, ``samples`` (frames,), mono at 16 kHz. The division depends on names alone, so that a
training and a later evaluation, each from a file of its own, agree on who is tested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voxrack.datasets.noise import NOISE, TEST_ONLY, NoiseClip, NoiseSet, split_noise
from voxrack.datasets.words import natural
from voxrack.errors import InputError

from .augment import RATE
from .transforms import Samples

if TYPE_CHECKING:
    from voxrack import Audio
    from voxrack.datasets import Corpus, Item
    from voxrack.feature_file import FeatureFile, FeatureWriter

ARRAY = "samples"
PIECE = 15.0  # s; longer recordings are cut, so that an hour of one voice is drawn as often as an hour of takes
SHORTEST = 0.1  # s

ACTORS = {"test": range(21, 25), "validation": range(19, 21)}
"""RAVDESS: numbers of the actors, women and men alike."""

TEST_EVERY, VALIDATION_EVERY = 7, 14
"""Of other corpora's speakers in natural order: the 7th, 14th, 21st … test, the 8th, 22nd, 36th … validate."""

FEW = 8
"""A corpus of three to seven speakers tests the last one and validates with the one before; one of two only trains."""

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
"""Of each category's source recordings of noise."""


# ---- preparing ------------------------------------------------------------------------------------
def prepare(corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
    """Add every utterance and every noise of ``corpus``: the ``prepare`` of an enhancer's recipe."""
    from voxrack.preparation import extract

    extract(corpus, writer, Packing(), progress)


@dataclass(frozen=True)
class Packing:
    """Decoded audio to its pieces of 15 s at most: each an array ``samples`` (frames,) at 16 kHz, channels averaged.

    Raises
    ------
    InputError
        For a recording that is silent throughout, or shorter than 0.1 s.
    """

    def __call__(self, audio: Audio) -> list[dict[str, NDArray[np.float32]]]:
        samples = audio.mono().resample(RATE).samples[0]
        if not samples.any():
            raise InputError("the recording is silent throughout")
        if len(samples) < SHORTEST * RATE:
            raise InputError(f"the recording lasts {len(samples) / RATE:.3f} s; {SHORTEST} s are needed")
        count = -(-len(samples) // int(PIECE * RATE))
        return [{ARRAY: np.ascontiguousarray(part)} for part in np.array_split(samples, count)]


def samples(features: FeatureFile, index: int) -> Samples:
    """One utterance or noise of a prepared file, float32, shape (frames,), at 16 kHz."""
    return features.get(ARRAY, index).numpy()


# ---- dividing -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Parts:
    """Positions in the list of items, in its order; nobody, and no source recording of a noise, is in two parts.

    Parameters
    ----------
    train_speech, validation_speech, test_speech : tuple of int
    train_noise, validation_noise, test_noise : tuple of int
    unmatched_noise : tuple of int
        Noises that were given for testing only (``--unmatched``).
    """

    train_speech: tuple[int, ...]
    validation_speech: tuple[int, ...]
    test_speech: tuple[int, ...]
    train_noise: tuple[int, ...]
    validation_noise: tuple[int, ...]
    test_noise: tuple[int, ...]
    unmatched_noise: tuple[int, ...]

    def need(self, *names: str) -> Parts:
        """Itself, where none of the named parts is empty.

        Raises
        ------
        InputError
            Names the parts that are empty, and what to prepare.
        """
        missing = [name.replace("_", " ") for name in names if not getattr(self, name)]
        if missing:
            raise InputError(
                f"the features hold nothing for {', '.join(missing)}: of each corpus every {TEST_EVERY}th speaker "
                f"tests (corpora of fewer than 3 speakers only train), of noise a fifth of the recordings; prepare "
                "with more of --data, --noise or --unmatched"
            )
        return self


def divide(items: Sequence[Item]) -> Parts:
    """Who trains, who validates and who tests.

    Parameters
    ----------
    items : sequence of Item
        Of a prepared file. Noises have the label ``noise``; all else is speech. Speech without a known speaker trains.
    """
    speech, noise = {}, {}
    unmatched = []
    for index, item in enumerate(items):
        if item.label != NOISE:
            speech[index] = item
        elif item.attributes.get("use") == TEST_ONLY:
            unmatched.append(index)
        else:
            noise[index] = item
    speakers = _speaker_sides(list(speech.values()))
    recordings = _recording_sides(list(noise.values()))

    def on(side: str, of: dict[int, Item], sides: Callable[[Item], str]) -> tuple[int, ...]:
        return tuple(index for index, item in of.items() if sides(item) == side)

    by_speaker = lambda item: speakers.get(item.speaker, "train")  # noqa: E731
    by_recording = lambda item: recordings[item.attributes["recording"]]  # noqa: E731
    train, validation, test = (on(side, speech, by_speaker) for side in SIDES)
    train_noise, validation_noise, test_noise = (on(side, noise, by_recording) for side in SIDES)
    return Parts(train, validation, test, train_noise, validation_noise, test_noise, tuple(unmatched))


SIDES = ("train", "validation", "test")


class _Spoken(Protocol):
    @property
    def corpus(self) -> str: ...
    @property
    def speaker(self) -> str: ...


def _speaker_sides(items: Sequence[_Spoken]) -> dict[str, str]:
    """Side of each known speaker. A speaker who is in two corpora (RAVDESS spoken and sung) is on one."""
    corpora: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.speaker:
            corpora[item.speaker.rpartition("/")[0]].add(item.speaker)
    sides: dict[str, str] = {}
    for name, speakers in corpora.items():
        for position, speaker in enumerate(sorted(speakers, key=natural), 1):
            sides[speaker] = _actor(speaker) if name == "ravdess" else _by_position(position, len(speakers))
    return sides


def _actor(speaker: str) -> str:
    number = speaker.rpartition("/")[2]
    found = [side for side, actors in ACTORS.items() if number.isdigit() and int(number) in actors]
    return found[0] if found else "train"


def _by_position(position: int, count: int) -> str:
    if count < FEW:
        last = {count: "test", count - 1: "validation"} if count > 2 else {}
        return last.get(position, "train")
    if position % TEST_EVERY == 0:
        return "test"
    return "validation" if position % VALIDATION_EVERY == TEST_EVERY + 1 else "train"


def _recording_sides(items: Sequence[Item]) -> dict[str, str]:
    """Side of each source recording; categories of fewer than three recordings only train."""
    clips = [
        NoiseClip(item.id, Path(), item.attributes.get("category", ""), item.attributes["recording"]) for item in items
    ]
    sides = {clip.recording: "train" for clip in clips}
    known: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        known[clip.category].add(clip.recording)
    fit = tuple(clip for clip in clips if len(known[clip.category]) > 2)
    if fit:
        split = split_noise(NoiseSet("noise", Path(), fit), test=TEST_SHARE, validation=VALIDATION_SHARE)
        sides.update({clip.recording: "validation" for clip in split.validation})
        sides.update({clip.recording: "test" for clip in split.test})
    return sides
