"""Recipe of CoRNN: "Speech Emotion Recognition Based on Recurrent Neural Networks with Conformer …" (Huang et al.).

From the paper: three-channel log-mel of the first 3 s (300 frames), Adam with 1e-3, batches of 40, dropout 0.2, 250
epochs, the last model. Not stated there and taken from ACRNN, which it modifies: what "openEAR's log-mel" is
(python_speech_features' logfbank), and the z-score with the training set's statistics. Shorter clips are not padded to
300: the network masks padding, so it would change nothing.
"""

from __future__ import annotations

from typing import Any

from ..frontends import ThreeChannels
from .common import SerRecipe


def cornn(
    *, parts: str, frames: int, width: int, blocks: int, heads: int, kernel: int, expansion: int, dropout: float,
    normalise: str, learning_rate: float, weight_decay: float, batch: int, epochs: int, balance: str, patience: int,
    bfloat16: bool,
) -> SerRecipe:  # fmt: skip
    """Recipe ``ser.cornn``."""
    settings: dict[str, Any] = {
        "parts": parts, "frames": frames, "width": width, "blocks": blocks, "heads": heads, "kernel": kernel,
        "expansion": expansion, "dropout": dropout,
    }  # fmt: skip
    return SerRecipe(
        "ser.cornn", "cornn", ThreeChannels(), settings, learning_rate, weight_decay, batch, epochs, normalise, balance,
        patience=patience, bfloat16=bfloat16,
    )  # fmt: skip
