"""Recipe of ``ser.best``: ours, chosen on validation speakers of RAVDESS, with no download and no outside weights.

Every step each member sees its own changed version of a batch. AdamW with a warm-up and a cosine to zero, smoothed
labels, and an exponential average of the weights, which is what is exported.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from voxrack.datasets import Split
from voxrack.feature_file import FeatureFile
from voxrack.optimising import average, bfloat16_is_fast, decaying, warm_cosine_schedule

from ..augment import Augmentation
from ..frontend_best import BestFrontend
from ..inference import answer
from ..models import build
from ..models.best import Best, cut_speech
from .common import ARRAY, Batches, EmotionTask, SerRecipe

if TYPE_CHECKING:
    from voxrack.loop import Loop
    from voxrack.weights import Weights

WINDOW, HOP = 94, 31  # frames of 16 ms: the analyzer's 1.5 s and 0.5 s
_WARM = 0.2  # share of the epochs with a rising learning rate


@dataclass(frozen=True)
class BestRecipe(SerRecipe):
    """Recipe ``ser.best``.

    Parameters
    ----------
    augmentation : Augmentation
    smoothing : float
        Share of each label's mass that is spread over all classes.
    decay : float
        Of the averaged weights, per step.
    temperature, window_temperature : float
        What the exported model's logits are divided by, for whole recordings and for windows of 1.5 s.
    """

    augmentation: Augmentation = field(default_factory=Augmentation)
    smoothing: float = 0.1
    decay: float = 0.99
    temperature: float = 1.0
    window_temperature: float = 1.0

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> BestTask:
        return BestTask(self, features, split, epochs)

    def windows(
        self, weights: Weights, features: FeatureFile, rows: Sequence[int]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Windows of 1.5 s every 0.5 s of the speech in clips ``rows``: whose (m,), and probabilities (m, classes)."""
        owners: list[int] = []
        pieces: list[Tensor] = []
        for place, row in enumerate(rows):
            clip = speech(features.get(ARRAY, row))
            for start in range(0, max(1, len(clip) - WINDOW + 1), HOP):
                owners.append(place)
                pieces.append(clip[start : start + WINDOW])
        network = build(weights.metadata, weights.tensors)
        found = answer(network, pieces, temperature=float(weights.metadata.get("window_temperature", 1.0)))
        return np.array(owners, dtype=np.intp), found.probabilities.numpy()


class BestTask(EmotionTask):
    """Trains all members at once; the averaged network answers, validates and is exported."""

    recipe: BestRecipe
    network: Best

    def __init__(self, recipe: BestRecipe, features: FeatureFile, split: Split, epochs: int | None) -> None:
        super().__init__(recipe, features, split, epochs)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = {"network": self.network, "averaged": self.averaged}
        self.half = bfloat16_is_fast()
        self.clip = 2.0

    def _load(self, index: int) -> Tensor:
        return speech(super()._load(index))

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Every clip once, in random order: lengths tell emotions apart, so batches of like length would mislead."""
        order = torch.randperm(len(self.pieces), generator=generator).tolist()
        size = self.recipe.batch
        return Batches(self, [order[start : start + size] for start in range(0, len(order), size)])

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW; weights decay, while biases and normalisation do not."""
        groups = decaying(self.network, self.recipe.weight_decay)
        return {"network": torch.optim.AdamW(groups, lr=self.recipe.learning_rate)}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """A fifth of the epochs up to the learning rate, then half a cosine down."""
        return {"network": warm_cosine_schedule(optimisers["network"], self.epochs, _WARM)}

    def loss(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        """Mean cross entropy of the members, each of its own changed version of the batch."""
        total, correct = batch["x"].new_zeros(()), 0.0
        for member in self.network.members:
            with torch.no_grad(), torch.autocast(batch["x"].device.type, enabled=False):
                changed = self.recipe.augmentation.levels(batch["x"], batch["lengths"], generator)
                pictures, mask = self.network.pictures(*changed)
                pictures = self.recipe.augmentation.masked(pictures, generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half and pictures.device.type == "cpu"):
                logits = member(pictures, mask)[0].float()
            weights = None if self.weights is None else self.weights.to(logits.device)
            total = total + functional.cross_entropy(
                logits, batch["targets"], weights, label_smoothing=self.recipe.smoothing
            )
            correct = correct + (logits.detach().argmax(1) == batch["targets"]).float().mean()
        count = len(self.network.members)
        return total / count, {"accuracy": correct / count}

    def step(self, batch: Mapping[str, Tensor], loop: Loop) -> dict[str, Any]:
        """An update, then the averaged weights follow; at first quickly, so that the random start is forgotten."""
        numbers = super().step(batch, loop)
        done = loop.epoch * math.ceil(len(self.pieces) / self.recipe.batch) + loop.step + 1
        average(self.averaged, self.network, self.recipe.decay, done)
        return numbers

    def probabilities(self, indices: Sequence[int]) -> NDArray[np.float64]:
        clips = [self.clips[index] if index in self.clips else self._load(index) for index in indices]
        return answer(self.averaged, clips).probabilities.numpy()

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The averaged network."""
        _, metadata = super().export()
        temperatures = {
            "temperature": self.recipe.temperature, "window_temperature": self.recipe.window_temperature
        }  # fmt: skip
        return dict(self.averaged.state_dict()), {**metadata, **temperatures}


def speech(levels: Tensor) -> Tensor:
    """The speech of one clip, band levels (frames, bands) in dB, with its margins."""
    return cut_speech(levels[None], torch.ones(1, len(levels)))[0][0]


def best(
    *, members: int, learning_rate: float, weight_decay: float, batch: int, epochs: int, dropout: float,
    smoothing: float, shift: float, stretch: float, noise: float, equaliser: float, crop: float, lead: float,
    masks: float, channel: float, temperature: float, window_temperature: float,
) -> BestRecipe:  # fmt: skip
    """Recipe ``ser.best``."""
    augmentation = Augmentation(shift, stretch, equaliser, noise, crop, lead, masks, channel)
    return BestRecipe(
        "ser.best", "best", BestFrontend(), {"members": members, "dropout": dropout}, learning_rate, weight_decay,
        batch, epochs, normalise="none", augmentation=augmentation, smoothing=smoothing,
        temperature=temperature, window_temperature=window_temperature,
    )  # fmt: skip
