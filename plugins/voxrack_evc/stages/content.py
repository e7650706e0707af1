"""Training the average-voice encoder: mean squared error against the average voice (DiffVC, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from voxrack.feature_file import FeatureFile
from voxrack.task import Task

from .. import average_voice
from ..bands import Bands
from ..content import ContentEncoder
from ..losses import cell_mean
from ..material import MEL, divide
from . import common

if TYPE_CHECKING:
    from ..recipes.diffevc import DiffEvcRecipe

Pair = tuple[Tensor, Tensor]  # an utterance's frames and the average voice's, (frames, 80) each


class ContentTask(Task):
    """Learns to turn each frame into the average voice's.

    Parameters
    ----------
    recipe : DiffEvcRecipe
    features : FeatureFile
    epochs : int
    """

    clip = 1.0

    def __init__(self, recipe: DiffEvcRecipe, features: FeatureFile, epochs: int) -> None:
        common.check(features)
        self.recipe, self.epochs = recipe, epochs
        parts = divide(features.items)
        self.encoder = ContentEncoder(
            recipe.content_width, recipe.content_filters, recipe.content_layers, recipe.content_heads,
            recipe.content_post,
        )  # fmt: skip
        self.bands = Bands()
        self.bands.fit(*features.statistics(MEL, parts.train))
        self.modules = {"content": self.encoder, "bands": self.bands}
        self.train, self.held = targets(features, parts.train, parts.validation, recipe.clusters)

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"content": common.adam([self.encoder], self.recipe.learning_rate)}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        return common.schedules(optimisers, self.epochs)

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Any]:
        """Crops of every utterance."""
        lengths = [len(mel) for mel, _ in self.train]
        order, places = common.draws(common.shares(lengths, self.recipe.frames, self.recipe.crops), generator)
        found = common.groups(range(len(order)), self.recipe.batch)

        def make(position: int) -> dict[str, Any]:
            rows = [(self.train[order[at]], places[at]) for at in found[position]]
            return self._batch([tuple(common.crop(part, at, self.recipe.frames) for part in pair) for pair, at in rows])

        return common.Drawn(make, range(len(found)))

    def _batch(self, pairs: Sequence[tuple[Tensor, ...]]) -> dict[str, Any]:
        mel, mask = common.spectra([pair[0] for pair in pairs])
        target, _ = common.spectra([pair[1] for pair in pairs])
        return {"mel": mel, "target": target, "mask": mask}

    def loss(self, batch: Mapping[str, Any], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        mel, target, mask = batch["mel"], batch["target"], batch["mask"]
        with common.autocast(mel.device):
            found = self.encoder(self.bands.even(mel), mask)
        return cell_mean((found.float() - self.bands.even(target)).square(), mask), {}

    def validate(self) -> dict[str, float]:
        """Mean squared error on validation speakers, with bands at deviation 1, and that of the source as it is."""
        if not self.held:
            return {}
        device = self.bands.mean.device
        errors, frames = torch.zeros(2, dtype=torch.float64), 0
        for mel, target in self.held[:: max(1, len(self.held) // common.CHECKED)]:
            even, aim = (self.bands.even(each.T[None].to(device)) for each in (mel, target))
            found = self.encoder(even)
            errors += torch.stack([(x - aim).square().mean() for x in (found, even)]).double().cpu() * len(mel)
            frames += len(mel)
        error, untouched = (errors / frames).tolist()
        return {"validation_error": error, "validation_error_of_source": untouched}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors, _ = super().export()
        return tensors, {"stage": "content", "device": self.recipe.id, "content": self.encoder.options}


def targets(
    features: FeatureFile, train: Sequence[int], held: Sequence[int], clusters: int
) -> tuple[list[Pair], list[Pair]]:
    """Utterances with the average voice's frames for training and validation, both from the training speakers' voices.

    A sentence that 8 or more training speakers say has an average of its own; all else is made of clusters.
    """
    rows = [*train, *held]
    mels = [features.get(MEL, row).numpy() for row in rows]
    items = [features.items[row] for row in rows]
    heard = average_voice.heard(mels, [item.speaker for item in items])
    said: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if text := item.attributes.get("text", ""):
            said[item.corpus, text].append(index)
    made: dict[int, Any] = {}
    for indices in said.values():
        taught = [index for index in indices if index < len(train)]
        if len({items[index].speaker for index in taught}) >= average_voice.FEW:
            one = average_voice.sentence([mels[i] for i in taught], [heard[i] for i in taught])
            made |= zip(indices, one.targets([heard[i] for i in indices]), strict=True)
    if len(made) < len(rows):
        sounds = average_voice.clusters(mels[: len(train)], heard[: len(train)], clusters)
        made |= {index: sounds.targets(heard[index]) for index in range(len(rows)) if index not in made}
    pairs = [(torch.from_numpy(mels[index]), torch.from_numpy(made[index])) for index in range(len(rows))]
    return pairs[: len(train)], pairs[len(train) :]
