"""``evaluate`` of a converter: recordings of speakers whom training left out, converted and judged.

Nothing is trained. Beside the converters stand two that convert nothing: ``as it came`` (the floor: the source judged
as if it were the target) and ``real`` (the ceiling: the same words by the same speaker with the target emotion). What
is measured is kept line by line, so that a stopped evaluation goes on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.metrics_quality import dnsmos

from . import judging
from .evaluation_options import PROTOCOL, WINDOWS, Asked
from .recordings import RATE, Case, cases, sound

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

    from .evaluation_report import Report

NAME, ROWS = "conversion.json", "rows.jsonl"
FORMAT, VERSION = "voxrack.conversion", 1
FLOOR, CEILING = "as it came", "real"
MEASURES = ("secs", "sig", "ovrl", "pitch", "energy", "words", "other_words")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class System:
    """A converter with its values."""

    name: str
    device: str
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Job:
    """One recording to one emotion through the systems that have not converted it; it can be sent to a process."""

    case: Case
    target: str
    systems: tuple[System | str, ...]
    features: tuple[Path, str]  # and its digest
    asked: Asked


def evaluate(
    recipe: str, asked: Asked, features: FeatureFile, *, folder: Path, protocol: str = PROTOCOL,
    folds: Sequence[str] = (), validation_speakers: int = 0, seeds: int | None = None, epochs: int | None = None,
    tier: str = "", workers: int = 1, progress: Callable[..., Any] | None = None,
) -> Report:  # fmt: skip
    """Convert and judge; the figures are kept in ``folder/pairs/``.

    Parameters
    ----------
    recipe : str
        Id of the device.
    asked : Asked
    features : FeatureFile
        Recordings as :func:`voxrack_evc.recordings.prepare` packs them.
    folder : Path
    protocol : str
        ``"pairs"``.
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
        A device or recogniser that is not there, or a folder that holds something else.
    InputError
        Nothing to convert, or nothing that could be judged.
    """
    from voxrack.replace import make_folder

    from .evaluation_figures import figures
    from .evaluation_report import Report

    _check(protocol, folds, validation_speakers, epochs)
    heard = systems(recipe, asked)
    judge = judging.Judge.of(asked.judge, asked.judge_weights, asked.named)
    found = cases(features.items, asked.named, asked.clips, asked.spoken)
    place = Path(folder) / PROTOCOL
    about: dict[str, Any] = {
        "recipe": recipe, "protocol": PROTOCOL, **asked.lasting(), "part": features.options.get("part", "test"),
        "features": {"file": features.path.name, "digest": features.digest}, "judge_said": judge.described(),
        "speaker_measure": judging.speaker_measure(), "devices": {one.name: _described(one) for one in heard},
    }  # fmt: skip
    make_folder(place)
    _same(place, about)
    _write(place, about)
    pairs = [(case, target) for case in found for target in case.targets]
    names = (FLOOR, CEILING, *(one.name for one in heard))
    _measure(place / ROWS, pairs, (FLOOR, CEILING, *heard), features, asked, workers, progress)
    rows = _wanted(place / ROWS, pairs, names)
    if all(row["failed"] for row in rows):
        raise InputError(f"nothing could be judged; the first: {rows[0]['item']}: {rows[0]['failed']}")
    own = next(one.name for one in heard)
    notes = [*_about_judge(judge, heard, asked), *_notes(rows)]
    about |= {"systems": names, "own": own, "notes": notes, "figures": figures(rows, names, asked.named)}
    _write(place, about)
    return Report(place, json.loads((place / NAME).read_text(encoding="utf-8")))


def systems(recipe: str, asked: Asked) -> tuple[System, ...]:
    """The device of the recipe, its sweep, and the others; each is created once, so that what is wrong is told."""
    from voxrack.host import default_host
    from voxrack.params import read_value

    host = default_host()
    base: dict[str, Any] = {"weights": asked.weights} if asked.weights else {}
    spec = host.spec(recipe, base)
    for word in filter(None, (part.strip() for part in asked.settings.split(";"))):
        name, _, value = word.partition("=")
        base[name.strip()] = read_value(spec.param(_known(spec, name.strip())), value.strip())
    made = [System(recipe, recipe, tuple(base.items()))]
    if asked.sweep:
        name, _, words = asked.sweep.partition("=")
        param = spec.param(_known(spec, name.strip()))
        for word in filter(None, (part.strip() for part in words.split(","))):
            own = base | {param.id: read_value(param, word)}
            made.append(System(f"{recipe} {param.id}={word}", recipe, tuple(own.items())))
    made += [System(id, id) for id in filter(None, (part.strip() for part in asked.against.split(",")))]
    for one in made:
        device = host.spec(one.device, dict(one.values))
        if device.kind != "processor" or not any(param.id == "emotion" for param in device.params):
            raise UsageError(f"'{one.device}' is no converter: it has no parameter 'emotion'")
        host.create(one.device, dict(one.values))
    return tuple(made)


def judge_one(job: Job) -> list[dict[str, Any]]:
    """Convert one recording by each system and judge what comes out; what fails is a row with the reason."""
    case, target, asked = job.case, job.target, job.asked
    seconds = len(sound(_features(*job.features), case.row)) / RATE
    out = []
    for one in job.systems:
        row: dict[str, Any] = {
            "system": _name(one), "item": case.id, "corpus": case.corpus, "speaker": case.speaker,
            "acted": case.acted, "source": case.emotion, "target": target, "heard": "", **dict.fromkeys(MEASURES),
            "cpu": 0.0, "seconds": seconds, "real_pitch": None, "real_energy": None, "failed": "",
        }  # fmt: skip
        try:
            source = _recorded(job.features, case.row, asked)
            if isinstance(one, System):
                made, row["cpu"] = _made(one, sound(_features(*job.features), case.row), case, target)
                found = _impression(made, asked)
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
                row |= {f"real_{name}": real[name] for name in ("pitch", "energy")}
        except (InputError, LookupError) as error:
            row["failed"] = str(error)
        out.append(row)
    return out


# ---- one recording --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Impression:
    """What judges say of one recording; see :mod:`voxrack_evc.judging`."""

    heard: str
    speaker: Any
    sig: float | None
    ovrl: float | None
    prosody: Mapping[str, float] | None
    cepstra: Any


def _impression(signal: judging.Sound, asked: Asked) -> Impression:
    windows = WINDOWS[asked.dnsmos]
    sig, _, ovrl = dnsmos(signal, RATE, windows) if windows != 0 else (None, None, None)
    return Impression(
        _judge(asked)(signal), judging.speaker_vector(signal), sig, ovrl, judging.prosody(signal),
        judging.cepstra(signal),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _recorded(source: tuple[Path, str], row: int, asked: Asked) -> Impression:
    """Of a recording, once for all that is made of it."""
    return _impression(sound(_features(*source), row), asked)


def _compared(found: Impression, source: Impression) -> dict[str, Any]:
    row: dict[str, Any] = {"heard": found.heard, "sig": found.sig, "ovrl": found.ovrl, "pitch": None, "energy": None}
    if found.speaker is not None and source.speaker is not None:
        row["secs"] = float(found.speaker @ source.speaker)
    if found.prosody and source.prosody:
        row |= {name: found.prosody[name] - source.prosody[name] for name in found.prosody}
    row["words"] = judging.word_distance(found.cepstra, source.cepstra) if found is not source else 0.0
    return row


def _made(one: System, source: judging.Sound, case: Case, target: str) -> tuple[judging.Sound, float]:
    """What the system makes of it, and the CPU-seconds that it took."""
    from voxrack import Audio, render

    device = _device(one)
    device.set("emotion", target)
    if "source" in device.values:
        device.set("source", case.emotion)
    started = time.process_time()
    made = render(device, Audio(source[None], RATE), tail=False).samples.mean(axis=0)
    return np.ascontiguousarray(made, np.float32), time.process_time() - started


def _other_words(source: tuple[Path, str], case: Case, asked: Asked) -> float | None:
    """Distance to another sentence of the same speaker and emotion."""
    if case.other is None:
        return None
    here, there = (_recorded(source, row, asked) for row in (case.row, case.other))
    return judging.word_distance(there.cepstra, here.cepstra)


@lru_cache(maxsize=16)
def _device(one: System) -> Any:
    from voxrack.host import default_host

    return default_host().create(one.device, dict(one.values))


@lru_cache(maxsize=1)
def _judge(asked: Asked) -> judging.Judge:
    return judging.Judge.of(asked.judge, asked.judge_weights, asked.named)


@lru_cache(maxsize=1)
def _features(path: Path, digest: str) -> FeatureFile:
    from voxrack.feature_file import FeatureFile

    return FeatureFile(path)


# ---- all of them ----------------------------------------------------------------------------------
def _measure(
    file: Path, pairs: Sequence[tuple[Case, str]], heard: Sequence[System | str], features: FeatureFile, asked: Asked,
    workers: int, progress: Callable[..., Any] | None,
) -> None:  # fmt: skip
    """Add to ``file`` the rows that it lacks, each pair's as soon as they are there."""
    from voxrack.commands import pool
    from voxrack.commands.common import json_ready

    there = {_key(row) for row in _rows(file)}
    _mend(file)
    jobs = []
    for case, target in pairs:
        missing = tuple(one for one in heard if (_name(one), case.id, target) not in there)
        if missing:
            jobs.append(Job(case, target, missing, (features.path, features.digest), asked))
    jobs.sort(key=lambda job: hashlib.sha256(job.case.id.encode()).digest())  # what is stopped holds some of everybody
    failed = []
    with file.open("a", encoding="utf-8") as out:
        for done, outcome in enumerate(pool.run(judge_one, jobs, workers), 1):
            if outcome.error:
                failed.append(f"{jobs[outcome.index].case.id}: {outcome.error}")
            for row in outcome.value or ():
                out.write(json.dumps(json_ready(row), ensure_ascii=False) + "\n")
            out.flush()
            if progress is not None:
                progress(done / len(jobs), f"{len(pairs) - len(jobs) + done} of {len(pairs)} pairs")
    if failed:
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        raise VoxrackError(f"{failed[0]}{more}; what was measured stays in {file.parent}")


