"""The evaluation protocol of DiffVox: how far one recording is from another."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, read
from voxrack.errors import InputError, UsageError

from .scoring import losses, total_loss

LOUDNESS = -18.0  # LUFS
_GATE_SECONDS = 0.4  # BS.1770 measures in blocks of this length


def compare(a: Any, b: Any, mode: Literal["paper", "exact"] = "paper") -> dict[str, float]:
    """The four losses of ``a`` against ``b``, and their weighted total.

    Both are cut to the shorter, brought to -18 LUFS (BS.1770 integrated, over the whole), then mono is duplicated.

    Parameters
    ----------
    a, b : Audio or path
        One or two channels, one sample rate; ``b`` is the reference.
    mode : {"paper", "exact"}
        See :func:`voxrack_match.losses`.

    Returns
    -------
    dict
        ``mss_lr``, ``mss_ms``, ``mldr_lr``, ``mldr_ms`` and ``total`` (weights 1, 1/2, 1/2, 1/4).

    Raises
    ------
    InputError
        For different sample rates, more than two channels, less than 0.4 s, silence.
    """
    first, second = _load(a, "the first recording"), _load(b, "the second recording")
    if first.sample_rate != second.sample_rate:
        raise InputError(
            f"the recordings have {first.sample_rate} Hz and {second.sample_rate} Hz; "
            "bring one to the rate of the other first (Audio.resample)"
        )
    frames = min(first.frames, second.frames)
    signal, reference = _at_loudness(first, frames, "first"), _at_loudness(second, frames, "second")
    terms = losses(signal, reference, first.sample_rate, mode)
    return terms | {"total": float(total_loss(terms))}


def _load(thing: Any, name: str) -> Audio:
    if isinstance(thing, (str, os.PathLike)):
        thing = read(Path(thing))
    if not isinstance(thing, Audio):
        raise UsageError(f"{name} is an Audio or the path of a file; got {type(thing).__name__}")
    if thing.channels > 2:
        raise InputError(f"{name} has {thing.channels} channels; compare takes one or two")
    return thing


def _at_loudness(audio: Audio, frames: int, name: str) -> NDArray[np.float64]:
    """(channels, frames) at -18 LUFS."""
    import pyloudnorm

    rate = audio.sample_rate
    if frames < _GATE_SECONDS * rate:
        raise InputError(f"{frames / rate:.3g} s is too short to compare; loudness is measured over {_GATE_SECONDS} s")
    samples = audio.samples[:, :frames].astype(np.float64)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")  # of the logarithm of silence
        loudness = float(pyloudnorm.Meter(rate).integrated_loudness(samples.T))
    if not math.isfinite(loudness):
        raise InputError(f"the {name} recording is silent (below -70 LUFS), so it has no loudness to compare at")
    return samples * 10.0 ** ((LOUDNESS - loudness) / 20.0)
