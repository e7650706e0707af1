"""A recipe small enough to train in a second: is a tone low or high? With all that a real one has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from voxrack.params import Param
from voxrack.recipe import RecipeSpec
from voxrack.task import Task, pad

SPEC = RecipeSpec(
    "toy.tone",
    "",
    "toy_recipe:ToneRecipe",
    options=(
        Param("bands", 4, kind="int", lo=1, hi=16, structural=True, help="Bands of the features."),
        Param("width", 8, kind="int", lo=1, hi=1024, help="Units of the hidden layer."),
        Param("rate", 0.01, lo=1e-5, hi=10.0, scale="log", help="Learning rate."),
        Param("dropout", 0.3, lo=0.0, hi=0.9, help="Share of units left out."),
    ),
    protocols=("all", "folds"),
    title="Toy",
    summary="Tells low tones from high ones.",
)


class ToneRecipe:
    def __init__(self, bands: int, width: int, rate: float, dropout: float) -> None:
        self.bands, self.width, self.rate, self.dropout = bands, width, rate, dropout

    def prepare(self, corpus: Any, writer: Any, progress: Any) -> None:
        from voxrack.preparation import extract

        extract(corpus, writer, Bands(self.bands), progress)

    def task(self, features: Any, split: Any, *, seed: int, epochs: int | None) -> Task:
        return ToneTask(features, split, self.width, self.rate, self.dropout)


class Bands:
    """Energy in bands of the spectrum, for frames of 256 samples."""

    def __init__(self, bands: int) -> None:
        self.bands = bands

    def __call__(self, audio: Any) -> dict[str, Any]:
        import numpy as np

        samples = audio.mono().samples[0]
        frames = samples[: len(samples) // 256 * 256].reshape(-1, 256)
        power = np.abs(np.fft.rfft(frames))[:, 1:] ** 2
        return {"bands": np.log1p(np.stack([part.sum(1) for part in np.array_split(power, self.bands, 1)], 1))}


class ToneTask(Task):
    epochs = 3

    def __init__(self, features: Any, split: Any, width: int = 8, rate: float = 0.01, dropout: float = 0.3) -> None:
        self.features, self.split, self.rate = features, split, rate
        bands = features.shape("bands")[0]
        self.labels = sorted({item.label for item in features.items})
        layers = nn.Linear(bands, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)
        self.modules = {"model": nn.Sequential(*layers, nn.Linear(width, len(self.labels)))}
        self.monitor = "accuracy" if split.validation else ""

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"model": torch.optim.AdamW(self.modules["model"].parameters(), lr=self.rate)}

    def schedulers(self, optimisers: Any) -> dict[str, Any]:
        return {"model": torch.optim.lr_scheduler.CosineAnnealingLR(optimisers["model"], 20)}

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[dict[str, torch.Tensor]]:
        order = torch.randperm(len(self.split.train), generator=generator).tolist()
        for start in range(0, len(order), 4):
            yield self._batch([self.split.train[at] for at in order[start : start + 4]])

    def loss(self, batch: dict[str, torch.Tensor], generator: torch.Generator) -> tuple[torch.Tensor, dict[str, Any]]:
        noise = torch.randn(batch["x"].shape, generator=generator, device=batch["x"].device)
        logits = self.modules["model"](batch["x"] + 0.1 * noise)
        right = (logits.argmax(1) == batch["y"]).float().mean()
        return nn.functional.cross_entropy(logits, batch["y"]), {"accuracy": right}

    def validate(self) -> dict[str, float]:
        if not self.split.validation:
            return {}
        batch = self._batch(list(self.split.validation))
        right = self.modules["model"](batch["x"]).argmax(1) == batch["y"]
        return {"accuracy": float(right.float().mean())}

    def export(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return dict(self.modules["model"].state_dict()), {"labels": self.labels}

    def _batch(self, indices: list[int]) -> dict[str, torch.Tensor]:
        x, lengths = pad([self.features.get("bands", at) for at in indices])
        y = torch.tensor([self.labels.index(self.features.items[at].label) for at in indices])
        return {"x": x.sum(1) / lengths[:, None], "y": y}


def write_features(path: Any, speakers: int = 4, each: int = 6, bands: int = 4) -> Any:
    """A feature file of random items: two labels, told apart by the first band."""
    import numpy as np

    from voxrack.datasets import Item
    from voxrack.feature_file import FeatureFile, FeatureWriter

    generator = np.random.default_rng(0)
    with FeatureWriter(path, SPEC.id, {"bands": bands}) as writer:
        for speaker in range(speakers):
            for take in range(each):
                label = ("low", "high")[take % 2]
                values = generator.normal(size=(5 + take, bands))
                values[:, 0] += 1.5 * (take % 2)
                id = f"toy/{speaker}/{take}"
                writer.add(Item(id, "toy", f"toy/{speaker}", label, 1.0, f"{id:0>64}"), {"bands": values})
    return FeatureFile(path)
