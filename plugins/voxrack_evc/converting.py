"""One recording through a converter: what a worker process of ``voxrack convert`` does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack.device import Block
from voxrack.errors import InputError, PluginError, UsageError

from .level import NoVoice
from .segments import LONGEST, converted

if TYPE_CHECKING:
    from voxrack.device import DeviceSpec
    from voxrack.files import FileInfo
    from voxrack.host import Host
    from voxrack.instance import Device

ROLE = "emotion-embedding"
DECIDABLE = 1.0
"""Seconds: whether a shorter piece holds speech is not asked."""
_BLOCK = 65_536
_LOWEST = 8000  # Hz, for telling speech
_BRIEF = 512 / 22_050  # s: two frames of the mel spectrogram, which pitch is told from
_ALIKE = 0.2  # correlation of channels below which they hold different sounds
NO_SPEECH, SILENT, BRIEF = "no speech was found", "only silence was found", "less than 24 ms was found"


@dataclass(frozen=True)
class Job:
    """One recording, one emotion; can be sent to another process.

    Parameters
    ----------
    device : str
    values : mapping
        Plain values of its parameters.
    source, target : Path
    longest : float
        Seconds of a piece.
    gate : bool
        Leave pieces without speech as they are.
    listen : bool
        Have a recogniser tell what is heard in the source, for the device's parameter ``source``.
    subtype : str or None
        Sample format of the target.
    """

    device: str
    values: Mapping[str, Any]
    source: Path
    target: Path
    longest: float = LONGEST
    gate: bool = True
    listen: bool = False
    subtype: str | None = None


@dataclass
class _Count:
    frames_in: int = 0
    frames_out: int = 0
    pieces: int = 0
    left: Counter[str] = field(default_factory=Counter)  # pieces that stayed as they were, by the reason
    apart: int = 0  # pieces whose channels hold different sounds
    peak: float = 0.0
    notes: list[str] = field(default_factory=list)


def convert(job: Job, progress: Callable[[float], Any] | None = None, host: Host | None = None) -> dict[str, Any]:
    """Convert one file piece by piece; the target is written whole or not at all.

    Returns
    -------
    dict
        What was done, as ``convert --json`` prints it.
    """
    from voxrack import files
    from voxrack.commands.work import heard
    from voxrack.host import default_host
    from voxrack.replace import make_folder

    host = host or default_host()
    values, count = dict(job.values), _Count()
    if job.listen:
        values["source"] = _source_emotion(job.source, host, job.device, count)
    device: Any = host.create(job.device, values)
    info = files.info(job.source)
    if job.target.exists() and job.target.resolve() == job.source.resolve():
        raise UsageError(f"'{job.target}' is the input itself; name another output")
    started = time.perf_counter()
    make_folder(job.target.parent)
    with heard() as remarks:
        blocks = _counted(files.blocks(job.source, _BLOCK), count)
        out = converted(
            blocks, info.sample_rate, lambda piece: _piece(device, piece, info.sample_rate, job.gate, count),
            longest=job.longest, progress=lambda seconds: progress and progress(min(1.0, seconds / info.duration)),
        )  # fmt: skip
        first = next(out)
        with files.Writer(job.target, info.sample_rate, first.shape[0], job.subtype) as writer:
            for block in _chained(first, out):
                count.frames_out += block.shape[1]
                count.peak = max(count.peak, float(np.abs(block).max(initial=0.0)))
                writer.write(block)
    seconds = time.perf_counter() - started
    _remark(job, device.spec, info, count)
    return {
        "source": str(job.source), "target": str(job.target), **provenance(device), "sample_rate": info.sample_rate,
        "seconds_in": count.frames_in / info.sample_rate, "seconds_out": count.frames_out / info.sample_rate,
        "pieces": count.pieces, "unchanged": count.left.total(), "peak": count.peak, "clipped": writer.clipped,
        "seconds": seconds, "times_real_time": count.frames_in / info.sample_rate / max(seconds, 1e-9),
        "notes": [*info.warnings, *count.notes, *remarks],
    }  # fmt: skip


def provenance(device: Device) -> dict[str, Any]:
    """The device, its version and values, and the SHA-256 of the numbers it works with."""
    return {
        "device": device.spec.id, "version": device.spec.version,
        "weights": getattr(device.processor, "weights", {}), "values": dict(device.values),
    }  # fmt: skip


def heard_emotion(path: Path, host: Host | None = None) -> tuple[str, dict[str, float], str]:
    """What a recogniser hears in a recording.

    Returns
    -------
    emotion : str
        The verdict: a label, ``"unsure"`` or ``"no speech"``.
    probabilities : dict of str to float
    device : str
        Id of the recogniser: the first available device of the role ``emotion-embedding``.

    Raises
    ------
    PluginError
        No recogniser is installed.
    """
    from voxrack import analyze
    from voxrack.host import default_host
    from voxrack.instance import AnalyzerDevice

    host = host or default_host()
    offered = [e.spec.id for e in host.devices("analyzer") if e.spec.role == ROLE and e.status == "available"]
    if not offered:
        raise PluginError(
            f"no available device of the role '{ROLE}' can tell what is heard in {path}; name the emotion: "
            "--emotion, --source"
        )
    device = host.create(offered[0])
    assert isinstance(device, AnalyzerDevice)
    summary: dict[str, Any] = {}
    for track in analyze(device, path):
        summary.update(track.summary)
    return summary["emotion"], dict(summary["probabilities"]), offered[0]


def referred_emotion(path: Path, choices: tuple[str, ...], host: Host | None = None) -> tuple[str, str]:
    """For a device that takes no reference: the likeliest of ``choices`` in a reference, and a sentence that says so.

    Raises
    ------
    InputError
        There is no speech in the reference.
    """
    verdict, probabilities, recogniser = heard_emotion(path, host)
    known = {label: share for label, share in probabilities.items() if label in choices}
    if verdict == "no speech" or not known:
        raise InputError(f"{path}: no speech is heard in the reference ({recogniser}); give another recording")
    emotion = max(known, key=lambda label: known[label])
    return emotion, f"{path} sounds {emotion} ({known[emotion]:.2f}, {recogniser})"


def _source_emotion(path: Path, host: Host, device: str, count: _Count) -> str:
    """What is heard in the source, where it is an emotion that the device knows; else neutral."""
    choices = host.spec(device).param("source").choices
    verdict, probabilities, recogniser = heard_emotion(path, host)
    found = verdict if verdict in choices else "neutral"
    why = f"{probabilities[verdict]:.2f}" if verdict in probabilities else f"it says '{verdict}'"
    count.notes.append(f"{path}: taken for {found} ({recogniser}: {why})")
    return found


def _piece(device: Device, piece: Block, sample_rate: int, gate: bool, count: _Count) -> Block:
    """What becomes of a piece; one with nothing to convert stays as it is, with as many channels as the others get."""
    from voxrack import Audio, render

    count.pieces += 1
    reason = _nothing(piece, sample_rate, gate)
    if not reason:
        count.apart += _channels_apart(piece)
        try:
            return render(device, Audio(piece, sample_rate), tail=False).samples
        except NoVoice:  # the converter's own ear is stricter than the gate
            if not gate:
                raise
            reason = NO_SPEECH
    count.left[reason] += 1
    widths = device.spec.channels
    return piece if not widths or len(piece) in widths else piece.mean(axis=0, keepdims=True)


def _nothing(piece: Block, sample_rate: int, gate: bool) -> str:
    """Why there is nothing to convert in a piece; empty where there is, or where it is too short to tell."""
    from voxrack.activity import has_speech

    if not piece.any():
        return SILENT
    if piece.shape[1] < _BRIEF * sample_rate:
        return BRIEF
    tellable = sample_rate >= _LOWEST and piece.shape[1] >= DECIDABLE * sample_rate
    return NO_SPEECH if gate and tellable and not has_speech(piece, sample_rate) else ""


def _channels_apart(piece: Block) -> bool:
    """Whether any two neighbouring channels have little in common though both sound."""
    sounding = [channel for channel in piece.astype(np.float64) if channel.any()]
    return any(
        abs(float(one @ other)) < _ALIKE * float(np.linalg.norm(one) * np.linalg.norm(other))
        for one, other in pairwise(sounding)
    )


def _remark(job: Job, spec: DeviceSpec, info: FileInfo, count: _Count) -> None:
    """What has to be said of a recording: what stayed, and what a listener would not expect."""
    from voxrack.resample import nearest_rate

    for reason, pieces in count.left.items():
        mend = " (--no-gate converts them too)" if reason == NO_SPEECH else ""
        count.notes.append(f"{job.source}: {reason} in {pieces} of {count.pieces} pieces; they stay as they were{mend}")
    if count.apart:
        count.notes.append(
            f"{job.source}: its channels hold different sounds, and are taken for one voice; convert them one by one"
        )
    if count.left.total() == count.pieces:
        return
    if (rate := nearest_rate(spec.rates, info.sample_rate)) < info.sample_rate:
        count.notes.append(f"{job.source}: {spec.id} works at {rate} Hz; above {rate / 2000:g} kHz nothing is left")
    if spec.channels and info.channels not in spec.channels:
        count.notes.append(f"{job.source}: {spec.id} is mono; {info.channels} channels became one")


def _counted(blocks: Iterator[Block], count: _Count) -> Iterator[Block]:
    for block in blocks:
        count.frames_in += block.shape[1]
        yield block


def _chained(first: Block, rest: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from rest
