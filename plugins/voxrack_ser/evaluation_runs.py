"""One run of an evaluation: train (or fit a baseline), then answer the training and the test clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import VoxrackError
from voxrack.metrics import Predictions
from voxrack.metrics_folder import MODEL

if TYPE_CHECKING:
    from voxrack.datasets import Split
    from voxrack.feature_file import FeatureFile
    from voxrack.weights import Weights


@dataclass(frozen=True)
class Job:
    """What one run is made from; all of it can be sent to another process.

    Parameters
    ----------
    system : str
        ``"model"``, or the name of a baseline.
    recipe : object
        See :class:`voxrack_ser.evaluation.Classifier`.
    features : FeatureFile
    split : Split
    seed : int
    epochs : int or None
        None: the recipe's.
    folder : Path
    about : dict
        What defines the run; kept with it, and a folder of another run is refused.
    shared : bool
        Keep only the classes that the test labels name (another corpus).
    accelerator : str
    """

    system: str
    recipe: Any
    features: FeatureFile
    split: Split
    seed: int
    epochs: int | None
    folder: Path
    about: dict[str, Any]
    shared: bool = False
    accelerator: str = "auto"

    @property
    def answered(self) -> bool:
        """Whether the answers are there already."""
        return (self.folder / "test.npz").is_file()  # written last


def run(job: Job) -> None:
    """Do a job; what was finished before is not done again, what was begun goes on.

    Raises
    ------
    VoxrackError
        Where the training was stopped, or a folder holds another run.
    """
    if job.system == MODEL:
        _train(job)
    else:
        _fit(job)


def _train(job: Job) -> None:
    from voxrack import weights
    from voxrack.training import train_split

    if job.answered:
        return
    made = train_split(
        job.recipe, job.features, job.split, job.folder, seed=job.seed, epochs=job.epochs, about=job.about,
        accelerator=job.accelerator,
    )  # fmt: skip
    if not made.finished:
        raise VoxrackError(f"{job.folder} was stopped; run the same command again to go on")
    found = weights.load(made.model_file)
    answer = getattr(job.recipe, "predict", predict)
    for name, rows in (("train", job.split.train), ("test", job.split.test)):
        if name == "test" and hasattr(job.recipe, "windows"):
            owners, chances = job.recipe.windows(found, job.features, rows)
            classes = tuple(found.metadata["labels"])
            _keep(job, "windows", [rows[int(owner)] for owner in owners], chances, classes)
        chances, classes = answer(found, job.features, rows)
        _keep(job, name, rows, chances, classes)


def _fit(job: Job) -> None:
    from voxrack.replace import make_folder

    from .baselines import fit_predict

    if job.answered:
        return
    make_folder(job.folder)
    (train, test), classes = fit_predict(job.system, job.features, job.split.train, (job.split.train, job.split.test))
    _keep(job, "train", job.split.train, train, classes)
    _keep(job, "test", job.split.test, test, classes)


def _keep(job: Job, name: str, rows: Sequence[int], chances: NDArray[np.float64], classes: tuple[str, ...]) -> None:
    items = [job.features.items[row] for row in rows]
    ids, speakers, labels = ([getattr(item, field) for item in items] for field in ("id", "speaker", "label"))
    if job.shared and name != "train":
        found = Predictions.shared(ids, speakers, labels, chances, classes)
    else:
        found = Predictions(tuple(ids), tuple(speakers), tuple(labels), chances, classes)
    found.save(job.folder / f"{name}.npz")


def predict(
    weights: Weights, features: FeatureFile, rows: Sequence[int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Probabilities of a trained network about utterances of a feature file, with the class names.

    The network is built from the stored weights, as an analyzer does, so that what is measured is what would ship.
    """
    from .frontends import frontend
    from .inference import answer
    from .models import build

    network = build(weights.metadata, weights.tensors)
    finish = frontend(weights.metadata).finish
    clips = [finish(features.get("frames", row)) for row in rows]
    found = answer(network, clips, temperature=float(weights.metadata.get("temperature", 1.0)))
    return found.probabilities.numpy(), tuple(weights.metadata["labels"])