def _check(protocol: str, folds: Sequence[str], validation_speakers: int, epochs: int | None) -> None:
    if protocol != PROTOCOL:
        raise UsageError(f"converters are evaluated by the protocol '{PROTOCOL}', not '{protocol}'")
    given = {"--fold": bool(folds), "--validation": bool(validation_speakers), "--epochs": epochs is not None}
    for option, there in given.items():
        if there:
            raise UsageError(f"{option} is of evaluations that train; converters are evaluated with finished weights")


def _known(spec: Any, name: str) -> str:
    from voxrack.params import suggest

    ids = [param.id for param in spec.params]
    if name not in ids:
        raise UsageError(f"{spec.id} has no parameter '{name}'{suggest(name, ids)}")
    return name


def _described(one: System) -> dict[str, Any]:
    from voxrack.host import default_host

    from .converting import provenance

    device: Any = default_host().create(one.device, dict(one.values))  # a fresh one: those in use are set to targets
    return provenance(device)


def _name(one: System | str) -> str:
    return one if isinstance(one, str) else one.name


def _same(place: Path, about: Mapping[str, Any]) -> None:
    """Go on only in a folder of the same question: systems may be added, but none may have changed."""
    from voxrack.metrics_folder import differs

    if not (place / NAME).is_file():
        return
    try:
        old = json.loads((place / NAME).read_text(encoding="utf-8"))
        known, kind, version = dict(old["devices"]), old["format"], old["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place / NAME} cannot be read: {error}; take another folder") from None
    if kind != FORMAT or version > VERSION:
        raise InputError(f"{place / NAME} is {kind} version {version}; this voxrack reads {FORMAT} version {VERSION}")
    differs(old, about, ("recipe", *Asked().lasting(), "features", "judge_said", "speaker_measure"))
    for name, made in about["devices"].items():
        if name in known and json.loads(json.dumps(made)) != known[name]:
            raise UsageError(f"{place} holds figures of another '{name}': it has changed since; take another folder")


