"""Recipe of ``enhance.light``: speech and noise are mixed anew for every step, and the network hears each mixture once.

AdamW with a warm-up and a cosine to zero, gradients clipped, and an exponential average of the weights, which is what
is exported. Validation is the loss and the gain in SI-SDR on fixed mixtures of speakers and noises of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from voxrack.datasets import Split
from voxrack.feature_file import FeatureFile
from voxrack.optimising import average, bfloat16_is_fast, decaying, warm_cosine_schedule
from voxrack.task import Task
from voxrack.weights import load

from ..evaluation_options import Asked
from ..light_features import features
from ..light_losses import loss
from ..light_network import LightNetwork
from ..light_spectrum import analyse, masked, synthesise
from ..material import divide, prepare, samples
from ..mixing import Mixer

if TYPE_CHECKING:
    from voxrack.datasets import Corpus
    from voxrack.feature_writer import FeatureWriter
    from voxrack.loop import Loop

    from ..evaluation_tables import Report

_WARM = 0.05  # share of the epochs with a rising learning rate
_CHECKED = 48  # mixtures of validation


@dataclass(frozen=True)
class LightRecipe:
    """Recipe ``enhance.light``.

    Parameters
    ----------
    network : mapping
        Options of :class:`~voxrack_enhance.light_network.LightNetwork`.
    learning_rate, weight_decay : float
        AdamW's.
    batch : int
        Mixtures per step.
    seconds : float
        Length of a mixture.
    steps : int
        Per epoch, which is no pass over anything: mixtures never come twice.
    epochs : int
    decay : float
        Of the averaged weights, per step.
    start : str
        A run, or its weights, to begin with instead of random ones.
    evaluation : Asked
    """

    network: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch: int = 16
    seconds: float = 4.0
    steps: int = 50
    epochs: int = 200
    decay: float = 0.999
    start: str = ""
    evaluation: Asked = field(default_factory=Asked)
    id: str = "enhance.light"

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Pack speech and noise: :func:`voxrack_enhance.material.prepare`."""
        prepare(corpus, writer, progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> LightTask:
        return LightTask(self, features, self.epochs if epochs is None else epochs)

    def evaluate(self, features: FeatureFile, **how: Any) -> Report:
        """The device with its weights as they are: :func:`voxrack_enhance.evaluation.evaluate`."""
        from ..evaluation import evaluate

        return evaluate(self.id, self.evaluation, features, **how)


class LightTask(Task):
    """Trains a :class:`LightNetwork` on mixtures of the training part of a feature file's speech and noise."""

    def __init__(self, recipe: LightRecipe, features: FeatureFile, epochs: int) -> None:
        self.recipe, self.epochs, self.clip = recipe, epochs, 5.0
        parts = divide(features.items).need("train_speech", "validation_speech")

        def mixer(speech: tuple[int, ...], noise: tuple[int, ...]) -> Mixer:
            heard, around = ([samples(features, row) for row in rows] for rows in (speech, noise))
            corpora = [features.items[row].corpus for row in speech]
            return Mixer(heard, around, seconds=recipe.seconds, groups=corpora)

        self.mixer = mixer(parts.train_speech, parts.train_noise)
        self.network = LightNetwork(**recipe.network)
        if recipe.start:
            self.network.load_state_dict(load(recipe.start).tensors)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = {"network": self.network, "averaged": self.averaged}
        self.half = bfloat16_is_fast()
        held = mixer(parts.validation_speech, parts.validation_noise).draw(np.random.default_rng(0), _CHECKED)
        self.held = tuple(torch.from_numpy(each) for each in held)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW; matrices decay, biases and normalisation do not."""
        groups = decaying(self.network, self.recipe.weight_decay)
        return {"network": torch.optim.AdamW(groups, lr=self.recipe.learning_rate)}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Up over the first twentieth of the epochs, then half a cosine down."""
        return {"network": warm_cosine_schedule(optimisers["network"], self.epochs, _WARM)}

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Mixtures, each batch drawn from a seed of its own."""
        seeds = torch.randint(2**62, (self.recipe.steps,), generator=generator).tolist()
        return Drawn(self.mixer.draw, self.recipe.batch, seeds)

    def loss(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        noisy, target = batch["noisy"], batch["target"]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half and noisy.device.type == "cpu"):
            found = enhance(self.network, noisy)
        return loss(found, target, noisy)

    def step(self, batch: Mapping[str, Tensor], loop: Loop) -> dict[str, Any]:
        """An update, then the averaged weights follow; at first quickly, so that the random start is forgotten."""
        numbers = super().step(batch, loop)
        done = loop.epoch * self.recipe.steps + loop.step + 1
        average(self.averaged, self.network, self.recipe.decay, done)
        return numbers

    def validate(self) -> dict[str, float]:
        """Loss, and SI-SDR gained in dB over mixtures with speech and noise in them."""
        device = next(self.averaged.parameters()).device
        noisy, target = (each.to(device) for each in self.held)
        found = torch.cat([enhance(self.averaged, part) for part in noisy.split(self.recipe.batch)])
        before, after = si_sdr(noisy, target), si_sdr(found, target)
        both = before.isfinite() & (before < 40.0)
        return {
            "validation_loss": float(loss(found, target, noisy)[0]),
            "validation_si_sdr_gain": float((after - before)[both].mean()),
        }

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The averaged network."""
        return dict(self.averaged.state_dict()), {"device": self.recipe.id, "options": self.network.options}


class Drawn(Sequence[dict[str, Tensor]]):
    """Batches that are drawn when they are asked for."""

    def __init__(self, draw: Callable[..., Any], count: int, seeds: Sequence[int]) -> None:
        self.draw, self.each, self.seeds = draw, count, seeds

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Drawn(self.draw, self.each, self.seeds[index])
        noisy, target = self.draw(np.random.default_rng(self.seeds[index]), self.each)
        return {"noisy": torch.from_numpy(noisy), "target": torch.from_numpy(target)}


def enhance(network: LightNetwork, noisy: Tensor) -> Tensor:
    """(B, samples) at 16 kHz through the network."""
    with torch.autocast(noisy.device.type, enabled=False):
        spectrogram = analyse(noisy)
        heard = features(spectrogram)
    real, imaginary = network(heard)
    with torch.autocast(noisy.device.type, enabled=False):
        return synthesise(masked(spectrogram, real, imaginary), noisy.shape[-1])


def si_sdr(found: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019) of (B, samples); NaN for silence."""
    share = (found * target).sum(-1, keepdim=True) / target.square().sum(-1, keepdim=True)
    wanted = share * target
    return 10.0 * (wanted.square().sum(-1) / (found - wanted).square().sum(-1)).log10()


def recipe(
    *, channels: int, time_width: int, band_width: int, blocks: int, learning_rate: float, weight_decay: float,
    batch: int, seconds: float, steps: int, epochs: int, start: str, **evaluation: Any,
) -> LightRecipe:  # fmt: skip
    """Recipe ``enhance.light``."""
    network = {"channels": channels, "time_width": time_width, "band_width": band_width, "blocks": blocks}
    return LightRecipe(
        network, learning_rate, weight_decay, batch, seconds, steps, epochs, start=start,
        evaluation=Asked(**evaluation),
    )  # fmt: skip
