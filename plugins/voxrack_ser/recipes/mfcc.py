"""Recipes of "Voice Emotion Classification Based on Mel-Frequency Cepstral Coefficients": the LSTM and the CNN.

From the paper: 22.05 kHz, 40 MFCC, window 4,096, Adam; the LSTM with a learning rate of 5e-4, the CNN with 5e-5 and
a decay of 1e-4; actors 1 and 2 of RAVDESS tested (protocol ``paper``), no validation set named: here the last epoch
decides. It names no batch size (32 here), no number of epochs (100 and 300 here) and no normalisation: ``train``, the
per-coefficient z-score of the training clips, is the default because without it coefficient 0 (-600 to -100) swamps
the others; ``none`` is the paper to the letter.
"""

from __future__ import annotations

from typing import Any

from ..frontends import Mfcc
from .common import SerRecipe


def lstm(
    *, n_mfcc: int, n_fft: int, hop_length: int, normalise: str, width: int, learning_rate: float, weight_decay: float,
    batch: int, epochs: int, balance: str, patience: int, bfloat16: bool,
) -> SerRecipe:  # fmt: skip
    """Recipe ``ser.mfcc_lstm``."""
    return SerRecipe(
        "ser.mfcc_lstm", "mfcc_lstm", Mfcc(n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length), {"width": width},
        learning_rate, weight_decay, batch, epochs, normalise, balance, patience=patience, bfloat16=bfloat16,
    )  # fmt: skip


def cnn(
    *, n_mfcc: int, n_fft: int, hop_length: int, normalise: str, padding: str, frames: int, learning_rate: float,
    weight_decay: float, batch: int, epochs: int, balance: str, patience: int, bfloat16: bool,
) -> SerRecipe:  # fmt: skip
    """Recipe ``ser.mfcc_cnn``."""
    settings: dict[str, Any] = {"padding": padding, "frames": frames}
    return SerRecipe(
        "ser.mfcc_cnn", "mfcc_cnn", Mfcc(n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length), settings,
        learning_rate, weight_decay, batch, epochs, normalise, balance, patience=patience, bfloat16=bfloat16,
    )  # fmt: skip
