"""What a trained model does to the spectra of speakers whom it never heard, before any vocoder, prosody or recogniser.

Two questions, on the test part of a feature file: how near does the decoder come to a recording from its average voice
when speaker and emotion are the recording's own, and how far does it move a voice's long-term spectrum towards the one
that the same speaker has, saying the same words, with the emotion that was asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile

from .conversion import Converter
from .material import EMOTION, MEL, SPEAKER, divide

Frames = NDArray[np.float32]

DB = 20.0 / np.log(10.0)
"""dB of a neper: log-mel to dB."""
_QUIET = 30.0  # dB under the loudest frame: softer ones are no voice


@dataclass(frozen=True)
class Setting:
    """How is converted."""

    guidance: float = 1.0
    negative: str = "none"
    steps: int = 6
    depth: float = 1.0


def copying(
    converter: Converter, features: FeatureFile, setting: Setting, most: int = 24, corpus: str = "",
    progress: Callable[[float], Any] = lambda share: None,
) -> dict[str, float]:  # fmt: skip
    """Test recordings with their own speaker and emotion: mean distance in dB from what was said.

    Parameters
    ----------
    most : int
        Recordings at most, drawn with a seed of their own.
    corpus : str
        Of these only.

    Returns
    -------
    dict
        ``n``, ``decoder`` (of the converted spectrum), ``average voice`` (of what the decoder begins with).
    """
    rows = [row for row in divide(features.items).test if corpus in ("", features.items[row].corpus)]
    rows = _some(rows, most)
    if not rows:
        raise InputError(f"{features.path} holds no test recordings of '{corpus or 'any corpus'}'")
    errors = []
    for count, row in enumerate(rows, 1):
        mel, own = _mel(features, row), features.get(EMOTION, row)[0]
        conditions = converter.conditions(_speaker(converter, features, row), own, own)
        made = _convert(converter, mel, conditions, setting)
        errors.append([np.abs(each - mel).mean() * DB for each in (made, converter.average_voice(mel))])
        progress(count / len(rows))
    decoder, average = np.mean(errors, axis=0)
    return {"n": len(rows), "decoder": float(decoder), "average voice": float(average)}


def shifts(
    converter: Converter, features: FeatureFile, setting: Setting, emotions: Sequence[str], most: int = 48,
    progress: Callable[[float], Any] = lambda share: None,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """How far long-term spectra move towards the real ones, for every emotion that is asked for.

    A recording's spectrum is the mean over its voiced frames, in dB, less its own level. With d the step from the
    source's spectrum to the mean of the same speaker's real recordings of the same words with the wanted emotion, and m
    the converted spectrum less that of a conversion to the source's own emotion, ``share`` is ``m.d / d.d`` summed over
    recordings: 1 has gone the whole way, 0 nowhere, below 0 away from it. ``cosine`` is the angle's alone.

    Returns
    -------
    dict
        Emotion to ``n``, ``share`` and ``cosine``; ``all`` for all together.
    """
    pairs = list(_pairs(features, emotions))
    pairs = _some(pairs, most)
    if not pairs:
        raise InputError(f"{features.path} holds no speaker who tests and says the same words with two emotions")
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for count, (row, emotion, real) in enumerate(pairs, 1):
        mel, own = _mel(features, row), features.get(EMOTION, row)[0]
        speaker, label = _speaker(converter, features, row), features.items[row].label
        made, stayed = (
            spectrum(_convert(converter, mel, converter.conditions(speaker, own, word), setting))
            for word in (emotion, label)
        )
        wanted = np.mean([spectrum(_mel(features, other)) for other in real], axis=0) - spectrum(mel)
        moved = made - stayed
        found[emotion].append((float(moved @ wanted), float(wanted @ wanted), float(moved @ moved)))
        progress(count / len(pairs))
    every = [one for many in found.values() for one in many]
    return {name: _summed(many) for name, many in (*found.items(), ("all", every))}


def spectrum(mel: Frames) -> NDArray[np.float64]:
    """Long-term spectrum (80,) in dB of (80, frames), less its own mean; frames 30 dB under the loudest left out."""
    power = 10.0 * np.log10(np.square(np.exp(mel.astype(np.float64))).sum(axis=0))
    mean = mel[:, power > power.max() - _QUIET].mean(axis=1) * DB
    return mean - mean.mean()


def _some(everything: list[Any], most: int) -> list[Any]:
    """At most so many, in their order: drawn, for every so-manieth would be the same emotion each time."""
    chosen = np.random.default_rng(0).permutation(len(everything))[:most]
    return [everything[index] for index in sorted(chosen)]


def _summed(many: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    along, wanted, moved = np.sum(many, axis=0)
    return {
        "n": len(many), "share": float(along / wanted),
        "cosine": float(along / np.sqrt(wanted * moved)) if moved > 0 else 0.0,
    }  # fmt: skip


def _pairs(features: FeatureFile, emotions: Sequence[str]) -> Iterator[tuple[int, str, list[int]]]:
    """A recording, an emotion to convert it to, and the same speaker's recordings of the same words with that one."""
    said: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in divide(features.items).test:
        item = features.items[row]
        said[item.speaker, item.attributes.get("text", ""), item.label].append(row)
    for speaker, text in sorted({key[:2] for key in said}):
        for source, target in permutations(emotions, 2):
            if said.get((speaker, text, source)) and said.get((speaker, text, target)):
                yield said[speaker, text, source][0], target, said[speaker, text, target]


def _convert(converter: Converter, mel: Frames, conditions: Any, setting: Setting) -> Frames:
    return converter(
        mel, conditions, steps=setting.steps, guidance=setting.guidance, negative=setting.negative,
        depth=setting.depth,
    )  # fmt: skip


def _mel(features: FeatureFile, row: int) -> Frames:
    return np.ascontiguousarray(features.get(MEL, row).numpy().T)


def _speaker(converter: Converter, features: FeatureFile, row: int) -> Any:
    if SPEAKER in features.names and converter.model.speaker is None:
        return features.get(SPEAKER, row)[0]
    return converter.speaker_vector(_mel(features, row), np.zeros(0, np.float32))
