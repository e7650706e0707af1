"""Features of few made-up speakers in all conditions of TRNet, without any audio, and its weights without learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxrack import weights
from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack_ser.models.trnet import TrNet
from voxrack_ser.trnet.conditions import ALL, LEVELS
from voxrack_ser.trnet.frontend import PairFrontend

LABELS = ("neutral", "happy", "sad", "angry")
BANDS = 16


def small_trnet(path: Path, speakers: int = 4, each: int = 2, frames: int = 48) -> FeatureFile:
    """``each`` clips of every label and speaker. Noise fills bands up; the enhancer takes two thirds of it away."""
    generator = np.random.default_rng(0)
    shapes = {label: 8 * generator.normal(size=BANDS) for label in LABELS}
    with FeatureWriter(path, "ser.trnet", {"enhancer": ""}) as writer:
        for speaker in range(speakers):
            for label in LABELS:
                for take in range(each):
                    length = frames + 3 * take
                    course = np.sin(np.arange(length) / 3 + take)[:, None]
                    clean = -40 + shapes[label] + 10 * course + generator.normal(size=(length, BANDS))
                    arrays = {LEVELS: np.zeros((1, len(ALL)))}
                    for condition in ALL:
                        noise = 3 * 10 ** (-condition.snr / 20) * generator.normal(size=(length, BANDS)) * 8
                        arrays[condition.name] = clean + noise
                        arrays[condition.enhanced] = clean + noise / 3
                    arrays[LEVELS][0, 3] = -2.0
                    name = f"toy/{speaker}/{label}-{take}"
                    item = Item(name, "toy", f"toy/{speaker}", label, 0.5, f"{name}-sha", {"enhancer": "toy.gate"})
                    writer.add(item, {key: np.float32(value) for key, value in arrays.items()})
    return FeatureFile(path)


def random_trnet(path: Path, system: str = "trnet", **metadata: Any) -> Path:
    """Weights that have learned nothing, as the recipe writes them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TrNet(80, len(LABELS), (4, 8, 16, 32), system=system)
    network.normalise.mean.fill_(-60.0)
    network.normalise.deviation.fill_(20.0)
    about = {
        "device": "ser.trnet", "network": "trnet", "options": network.options, "labels": list(LABELS),
        "frontend": PairFrontend().metadata(), "temperature": 0.2, "enhancer": "toy.gate",
    }  # fmt: skip
    weights.save(path, network.state_dict(), about | metadata)
    return path
