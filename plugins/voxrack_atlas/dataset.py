"""Training data: dry vocals through drawn presets, as pairs with their parameters.

A folder holds ``dataset.json`` (what it is made of), ``prior.safetensors``, and for each pair ``000012.dry.wav``,
``000012.wet.wav``, ``000012.preset.json`` and, written last, the record ``000012.json``. A pair whose record is there
is done. ``presets.parquet`` holds all parameters as one set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from voxrack import Audio, Preset, files, read, render, write
from voxrack.commands import pool
from voxrack.errors import InputError, UsageError
from voxrack.files import write_text
from voxrack.preset_assets import digest_file
from voxrack.replace import make_folder

from .prior import Prior, default_flow, load_prior
from .sampling import draws
from .stability import LEVEL, levelled

FORMAT = "voxrack.pairs"
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".caf", ".w64")
_HEARD = 20.0  # dB that an excerpt may lie below its recording
_TRIES = 20


@dataclass(frozen=True)
class DatasetReport:
    """What :func:`dataset` did.

    Attributes
    ----------
    folder : Path
    made, kept : int
        Pairs of this run, and those that were there.
    failed : dict of int to str
        Number of the pair to what went wrong; the next run tries it again.
    refused : dict of str to int
        Why draws were not taken, over all pairs; see :class:`~voxrack_atlas.stability.Stability`.
    seconds : float
        Of audio, over all pairs.
    """

    folder: Path
    made: int
    kept: int
    failed: dict[int, str]
    refused: dict[str, int]
    seconds: float


def dataset(
    dry: str | os.PathLike[str],
    output: str | os.PathLike[str],
    count: int,
    *,
    prior: Prior | None = None,
    seed: int = 0,
    spread: float = 1.0,
    length: float | None = None,
    level: float = LEVEL,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DatasetReport:
    """Render dry vocals through drawn presets.

    Pair k is draw k of the seed (see :func:`~voxrack_atlas.sampling.sample`) on a recording that the seed chooses; it
    is the same whatever ``count`` is, so a folder can be continued to more pairs.

    Parameters
    ----------
    dry : path
        Folder, searched to the bottom, or one recording. Stereo is averaged to mono.
    output : path
        Folder; created where it is not there.
    count : int
        Pairs that the folder shall hold.
    prior, seed, spread
        See :func:`~voxrack_atlas.sampling.sample`.
    length : float, optional
        Seconds of an excerpt; by default whole recordings.
    level : float
        Loudness that recordings are brought to before, in LUFS.
    jobs : int
        Processes.
    progress : callable
        Called with how many pairs are there and how many are wanted.

    Raises
    ------
    InputError
        Where there is no recording, or one that cannot be read.
    UsageError
        Where the folder holds pairs made otherwise, with what differs.
    """
    if count < 1 or jobs < 1 or (length is not None and not length > 0.0):
        raise UsageError(f"{count} pairs of {length} s in {jobs} processes; all of it takes more than 0")
    prior = default_flow() if prior is None else prior
    folder = Path(output)
    found = _recordings(Path(dry))
    settings = {
        "format": FORMAT, "version": 1, "seed": seed, "spread": spread, "length": length, "level": level,
        "prior": {"name": prior.name, "sha256": prior.sha256}, "dry": found,
    }  # fmt: skip
    _settle(folder, settings, prior)
    waiting = [number for number in range(count) if not _is_done(folder, number)]
    kept, failed = count - len(waiting), {}
    job = [(str(folder), str(Path(dry)), number) for number in waiting]
    for done, outcome in enumerate(pool.run(make_pair, job, jobs)):
        if outcome.error:
            failed[waiting[outcome.index]] = outcome.error
        progress(kept + done + 1, count)
    records = [_record(folder, number) for number in range(count) if number not in failed]
    if records:
        _gather(folder, records)
    refused: dict[str, int] = {}
    for reason in (reason for record in records for reason in record["refused"]):
        refused[reason] = refused.get(reason, 0) + 1
    seconds = sum(record["frames"] / record["sample_rate"] for record in records)
    return DatasetReport(folder, len(waiting) - len(failed), kept, failed, refused, seconds)


def make_pair(job: tuple[str, str, int]) -> None:
    """One pair: (folder, dry, number)."""
    folder, source, number = Path(job[0]), Path(job[1]), job[2]
    settings, prior = _settings(str(folder))
    rng = np.random.default_rng([settings["seed"], 1, number])
    entry = settings["dry"][int(rng.integers(len(settings["dry"])))]
    whole = _dry(str(_place(source, entry["path"])), entry["sha256"], settings["level"])
    start, dry = _excerpt(whole, settings["length"], rng)
    draw = next(draws(prior, seed=settings["seed"], spread=settings["spread"], first=number))
    wet = render(draw.preset.rack(missing="refuse"), dry, tail=False)
    name = f"{number:06d}"
    write(folder / f"{name}.dry.wav", dry)
    write(folder / f"{name}.wet.wav", wet)
    draw.preset.save(folder / f"{name}.preset.json")
    record = {
        "number": number, "dry": f"{name}.dry.wav", "wet": f"{name}.wet.wav", "preset": f"{name}.preset.json",
        "source": entry, "start": start, "sample_rate": dry.sample_rate, "frames": dry.frames,
        "refused": list(draw.refused), "negative_log_density": -draw.log_density,
        "preset_sha256": draw.preset.sha256, "wet_sha256": digest_file(folder / f"{name}.wet.wav"),
    }  # fmt: skip
    write_text(folder / f"{name}.json", json.dumps(record, indent=2, sort_keys=True) + "\n")


# ---- recordings -----------------------------------------------------------------------------------
def _recordings(source: Path) -> list[dict[str, str]]:
    """Path below ``source`` and sha256 of every recording, in the order of the paths."""
    if source.is_dir():
        every = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    else:
        every = [source]
    if not every:
        raise InputError(f"{source} holds no recording ({', '.join(SUFFIXES)})")
    for path in every:
        files.info(path)  # says what is wrong with it
    base = source if source.is_dir() else source.parent
    return [{"path": path.relative_to(base).as_posix(), "sha256": digest_file(path)} for path in every]


def _place(source: Path, path: str) -> Path:
    return (source if source.is_dir() else source.parent) / path


@lru_cache(maxsize=8)
def _dry(path: str, sha256: str, level: float) -> Audio:
    return levelled(read(path).mono(), level)


def _excerpt(whole: Audio, length: float | None, rng: np.random.Generator) -> tuple[float, Audio]:
    """Start in seconds and a part that is not silent: the first of some tries, else the loudest of them."""
    frames = whole.frames if length is None else round(length * whole.sample_rate)
    if frames >= whole.frames:
        return 0.0, whole
    wanted = whole.rms * 10.0 ** (-_HEARD / 20.0)
    tried: list[tuple[float, int]] = []
    for _ in range(_TRIES):
        first = int(rng.integers(whole.frames - frames))
        tried.append((Audio(whole.samples[:, first : first + frames], whole.sample_rate).rms, first))
        if tried[-1][0] >= wanted:
            break
    first = tried[-1][1] if tried[-1][0] >= wanted else max(tried)[1]
    return first / whole.sample_rate, Audio(whole.samples[:, first : first + frames].copy(), whole.sample_rate)


# ---- the folder -----------------------------------------------------------------------------------
def _settle(folder: Path, settings: dict[str, Any], prior: Prior) -> None:
    """Write what the folder is made of, or see that it is the same."""
    place = folder / "dataset.json"
    if place.exists():
        held = _json(place)
        differs = [key for key in settings if held.get(key) != settings[key]]
        if differs:
            raise UsageError(
                f"{folder} holds pairs that were made with another {differs[0]} "
                f"({_short(held.get(differs[0]))}, not {_short(settings[differs[0]])}); give another folder"
            )
        return
    make_folder(folder)
    prior.save(folder / "prior.safetensors")
    write_text(place, json.dumps(settings, indent=2, sort_keys=True) + "\n")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


@lru_cache(maxsize=2)
def _settings(folder: str) -> tuple[dict[str, Any], Prior]:
    return _json(Path(folder) / "dataset.json"), load_prior(Path(folder) / "prior.safetensors")


def _is_done(folder: Path, number: int) -> bool:
    place = folder / f"{number:06d}.json"
    if not place.exists():
        return False
    record = _json(place)
    return all((folder / record[key]).is_file() for key in ("dry", "wet", "preset"))


def _record(folder: Path, number: int) -> dict[str, Any]:
    return _json(folder / f"{number:06d}.json")


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; remove it, and the pair is made again") from None


def _gather(folder: Path, records: list[dict[str, Any]]) -> None:
    """All presets as one set, with the names of their recordings."""
    from .collection import Collection

    names = [f"{record['number']:06d}" for record in records]
    held = Collection.of([Preset.load(folder / record["preset"]) for record in records], names)
    for key in ("dry", "wet"):  # "dry" alone is an address of the rack
        held.meta[f"{key}_file"] = [record[key] for record in records]
    held.meta["recording"] = [record["source"]["path"] for record in records]
    held.save(folder / "presets.parquet")
