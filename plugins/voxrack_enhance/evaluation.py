"""``evaluate`` of an enhancer: its weights as they are, beside what came in, other enhancers and published outputs.

Nothing is trained. Every figure is of speakers and noises that training left out, of noises that nobody trained with
(``--unmatched``), and of recorded pairs. What is measured is kept line by line, so that a stopped evaluation goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrack import metrics_quality as measures
from voxrack.errors import InputError, UsageError, VoxrackError

from .evaluation_items import PAIRS, Case, mixtures, pairs
from .evaluation_options import PROTOCOL, WINDOWS, Asked
from .evaluation_systems import System, digest, enhance, forget, systems

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile
    from voxrack.host import Host

    from .evaluation_tables import Report

NAME, ROWS = "enhancement.json", "rows.jsonl"
FORMAT, VERSION = "voxrack.enhancement", 1
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """One case through the systems that have not heard it; it can be sent to another process."""

    case: Case
    systems: tuple[System, ...]
    published: tuple[str, ...]
    features: tuple[Path, str]  # and its digest
    ratio: str
    windows: int | None
    host: Host | None = None


def evaluate(
    recipe: str, asked: Asked, features: FeatureFile, *, folder: Path, protocol: str = PROTOCOL,
    folds: Sequence[str] = (), validation_speakers: int = 0, seeds: int | None = None, epochs: int | None = None,
    tier: str = "", workers: int = 1, progress: Callable[..., Any] | None = None, host: Host | None = None,
) -> Report:  # fmt: skip
    """Measure enhancers; the figures are kept in ``folder/mixtures/``.

    Parameters
    ----------
    recipe : str
        Id of the device that the recipe makes.
    asked : Asked
    features : FeatureFile
        Speech and noise as :func:`voxrack_enhance.material.prepare` packs them.
    folder : Path
    protocol : str
        ``"mixtures"``.
    folds, validation_speakers, epochs
        Of evaluations that train; refused.
    seeds, tier
        Without effect: weights are given, and the mixtures are always the same.
    workers : int
        Processes, of one thread each.
    progress : callable, optional
        Called with the finished share and a text.
    host : Host, optional
        Where the devices come from; with a host of one's own, one worker.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        A package of the extra ``metrics`` is missing, a name is no enhancer, or the folder holds something else.
    InputError
        No test speech, no such folder of pairs, or not one item could be measured.
    VoxrackError
        A device failed; what was measured stays.
    """
    from voxrack.replace import make_folder

    from .evaluation_figures import figures
    from .evaluation_tables import Report

    _check(protocol, folds, validation_speakers, epochs)
    measures.need()
    forget()
    heard = systems(recipe, asked.weights, asked.against)
    cases: list[Case] = [*mixtures(features, asked.utterances), *(pairs(asked.pairs) if asked.pairs else [])]
    place = Path(folder) / PROTOCOL
    about = {
        "recipe": recipe, "protocol": PROTOCOL, **asked.lasting(), "pairs": Path(asked.pairs).name,
        "features": {"file": features.path.name, "digest": features.digest},
        "digests": {one.name: digest(one, host) for one in heard},
    }  # fmt: skip
    make_folder(place)
    about["digests"] = {**_same(place, about), **about["digests"]}
    _write(place, about)
    published = tuple(dict.fromkeys(name for case in cases for name in case.published))
    _measure(place / ROWS, cases, heard, features, asked, workers, progress, host)
    names = (*(one.name for one in heard), *published)
    rows = _wanted(place / ROWS, cases, names)
    if all(row["failed"] for row in rows):
        raise InputError(f"not one item could be measured; the first: {rows[0]['speech']}: {rows[0]['failed']}")
    about |= {"systems": names, "published": published, "notes": _notes(rows), "figures": figures(rows, names)}
    _write(place, about)
    return Report(place, json.loads((place / NAME).read_text(encoding="utf-8")))


def hear(job: Job) -> list[dict[str, Any]]:
    """Measure one case through each system. What cannot be measured is a row with the reason."""
    head = {"set": job.case.set, "snr": job.case.snr, **job.case.about}
    empty = dict.fromkeys(measures.NAMES)
    try:
        sound = job.case.load(_features(*job.features), job.ratio)
    except InputError as error:
        names = (*(one.name for one in job.systems), *job.published)
        return [{"system": name, **head, "seconds": 0.0, "cpu": 0.0, **empty, "failed": str(error)} for name in names]
    windows = None if job.case.set == PAIRS and job.windows != 0 else job.windows
    out = []
    for one in (*job.systems, *job.published):
        if isinstance(one, System):
            (found, spent), name = enhance(one, sound.noisy, job.host), one.name
        else:
            found, spent, name = sound.published[one], 0.0, one
        row = {"system": name, **head, "seconds": len(sound.noisy) / measures.RATE, "cpu": spent, **empty}
        try:
            out.append({**row, **measures.measure(sound.clean, found, windows=windows), "failed": ""})
        except InputError as error:
            out.append({**row, "failed": str(error)})
    return out


def _check(protocol: str, folds: Sequence[str], validation_speakers: int, epochs: int | None) -> None:
    if protocol != PROTOCOL:
        raise UsageError(f"enhancers are evaluated by the protocol '{PROTOCOL}', not '{protocol}'")
    given = {"--fold": bool(folds), "--validation": bool(validation_speakers), "--epochs": epochs is not None}
    for option, there in given.items():
        if there:
            raise UsageError(
                f"{option} is of evaluations that train; enhancers are evaluated with finished weights (--set "
                "weights=FILE, or those that the device ships with)"
            )


def _measure(
    file: Path, cases: Sequence[Case], heard: Sequence[System], features: FeatureFile, asked: Asked, workers: int,
    progress: Callable[..., Any] | None, host: Host | None,
) -> None:  # fmt: skip
    """Add to ``file`` the rows that it lacks, each case's as soon as they are there."""
    from voxrack.commands import pool
    from voxrack.commands.common import json_ready

    there = {_key(row) for row in _rows(file) if not row["failed"]}
    _mend(file)
    jobs, source = [], (features.path, features.digest)
    for case in cases:
        missing = tuple(one for one in heard if (one.name, case.set, case.snr, case.id) not in there)
        others = tuple(name for name in case.published if (name, case.set, case.snr, case.id) not in there)
        if missing or others:
            jobs.append(Job(case, missing, others, source, asked.ratio, WINDOWS[asked.dnsmos], host))
    failed = []
    with file.open("a", encoding="utf-8") as out:
        for done, outcome in enumerate(pool.run(hear, jobs, 1 if host else workers), 1):
            if outcome.error:
                failed.append(f"{jobs[outcome.index].case.id}: {outcome.error}")
            for row in outcome.value or ():
                out.write(json.dumps(json_ready(row), ensure_ascii=False) + "\n")
            out.flush()
            if progress is not None:
                progress(done / len(jobs), f"{len(cases) - len(jobs) + done} of {len(cases)} items")
    if failed:
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        raise VoxrackError(f"{failed[0]}{more}; what was measured stays in {file.parent}")


