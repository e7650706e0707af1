"""One recording of an evaluation: converted by each system, heard by the judges, and compared with where it came from.

Beside the converters stand two that convert nothing: ``as it came`` (the floor: the source judged as if it were the
target) and ``real`` (the ceiling: the same words by the same speaker with the target emotion).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrack.errors import InputError
from voxrack.metrics_quality import dnsmos

from . import judging, likeness
from .evaluation_options import WINDOWS, Asked
from .evaluation_systems import System, device, made
from .recordings import RATE, Case, sound

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

FLOOR, CEILING = "as it came", "real"
MEASURES = (*likeness.NAMES, "sig", "ovrl", "utmos", "pitch", "energy", "words", "other_words")
Source = tuple[Path, str]  # a feature file and its digest


@dataclass(frozen=True)
class Job:
    """One recording to one emotion through the systems that have not converted it; it can be sent to a process."""

    case: Case
    target: str
    systems: tuple[System | str, ...]
    features: Source
    asked: Asked


def name(one: System | str) -> str:
    """Of a system, or of the floor or the ceiling."""
    return one if isinstance(one, str) else one.name


def judge_one(job: Job) -> list[dict[str, Any]]:
    """Convert one recording by each system and judge what comes out; what fails is a row with the reason."""
    case, target, asked = job.case, job.target, job.asked
    source_sound = sound(_features(*job.features), case.row)
    out = []
    for one in job.systems:
        row: dict[str, Any] = {
            "system": name(one), "item": case.id, "corpus": case.corpus, "speaker": case.speaker,
            "acted": case.acted, "source": case.emotion, "target": target, "heard": "", **dict.fromkeys(MEASURES),
            "cpu": 0.0, "seconds": len(source_sound) / RATE, "real_pitch": None, "real_energy": None, "failed": "",
        }  # fmt: skip
        try:
            source = _recorded(job.features, case.row, asked)
            if isinstance(one, System):
                converted, row["cpu"] = made(one, source_sound, case, target)
                found = _impression(converted, asked)
            elif one == FLOOR:
                found = source
            elif target in case.real:
                found = _recorded(job.features, case.real[target], asked)
            else:
                raise LookupError("there is no recording of these words with that emotion")
            row |= _compared(found, source)
            row["other_words"] = _other_words(job.features, case, asked)
            if target in case.real:
                real = _compared(_recorded(job.features, case.real[target], asked), source)
                row |= {f"real_{measure}": real[measure] for measure in ("pitch", "energy")}
        except (InputError, LookupError) as error:
            row["failed"] = str(error)
        out.append(row)
    return out


def forget() -> None:
    """Load devices, judges and recordings anew from here on: files may have changed since."""
    for cached in (_judge, _likeness, _utmos, _recorded, _features, device):
        cached.cache_clear()


@dataclass(frozen=True)
class Impression:
    """What judges say of one recording; see :mod:`voxrack_evc.judging`."""

    heard: str
    voice: likeness.Voice
    sig: float | None
    ovrl: float | None
    utmos: float | None
    prosody: Mapping[str, float] | None
    cepstra: Any


def _impression(signal: judging.Sound, asked: Asked) -> Impression:
    windows = WINDOWS[asked.dnsmos]
    sig, _, ovrl = dnsmos(signal, RATE, windows) if windows != 0 else (None, None, None)
    natural = _utmos(asked.utmos)(signal) if asked.utmos else None
    return Impression(
        _judge(asked)(signal), _likeness(asked.speaker_weights)(signal), sig, ovrl, natural, judging.prosody(signal),
        judging.cepstra(signal),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _recorded(source: Source, row: int, asked: Asked) -> Impression:
    """Of a recording, once for all that is made of it."""
    return _impression(sound(_features(*source), row), asked)


def _compared(found: Impression, source: Impression) -> dict[str, Any]:
    row: dict[str, Any] = {
        "heard": found.heard, "sig": found.sig, "ovrl": found.ovrl, "utmos": found.utmos, "pitch": None,
        "energy": None, **likeness.compared(found.voice, source.voice),
    }  # fmt: skip
    if found.prosody and source.prosody:
        row |= {measure: found.prosody[measure] - source.prosody[measure] for measure in found.prosody}
    row["words"] = judging.word_distance(found.cepstra, source.cepstra) if found is not source else 0.0
    return row


def _other_words(source: Source, case: Case, asked: Asked) -> float | None:
    """Distance to another sentence of the same speaker and emotion."""
    if case.other is None:
        return None
    here, there = (_recorded(source, row, asked) for row in (case.row, case.other))
    return judging.word_distance(there.cepstra, here.cepstra)


@lru_cache(maxsize=1)
def _judge(asked: Asked) -> judging.Judge:
    return judging.Judge.of(asked.judge, asked.judge_weights, asked.named)


@lru_cache(maxsize=1)
def _likeness(weights: str) -> likeness.Likeness:
    return likeness.Likeness.of(weights)


@lru_cache(maxsize=1)
def _utmos(path: str) -> Any:
    from .utmos import load

    return load(path)


@lru_cache(maxsize=1)
def _features(path: Path, digest: str) -> FeatureFile:
    from voxrack.feature_file import FeatureFile

    return FeatureFile(path)
