"""``evaluate`` of a recogniser's recipe: every split of a protocol, every seed, and the baselines on the same splits.

Each run is a folder that is trained once; a second call goes on where the first was stopped. No test speaker decides
anything: the last epoch does, or validation speakers where the recipe asks for some.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from voxrack.errors import UsageError, VoxrackError
from voxrack.metrics_folder import MODEL, Evaluation, differs, slug, write

from .baselines import ARRAY, NAMES
from .evaluation_runs import Job, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxrack.datasets import Split
    from voxrack.feature_file import FeatureFile
    from voxrack.task import Task

    from .evaluation_tables import Report

CPU_EPOCHS = 40
TIERS = {"cpu": 1, "full": 3}  # name -> seeds
_ASKED = ("recipe", "settings", "protocol", "features", "epochs", "decided_by")  # what makes an evaluation another one
_LOOK = 2.0  # seconds between two looks at the runs' logs


class Classifier(Protocol):
    """What :func:`evaluate` needs of a recipe. It is sent to worker processes, so it can be pickled.

    Two methods more are optional: ``predict(weights, features, rows)`` to (probabilities (n, k), classes), where a
    recipe answers otherwise than :func:`voxrack_ser.evaluation_runs.predict`; and ``windows(weights, features, rows)``
    to (owners (m,), positions in ``rows``, and probabilities (m, k)) for short crops such as an analyzer hears.
    """

    id: str
    epochs: int

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> Task: ...


@dataclass(frozen=True)
class Plan:
    """Seeds, epochs and the tier that they amount to."""

    seeds: tuple[int, ...]
    epochs: int
    tier: str


def plan(tier: str, seeds: int | None, epochs: int | None, paper_epochs: int) -> Plan:
    """What is to be run, and what it may call itself.

    Parameters
    ----------
    tier : {"", "cpu", "full"}
        ``cpu``: one seed, at most 40 epochs. ``full``: three seeds, the recipe's epochs. "" is ``full`` where an
        accelerator is there, else ``cpu``. ``seeds`` and ``epochs`` overrule it.
    seeds, epochs : int, optional
    paper_epochs : int
        The recipe's own number.

    Returns
    -------
    Plan
        Its tier is ``full`` only with three seeds and all epochs, ``cpu`` up to 40 epochs, and between the two it
        says what was run.
    """
    if not tier:
        import torch

        tier = "full" if torch.cuda.is_available() else "cpu"
    if tier not in TIERS:
        raise UsageError(f"tier is '{tier}'; it takes {' or '.join(TIERS)}")
    for name, value in (("seeds", seeds), ("epochs", epochs)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}; it takes 1 or more")
    count = TIERS[tier] if seeds is None else seeds
    run_epochs = epochs or (min(CPU_EPOCHS, paper_epochs) if tier == "cpu" else paper_epochs)
    if count >= TIERS["full"] and run_epochs >= paper_epochs:
        name = "full"
    elif run_epochs <= CPU_EPOCHS:
        name = "cpu"
    else:
        name = f"between cpu and full: {count} seed{'s' * (count > 1)}, {run_epochs} of {paper_epochs} epochs"
    return Plan(tuple(range(count)), run_epochs, name)


def evaluate(
    recipe: Any, features: FeatureFile, *, protocol: str, folds: Sequence[str] = (), validation_speakers: int = 0,
    seeds: int | None = None, folder: Path, epochs: int | None = None, tier: str = "", workers: int = 1,
    progress: Callable[..., Any] | None = None, baselines: Sequence[str] = tuple(NAMES),
) -> Report:  # fmt: skip
    """Train and test over all splits and seeds; keep the runs and their answers in ``folder/<protocol>/``.

    Parameters
    ----------
    recipe : Classifier
    features : FeatureFile
        As the recipe prepared it.
    protocol : str
        See :func:`voxrack.datasets.splits`. With ``cross:CORPUS`` the test keeps the classes that both sides have,
        and probabilities are made to sum to one over them.
    folds : sequence of str
        Keep to these splits, by number from 1 or by name; none: all of them.
    validation_speakers : int
        So many training speakers of each split choose the epoch; 0: the last one counts.
    seeds, epochs, tier
        See :func:`plan`.
    folder : Path
    workers : int
        With more than one, runs go to processes of one thread each, on the CPU.
    progress : callable, optional
        Called with the finished share and a text, from a thread of its own.
    baselines : sequence of str
        Of :data:`voxrack_ser.baselines.NAMES`.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        The folder holds an evaluation of something else, or the protocol does not fit the corpus.
    VoxrackError
        A run failed or was stopped; those that are finished stay.
    """
    from voxrack.datasets import splits
    from voxrack.replace import make_folder
    from voxrack.training import pick

    from .evaluation_tables import Report, figures

    wanted = plan(tier, seeds, epochs, recipe.epochs)
    place = Path(folder) / slug(protocol)
    parts = splits(features.items, protocol, validation_speakers=validation_speakers, duplicates="remove")
    parts = tuple(dict.fromkeys(pick(parts, protocol, fold) for fold in folds)) or parts
    about = _about(recipe, features, protocol, wanted, baselines, parts)
    make_folder(place)
    _same(place, about)
    write(place, about)
    jobs = _jobs(recipe, features, parts, place, about, "cpu" if workers > 1 else "auto")
    _run(jobs, workers, wanted.epochs, progress)
    done = Evaluation(place, about)
    write(place, {**about, "figures": figures(done)})
    return Report(Evaluation.load(place))


def _about(
    recipe: Any, features: FeatureFile, protocol: str, wanted: Plan, baselines: Sequence[str], parts: Sequence[Split]
) -> dict[str, Any]:
    """What ``evaluation.json`` says before there are figures."""
    from voxrack.datasets.remarks import missing_items
    from voxrack.datasets.words import listed, number

    held = len({features.items[index].speaker for index in parts[0].validation})
    notes = missing_items(features.items)
    if features.failures:
        left = listed(id for id, _ in features.failures)
        notes.append(f"{number(len(features.failures), 'recording')} left out when preparing: {left}")
    notes += dict.fromkeys(note for part in parts for note in part.notes)
    systems = {MODEL: recipe.id}
    if ARRAY in features.names:
        systems |= {name: NAMES[name] for name in baselines}
    else:
        notes.append(f"no baselines: {features.path.name} holds no '{ARRAY}'; prepare it again")
    return {
        "recipe": recipe.id, "options": changed(recipe), "settings": settings(recipe), "protocol": protocol,
        "tier": wanted.tier,
        "seeds": list(wanted.seeds), "epochs": wanted.epochs, "paper_epochs": recipe.epochs,
        "decided_by": f"{held} validation speakers" if held else "the last epoch",
        "features": {"file": features.path.name, "digest": features.digest, "options": features.options},
        "systems": systems, "notes": notes,
        "splits": [
            {"name": part.name, "folder": slug(part.name), "train": len(part.train), "test": len(part.test)}
            for part in parts
        ],
    }  # fmt: skip


def settings(recipe: Any) -> Any:
    """All that a recipe's object holds, as JSON can: two recipes with equal settings train alike."""
    if is_dataclass(recipe):
        return {field.name: settings(getattr(recipe, field.name)) for field in fields(recipe)}
    if isinstance(recipe, Mapping):
        return {str(key): settings(value) for key, value in recipe.items()}
    if isinstance(recipe, (list, tuple)):
        return [settings(value) for value in recipe]
    if callable(recipe):
        return f"{recipe.__module__}.{recipe.__qualname__}"
    return recipe if recipe is None or isinstance(recipe, (bool, int, float, str)) else str(recipe)


