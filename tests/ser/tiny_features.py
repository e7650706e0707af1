"""A feature file of few made-up speakers, in which emotions can be told apart, without any audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter

LABELS = ("neutral", "happy", "sad", "angry")


def tiny_features(
    path: Path, speakers: int = 6, each: int = 2, labels: tuple[str, ...] = LABELS, corpus: str = "toy", seed: int = 0
) -> FeatureFile:
    """``each`` clips of every label and speaker: 60 frames of 40 numbers about a mean of the label, and statistics."""
    write_tiny(path, [(corpus, speakers, labels)], each, seed)
    return FeatureFile(path)


def write_tiny(path: Path, corpora: list[tuple[str, int, tuple[str, ...]]], each: int = 2, seed: int = 0) -> None:
    """Several corpora (name, speakers, labels) in one file."""
    generator = np.random.default_rng(seed)
    means = {label: generator.normal(size=40) for label in (*LABELS, "disgust")}
    with FeatureWriter(path, "ser.mfcc_cnn", {"n_mfcc": 40, "n_fft": 4096, "hop_length": 728}) as writer:
        for corpus, speakers, labels in corpora:
            for number in range(speakers):
                voice = generator.normal(size=40)
                for label in labels:
                    for take in range(each):
                        frames = means[label] + 0.5 * voice + generator.normal(size=(60, 40))
                        name = f"{corpus}/{number:02d}/{label}-{take}"
                        item = Item(name, corpus, f"{corpus}/{number:02d}", label, 2.0, f"{name}-sha", {})
                        found = np.concatenate([frames.mean(0), frames.std(0)])[None].astype(np.float32)
                        writer.add(item, {"frames": frames.astype(np.float32), "statistics": found})
