"""``fx.loudness``: how loud a signal is, over time and in all, and how close to its limits.

K-weighting with pyloudnorm's filters, in blocks; kept are ten numbers a second (ITU-R BS.1770-4, EBU R 128).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import lfilter

from voxrack.device import Track

from . import gating
from .peaks import Peaks

_LOWEST_RATE = 8000  # below, the K-weighting's shelf at 1.5 kHz comes too close to Nyquist


class Loudness:
    """Analyzer. The summary holds numbers, and null where one is undefined; ``reasons`` then says why."""

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def prepare(self, sample_rate: int, channels: int) -> None:
        self._rate, self._channels, self._frames = sample_rate, channels, 0
        self._peaks = Peaks(sample_rate, channels)
        self._weighted = sample_rate >= _LOWEST_RATE and channels <= len(gating.CHANNEL_WEIGHTS)
        self._filters: list[Any] = []
        if self._weighted:
            meter = pyloudnorm.Meter(sample_rate)
            stages = meter._filters.values()
            self._filters = [[stage.b, stage.a, np.zeros((channels, 2))] for stage in stages]
        self._weights = np.array(gating.CHANNEL_WEIGHTS[:channels])
        self._energies: list[float] = []  # of finished hops
        self._energy = 0.0  # of the hop that has begun

    def push(self, block: NDArray[np.float32]) -> None:
        self._peaks.push(block)
        if self._weighted and block.shape[1]:
            self._collect(self._weights @ np.square(self._weight(block)))
        self._frames += block.shape[1]

    def finish(self) -> tuple[Track, ...]:
        peaks, reasons = self._peaks, self._reasons()
        energies = np.array([*self._energies, self._energy])
        powers = gating.block_powers(energies, self._frames, self._rate) if not reasons else np.zeros(0)
        momentary = gating.loudness(powers)
        short_term = gating.loudness(gating.centred_short_term(energies, len(powers), self._frames, self._rate))
        windows = gating.short_term_powers(energies[:-1], self._rate)
        summary = {
            "integrated_lufs": gating.integrated(powers),
            "loudness_range_lu": gating.loudness_range(windows) if not reasons else None,
            "max_momentary_lufs": _heard(momentary),
            "max_short_term_lufs": _heard(gating.loudness(windows)) if not reasons else None,
            "true_peak_dbtp": _decibels(peaks.true),
            "sample_peak_dbfs": _decibels(peaks.sample),
            "clipped_samples": peaks.clipped_samples,
            "clipped_runs": peaks.clipped_runs,
            "duration_s": self._frames / self._rate,
            "sample_rate": self._rate,
            "channels": self._channels,
        }
        for key, value in summary.items():
            if value is None:
                reasons.setdefault(key, self._why(key, len(windows)))
        summary["reasons"] = {key: why for key, why in reasons.items() if summary.get(key, 0) is None}
        times = np.asarray((np.arange(len(powers)) + gating.BLOCK_HOPS / 2) * gating.HOP_SECONDS, dtype=np.float64)
        curves = np.stack([momentary, short_term], axis=1)
        return (Track("loudness", times, curves, ("momentary", "short-term"), "LUFS", summary),)

    def _weight(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        signal = block.astype(np.float64)
        for stage in self._filters:
            signal, stage[2] = lfilter(stage[0], stage[1], signal, axis=1, zi=stage[2])
            stage[2][np.abs(stage[2]) < 1e-30] = 0.0  # a fading filter must not end in slow denormal numbers
        return signal

    def _collect(self, power: NDArray[np.float64]) -> None:
        """Add a block's weighted squares (frames,) to the hops they fall into."""
        begin = 0
        while begin < len(power):
            end = min(len(power), gating.hop_start(len(self._energies) + 1, self._rate) - self._frames)
            self._energy += float(power[begin:end].sum())
            if end < len(power) or self._frames + end == gating.hop_start(len(self._energies) + 1, self._rate):
                self._energies.append(self._energy)
                self._energy = 0.0
            begin = end

    def _reasons(self) -> dict[str, str]:
        """Why nothing K-weighted can be told; empty where it can."""
        why = ""
        if self._channels > len(gating.CHANNEL_WEIGHTS):
            why = f"loudness is defined for up to 5 channels; this signal has {self._channels}"
        elif self._rate < _LOWEST_RATE:
            why = f"K-weighting needs a sample rate of {_LOWEST_RATE} Hz or more; this signal has {self._rate} Hz"
        elif self._frames < gating.BLOCK_HOPS * gating.HOP_SECONDS * self._rate:
            why = f"a gating block lasts 400 ms; this signal lasts {1000 * self._frames / self._rate:.4g} ms"
        keys = ("integrated_lufs", "loudness_range_lu", "max_momentary_lufs", "max_short_term_lufs")
        return dict.fromkeys(keys, why) if why else {}

    def _why(self, key: str, windows: int) -> str:
        if key in ("true_peak_dbtp", "sample_peak_dbfs"):
            return "the signal is digital silence"
        if key in ("loudness_range_lu", "max_short_term_lufs") and not windows:
            return f"a short-term window lasts 3 s; this signal lasts {self._frames / self._rate:.4g} s"
        return "all of the signal lies below -70 LUFS"


def _decibels(linear: float) -> float | None:
    return 20.0 * math.log10(linear) if linear > 0.0 else None


def _heard(curve: NDArray[np.float64]) -> float | None:
    return float(curve.max()) if len(curve) and curve.max() > gating.FLOOR_LUFS else None