def changed(recipe: Any) -> dict[str, Any]:
    """The settings that are not the recipe's default: what tables call a variant by."""
    from voxrack.recipe import create, options

    from .specs import RECIPES

    spec = next((spec for spec in RECIPES if spec.id == recipe.id), None)
    if spec is None:
        return {}
    usual, own = dict(_flat(settings(create(spec, options(spec))))), dict(_flat(settings(recipe)))
    return {key: value for key, value in own.items() if usual.get(key) != value and key != "epochs"}


def _flat(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, dict):
        yield name, tree
        return
    for key, value in tree.items():
        yield from _flat(value, key)


def _same(place: Path, about: Mapping[str, Any]) -> None:
    """Go on only in a folder of the same recipe, options, features and epochs; seeds may be added."""
    from voxrack.commands.common import json_ready
    from voxrack.metrics_folder import NAME

    if (place / NAME).is_file():
        differs(Evaluation.load(place).about, json_ready(about), _ASKED)


def _jobs(
    recipe: Any, features: FeatureFile, parts: Sequence[Split], place: Path, about: Mapping[str, Any], accelerator: str
) -> list[Job]:
    """Baselines first (they take seconds), then seed by seed, so that whole seeds are done early."""
    shared = str(about["protocol"]).startswith("cross:")
    jobs = []
    for system in about["systems"]:
        for seed in about["seeds"] if system == MODEL else (0,):
            for part in parts:
                made = {"recipe": recipe.id, "settings": about["settings"], "protocol": about["protocol"]}
                name = f"seed-{seed}" if system == MODEL else system
                jobs.append(
                    Job(system, recipe, features, part, seed, about["epochs"], place / slug(part.name) / name, made,
                        shared, accelerator)
                )  # fmt: skip
    return sorted(jobs, key=lambda job: job.system == MODEL)


def _run(jobs: Sequence[Job], workers: int, epochs: int, progress: Callable[..., Any] | None) -> None:
    from voxrack.commands import pool

    failed = []
    waiting = [job for job in jobs if not job.answered]
    with watched(jobs, [job for job in jobs if job.system == MODEL], epochs, progress):
        for outcome in pool.run(run, waiting, workers):
            if outcome.error:
                failed.append((waiting[outcome.index], outcome.error))
    if failed:
        job, error = failed[0]
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        raise VoxrackError(f"{job.folder.parent.name}/{job.folder.name} failed: {error}{more}")


class Watched(Protocol):
    """What :func:`watched` looks at."""

    @property
    def folder(self) -> Path: ...
    @property
    def answered(self) -> bool: ...


@contextmanager
def watched(
    jobs: Sequence[Watched], runs: Sequence[Watched], epochs: int, progress: Callable[..., Any] | None
) -> Iterator[None]:
    """Tell ``progress`` every two seconds how many epochs of ``runs``, those of the ``jobs`` that are trained, are in
    their logs."""
    if progress is None:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            done = sum(epochs if job.answered else min(epochs, _lines(job.folder / "metrics.jsonl")) for job in runs)
            finished = sum(job.answered for job in runs)
            fitted = sum(job.answered for job in jobs) - finished
            text = f"{finished} of {len(runs)} runs, {done} of {epochs * len(runs)} epochs"
            if fitted < len(jobs) - len(runs):
                text = f"{fitted} of {len(jobs) - len(runs)} baselines, {text}"
            progress(done / max(1, epochs * len(runs)), text)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.is_file() else 0
