"""Training our own speaker encoder with the generalised end-to-end loss (Wan et al. 2018)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile
from voxrack.task import Task

from ..material import MEL, divide
from ..speaker import FRAMES, GE2E, SpeakerEncoder, equal_error_rate, stretches
from . import common

if TYPE_CHECKING:
    from ..recipes.diffevc import DiffEvcRecipe

TAKES = 4  # stretches of each speaker in a step
_EACH = 16  # utterances of a validation speaker, at most


class SpeakerTask(Task):
    """Learns to keep voices apart, whatever is said with whatever feeling.

    Parameters
    ----------
    recipe : DiffEvcRecipe
    features : FeatureFile
    epochs : int
    """

    clip = 3.0

    def __init__(self, recipe: DiffEvcRecipe, features: FeatureFile, epochs: int) -> None:
        common.check(features)
        self.recipe, self.epochs = recipe, epochs
        parts = divide(features.items)
        self.voices = voices(features, parts.train)
        if len(self.voices) < 2:
            raise InputError(f"{len(self.voices)} speaker to train on; prepare with more of --data")
        self.held = voices(features, parts.validation)
        self.utterances = sum(len(mels) for mels in self.voices)
        self.encoder, self.loss_of = SpeakerEncoder(recipe.speaker_width, recipe.speaker_layers), GE2E()
        self.modules = {"speaker": self.encoder, "ge2e": self.loss_of}

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"speaker": common.adam([self.encoder, self.loss_of], self.recipe.learning_rate)}

    def schedulers(self, optimisers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        return common.schedules(optimisers, self.epochs)

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Any]:
        """As many steps as show about as many stretches as there are utterances, ``crops`` times."""
        each = min(len(self.voices), max(2, self.recipe.batch // TAKES))
        steps = max(1, round(self.recipe.crops * self.utterances / (each * TAKES)))
        seeds = torch.randint(2**62, (steps,), generator=generator).tolist()

        def make(position: int) -> Tensor:
            own = torch.Generator().manual_seed(seeds[position])
            who = torch.randperm(len(self.voices), generator=own)[:each].tolist()
            return torch.stack([torch.stack([self._take(self.voices[v], own) for _ in range(TAKES)]) for v in who])

        return common.Drawn(make, range(steps))

    def _take(self, mels: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """A stretch (138, 80) of a random utterance, now and then softer or louder, or of another tilt."""
        mel = mels[int(torch.randint(len(mels), (1,), generator=generator))]
        place, level, tilt = torch.rand(3, generator=generator).tolist()
        found = common.crop(mel, place, FRAMES) if len(mel) > FRAMES else stretches(mel)[0]
        return found + (level - 0.5) + (tilt - 0.5) * torch.linspace(-0.5, 0.5, found.shape[1])

    def loss(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        speakers, takes = batch.shape[:2]
        with common.autocast(batch.device):
            vectors = self.encoder(batch.flatten(0, 1))
        return self.loss_of(vectors.float().unflatten(0, (speakers, takes))), {}

    def validate(self) -> dict[str, float]:
        """Equal error rate among validation speakers over pairs of recordings (halves, where there is one only)."""
        if len(self.held) < 2:
            return {}
        device = next(self.encoder.parameters()).device
        vectors, who = [], []
        for speaker, mels in enumerate(self.held):
            whole = mels[:: max(1, len(mels) // _EACH)]
            for mel in whole if len(whole) > 1 else whole[0].chunk(2):
                vectors.append(self.encoder.embed(mel.to(device)).cpu())
                who.append(speaker)
        cosines, same = pairs(torch.stack(vectors), torch.tensor(who))
        return {"validation_equal_error_rate": equal_error_rate(cosines[same].numpy(), cosines[~same].numpy())}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = dict(self.encoder.state_dict())
        return tensors, {"stage": "speaker", "device": self.recipe.id, "speaker": self.encoder.options}


def pairs(vectors: Tensor, who: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine of every pair of vectors (n, 256), and whether both are of the same speaker."""
    first, second = torch.triu_indices(len(vectors), len(vectors), 1)
    return (vectors[first] * vectors[second]).sum(-1).double(), who[first] == who[second]


def voices(features: FeatureFile, rows: Sequence[int]) -> list[list[Tensor]]:
    """Utterances (frames, 80) of each known speaker."""
    found: dict[str, list[Tensor]] = defaultdict(list)
    for row in rows:
        if speaker := features.items[row].speaker:
            found[speaker].append(features.get(MEL, row))
    return list(found.values())
