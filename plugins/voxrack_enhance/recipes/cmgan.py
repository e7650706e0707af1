"""Recipe of ``enhance.cmgan``: a generator, and a discriminator that learns PESQ and pulls it upwards.

The settings are the paper's: AdamW at 5e-4 (the discriminator twice that), halved every 30 of 120 epochs, four cuts of
two seconds a step. Mixtures are drawn anew for every step, as for ``enhance.light``; with option ``noisy`` the data are
pairs of recordings, as in the paper.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack.datasets import Split
from voxrack.errors import UsageError
from voxrack.feature_file import FeatureFile
from voxrack.task import Task

from ..cmgan.discriminator import SHORTEST, Discriminator
from ..cmgan.generator import Generator
from ..cmgan.loading import DEVICE, load_generator
from ..cmgan.losses import Found, Pair, discriminator_loss, generator_loss
from ..cmgan.pairs import NOISY, Pairs, prepare_pairs
from ..cmgan.scores import need_pesq, scores
from ..cmgan.spectrum import HOP, RATE
from ..evaluation_options import Asked
from ..material import divide, prepare, samples
from ..mixing import Mixer
from .light import Drawn

if TYPE_CHECKING:
    from voxrack.datasets import Corpus
    from voxrack.feature_file import FeatureWriter
    from voxrack.loop import Loop

    from ..evaluation_tables import Report

HELD = 16  # pairs of validation
_CRITIC_RATE = 2.0  # the discriminator's learning rate, in the generator's


class Source(Protocol):
    """Where noisy and clean samples (count, frames) come from."""

    def draw(self, rng: np.random.Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


@dataclass(frozen=True)
class CmganRecipe:
    """Recipe ``enhance.cmgan``; the options of its specification.

    Parameters
    ----------
    width, blocks, dropout
        Of the generator.
    learning_rate : float
        AdamW's for the generator.
    batch : int
        Pairs per step.
    seconds : float
        Length of a pair.
    steps : int
        Per epoch.
    epochs, halve : int
        The learning rates are halved every ``halve`` epochs.
    adversarial : float
        Weight of the discriminator's term; 0 trains without a discriminator, and without PESQ.
    workers : int
        Processes that compute PESQ; 0: one per core.
    noisy : str
        Folder of noisy recordings with the corpus's file names; empty: noise is mixed to the corpus.
    start : str
        A run, weights, or a checkpoint of the authors' code to begin with; it tells width and blocks.
    evaluation : Asked
    """

    width: int = 64
    blocks: int = 4
    dropout: float = 0.2
    learning_rate: float = 5e-4
    batch: int = 4
    seconds: float = 2.0
    steps: int = 2900
    epochs: int = 120
    halve: int = 30
    adversarial: float = 0.05
    workers: int = 0
    noisy: str = ""
    start: str = ""
    evaluation: Asked = field(default_factory=Asked)

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Speech and noise as they are, or pairs."""
        if self.noisy:
            prepare_pairs(corpus, Path(self.noisy), writer, progress)
        else:
            prepare(corpus, writer, progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> CmganTask:
        train, held = self.sources(features, split)
        return CmganTask(self, train, held, epochs)

    def evaluate(self, features: FeatureFile, **how: Any) -> Report:
        """The device with its weights as they are: :func:`voxrack_enhance.evaluation.evaluate`."""
        from ..evaluation import evaluate

        return evaluate(DEVICE, self.evaluation, features, **how)

    def sources(self, features: FeatureFile, split: Split) -> tuple[Source, Source | None]:
        """What training and validation draw from. Mixtures are divided by name; pairs by ``split``."""
        if NOISY not in features.names:
            parts = divide(features.items).need("train_speech")
            mixer = lambda *sides: Mixer(  # noqa: E731
                *([samples(features, row) for row in side] for side in sides), seconds=self.seconds
            )
            held = mixer(parts.validation_speech, parts.validation_noise) if parts.validation_speech else None
            return mixer(parts.train_speech, parts.train_noise), held
        pairs = lambda rows: Pairs(  # noqa: E731
            *([features.get(name, row).numpy() for row in rows] for name in (NOISY, "samples")), seconds=self.seconds
        )
        return pairs(split.train), pairs(split.validation) if split.validation else None

    def generator(self) -> Generator:
        """What training begins with."""
        if not self.start:
            return Generator(self.width, self.blocks, self.dropout)
        return copy.deepcopy(load_generator(Path(self.start))).requires_grad_(True)


class CmganTask(Task):
    """Trains a :class:`Generator`, and a :class:`Discriminator` beside it.

    Parameters
    ----------
    recipe : CmganRecipe
    train : Source
    held : Source or None
        Of validation, which chooses the best epoch by PESQ (by the loss where there is no discriminator).
    epochs : int or None
    """

    def __init__(self, recipe: CmganRecipe, train: Source, held: Source | None, epochs: int | None) -> None:
        if recipe.seconds * RATE < SHORTEST * HOP:
            raise UsageError(f"pairs of {recipe.seconds:g} s are too short for the discriminator: 0.1 s or more")
        self.recipe, self.source = recipe, train
        self.epochs = recipe.epochs if epochs is None else epochs
        self.generator = recipe.generator()
        self.modules = {"generator": self.generator}
        self.critic = None
        if recipe.adversarial:
            need_pesq()
            self.critic = self.modules["discriminator"] = Discriminator()
        self.held: tuple[Tensor, ...] = ()
        if held is not None:
            self.held = tuple(torch.from_numpy(each) for each in held.draw(np.random.default_rng(0), HELD))
            self.monitor, self.mode = ("validation_pesq", "max") if self.critic else ("validation_loss", "min")

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        rates = {"generator": self.recipe.learning_rate, "discriminator": _CRITIC_RATE * self.recipe.learning_rate}
        return {name: torch.optim.AdamW(module.parameters(), lr=rates[name]) for name, module in self.modules.items()}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Both rates are halved every so many epochs."""
        step = torch.optim.lr_scheduler.StepLR
        return {name: step(optimiser, self.recipe.halve, 0.5) for name, optimiser in optimisers.items()}

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Pairs, each batch drawn from a seed of its own."""
        seeds = torch.randint(2**62, (self.recipe.steps,), generator=generator).tolist()
        return Drawn(self.source.draw, self.recipe.batch, seeds)

    def step(self, batch: Mapping[str, Tensor], loop: Loop) -> dict[str, Any]:
        """The generator against the discriminator as it is, then the discriminator towards PESQ of what came out.

        ``pesq_failed`` is the share of pairs that PESQ could not compare: the discriminator learns nothing of them.
        """
        pair, found = self._through(batch["noisy"], batch["target"])
        score = self.critic(pair.magnitude, found.magnitude) if self.critic else None
        loss, numbers = generator_loss(pair, found, score, self.recipe.adversarial)
        loop.minimise(loss, "generator")
        numbers = {"loss": loss.detach(), **numbers}
        if self.critic is None:
            return numbers
        wanted = scores(pair.clean, found.samples, self.recipe.workers)
        known = wanted[wanted.isfinite()]
        of_found = self.critic(pair.magnitude, found.magnitude.detach())
        of_clean = self.critic(pair.magnitude, pair.magnitude)
        critic_loss = discriminator_loss(of_clean, of_found, wanted.to(of_found.device))
        loop.minimise(critic_loss, "discriminator")
        numbers |= {"discriminator_loss": critic_loss.detach(), "pesq_failed": 1.0 - len(known) / len(wanted)}
        return numbers | ({"pesq": 1.0 + 3.5 * float(known.mean())} if len(known) else {})

    def _through(self, noisy: Tensor, clean: Tensor) -> tuple[Pair, Found]:
        pair = Pair.of(noisy, clean)
        return pair, Found.of(self.generator(pair.noisy_spectrum), pair.clean.shape[-1])

    def validate(self) -> dict[str, float]:
        """Loss without the discriminator's term; PESQ where there is a discriminator."""
        if not self.held:
            return {}
        device = next(self.generator.parameters()).device
        total, heard = 0.0, []
        for noisy, clean in zip(*(each.to(device).split(self.recipe.batch) for each in self.held)):
            pair, found = self._through(noisy, clean)
            total += float(generator_loss(pair, found, None, 0.0)[0]) * len(noisy)
            if self.critic is not None:
                heard.append(scores(pair.clean, found.samples, self.recipe.workers))
        numbers = {"validation_loss": total / len(self.held[0])}
        if heard:
            known = torch.cat(heard).nanmean()
            numbers["validation_pesq"] = 1.0 + 3.5 * float(known) if known.isfinite() else math.nan
        return numbers

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The generator."""
        return dict(self.generator.state_dict()), {"device": DEVICE, "options": self.generator.options}


def recipe(**options: Any) -> CmganRecipe:
    """The recipe with checked ``options``."""
    return CmganRecipe(evaluation=Asked.taken(options), **options)
