"""Second-order filter sections of the RBJ Audio EQ Cookbook, normalised by a0.

Every function returns ``(b0, b1, b2, a1, a2)`` of ``y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]``.
Frequencies are in Hz, gains in dB, ``sample_rate`` in Hz. A frequency above 0.49 of the sample rate is
taken as 0.49 of it: the preset keeps what was asked for.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable

Section = tuple[float, float, float, float, float]

IDENTITY: Section = (1.0, 0.0, 0.0, 0.0, 0.0)
LOWEST, HIGHEST = 10.0, 22000.0  # Hz; at this end of its range a high-pass, a low-pass is off
_NYQUIST_SHARE = 0.49
_LONGEST_TAIL_SECONDS = 6.0
_INAUDIBLE = 1e-6  # -120 dB


def _angles(frequency: float, q: float, sample_rate: float) -> tuple[float, float, float]:
    """cos(w0), 1 - cos(w0) without cancellation, and alpha."""
    w0 = 2.0 * math.pi * min(frequency, _NYQUIST_SHARE * sample_rate) / sample_rate
    return math.cos(w0), 2.0 * math.sin(0.5 * w0) ** 2, math.sin(w0) / (2.0 * q)


def _normalise(b0: float, b1: float, b2: float, a0: float, a1: float, a2: float) -> Section:
    return b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0


def peak(gain: float, frequency: float, q: float, sample_rate: float) -> Section:
    """A bell of ``gain`` dB around ``frequency``."""
    cos, _, alpha = _angles(frequency, q, sample_rate)
    a = 10.0 ** (gain / 40.0)
    return _normalise(1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a, 1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a)


def low_shelf(gain: float, frequency: float, q: float, sample_rate: float) -> Section:
    """``gain`` dB below ``frequency``."""
    cos, _, alpha = _angles(frequency, q, sample_rate)
    a = 10.0 ** (gain / 40.0)
    up, down, slope = a + 1.0, a - 1.0, 2.0 * alpha * math.sqrt(a)
    return _normalise(
        a * (up - down * cos + slope), 2.0 * a * (down - up * cos), a * (up - down * cos - slope),
        up + down * cos + slope, -2.0 * (down + up * cos), up + down * cos - slope,
    )  # fmt: skip


def high_shelf(gain: float, frequency: float, q: float, sample_rate: float) -> Section:
    """``gain`` dB above ``frequency``."""
    cos, _, alpha = _angles(frequency, q, sample_rate)
    a = 10.0 ** (gain / 40.0)
    up, down, slope = a + 1.0, a - 1.0, 2.0 * alpha * math.sqrt(a)
    return _normalise(
        a * (up + down * cos + slope), -2.0 * a * (down + up * cos), a * (up + down * cos - slope),
        up - down * cos + slope, 2.0 * (down - up * cos), up - down * cos - slope,
    )  # fmt: skip


def low_pass(frequency: float, q: float, sample_rate: float) -> Section:
    """12 dB per octave above ``frequency``."""
    cos, one_minus_cos, alpha = _angles(frequency, q, sample_rate)
    return _normalise(0.5 * one_minus_cos, one_minus_cos, 0.5 * one_minus_cos, 1.0 + alpha, -2.0 * cos, 1.0 - alpha)


def high_pass(frequency: float, q: float, sample_rate: float) -> Section:
    """12 dB per octave below ``frequency``."""
    cos, _, alpha = _angles(frequency, q, sample_rate)
    return _normalise(0.5 * (1.0 + cos), -1.0 - cos, 0.5 * (1.0 + cos), 1.0 + alpha, -2.0 * cos, 1.0 - alpha)


def low_pass_or_off(frequency: float, q: float, sample_rate: float) -> Section:
    """A low-pass that does nothing at the upper end of its range."""
    return IDENTITY if frequency >= HIGHEST else low_pass(frequency, q, sample_rate)


def high_pass_or_off(frequency: float, q: float, sample_rate: float) -> Section:
    """A high-pass that does nothing at the lower end of its range."""
    return IDENTITY if frequency <= LOWEST else high_pass(frequency, q, sample_rate)


def tail(sections: Iterable[Section], sample_rate: float) -> int:
    """Samples until the impulse response of the sections in series stays below -120 dB, at most six seconds.

    Each section counts with the time that its slower pole takes to fall from the height of its response; one
    whose zeros cancel its poles (a band at 0 dB) counts with none.
    """
    limit = _LONGEST_TAIL_SECONDS * sample_rate
    samples = 0.0
    for b0, b1, b2, a1, a2 in sections:
        c1, c2 = b1 - b0 * a1, b2 - b0 * a2  # H(z) = b0 + (c1 z + c2) / (z**2 + a1 z + a2)
        if c1 == 0.0 and c2 == 0.0:
            continue
        root = cmath.sqrt(0.25 * a1 * a1 - a2)
        poles = -0.5 * a1 + root, -0.5 * a1 - root
        radius = max(abs(pole) for pole in poles)
        height = sum(abs(c1 * pole + c2) for pole in poles) / max(2.0 * abs(root), 1e-9)
        samples += 2.0  # the zeros
        if radius >= 1.0:
            return math.ceil(limit)
        if radius > 0.0 and height > _INAUDIBLE:
            samples += math.log(_INAUDIBLE / height) / math.log(radius)
    return math.ceil(min(samples, limit))
