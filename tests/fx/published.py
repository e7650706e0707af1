"""The published presets (151 raw numbers each) in the plain units of our devices (DiffVox spec, section 2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE = 44100  # the presets' rate: attack, release and averaging are coefficients per sample of it
_LONGEST_T60 = 9.0
_REFERENCE_LINE = 997


def plain_values(raw: ArrayLike) -> dict[str, Any]:
    """Plain values by address from the raw vector (151,).

    Slots are called ``peq``, ``compressor``, ``delay``, ``reverb`` and ``direct`` (the pan);
    ``send.delay.reverb`` is the level of the delay's send to the reverb in dB.
    """
    r = np.asarray(raw, dtype=np.float64)
    out: dict[str, Any] = {}
    for band, at, (low, high), (narrowest, widest) in (
        ("peq.peak1", 0, (33, 5400), (0.2, 20)), ("peq.peak2", 3, (200, 17500), (0.2, 20)),
        ("reverb.peak1", 140, (200, 2500), (0.1, 3)), ("reverb.peak2", 143, (600, 7000), (0.1, 3)),
    ):  # fmt: skip
        out[f"{band}.gain"] = float(r[at])
        out[f"{band}.frequency"] = _between(r[at + 1], low, high)
        out[f"{band}.q"] = _between(r[at + 2], narrowest, widest)
    for band, at, (low, high) in (
        ("peq.low_shelf", 6, (30, 200)), ("peq.high_shelf", 8, (750, 8300)),
        ("reverb.low_shelf", 146, (30, 450)), ("reverb.high_shelf", 148, (1500, 16000)),
    ):  # fmt: skip
        out[f"{band}.gain"] = float(r[at])
        out[f"{band}.frequency"] = _between(r[at + 1], low, high)
        out[f"{band}.q"] = 0.707
    for band, at, (low, high), (narrowest, widest) in (
        ("peq.low_pass", 10, (200, 18000), (0.5, 10)), ("peq.high_pass", 12, (16, 5300), (0.5, 10)),
        ("delay.low_pass", 27, (200, 16000), (0.5, 2)),
    ):  # fmt: skip
        out[f"{band}.frequency"] = _between(r[at], low, high)
        out[f"{band}.q"] = _between(r[at + 1], narrowest, widest)
    out |= {
        "compressor.threshold": float(r[14]),
        "compressor.expander_threshold": float(r[15]),
        "compressor.make_up": float(r[16]),
        "compressor.look_ahead": float(abs(r[17]) % 15.0),
        "compressor.attack": _milliseconds(_sigmoid(r[18])),
        "compressor.release": _milliseconds(_sigmoid(r[19])),
        "compressor.averaging": _milliseconds(_sigmoid(r[20])),
        "compressor.ratio": 1.0 + 19.0 * _sigmoid(r[21]),
        "compressor.expander_ratio": _sigmoid(r[22]),
        "send.delay.reverb": 20.0 * math.log10(_sigmoid(r[23])),
        "delay.time": _between(r[24], 100, 1000),
        "delay.feedback": _sigmoid(r[25]),
        "delay.level": 20.0 * math.log10(_sigmoid(r[26])),
        "delay.odd_pan": 200.0 * _sigmoid(r[29]) - 100.0,
        "delay.even_pan": 200.0 * _sigmoid(r[30]) - 100.0,
        "reverb.input": r[31:43].reshape(6, 2),
        "reverb.output": r[43:55].reshape(2, 6),
        "reverb.decay": reverberation_times(line_gains(r[55:104])),
        "reverb.rotation": r[104:140].reshape(6, 6)[np.triu_indices(6, 1)],
        "direct.pan": 200.0 * _sigmoid(r[150]) - 100.0,
    }
    return out


def device_values(plain: dict[str, Any], slot: str) -> dict[str, Any]:
    """The part of ``plain`` that belongs to one slot, by parameter id."""
    return {address[len(slot) + 1 :]: value for address, value in plain.items() if address.startswith(slot + ".")}


def line_gains(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain (49,) of one trip through the line of 997 samples."""
    highest = 10.0 ** (-60.0 * _REFERENCE_LINE / (RATE * _LONGEST_T60) / 20.0)
    return highest / (1.0 + np.exp(-raw))


def reverberation_times(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """T60 (49,) in seconds from the gains of the line of 997 samples."""
    return -60.0 / (20.0 * np.log10(gains)) * _REFERENCE_LINE / RATE


def _sigmoid(raw: float) -> float:
    return float(1.0 / (1.0 + np.exp(-raw)))


def _between(raw: float, low: float, high: float) -> float:
    return low + (high - low) * _sigmoid(raw)


def _milliseconds(coefficient: float) -> float:
    return -2200.0 / (RATE * math.log1p(-coefficient))