def _write(place: Path, about: Mapping[str, Any]) -> None:
    from voxrack.commands.common import json_ready
    from voxrack.replace import write_text

    text = json.dumps(json_ready({"format": FORMAT, "version": VERSION, **about}), indent=2, ensure_ascii=False)
    write_text(place / NAME, text + "\n")


def _key(row: Row) -> tuple[str, str, str]:
    return row["system"], row["item"], row["target"]


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole: of the last one a crash may have left a part."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _mend(file: Path) -> None:
    """End a torn last line, so that the next one stands alone."""
    if file.is_file() and (held := file.read_bytes()) and not held.endswith(b"\n"):
        with file.open("ab") as out:
            out.write(b"\n")


def _wanted(file: Path, pairs: Sequence[tuple[Case, str]], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of these pairs and systems, each once."""
    there = {_key(row): row for row in _rows(file)}
    keys = [(name, case.id, target) for case, target in pairs for name in names]
    return [there[key] for key in keys if key in there]


def _about_judge(judge: judging.Judge, heard: Sequence[System], asked: Asked) -> list[str]:
    """Why the recogniser may flatter."""
    out = []
    if not asked.judge_weights:
        out.append(
            "the judge has its shipped weights: its card tells whom it has heard (those of ser.best every actor of "
            "RAVDESS, the tested ones among them); --set judge_weights=RUN takes others"
        )
    for one in heard:
        encoder = getattr(_device(one).processor, "encoder", None)
        if encoder is not None and encoder.described() == judge.described():
            out.append(f"{one.name} listens with the judge itself, which flatters its ECA; take other judge_weights")
    return out


def _notes(rows: Sequence[Row]) -> list[str]:
    out = []
    for system in dict.fromkeys(row["system"] for row in rows if row["system"] != CEILING):
        own = [row for row in rows if row["system"] == system]
        lost = [row for row in own if row["failed"]]
        if lost:
            out.append(
                f"{system}: {len(lost)} of {len(own)} could not be judged and are left out; the first, "
                f"{lost[0]['item']}: {lost[0]['failed']}"
            )
    return out