@lru_cache(maxsize=1)
def _features(path: Path, digest: str) -> FeatureFile:
    from voxrack.feature_file import FeatureFile

    return FeatureFile(path)


# ---- the folder -----------------------------------------------------------------------------------
def _same(place: Path, about: Mapping[str, Any]) -> dict[str, str]:
    """Go on only in a folder of the same question: systems and pairs may be added, but none may have changed.

    Returns
    -------
    dict of str to str
        Digests of the systems that were heard before.
    """
    from voxrack.metrics_folder import differs

    if not (place / NAME).is_file():
        return {}
    try:
        old = json.loads((place / NAME).read_text(encoding="utf-8"))
        known, kind, version = dict(old["digests"]), old["format"], old["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place / NAME} cannot be read: {error}; take another folder") from None
    if kind != FORMAT or version > VERSION:
        raise InputError(f"{place / NAME} is {kind} version {version}; this voxrack reads {FORMAT} version {VERSION}")
    both = ("pairs",) if old.get("pairs") and about["pairs"] else ()
    differs(old, about, ("recipe", *Asked().lasting(), *both, "features"))
    for name, made in about["digests"].items():
        if known.get(name, made) != made:
            raise UsageError(
                f"{place} holds figures of another '{name}': its weights or values have changed since; take another "
                "folder"
            )
    return known


def _write(place: Path, about: Mapping[str, Any]) -> None:
    from voxrack.commands.common import json_ready
    from voxrack.replace import write_text

    text = json.dumps(json_ready({"format": FORMAT, "version": VERSION, **about}), indent=2, ensure_ascii=False)
    write_text(place / NAME, text + "\n")


def _key(row: Row) -> tuple[Any, ...]:
    return row["system"], row["set"], row["snr"], row["speech"]


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


def _wanted(file: Path, cases: Sequence[Case], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of these cases and systems, in the order of the cases, each once."""
    there = {_key(row): row for row in _rows(file)}
    keys = [(name, case.set, case.snr, case.id) for case in cases for name in names]
    return [there[key] for key in keys if key in there]


def _notes(rows: Sequence[Row]) -> list[str]:
    out = []
    for system in dict.fromkeys(row["system"] for row in rows):
        own = [row for row in rows if row["system"] == system]
        lost = [row for row in own if row["failed"]]
        if lost:
            out.append(
                f"{system}: {len(lost)} of {len(own)} items could not be measured and are left out; the first, "
                f"{lost[0]['speech']}: {lost[0]['failed']}"
            )
    return out
