"""Features and options of `evc.diffevc` small enough to train every stage of it in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.recipe import options, structural
from voxrack.training import train_recipe
from voxrack_evc.specs_diffevc import DIFFEVC_RECIPE as SPEC

EMBEDDING = 6
LABELS = ("neutral", "angry", "happy", "sad")
SMALL: dict[str, Any] = {
    "width": 8, "condition": 8, "content_width": 16, "content_filters": 16, "content_layers": 1, "content_post": 8,
    "clusters": 5, "speaker_width": 8, "speaker_layers": 1, "batch": 8, "frames": 32, "learning_rate": 3e-3,
    "club_updates": 1,
}  # fmt: skip


def sentence(speaker: int, emotion: int, text: int, generator: np.random.Generator) -> np.ndarray:
    """Mel frames (about 50, 80): sounds of a text at a pace, coloured by a voice and an emotion."""
    sounds = np.random.default_rng(100 + text).normal(size=(8, 80)).cumsum(1) / 4.0
    pace = generator.integers(5, 8, size=8)
    frames = np.repeat(sounds, pace, axis=0)
    band = np.linspace(-1.0, 1.0, 80)
    colour = 0.3 * np.sin((2.0 + speaker) * band) + 0.4 * (emotion - 1.5) * band
    return (frames + colour - 5.0 + 0.05 * generator.normal(size=frames.shape)).astype(np.float32)


def write(path: Path, actors: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 19, 20, 21), readers: int = 9) -> FeatureFile:
    """A RAVDESS sentence by each actor with each emotion, and one other text by each reader."""
    generator = np.random.default_rng(0)
    with FeatureWriter(path, SPEC.id, structural(SPEC, options(SPEC))) as writer:
        for actor in actors:
            for emotion, label in enumerate(LABELS):
                vector = np.eye(EMBEDDING)[emotion] + 0.1 * generator.normal(size=EMBEDDING)
                item = Item(
                    f"ravdess/{actor:02}/{label}", "ravdess", f"ravdess/{actor:02}", label, 0.6,
                    attributes={"text": "text 0", "emotion_encoder": "small"},
                )  # fmt: skip
                mel = sentence(actor, emotion, 0, generator)
                writer.add(item, {"mel": mel, "emotion": vector[None].astype(np.float32)})
        for reader in range(1, readers + 1):
            told = {"emotion_encoder": "small"}
            item = Item(f"read/{reader}", "read", f"read/{reader}", "read", 0.6, attributes=told)
            mel = sentence(30 + reader, 0, 10 + reader, generator)
            writer.add(item, {"mel": mel, "emotion": generator.normal(size=(1, EMBEDDING)).astype(np.float32)})
    return FeatureFile(path)


def train(features: FeatureFile, folder: Path, stage: str, epochs: int = 2, **more: Any) -> Any:
    """A run of one stage; the decoder finds those before it in the same folder."""
    runs = {f"{name}_run": str(folder / name) for name in ("content", "speaker") if (folder / name).is_dir()}
    how = {name: more.pop(name) for name in ("stop", "seed") if name in more}
    name = more.pop("name", stage)
    settings = SMALL | (runs if stage == "decoder" else {}) | {"stage": stage} | more
    return train_recipe(SPEC, features, folder / name, settings=settings, epochs=epochs, accelerator="cpu", **how)
