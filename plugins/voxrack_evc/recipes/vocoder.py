"""Recipe of the vocoder: stretches of speech, to mel and back, and the distance between spectra.

AdamW with a warm-up and a cosine to zero, gradients clipped, and an exponential average of the weights, which is what
is exported. The speakers of :func:`voxrack_evc.material.divide` that validate only watch; those that test are unheard.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from voxrack.optimising import average, bfloat16_is_fast, decaying, warm_cosine_schedule
from voxrack.task import Task, derived_seed
from voxrack.weights import load

from ..material import divide
from ..mel import HOP, log_mel
from ..vocoder.drawing import AROUND, Stretches
from ..vocoder.envelope import fitted
from ..vocoder.harmonic_noise import excite, sounded, spectra
from ..vocoder.losses import distance
from ..vocoder.network import Filters
from ..vocoder.packing import prepare
from ..vocoder.spoiling import spoilt

if TYPE_CHECKING:
    from voxrack.datasets import Corpus, Split
    from voxrack.feature_file import FeatureFile
    from voxrack.feature_writer import FeatureWriter
    from voxrack.loop import Loop

    from ..vocoder.copies_report import Report

_WARM = 0.05  # share of the epochs with a rising learning rate
_DECAY = 0.998  # of the averaged weights, per step
_CHECKED, _CHECKED_FRAMES = 16, 64  # stretches of validation, and their length


@dataclass(frozen=True)
class VocoderRecipe:
    """Recipe ``evc.vocoder``; see its options' help.

    Parameters
    ----------
    network : mapping
        Options of :class:`~voxrack_evc.vocoder.network.Filters`.
    """

    network: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 0
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch: int = 8
    frames: int = 64
    steps: int = 50
    epochs: int = 60
    start: str = ""
    weights: str = ""
    utterances: int = 20
    id: str = "evc.vocoder"

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Pack sound, pitch and voicing: :func:`voxrack_evc.vocoder.packing.prepare`."""
        prepare(corpus, writer, progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> VocoderTask:
        return VocoderTask(self, features, self.epochs if epochs is None else epochs)

    def evaluate(self, features: FeatureFile, **how: Any) -> Report:
        """Copy-synthesis of speakers that training left out: :func:`voxrack_evc.vocoder.copies.evaluate`."""
        from ..vocoder.copies import evaluate

        return evaluate(self.weights, self.utterances, features, **how)


class VocoderTask(Task):
    """Trains :class:`Filters` on the training speakers of a feature file."""

    def __init__(self, recipe: VocoderRecipe, features: FeatureFile, epochs: int) -> None:
        self.recipe, self.features, self.epochs, self.clip = recipe, features, epochs, 1.0
        self.parts = divide(features.items)
        self.network = Filters(**recipe.network)
        if recipe.start:
            self.network.load_state_dict(load(recipe.start).tensors)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = {"network": self.network, "averaged": self.averaged}
        self.half = bfloat16_is_fast()

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW; matrices decay, biases and normalisation do not."""
        groups = decaying(self.network, self.recipe.weight_decay)
        return {"network": torch.optim.AdamW(groups, lr=self.recipe.learning_rate, betas=(0.8, 0.99))}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Up over the first twentieth of the epochs, then half a cosine down."""
        return {"network": warm_cosine_schedule(optimisers["network"], self.epochs, _WARM)}

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Stretches of the training speakers, each batch drawn from a seed of its own."""
        seeds = torch.randint(2**62, (self.recipe.steps,), generator=generator).tolist()
        return Stretches(self.features, self.parts.train, self.recipe.frames, self.recipe.batch, seeds)

    def loss(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        """Distance of the copies from the recordings, in spectra of several lengths; every other mel is spoilt."""
        mel, target = heard(batch["samples"])
        half = len(mel) // 2
        mel = torch.cat([mel[:half], spoilt(mel[half:], int(batch["seed"]))])
        return distance(inside(self._sound(self._halved, mel, batch)), inside(target)), {}

    def _halved(self, mel: Tensor, f0: Tensor, voicing: Tensor) -> Any:
        """The network, in bfloat16 where that is fast; what it says is float32."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half and mel.device.type == "cpu"):
            return self.network(mel, f0, voicing)

    def _sound(self, network: Callable[..., Any], mel: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        f0, voicing = batch["f0"], batch["voicing"]
        pulse, hiss = excite(f0, int(batch["seed"]))
        made = spectra(network(mel, f0, voicing), mel, voicing, pulse, hiss)
        return sounded(made, lambda spectrum: fitted(spectrum, mel), self.recipe.rounds)

    def step(self, batch: Mapping[str, Tensor], loop: Loop) -> dict[str, Any]:
        """An update, then the averaged weights follow; at first quickly, so that the random start is forgotten."""
        numbers = super().step(batch, loop)
        average(self.averaged, self.network, _DECAY, loop.epoch * self.recipe.steps + loop.step + 1)
        return numbers

    def validate(self) -> dict[str, float]:
        """Distance of the averaged network's copies of the validating speakers' stretches, of true mels and spoilt."""
        if not self.parts.validation:
            return {}
        seeds = [derived_seed(0, "validation", place) for place in range(-(-_CHECKED // self.recipe.batch))]
        device = next(self.averaged.parameters()).device
        found: dict[str, list[float]] = {"validation_distance": [], "validation_spoilt": []}
        for drawn in Stretches(self.features, self.parts.validation, _CHECKED_FRAMES, self.recipe.batch, seeds):
            batch = {name: value.to(device) for name, value in drawn.items()}
            mel, target = heard(batch["samples"])
            for name, given in zip(found, (mel, spoilt(mel, int(batch["seed"]))), strict=True):
                made = self._sound(self.averaged, given, batch)
                found[name].append(float(distance(inside(target), inside(made))))
        return {name: sum(each) / len(each) for name, each in found.items()}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The averaged network."""
        return dict(self.averaged.state_dict()), {"recipe": self.recipe.id, "options": self.network.options}


def heard(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Log-mel and sound of the frames in the middle of a drawn stretch."""
    edge = AROUND * HOP
    return log_mel(samples)[..., AROUND:-AROUND].contiguous(), samples[..., edge:-edge]


def inside(x: Tensor) -> Tensor:
    """Without the first and the last two frames, which the windows outside would have shared."""
    return x[..., AROUND * HOP : -AROUND * HOP]


def recipe(
    *, width: int, blocks: int, rounds: int, learning_rate: float, weight_decay: float, batch: int, frames: int,
    steps: int, epochs: int, start: str, weights: str, utterances: int,
) -> VocoderRecipe:  # fmt: skip
    """Recipe ``evc.vocoder``."""
    return VocoderRecipe(
        {"width": width, "blocks": blocks}, rounds, learning_rate, weight_decay, batch, frames, steps, epochs, start,
        weights, utterances,
    )  # fmt: skip
