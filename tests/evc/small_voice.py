"""A sung vowel of known pitch, and a vocoder's features and options small enough to train in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from voxrack import Audio
from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack_evc.mel import HOP, RATE
from voxrack_evc.specs_vocoder import VOCODER_RECIPE as SPEC
from voxrack_evc.vocoder.packing import Packing

SMALL: dict[str, Any] = {
    "width": 24, "blocks": 2, "batch": 4, "frames": 32, "steps": 6, "learning_rate": 4e-3, "rounds": 0
}  # fmt: skip
FORMANTS = ((700.0, 90.0), (1200.0, 120.0), (2600.0, 180.0))


def glide(first: float, last: float, seconds: float = 1.5) -> np.ndarray:
    """Frequencies (frames,) in Hz from ``first`` to ``last``, even in octaves."""
    return first * (last / first) ** np.linspace(0.0, 1.0, int(seconds * RATE) // HOP)


def vowel(f0: np.ndarray, level: float = 0.1, noise: float = 1e-3, formants: Any = FORMANTS) -> np.ndarray:
    """Samples (256 frames,) of harmonics under formants at pitch ``f0`` (frames,) with a little noise."""
    centres = (np.arange(len(f0)) + 0.5) * HOP
    frequency = np.interp(np.arange(len(f0) * HOP) + 0.5, centres, f0)
    turns = np.cumsum(frequency) / RATE
    sound = np.zeros_like(turns)
    for number in range(1, int(8000 / frequency.min()) + 1):
        at = number * frequency
        gain = sum(1.0 / (1.0 + ((at - centre) / width) ** 2) for centre, width in formants) + 0.02
        sound += np.where(at < 8000, gain * np.cos(2 * np.pi * number * turns), 0.0)
    sound *= level / np.sqrt(np.mean(sound**2))
    return (sound + noise * np.random.default_rng(0).normal(size=len(sound))).astype(np.float32)


def write(path: Path, actors: tuple[int, ...] = (1, 2, 3, 19, 21, 22), seconds: float = 1.2) -> FeatureFile:
    """Two gliding vowels by each actor of a little RAVDESS."""
    with FeatureWriter(path, SPEC.id, {}) as writer:
        for actor in actors:
            for take in range(2):
                pitch = 90.0 + 17.0 * (actor % 9)
                samples = vowel(glide(pitch, pitch * (1.2 + 0.2 * take), seconds))
                audio = Audio(samples[None], RATE)
                name = f"ravdess/Actor_{actor:02d}/{take}"
                item = Item(name, "ravdess", f"ravdess/{actor:02d}", "neutral", duration=len(samples) / RATE)
                writer.add(item, Packing()(audio))
    return FeatureFile(path)
