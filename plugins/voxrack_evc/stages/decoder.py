"""Training the decoder: score matching with disentangled conditions (DiffEVC, section 2.1.4 and eq. 2)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from voxrack.errors import UsageError
from voxrack.feature_file import FeatureFile
from voxrack.optimising import average
from voxrack.task import Task
from voxrack.weights import load

from .. import losses
from ..club import Club
from ..conditioning import PROJECTED, Projections
from ..decoder import Decoder
from ..heads import Heads
from ..material import divide
from ..model import from_weights
from ..sde import Schedule
from . import common
from .decoder_material import Material

if TYPE_CHECKING:
    from voxrack.loop import Loop

    from ..recipes.diffevc import DiffEvcRecipe

EDGE = 1e-5  # times are drawn between this and 1 less this


class DecoderTask(Task):
    """Learns the score of voices given the average voice, a speaker and an emotion.

    Parameters
    ----------
    recipe : DiffEvcRecipe
        ``content_run`` and, without Resemblyzer, ``speaker_run`` name finished runs.
    features : FeatureFile
    epochs : int
    """

    clip = 1.0

    def __init__(self, recipe: DiffEvcRecipe, features: FeatureFile, epochs: int) -> None:
        common.check(features)
        self.recipe, self.epochs = recipe, epochs
        parts = divide(features.items)
        self.material = Material(recipe, features, parts)
        self.decoder = Decoder(recipe.width, recipe.condition, recipe.predicts, recipe.reference_block)
        self.projections = Projections(self.material.emotions.shape[1])
        self.projections.fit(self.material.speakers[list(parts.train)], self.material.emotions[list(parts.train)])
        if recipe.start:
            begun = from_weights(load(recipe.start))
            for name, module in (("decoder", self.decoder), ("projections", self.projections)):
                _take(module, getattr(begun, name), name, recipe.start)
        self.heads = Heads(PROJECTED, len(self.material.names), len(recipe.emotions))
        self.club = Club(PROJECTED, PROJECTED)
        self.learned = torch.nn.ModuleDict({"decoder": self.decoder, "projections": self.projections})
        self.averaged = copy.deepcopy(self.learned).requires_grad_(False)
        self.modules = {"learned": self.learned, "averaged": self.averaged, "heads": self.heads, "club": self.club}
        self.schedule = Schedule()
        lengths = [len(self.material.voices[row]) for row in parts.train]
        self.counts = common.shares(lengths, recipe.frames, recipe.crops)
        self.steps = max(1, len(self._groups(sum(self.counts))))

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """One for the decoder, the projections and the heads, one for vCLUB's network."""
        rate = self.recipe.learning_rate
        main = [self.learned, self.heads] if self.recipe.disentangle else [self.learned]
        made: dict[str, torch.optim.Optimizer] = {"main": common.adam(main, rate)}
        if self.recipe.disentangle:
            made["club"] = common.adam([self.club], rate)
        return made

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        return common.schedules({"main": optimisers["main"]}, self.epochs)

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Any]:
        """Crops of every training utterance."""
        rows = self.material.parts.train
        order, places = common.draws(self.counts, generator)
        others = torch.rand(len(order), generator=generator).tolist()
        found = self._groups(len(order))

        def make(position: int) -> dict[str, Any]:
            return self.material.batch([(rows[order[at]], places[at], others[at]) for at in found[position]])

        return common.Drawn(make, range(len(found)))

    def _groups(self, count: int) -> list[Sequence[int]]:
        return common.groups(range(count), self.recipe.batch)

    # ---- a step ------------------------------------------------------------------------------------
    def step(self, batch: Mapping[str, Any], loop: Loop) -> dict[str, Any]:
        """vCLUB's network learns; then the decoder moves, and the averaged weights follow."""
        recipe = self.recipe
        s, e = self.projections(batch["speaker"], batch["emotion"])
        numbers: dict[str, Any] = {}
        if recipe.disentangle:
            for _ in range(recipe.club_updates):
                learned = self.club.learning_loss(s, e)
                loop.minimise(learned, "club")
            numbers["club"] = learned.detach()  # pyright: ignore[reportPossiblyUnboundVariable] - 1 update or more
        diffusion, mel = self._losses(self.decoder, s, e, batch, loop.generator)
        information = auxiliary = diffusion.new_zeros(())
        if recipe.disentangle:
            if loop.epoch >= recipe.club_warm:
                information = self.club.loss(s, e)
            auxiliary, told = self.heads(s, e, batch["who"], batch["class"], batch["attributes"])
            numbers |= told | {"information": self.club.bound(s, e).detach()}
        beta, gamma = (recipe.beta, recipe.gamma) if recipe.disentangle else (0.0, 0.0)
        loss = losses.total(diffusion, mel, information, auxiliary, recipe.alpha, beta, gamma)
        loop.minimise(loss, "main")
        average(self.averaged, self.learned, recipe.averaging, loop.epoch * self.steps + loop.step + 1)
        return {"loss": loss.detach(), "diffusion": diffusion.detach(), "mel": mel.detach(), **numbers}

    def _losses(
        self, decoder: Any, s: Tensor, e: Tensor, batch: Mapping[str, Any], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """L_diff and L_mel at random times."""
        x0, average_voice, mask = batch["voice"], batch["average"], batch["mask"]
        t = torch.rand(len(x0), generator=generator, device=x0.device).clamp(EDGE, 1.0 - EDGE)
        z = torch.randn(x0.shape, generator=generator, device=x0.device)
        x = self.schedule.diffuse(x0, average_voice, t, z)
        shown = None
        if "reference" in batch:
            shown = self.schedule.mean(batch["reference"], batch["reference_average"], t)
        with common.autocast(x0.device):
            score = decoder(x, average_voice, torch.cat([s, e], -1), t, mask, shown, batch.get("reference_mask"))
        estimate = self.schedule.tweedie(x, score, average_voice, t)
        return (
            losses.score_loss(score, z, self.schedule.deviation(t), mask),
            losses.mel_loss(estimate, x0, t, mask),
        )

    def validate(self) -> dict[str, float]:
        """Both losses of the averaged weights on validation speakers, at the same times and noise every time."""
        rows = self.material.parts.validation
        if not rows:
            return {}
        rows = rows[:: max(1, len(rows) // common.CHECKED)]
        device = next(self.averaged.parameters()).device
        generator = torch.Generator(device=device).manual_seed(0)
        found, count = torch.zeros(2, dtype=torch.float64), 0
        for some in common.groups(rows, self.recipe.batch):
            batch = self.material.batch([(row, 0.5, 0.5) for row in some], device)
            s, e = self.averaged["projections"](batch["speaker"], batch["emotion"])
            pair = self._losses(self.averaged["decoder"], s, e, batch, generator)
            found += torch.stack(pair).double().cpu() * len(some)
            count += len(some)
        diffusion, mel = (found / max(1, count)).tolist()
        return {"validation_diffusion": diffusion, "validation_mel": mel}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the device needs, with averaged weights."""
        decoder, projections = self.averaged["decoder"], self.averaged["projections"]
        assert isinstance(decoder, Decoder) and isinstance(projections, Projections)
        model = self.material.model(decoder, projections)
        return model.tensors(), {"stage": "decoder", **model.metadata()}


def _take(module: torch.nn.Module, begun: torch.nn.Module, name: str, where: str) -> None:
    """Copy the weights of ``begun``; UsageError where it is of another size."""
    try:
        module.load_state_dict(begun.state_dict())
    except RuntimeError:
        said = getattr(begun, "options", {})
        raise UsageError(f"the {name} in {where} is of other sizes ({said}) than what is to be trained") from None
