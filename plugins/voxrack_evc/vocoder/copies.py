"""``evaluate`` of the vocoder: recordings of speakers that training left out, to mel and back, beside what else can.

Nothing is trained. Each recording is brought to -20 dBFS as a converter does it, its mel spectrogram, pitch and voicing
are taken, and each system makes sound of them: the vocoder with its network and without, each as it is and fitted to
the mel spectrogram in eight rounds, and Griffin-Lim. Quality is PESQ (wide band, 16 kHz), likeness of the speaker,
and DNSMOS; the recording itself stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError
from voxrack.figures_file import FiguresFile, refuse_training
from voxrack.row_file import RowFile

from .. import judging
from ..specs_vocoder import PROTOCOL

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

    from .copies_report import Report

NAME, ROWS = "copies.json", "rows.jsonl"
FORMAT, VERSION = "voxrack.copies", 1
ORIGINAL, GRIFFIN_LIM, TRAINED = "recording", "Griffin-Lim", "evc.vocoder"
FITTED, BARE, BARE_FITTED = "evc.vocoder, fitted", "no network", "no network, fitted"
SYSTEMS = (ORIGINAL, GRIFFIN_LIM, BARE, TRAINED, BARE_FITTED, FITTED)
ROUNDS = 8  # of fitting
MEASURES = ("pesq", "secs", "ovrl")
HEARD_AT = 16_000  # Hz, what the measures take
_GOLDEN = 0.618034  # not in step with the takes, which are alike from speaker to speaker


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["system"], row["item"]


@dataclass(frozen=True)
class Job:
    """One recording through the systems that have not copied it; it can be sent to a process."""

    row: int
    systems: tuple[str, ...]
    features: tuple[Path, str]  # and its digest
    weights: str


def evaluate(
    weights: str, utterances: int, features: FeatureFile, *, folder: Path, protocol: str = PROTOCOL,
    folds: Sequence[str] = (), validation_speakers: int = 0, seeds: int | None = None, epochs: int | None = None,
    tier: str = "", workers: int = 1, progress: Callable[..., Any] | None = None,
) -> Report:  # fmt: skip
    """Copy and measure; the figures are kept in ``folder/copies/``.

    Parameters
    ----------
    weights : str
        A file or a run; empty: the shipped ones.
    utterances : int
        Recordings of each corpus, spread evenly over the test speakers.
    features : FeatureFile
        As :func:`voxrack_evc.vocoder.packing.prepare` packs them.
    folder : Path
    protocol : str
        ``"copies"``.
    folds, validation_speakers, epochs
        Of evaluations that train; refused.
    seeds, tier
        Without effect.
    workers : int
        Processes.
    progress : callable, optional

    Raises
    ------
    UsageError
        A package of the extra ``metrics`` is missing, or the folder holds something else.
    InputError
        No weights, no test speakers, or not one recording could be measured.
    """
    from voxrack.metrics_quality import need
    from voxrack.replace import make_folder

    from .copies_report import Report, figures
    from .synthesis import load

    refuse_training(
        "vocoders", protocol, PROTOCOL, folds=folds, validation_speakers=validation_speakers, epochs=epochs
    )
    need()
    rows = chosen(features, utterances)
    place = Path(folder) / PROTOCOL
    about: dict[str, Any] = {
        "recipe": TRAINED, "protocol": PROTOCOL, "utterances": utterances, "weights": load(weights).sha256,
        "features": {"file": features.path.name, "digest": features.digest},
        "speaker_measure": judging.speaker_measure(), "systems": SYSTEMS,
    }  # fmt: skip
    make_folder(place)
    kept, file = FiguresFile(place / NAME, FORMAT, VERSION), RowFile(place / ROWS, _key)
    kept.check(about, ("recipe", "utterances", "weights", "features", "speaker_measure"))
    kept.write(about)
    there, jobs = file.rows(), []
    for row in rows:
        missing = tuple(name for name in SYSTEMS if (name, features.items[row].id) not in there)
        if missing:
            jobs.append(Job(row, missing, (features.path, features.digest), weights))
    file.measure(
        copy, jobs, name=lambda job: features.items[job.row].id, before=len(rows) - len(jobs), workers=workers,
        progress=progress,
    )  # fmt: skip
    items = {features.items[row].id for row in rows}
    measured = [row for row in file.rows().values() if row["item"] in items]
    if all(row["failed"] for row in measured):
        raise InputError(f"nothing could be measured; the first: {measured[0]['item']}: {measured[0]['failed']}")
    kept.write(about | {"figures": figures(measured), "notes": _notes(measured)})
    return Report(place, kept.read())


def chosen(features: FeatureFile, utterances: int) -> list[int]:
    """Test recordings of each corpus, spread over speakers and takes; InputError where there are none."""
    from ..material import divide

    corpora: dict[str, list[int]] = {}
    for row in divide(features.items).test:
        corpora.setdefault(features.items[row].corpus, []).append(row)
    if not corpora:
        raise InputError(
            "the features hold no test speakers: of RAVDESS actors 21 to 24 test, of others every 7th speaker"
        )
    found = []
    for rows in corpora.values():
        count = min(utterances, len(rows))
        found += [rows[int((place + place * _GOLDEN % 1.0) * len(rows) / count)] for place in range(count)]
    return found


def copy(job: Job) -> list[dict[str, Any]]:
    """Rows of one recording; what cannot be measured is a row with the reason."""
    import torch

    from ..mel import RATE, log_mel
    from .packing import F0, SAMPLES, VOICING

    features = _features(*job.features)
    item = features.items[job.row]
    sound = features.get(SAMPLES, job.row)
    mel = log_mel(sound).numpy()
    f0, voicing = (features.get(name, job.row).numpy() for name in (F0, VOICING))
    reference = _heard(sound.numpy())
    voice = judging.speaker_vector(reference)
    out = []
    for system in job.systems:
        row: dict[str, Any] = {
            "system": system, "item": item.id, "corpus": item.corpus, "speaker": item.speaker,
            "seconds": len(sound) / RATE, "cpu": 0.0, **dict.fromkeys(MEASURES), "failed": "",
        }  # fmt: skip
        made = reference
        if system != ORIGINAL:
            vocoder = _system(system, job.weights)
            with torch.no_grad():
                started = time.process_time()
                copied = vocoder.synthesise(mel, f0, voicing)
                row["cpu"] = time.process_time() - started
            made = _heard(copied)
        try:
            row |= _measured(reference, made, voice)
        except InputError as error:
            row["failed"] = str(error)
        out.append(row)
    return out


def _measured(reference: NDArray[np.float32], made: NDArray[np.float32], voice: Any) -> dict[str, Any]:
    from voxrack.metrics_quality import dnsmos, pesq_wb

    other = voice if made is reference else judging.speaker_vector(made)
    likeness = None if voice is None or other is None else float(voice @ other)
    return {"pesq": pesq_wb(reference, made), "secs": likeness, "ovrl": dnsmos(made, windows=1)[2]}


def _heard(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    from voxrack import Audio

    from ..mel import RATE

    return Audio(samples[None], RATE).resample(HEARD_AT).samples[0]


@lru_cache(maxsize=4)
def _system(name: str, weights: str) -> Any:
    from .griffin_lim import GriffinLim
    from .synthesis import Vocoder, load

    if name == GRIFFIN_LIM:
        return GriffinLim()
    rounds = ROUNDS if name in (FITTED, BARE_FITTED) else 0
    return Vocoder(rounds=rounds) if name in (BARE, BARE_FITTED) else load(weights, rounds)


@lru_cache(maxsize=1)
def _features(path: Path, digest: str) -> FeatureFile:
    from voxrack.feature_file import FeatureFile

    return FeatureFile(path)


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lost = [row for row in rows if row["failed"]]
    if not lost:
        return []
    first = f"{lost[0]['system']}, {lost[0]['item']}: {lost[0]['failed']}"
    return [f"{len(lost)} of {len(rows)} copies could not be measured and are left out; the first, {first}"]
