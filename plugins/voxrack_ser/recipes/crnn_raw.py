"""Recipe of the waveform CRNN (Latif et al. 2019) that CoRNN's table 3 compares with; it makes no device.

The CoRNN paper gives no settings of it. RMSprop with 1e-4 is the re-implementation's ("latif2019" in ertk); here Adam
with the same rate. The waveform is z-scored as one number over the training clips: RAVDESS is recorded at -41 dBFS.
Its features are the samples, so its feature files are large (2 bytes a sample).
"""

from __future__ import annotations

from ..frontends import Waveform
from .common import SerRecipe


def crnn_raw(
    *, frames: int, dropout: float, normalise: str, learning_rate: float, weight_decay: float, batch: int, epochs: int,
    balance: str, patience: int, bfloat16: bool,
) -> SerRecipe:  # fmt: skip
    """Recipe ``ser.crnn_raw``."""
    return SerRecipe(
        "ser.crnn_raw", "crnn_raw", Waveform(), {"dropout": dropout, "frames": frames}, learning_rate, weight_decay,
        batch, epochs, normalise, balance, patience=patience, bfloat16=bfloat16,
    )  # fmt: skip
