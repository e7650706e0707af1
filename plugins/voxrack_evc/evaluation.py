"""``evaluate`` of a converter: recordings of speakers whom training left out, converted and judged.

Nothing is trained. What is measured is kept line by line, so that a stopped evaluation goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxrack.errors import InputError
from voxrack.figures_file import FiguresFile, refuse_training
from voxrack.row_file import RowFile

from . import judging
from .evaluation_hearing import CEILING, FLOOR, Job, forget, judge_one, name
from .evaluation_options import PROTOCOL, Asked
from .evaluation_systems import System, described, device, systems
from .likeness import Likeness
from .recordings import Case, cases

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

    from .evaluation_report import Report

NAME, ROWS = "conversion.json", "rows.jsonl"
FORMAT, VERSION = "voxrack.conversion", 2
"""Version 1 had one measure of the speaker; its rows cannot stand beside those of today."""
Row = Mapping[str, Any]


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
        Nothing to convert, or nothing that could be judged; or a folder of an earlier voxrack.
    """
    from voxrack.replace import make_folder

    from .evaluation_figures import figures
    from .evaluation_order import order
    from .evaluation_report import Report

    refuse_training(
        "converters", protocol, PROTOCOL, folds=folds, validation_speakers=validation_speakers, epochs=epochs
    )
    forget()
    heard = systems(recipe, asked)
    judge = judging.Judge.of(asked.judge, asked.judge_weights, asked.named)
    found = cases(features.items, asked.named, asked.clips, asked.spoken)
    pairs = [(case, target) for case in found for target in case.targets]
    place = Path(folder) / PROTOCOL
    about: dict[str, Any] = {
        "recipe": recipe, "protocol": PROTOCOL, **asked.lasting(), "part": features.options.get("part", "test"),
        "features": {"file": features.path.name, "digest": features.digest}, "judge_said": judge.described(),
        "speaker_measure": judging.speaker_measure(), "own_speaker_measure": Likeness.of(asked.speaker_weights).source,
        "naturalness": _naturalness(asked.utmos), "devices": {one.name: described(one) for one in heard},
    }  # fmt: skip
    make_folder(place)
    kept, file = FiguresFile(place / NAME, FORMAT, VERSION, oldest=VERSION), RowFile(place / ROWS, _key)
    measures = ("judge_said", "speaker_measure", "own_speaker_measure", "naturalness")
    about["devices"] = kept.check(about, ("recipe", *Asked().lasting(), "features", *measures), "devices")
    kept.write(about)
    jobs = _jobs(file.rows(), pairs, (FLOOR, CEILING, *heard), features, asked)
    file.measure(
        judge_one, jobs, name=lambda job: job.case.id, before=len(pairs) - len(jobs), workers=workers,
        progress=progress,
    )  # fmt: skip
    names = (FLOOR, CEILING, *(one.name for one in heard))
    there = file.rows()
    rows = [there[key] for case, target in pairs for one in names if (key := (one, case.id, target)) in there]
    if all(row["failed"] for row in rows):
        raise InputError(f"nothing could be judged; the first: {rows[0]['item']}: {rows[0]['failed']}")
    notes = [*_about_judge(judge, heard, asked), *_notes(rows)]
    about |= {
        "systems": names, "own": heard[0].name, "notes": notes, "figures": figures(rows, names, asked.named),
        "order": order(rows, recipe),
    }  # fmt: skip
    kept.write(about)
    return Report(place, kept.read())


def _key(row: Row) -> tuple[str, str, str]:
    return row["system"], row["item"], row["target"]


def _jobs(
    there: Mapping[Any, Row], pairs: Sequence[tuple[Case, str]], heard: Sequence[System | str], features: FeatureFile,
    asked: Asked,
) -> list[Job]:  # fmt: skip
    """What is not ``there``, in an order in which what is stopped holds some of everybody."""
    jobs = []
    for case, target in pairs:
        missing = tuple(one for one in heard if (name(one), case.id, target) not in there)
        if missing:
            jobs.append(Job(case, target, missing, (features.path, features.digest), asked))
    return sorted(jobs, key=lambda job: hashlib.sha256(job.case.id.encode()).digest())


def _naturalness(path: str) -> str:
    """Which checkpoint of UTMOS hears, or nothing."""
    if not path:
        return ""
    from .utmos import load

    return load(path).source


def _about_judge(judge: judging.Judge, heard: Sequence[System], asked: Asked) -> Iterator[str]:
    """Why the recogniser may flatter."""
    if not asked.judge_weights:
        yield (
            "the judge has its shipped weights: its card tells whom it has heard (those of ser.best every actor of "
            "RAVDESS, the tested ones among them); --set judge_weights=RUN takes others"
        )
    encoders = {one.name: getattr(device(one).processor, "encoder", None) for one in heard}
    same = [system for system, own in encoders.items() if own is not None and own.described() == judge.described()]
    if same:
        names = ", ".join(same)
        yield f"what {names} listens with is the judge itself, which flatters ECA; take other judge_weights"


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    for system in dict.fromkeys(row["system"] for row in rows if row["system"] != CEILING):
        own = [row for row in rows if row["system"] == system]
        lost = [row for row in own if row["failed"]]
        if lost:
            yield (
                f"{system}: {len(lost)} of {len(own)} could not be judged and are left out; the first, "
                f"{lost[0]['item']}: {lost[0]['failed']}"
            )
