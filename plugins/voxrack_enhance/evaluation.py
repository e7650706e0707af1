"""``evaluate`` of an enhancer: its weights as they are, beside what came in, other enhancers and published outputs.

Nothing is trained. Every figure is of speakers and noises that training left out, of noises that nobody trained with
(``--unmatched``), and of recorded pairs. What is measured is kept line by line, so that a stopped evaluation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrack import metrics_quality as measures
from voxrack.errors import InputError
from voxrack.figures_file import FiguresFile, refuse_training
from voxrack.row_file import RowFile

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

    refuse_training(
        "enhancers", protocol, PROTOCOL, folds=folds, validation_speakers=validation_speakers, epochs=epochs
    )
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
    kept, file = FiguresFile(place / NAME, FORMAT, VERSION), RowFile(place / ROWS, _key)
    about["digests"] = kept.check(about, ("recipe", *Asked().lasting(), *_both(kept, about), "features"), "digests")
    kept.write(about)
    published = tuple(dict.fromkeys(name for case in cases for name in case.published))
    jobs = _jobs(file.rows(), cases, heard, features, asked, host)
    file.measure(
        hear, jobs, name=lambda job: job.case.id, before=len(cases) - len(jobs), workers=1 if host else workers,
        progress=progress,
    )  # fmt: skip
    names = (*(one.name for one in heard), *published)
    there = file.rows()
    keys = [(name, case.set, case.snr, case.id) for case in cases for name in names]
    rows = [there[key] for key in keys if key in there]
    if all(row["failed"] for row in rows):
        raise InputError(f"not one item could be measured; the first: {rows[0]['speech']}: {rows[0]['failed']}")
    about |= {"systems": names, "published": published, "notes": _notes(rows), "figures": figures(rows, names)}
    kept.write(about)
    return Report(place, kept.read())


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


def _jobs(
    rows: Mapping[Any, Row], cases: Sequence[Case], heard: Sequence[System], features: FeatureFile, asked: Asked,
    host: Host | None,
) -> list[Job]:  # fmt: skip
    """What ``rows`` lack, or could not measure."""
    there = {key for key, row in rows.items() if not row["failed"]}
    jobs, source = [], (features.path, features.digest)
    for case in cases:
        missing = tuple(one for one in heard if (one.name, case.set, case.snr, case.id) not in there)
        others = tuple(name for name in case.published if (name, case.set, case.snr, case.id) not in there)
        if missing or others:
            jobs.append(Job(case, missing, others, source, asked.ratio, WINDOWS[asked.dnsmos], host))
    return jobs


@lru_cache(maxsize=1)
def _features(path: Path, digest: str) -> FeatureFile:
    from voxrack.feature_file import FeatureFile

    return FeatureFile(path)


def _both(kept: FiguresFile, about: Row) -> tuple[str, ...]:
    """Pairs may be added to an evaluation without, but not exchanged."""
    there = kept.path.is_file() and kept.read().get("pairs")
    return ("pairs",) if there and about["pairs"] else ()


def _key(row: Row) -> tuple[Any, ...]:
    return row["system"], row["set"], row["snr"], row["speech"]


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
