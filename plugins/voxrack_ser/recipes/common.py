"""What the recipes of the paper models share: preparing, the training task, and their settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from voxrack.datasets import Corpus, Split, classes
from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.task import Task, pad

from ..frontends import Frontend, Mfcc
from ..inference import answer
from ..models import network_class
from ..models.network import Network

if TYPE_CHECKING:
    from ..evaluation_tables import Report

Cut = tuple[int, int]
ARRAY = "frames"  # name of the features in the file
SHORTEST = 0.05  # s of a recording that is learned from: a short vowel
_POOL = 8  # batches whose utterances are sorted by length together


@dataclass(frozen=True)
class SerRecipe:
    """A recogniser's recipe: :class:`voxrack.recipe.Recipe` from a front end, a network and some numbers.

    Parameters
    ----------
    id : str
        ``"ser.cornn"``.
    network : str
        A name of :data:`voxrack_ser.models.NETWORKS`.
    frontend : Frontend
    settings : mapping
        Options of the network, but bands and classes.
    learning_rate, weight_decay : float
        Adam's; the decay is its L2 term.
    batch, epochs : int
    normalise : {"none", "train"}
        Per-band z-score with the statistics of the training clips.
    balance : {"none", "classes"}
        Whether the loss weighs each class by the inverse of its frequency.
    training_cuts : callable, optional
        ``(frames, label)`` to the pieces of a training clip; None: those of recognition (:meth:`Network.cuts`).
    patience : int
        Epochs without a better validation recall after which training stops; counts with validation speakers only.
    bfloat16 : bool
        Multiply in bfloat16 while training.
    """

    id: str
    network: str
    frontend: Frontend
    settings: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch: int = 32
    epochs: int = 100
    normalise: str = "train"
    balance: str = "none"
    training_cuts: Callable[[int, str], list[Cut]] | None = None
    patience: int = 0
    bfloat16: bool = False

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Add every utterance's features and, for the baselines beside it, MFCC statistics."""
        from voxrack.preparation import extract

        extract(corpus, writer, Extractor(self.frontend), progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> EmotionTask:
        return EmotionTask(self, features, split, epochs)

    def evaluate(self, features: FeatureFile, **asked: Any) -> Report:
        """Every split of a protocol with every seed, and the baselines: :func:`voxrack_ser.evaluation.evaluate`."""
        from ..evaluation import evaluate

        return evaluate(self, features, **asked)


@dataclass(frozen=True)
class Extractor:
    """Decoded audio to the arrays of a feature file: ``frames`` (frames, values) and ``statistics`` (1, 240).

    Silence and clips of less than 50 ms are refused, which leaves them out with a note.
    """

    frontend: Frontend

    def __call__(self, audio: Any) -> dict[str, NDArray[np.float32]]:
        from ..baselines import COEFFICIENTS, HOP, RATE, WINDOW, statistics, statistics_of

        samples = audio.samples.mean(axis=0)
        if audio.duration < SHORTEST:
            raise InputError(f"{audio.duration:.2g} s long: too short for a voice, which takes {SHORTEST:g} s")
        if not samples.any():
            raise InputError("silent throughout: there is no voice to learn from")
        with torch.no_grad():
            ready = self.frontend.ready(torch.from_numpy(np.ascontiguousarray(samples)), audio.sample_rate)
            frames = self.frontend.stored(ready).numpy()
        own = Mfcc(sample_rate=RATE, n_mfcc=COEFFICIENTS, n_fft=WINDOW, hop_length=HOP)
        # Half the time of preparing goes where both are the same: then they are computed once.
        summary = statistics_of(frames.T) if self.frontend == own else statistics(samples, audio.sample_rate)
        return {ARRAY: frames, "statistics": summary[None]}


class EmotionTask(Task):
    """Cross entropy over the pieces of the training clips; batches of like length.

    Parameters
    ----------
    recipe : SerRecipe
    features : FeatureFile
    split : Split
    epochs : int or None
        None: the recipe's.

    Attributes
    ----------
    labels : tuple of str
        Classes of the training clips, in the project's order; columns of :meth:`probabilities`.
    """

    def __init__(self, recipe: SerRecipe, features: FeatureFile, split: Split, epochs: int | None) -> None:
        self.recipe, self.features, self.split = recipe, features, split
        items = features.items
        self.labels = classes(items[index].label for index in split.train if items[index].label)
        if len(self.labels) < 2:
            heard = f"are all '{self.labels[0]}'" if self.labels else "have no labels"
            raise InputError(f"the training clips of '{split.name}' {heard}; a recogniser needs two classes or more")
        self.epochs = recipe.epochs if epochs is None else epochs
        self.clips = {index: self._load(index) for index in split.train}
        bands = next(iter(self.clips.values())).shape[1]
        make = cast("Callable[..., Network]", network_class(recipe.network))
        self.network = make(bands=bands, classes=len(self.labels), **recipe.settings)
        if recipe.normalise == "train":
            self.network.normalise.fit(list(self.clips.values()))
        self.modules = {"network": self.network}
        self.pieces = [
            (index, cut, self.labels.index(items[index].label)) for index in split.train for cut in self._cuts(index)
        ]
        counts = Counter(target for _, _, target in self.pieces)
        weights = [len(self.pieces) / (len(self.labels) * counts[target]) for target in range(len(self.labels))]
        self.weights = torch.tensor(weights) if recipe.balance == "classes" else None
        if split.validation:
            self.monitor, self.patience = "validation_uar", recipe.patience

    def _load(self, index: int) -> Tensor:
        return self.recipe.frontend.finish(self.features.get(ARRAY, index))

    def _cuts(self, index: int) -> list[Cut]:
        frames, rule = len(self.clips[index]), self.recipe.training_cuts
        return rule(frames, self.features.items[index].label) if rule else self.network.cuts(frames)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "network": torch.optim.Adam(
                self.network.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
            )
        }

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Every piece once. Pieces are drawn at random, then sorted by length within a few batches' worth of them."""
        return Batches(self, grouped(len(self.pieces), self.recipe.batch, self._frames, generator))

    def _frames(self, row: int) -> int:
        start, stop = self.pieces[row][1]
        return stop - start

    def collate(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """A batch of pieces: ``x`` (B, frames, bands), ``lengths`` (B,), ``targets`` (B,)."""
        found = [self.pieces[row] for row in rows]
        x, lengths = pad([self.clips[index][start:stop] for index, (start, stop), _ in found])
        return {"x": x, "lengths": lengths, "targets": torch.tensor([target for _, _, target in found])}

    def loss(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        if self.recipe.bfloat16:
            with torch.autocast(batch["x"].device.type, torch.bfloat16):
                logits = self.network(batch["x"], batch["lengths"])["logits"].float()
        else:
            logits = self.network(batch["x"], batch["lengths"])["logits"].float()
        weights = None if self.weights is None else self.weights.to(logits.device)
        correct = (logits.detach().argmax(1) == batch["targets"]).float().mean()
        return functional.cross_entropy(logits, batch["targets"], weights), {"accuracy": correct}

    def validate(self) -> dict[str, float]:
        """Mean recall over the classes and mean negative log-likelihood of the validation speakers' clips."""
        rows = [index for index in self.split.validation if self.features.items[index].label in self.labels]
        if not rows:
            return {}
        targets = torch.tensor([self.labels.index(self.features.items[index].label) for index in rows])
        return validated(torch.from_numpy(self.probabilities(rows)), targets)

    def probabilities(self, indices: Sequence[int]) -> NDArray[np.float64]:
        """The network as it is now about utterances of the feature file: (n, classes), columns as :attr:`labels`."""
        clips = [self.clips[index] if index in self.clips else self._load(index) for index in indices]
        return answer(self.network, clips).probabilities.numpy()

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The network's tensors, and all that :func:`voxrack_ser.models.build` and the analyzer ask for."""
        return dict(self.network.state_dict()), {
            "device": self.recipe.id, "network": self.recipe.network, "options": self.network.options,
            "frontend": self.recipe.frontend.metadata(), "labels": list(self.labels), "temperature": 1.0,
        }  # fmt: skip


def grouped(
    count: int, size: int, length: Callable[[int], int], generator: torch.Generator
) -> list[list[int]]:  # fmt: skip
    """Numbers below ``count`` in batches: drawn at random, sorted by length within a few batches' worth of them."""
    order = torch.randperm(count, generator=generator).tolist()
    groups: list[list[int]] = []
    for first in range(0, len(order), _POOL * size):
        pool = sorted(order[first : first + _POOL * size], key=length)
        groups += [pool[start : start + size] for start in range(0, len(pool), size)]
    shuffled = torch.randperm(len(groups), generator=generator).tolist()
    return [groups[index] for index in shuffled]


def validated(chances: Tensor, targets: Tensor) -> dict[str, float]:
    """Mean recall over the classes, and mean negative log-likelihood, of probabilities (n, classes)."""
    hit = (chances.argmax(1) == targets).double()
    recalls = [float(hit[targets == target].mean()) for target in targets.unique()]
    likelihood = chances.gather(1, targets[:, None]).clamp_min(1e-12).log().mean()
    return {"validation_uar": sum(recalls) / len(recalls), "validation_nll": -float(likelihood)}


class Collating(Protocol):
    """What :class:`Batches` needs of a task."""

    def collate(self, rows: Sequence[int]) -> dict[str, Tensor]: ...


class Batches(Sequence[dict[str, Tensor]]):
    """The batches of an epoch, put together when they are asked for."""

    def __init__(self, task: Collating, groups: list[list[int]]) -> None:
        self.task, self.groups = task, groups

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Batches(self.task, self.groups[index])
        return self.task.collate(self.groups[index])
