"""Recordings that converters are tested with, packed for an evaluation, and the pairs that are made of them.

Only speakers whom training leaves out are packed (:func:`voxrack_evc.material.divide`). Recordings of acted emotion are
kept whole; longer speech is cut in pauses into stretches of at most 7 s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError

from .material import divide
from .segments import pieces
from .specs import EMOTIONS

if TYPE_CHECKING:
    from voxrack import Audio
    from voxrack.datasets import Corpus, Item
    from voxrack.feature_file import FeatureFile, FeatureWriter

RATE = 16_000
ARRAY = "samples"
STRETCH = 7.0
"""Seconds."""
NEUTRAL = "neutral"


def prepare(corpus: Corpus, writer: FeatureWriter, part: str, progress: Callable[..., Any]) -> None:
    """Add the recordings of ``part`` (``test`` or ``validation``)."""
    from voxrack.preparation import extract

    rows = getattr(divide(corpus.utterances), part)  # pyright: ignore[reportArgumentType] - corpus and speaker suffice
    if not rows:
        raise InputError(f"nobody in {corpus.name} is of the part '{part}'; give the whole corpus with --data")
    chosen = tuple(corpus.utterances[row] for row in rows)
    extract(replace(corpus, utterances=chosen), writer, Packing(), progress)


@dataclass(frozen=True)
class Packing:
    """Decoded audio to ``samples`` (frames,) at 16 kHz, channels averaged; in stretches where it lasts over 7 s."""

    def __call__(self, audio: Audio) -> list[dict[str, NDArray[np.float32]]]:
        sound = audio.mono().resample(RATE).samples
        if not sound.any():
            raise InputError("the recording is silent throughout")
        return [{ARRAY: np.ascontiguousarray(piece[0])} for piece in pieces([sound], RATE, STRETCH)]


@dataclass(frozen=True)
class Case:
    """A recording and the emotions to convert it to.

    Parameters
    ----------
    row : int
        In the feature file.
    id, corpus, speaker : str
    emotion : str
        What it is spoken with; neutral for speech that is not acted.
    acted : bool
    targets : tuple of str
    real : dict of str to int
        Row of a recording of the same words by the same speaker in each target emotion, where there is one.
    other : int or None
        Row of other words by the same speaker with the same emotion.
    """

    row: int
    id: str
    corpus: str
    speaker: str
    emotion: str
    acted: bool
    targets: tuple[str, ...]
    real: dict[str, int]
    other: int | None


def cases(items: Sequence[Item], emotions: Sequence[str], clips: int, spoken: int) -> list[Case]:
    """Every ordered pair of ``emotions`` for acted recordings; from neutral to the others for what is spoken.

    Parameters
    ----------
    items : sequence of Item
    emotions : sequence of str
    clips : int
        Recordings of each actor and emotion at most, sentences and intensities alike.
    spoken : int
        Stretches that are not acted, the same number of each speaker.

    Raises
    ------
    InputError
        Nothing to convert.
    """
    acted = [row for row, item in enumerate(items) if item.label in emotions]
    chosen = _spread(items, acted, clips, lambda item: (item.speaker, item.label))
    found = [_acted(items, row, acted, emotions) for row in chosen]
    read = [row for row, item in enumerate(items) if item.label not in EMOTIONS]
    speakers = len({items[row].speaker for row in read}) or 1
    chosen = _spread(items, read, -(-spoken // speakers), lambda item: item.speaker)[:spoken] if spoken else []
    found += [_spoken(items, row, read, emotions) for row in chosen]
    if not found:
        raise InputError(
            f"the features hold nothing with an emotion of {', '.join(emotions)} and no plain speech; prepare RAVDESS"
        )
    return found


def recordings(features: FeatureFile, path: str = "") -> FeatureFile:
    """The file with the recordings: ``path`` where it is given, else ``features`` itself.

    Raises
    ------
    UsageError
        It holds none; the message tells how they are prepared.
    """
    from voxrack.feature_file import FeatureFile

    file = FeatureFile(path) if path else features
    if ARRAY not in file.names:
        raise UsageError(
            f"{file.path} holds no recordings to convert: voxrack prepare evc.prosody --data RAVDESS --data "
            "LIBRISPEECH -o recordings.safetensors, then --set recordings=recordings.safetensors"
        )
    return file


def sound(features: FeatureFile, row: int) -> NDArray[np.float32]:
    """(frames,) at 16 kHz."""
    return features.get(ARRAY, row).numpy()


def words(item: Item) -> str:
    """What is said, where it is known."""
    return item.attributes.get("text", "")


def _spread(items: Sequence[Item], rows: Sequence[int], count: int, key: Callable[[Item], Any]) -> list[int]:
    """At most ``count`` rows of every group, evenly over the group's order."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        groups[key(items[row])].append(row)
    kept = set()
    for group in groups.values():
        places = np.linspace(0, len(group) - 1, min(count, len(group))).round().astype(int)
        kept.update(group[place] for place in places.tolist())
    return sorted(kept)


def _acted(items: Sequence[Item], row: int, rows: Sequence[int], emotions: Sequence[str]) -> Case:
    item = items[row]
    own = [other for other in rows if items[other].speaker == item.speaker]
    real = {}
    for target in emotions:
        same = [o for o in own if items[o].label == target and words(items[o]) == words(item)]
        if target != item.label and same:
            alike = [o for o in same if items[o].attributes.get("intensity") == item.attributes.get("intensity")]
            real[target] = (alike or same)[0]
    others = [o for o in own if items[o].label == item.label and words(items[o]) != words(item)]
    targets = tuple(emotion for emotion in emotions if emotion != item.label)
    return Case(row, item.id, item.corpus, item.speaker, item.label, True, targets, real, others[0] if others else None)


def _spoken(items: Sequence[Item], row: int, rows: Sequence[int], emotions: Sequence[str]) -> Case:
    item = items[row]
    others = [o for o in rows if items[o].speaker == item.speaker and o != row]
    targets = tuple(emotion for emotion in emotions if emotion != NEUTRAL)
    return Case(row, item.id, item.corpus, item.speaker, NEUTRAL, False, targets, {}, others[0] if others else None)
