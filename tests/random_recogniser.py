"""A recogniser that has learned nothing: random weights in a proper file, for tests of what surrounds a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from voxrack import weights
from voxrack_ser.frontends import Mfcc
from voxrack_ser.models import network_class

LABELS = ("neutral", "happy", "sad", "angry")


def random_recogniser(path: Path, seed: int = 0, **metadata: Any) -> Path:
    """Write one. Its logits are stretched, so that its (worthless) verdicts are confident."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = network_class("mfcc_cnn")(frames=80, kernels=8, classes=len(LABELS))
    network.normalise.mean.fill_(-5.0)
    network.normalise.deviation.fill_(20.0)
    about = {
        "device": "ser.mfcc_cnn", "network": "mfcc_cnn", "options": network.options, "labels": list(LABELS),
        "frontend": Mfcc(sample_rate=16_000, n_fft=1024, hop_length=512).metadata(), "temperature": 0.05,
        "note": "random weights, made for a test",
    }  # fmt: skip
    weights.save(path, network.state_dict(), about | metadata)
    return path
