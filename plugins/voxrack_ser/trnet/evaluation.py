"""``evaluate`` of ser.trnet: all systems on every split with every seed, each tested clean, matched and unmatched.

The run of the baseline on clean speech is the clean twin of TRNet and of its ablations on the same split and seed.
What was finished is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.metrics_folder import differs, slug

from ..evaluation import plan, watched
from ..inference import answer
from ..models import build
from ..specs_trnet import SYSTEMS
from . import heard
from .answers import NAME, Answers
from .conditions import TESTED
from .folder import TrnetEvaluation, write

if TYPE_CHECKING:
    from voxrack.datasets import Split
    from voxrack.feature_file import FeatureFile
    from voxrack.weights import Weights

    from ..recipes.trnet import TrnetRecipe
    from .report import Report

TWIN = "c"  # the system that is the others' clean twin
_ASKED = ("settings", "protocol", "features", "epochs", "decided_by")  # what makes an evaluation another one


@dataclass(frozen=True)
class Job:
    """One run: train, then answer the test clips in every condition. It can be sent to another process.

    Parameters
    ----------
    recipe : TrnetRecipe
        With its system and, for TRNet, its twin.
    features : FeatureFile
    split : Split
    seed, epochs : int
    folder : Path
    about : dict
        What defines the run; a folder of another run is refused.
    accelerator : str
    """

    recipe: TrnetRecipe
    features: FeatureFile
    split: Split
    seed: int
    epochs: int
    folder: Path
    about: dict[str, Any]
    accelerator: str = "auto"

    @property
    def system(self) -> str:
        return self.recipe.system

    @property
    def answered(self) -> bool:
        """Whether the answers are there already."""
        return (self.folder / NAME).is_file()


def evaluate(
    recipe: TrnetRecipe, features: FeatureFile, *, protocol: str, folds: Sequence[str] = (),
    validation_speakers: int = 0, seeds: int | None = None, folder: Path, epochs: int | None = None, tier: str = "",
    workers: int = 1, progress: Callable[..., Any] | None = None,
) -> Report:  # fmt: skip
    """Train and test all systems; keep the runs and their answers in ``folder/<protocol>/``.

    Parameters as for :func:`voxrack_ser.evaluation.evaluate`. ``epochs`` are those of every system.

    Raises
    ------
    UsageError
        The folder holds an evaluation of something else; a system or a twin was chosen, though all are trained here.
    VoxrackError
        A run failed or was stopped; those that are finished stay.
    """
    from voxrack.datasets import splits
    from voxrack.replace import make_folder
    from voxrack.training import pick

    from .figures import figures
    from .report import Report

    if recipe.system != "trnet" or recipe.twin:
        raise UsageError("an evaluation trains all systems and their twins; leave out the options system and twin")
    if protocol.startswith("cross:"):
        raise UsageError("TRNet is tested on the speakers of the corpus it was trained on; take another protocol")
    heard.check(features)
    wanted = plan(tier, seeds, epochs, recipe.epochs)
    place = Path(folder) / slug(protocol)
    parts = splits(features.items, protocol, validation_speakers=validation_speakers, duplicates="remove")
    parts = tuple(dict.fromkeys(pick(parts, protocol, fold) for fold in folds)) or parts
    held = len({features.items[index].speaker for index in parts[0].validation})
    about = {
        "recipe": recipe.id, "settings": _settings(recipe), "protocol": protocol, "tier": wanted.tier,
        "seeds": list(wanted.seeds), "epochs": wanted.epochs, "paper_epochs": recipe.epochs,
        "decided_by": f"{held} validation speakers" if held else "the last epoch",
        "features": {"file": features.path.name, "digest": features.digest, "options": features.options},
        "enhancer": heard.enhancer(features),
        "notes": list(dict.fromkeys(note for part in parts for note in part.notes)),
        "splits": [
            {"name": part.name, "folder": slug(part.name), "train": len(part.train), "test": len(part.test)}
            for part in parts
        ],
    }  # fmt: skip
    make_folder(place)
    if (place / "trnet.json").is_file():
        differs(TrnetEvaluation.load(place).about, about, _ASKED)
    write(place, about)
    jobs = _jobs(recipe, features, parts, place, about, "cpu" if workers > 1 else "auto")
    with watched(jobs, jobs, wanted.epochs, progress):
        for first in (True, False):  # the twins, then those that look up to them
            _run([job for job in jobs if (job.system == TWIN) is first], workers)
    done = TrnetEvaluation(place, about)
    write(place, {**about, "figures": figures(done)})
    return Report(TrnetEvaluation.load(place))


def _settings(recipe: TrnetRecipe) -> dict[str, Any]:
    """What makes the runs what they are, as JSON."""
    names = ("learning_rate", "batch", "draws", "alpha", "beta", "width", "frames", "patience")
    return {name: getattr(recipe, name) for name in names}


def _jobs(
    recipe: TrnetRecipe, features: FeatureFile, parts: Sequence[Split], place: Path, about: Mapping[str, Any],
    accelerator: str,
) -> list[Job]:  # fmt: skip
    """Seed by seed, so that whole seeds are done early."""
    jobs = []
    for seed in about["seeds"]:
        for part in parts:
            below = place / slug(part.name)
            twin = below / TWIN / f"seed-{seed}"
            for system in SYSTEMS:
                needed = str(twin) if system not in ("c", "n", "e") else ""
                made = {"recipe": recipe.id, "settings": about["settings"], "protocol": about["protocol"]}
                jobs.append(
                    Job(replace(recipe, system=system, twin=needed, device=None), features, part, seed,
                        about["epochs"], below / system / f"seed-{seed}", {**made, "system": system}, accelerator)
                )  # fmt: skip
    return jobs


def _run(jobs: Sequence[Job], workers: int) -> None:
    from voxrack.commands import pool

    failed = []
    waiting = [job for job in jobs if not job.answered]
    for outcome in pool.run(run, waiting, workers):
        if outcome.error:
            failed.append((waiting[outcome.index], outcome.error))
    if failed:
        job, error = failed[0]
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        raise VoxrackError(f"{job.system}, {job.split.name}, seed {job.seed} failed: {error}{more}")


def run(job: Job) -> None:
    """Train, or go on where the run stands, then answer.

    Raises
    ------
    VoxrackError
        Where the training was stopped, or the folder holds another run.
    """
    from voxrack import weights
    from voxrack.training import train_split

    made = train_split(
        job.recipe, job.features, job.split, job.folder, seed=job.seed, epochs=job.epochs, about=job.about,
        accelerator=job.accelerator,
    )  # fmt: skip
    if not made.finished:
        raise VoxrackError(f"{job.folder} was stopped; run the same command again to go on")
    predict(weights.load(made.model_file), job.features, job.split.test, job.accelerator).save(job.folder / NAME)


def predict(found: Weights, features: FeatureFile, rows: Sequence[int], accelerator: str = "cpu") -> Answers:
    """What the stored network says of utterances in every condition that is tested."""
    network, classes = build(found.metadata, found.tensors), tuple(found.metadata["labels"])
    if accelerator != "cpu" and torch.cuda.is_available():
        network.to("cuda")
    items = [features.items[row] for row in rows]
    strange = {item.label for item in items}.difference(classes)
    if strange:
        raise InputError(f"test clips are {', '.join(sorted(strange))}, which no training clip of the split is")
    said = [answer(network, [heard.pair(features, row, condition) for row in rows]) for condition in TESTED]
    trusts = [one.trust for one in said if one.trust is not None]
    return Answers(
        tuple(item.id for item in items), tuple(item.speaker for item in items), tuple(item.label for item in items),
        classes, np.stack([one.probabilities.float().numpy() for one in said]),
        np.stack([trust.numpy() for trust in trusts]), np.stack([one.embeddings.numpy() for one in said]),
    )  # fmt: skip
