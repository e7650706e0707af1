"""Training of TRNet and of the systems it is compared with; TRNet's clean twin is trained first, then frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from voxrack import weights
from voxrack.datasets import Split, classes
from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile
from voxrack.optimising import bfloat16_is_fast
from voxrack.task import Task, pad

from ..inference import answer
from ..models import build
from ..models.network import valid
from ..models.trnet import TrNet
from ..models.trnet_parts import similarity
from ..recipes.common import Batches, grouped, validated
from . import heard
from .conditions import CLEAN, TRAINED, Condition
from .losses import high_level, low_level

if TYPE_CHECKING:
    from voxrack.loop import Loop

    from ..recipes.trnet import TrnetRecipe

_CENTRED = 96  # clips, over all conditions, that the coefficient is centred with
_TOGETHER = 32  # clips whose clean representation is computed at a time


@dataclass(frozen=True, slots=True)
class Take:
    """An utterance, by its place in the file, in a condition."""

    index: int
    condition: Condition


class TrnetTask(Task):
    """Trains one system on one split.

    Parameters
    ----------
    recipe : TrnetRecipe
    features : FeatureFile
    split : Split
    epochs : int or None
        Of all; None: the recipe's. A twin that is not given is trained in a share of them.

    Attributes
    ----------
    labels : tuple of str
        Classes of the training clips.
    pretraining : int
        Epochs that train the twin.
    """

    def __init__(self, recipe: TrnetRecipe, features: FeatureFile, split: Split, epochs: int | None) -> None:
        heard.check(features)
        self.recipe, self.features, self.split = recipe, features, split
        self.labels = classes(features.items[index].label for index in split.train if features.items[index].label)
        if len(self.labels) < 2:
            raise InputError(
                f"the training clips of '{split.name}' have {len(self.labels)} class ({', '.join(self.labels)}); "
                "a recogniser needs two or more"
            )
        self.targets = {name: place for place, name in enumerate(self.labels)}
        self.conditions = (CLEAN,) if recipe.system == "c" else TRAINED
        self.network = self._network(recipe.system)
        self.modules = {"network": self.network}
        self.pretraining = 0
        self.epochs = recipe.epochs if epochs is None else epochs
        if self.network.hears == "both":
            self.twin = self._given_twin() if recipe.twin else self._network("c")
            self.modules["twin"] = self.twin
            if not recipe.twin:
                self.pretraining = recipe.pretrained(epochs)
                self.epochs = recipe.epochs + self.pretraining if epochs is None else epochs
            if self.network.learns_trust:
                self._centre()
        if split.validation:
            self.monitor, self.patience = "validation_uar", recipe.patience
        self._takes: list[Take] = []  # of the epoch in hand
        self._on_twin = False
        self._clean: dict[tuple[int, float], int] = {}  # clips as loud as in their mixtures: row of the next
        self._represented: Tensor | None = None

    # ---- what is trained ----------------------------------------------------------------------
    def _network(self, system: str) -> TrNet:
        bands = self.features.shape(CLEAN.name)[0]
        network = TrNet(bands, len(self.labels), self.recipe.channels, self.recipe.frames, system)
        mean, deviation = self.features.statistics(CLEAN.name, self.split.train)
        network.normalise.mean.copy_(mean)
        network.normalise.deviation.copy_(deviation)
        network.fast = bfloat16_is_fast()
        return network

    def _given_twin(self) -> TrNet:
        """A system that was trained on clean speech, from its run folder or weight file."""
        found = weights.load(self.recipe.twin)
        network = build(found.metadata, found.tensors)
        known, own = tuple(found.metadata.get("labels", ())), self.network
        if isinstance(network, TrNet) and network.hears == "recording" and known == self.labels:
            alike = network.encoder.size == own.encoder.size and network.bands == own.bands
            if alike:
                return network.requires_grad_(False)
        raise InputError(
            f"{self.recipe.twin} is no twin for this: it takes a run of ser.trnet with system=c, of the same width and "
            f"of the classes {', '.join(self.labels)}"
        )

    def _centre(self) -> None:
        """Let the coefficient begin at 0.5 on average over the training clips."""
        rows, found = self.split.train, []
        for count in range(min(_CENTRED, len(rows) * len(self.conditions))):
            take = Take(rows[count * 7919 % len(rows)], self.conditions[count % len(self.conditions)])
            both = self._loaded(take).split(self.network.bands, -1)
            x, enhanced = (self.network.normalise(part)[None] for part in both)
            found.append(similarity(x, enhanced, torch.ones(x.shape[:2], dtype=torch.bool)))
        self.network.coefficient.centre(torch.cat(found))

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        names = ["network", *(["twin"] if self.pretraining else [])]
        return {name: torch.optim.Adam(self.modules[name].parameters(), lr=self.recipe.learning_rate) for name in names}

    # ---- what it hears ------------------------------------------------------------------------
    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[dict[str, Tensor]]:
        """Every clip in ``draws`` of its conditions, drawn anew; clean alone while the twin is trained."""
        self._on_twin = epoch < self.pretraining
        conditions = (CLEAN,) if self._on_twin else self.conditions
        count = min(self.recipe.draws, len(conditions))
        self._takes = [
            Take(index, conditions[place])
            for index in self.split.train
            for place in sorted(torch.randperm(len(conditions), generator=generator)[:count].tolist())
        ]
        groups = grouped(len(self._takes), self.recipe.batch, self._length, generator)
        return Batches(self, groups)

    def _length(self, row: int) -> int:
        return min(self.recipe.frames, int(self.features.lengths(CLEAN.name)[self._takes[row].index]))

    def _loaded(self, take: Take) -> Tensor:
        return heard.pair(self.features, take.index, take.condition)[: self.recipe.frames]

    def _gain(self, take: Take) -> float:
        return heard.level(self.features, take.index, take.condition)

    def _speech(self, index: int, gain: float) -> Tensor:
        return heard.speech(self.features, index, gain)[: self.recipe.frames]

    def collate(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """``x`` (B, frames, 2 bands), ``lengths`` (B,), ``targets`` (B,); for TRNet ``speech`` (B, frames, bands), the
        clean clips, and ``clean`` (B,), which of the representations is theirs."""
        takes = [self._takes[row] for row in rows]
        x, lengths = pad([self._loaded(take) for take in takes])
        targets = torch.tensor([self.targets[self.features.items[take.index].label] for take in takes])
        batch = {"x": x, "lengths": lengths, "targets": targets}
        if self.network.hears == "both" and not self._on_twin:
            places = self._places()
            keys = [(take.index, self._gain(take)) for take in takes]
            batch["speech"] = pad([self._speech(*key) for key in keys])[0]
            batch["clean"] = torch.tensor([places[key] for key in keys])
        return batch

    # ---- what it learns -----------------------------------------------------------------------
    def step(self, batch: Mapping[str, Tensor], loop: Loop) -> dict[str, Any]:
        loss, numbers = self.loss(batch, loop.generator)
        loop.minimise(loss, "twin" if self._on_twin else "network")
        return {"loss": loss.detach(), **numbers}

    def loss(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[Tensor, dict[str, Any]]:
        """Eq. 8: cross entropy + alpha low-level + beta high-level loss; of the twin and the baselines the first."""
        out = (self.twin if self._on_twin else self.network)(batch["x"], batch["lengths"])
        total = functional.cross_entropy(out["logits"], batch["targets"])
        right = (out["logits"].detach().argmax(1) == batch["targets"]).float().mean()
        numbers: dict[str, Any] = {"accuracy": right}
        if "speech" not in batch:
            return total, numbers
        target = self.network.normalise(batch["speech"])
        mask = valid(batch["lengths"], target.shape[1], target.device)
        low = low_level(target, out["compensated"], mask)
        high = high_level(self._representations(total.device)[batch["clean"]], out["embedding"])
        c = out["trust"].detach()
        numbers |= {
            "low": low.detach(), "high": high.detach(), "trust": c.mean(),
            "clamped": ((c <= 0) | (c >= 1)).float().mean(),
        }  # fmt: skip
        return total + self.recipe.weight("low") * low + self.recipe.weight("high") * high, numbers

    def _places(self) -> dict[tuple[int, float], int]:
        """Row of each clean clip, by its place in the file and its level, among the representations."""
        if not self._clean:
            takes = [Take(index, condition) for index in self.split.train for condition in self.conditions]
            keys = dict.fromkeys((take.index, self._gain(take)) for take in takes)
            self._clean = {key: row for row, key in enumerate(keys)}
        return self._clean

    @torch.no_grad()
    def _representations(self, device: torch.device) -> Tensor:
        """h_s of every clean clip, (rows, size): the frozen twin in evaluation mode always says the same."""
        if self._represented is None:
            self.twin.eval()
            places, bands = self._places(), self.network.bands
            found = torch.empty(len(places), self.twin.encoder.size)
            order = sorted(places, key=lambda key: (len(self._speech(*key)), places[key]))
            for first in range(0, len(order), _TOGETHER):
                keys = order[first : first + _TOGETHER]
                x, lengths = pad([self._speech(*key) for key in keys])
                out = self.twin(x.repeat(1, 1, 2).to(device), lengths)["embedding"]
                assert x.shape[-1] == bands
                found[[places[key] for key in keys]] = out.float().cpu()
            self._represented = found.to(device)
        return self._represented

    # ---- how good it is -----------------------------------------------------------------------
    def validate(self) -> dict[str, float]:
        """Recall and likelihood of the validation speakers' clips, clean and (where noise is trained) at one ratio
        each, in turn; nothing while the twin is trained."""
        rows = [index for index in self.split.validation if self.features.items[index].label in self.targets]
        if self._on_twin or not rows:
            return {}
        loud = self.conditions[1:]
        takes = [Take(index, CLEAN) for index in rows]
        takes += [Take(index, loud[count % len(loud)]) for count, index in enumerate(rows) if loud]
        found = answer(self.network, [self._loaded(take) for take in takes])
        targets = torch.tensor([self.targets[self.features.items[take.index].label] for take in takes])
        told = validated(found.probabilities, targets)
        return told if found.trust is None else {**told, "validation_trust": float(found.trust.mean())}

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The system's own network; the twin has served."""
        return dict(self.network.state_dict()), {
            "device": self.recipe.id, "network": "trnet", "options": self.network.options,
            "frontend": self.recipe.frontend.metadata(), "labels": list(self.labels), "temperature": 1.0,
            "enhancer": heard.enhancer(self.features),
        }  # fmt: skip
