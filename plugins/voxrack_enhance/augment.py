"""What a recording chain does to speech and noise alike: equaliser, band limits, speed, gain riding, clipping.

Filters are given as responses on the grid of a real transform, so that room, equaliser and band limit cost one product.
The equaliser's sections are those of R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
coefficients"; band limits are Butterworth filters. Both are causal and ring for much less than a room does.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .transforms import Response, Samples, fast_size, samples_of, spectrum_of

RATE = 16_000  # Hz

BANDS: dict[str, tuple[float, float]] = {
    "telephone": (300.0, 3400.0), "radio": (150.0, 5000.0), "low pass 4 kHz": (0.0, 4000.0),
    "low pass 5.5 kHz": (0.0, 5500.0), "low pass 6 kHz": (0.0, 6000.0), "low pass 7 kHz": (0.0, 7000.0),
    "rumble filter": (100.0, 0.0), "small loudspeaker": (250.0, 0.0),
}  # fmt: skip
"""Band limits by name: corner frequencies in Hz of the high pass and of the low pass; 0 where there is none."""

ORDER = 6  # of each Butterworth filter
GAIN = 8.0  # dB, most of a section
RIDE = 6.0  # dB, most that gain riding adds or takes
LATTICE = 1024  # bins on which an equaliser's sections are worked out; between them they are straight


def equaliser(rng: Generator, size: int) -> Response:
    """A random low shelf, high shelf and up to three peaks, as a response.

    Parameters
    ----------
    rng : Generator
    size : int
        Of the transform, in samples.

    Returns
    -------
    ndarray, shape (size // 2 + 1,)
        Complex; each section within ±8 dB.
    """
    delay = np.exp(-1j * np.linspace(0, np.pi, LATTICE + 1))
    total = _section("low shelf", rng.uniform(60, 500), rng.uniform(-GAIN, GAIN), 0.7, delay)
    total *= _section("high shelf", rng.uniform(1500, 6000), rng.uniform(-GAIN, GAIN), 0.7, delay)
    for _ in range(rng.integers(0, 4)):
        frequency = 100 * 60 ** rng.random()
        total *= _section("peak", frequency, rng.uniform(-GAIN, GAIN), rng.uniform(0.5, 3.0), delay)
    return spread(total, size)


def band_limit(name: str, size: int) -> Response:
    """Response of a band limit of :data:`BANDS`, shape (size // 2 + 1,)."""
    return _band_limit(*BANDS[name], size)


@lru_cache(maxsize=64)
def _band_limit(low: float, high: float, size: int) -> Response:
    from scipy.signal import butter, sosfreqz

    total = np.ones(size // 2 + 1, dtype=np.complex128)
    for corner, kind in ((low, "highpass"), (high, "lowpass")):
        if corner:
            sections = butter(ORDER, corner, kind, fs=RATE, output="sos")
            total *= sosfreqz(sections, np.arange(size // 2 + 1) * (2 * np.pi / size))[1]
    made = total.astype(np.complex64)
    made.flags.writeable = False
    return made


def spread(response: NDArray[np.complex128], size: int) -> Response:
    """A smooth response, given at equal steps from 0 Hz to the half rate, on the grid of a transform of ``size``."""
    place = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(2 * (len(response) - 1) / size)
    below = np.minimum(place.astype(np.int32), len(response) - 2)
    values = response.astype(np.complex64)
    return np.asarray(values[below] + (place - below) * np.diff(values)[below], dtype=np.complex64)


def _section(kind: str, frequency: float, gain: float, quality: float, delay: NDArray) -> NDArray[np.complex128]:
    """Response of a biquad of the cookbook at exp(-jw) = ``delay``; ``gain`` in dB."""
    a = 10 ** (gain / 40)
    w = 2 * np.pi * frequency / RATE
    cosine, alpha = np.cos(w), np.sin(w) / (2 * quality)
    whole = 1.0
    if kind == "peak":
        upper = (1 + alpha * a, -2 * cosine, 1 - alpha * a)
        lower = (1 + alpha / a, -2 * cosine, 1 - alpha / a)
    else:
        sign, root = (1 if kind == "low shelf" else -1), 2 * np.sqrt(a) * alpha
        plus, minus, turn = a + 1, a - 1, sign * cosine
        upper = (plus - minus * turn + root, sign * 2 * (minus - plus * turn), plus - minus * turn - root)
        whole = a
        lower = (plus + minus * turn + root, -sign * 2 * (minus + plus * turn), plus + minus * turn - root)
    above, below = (each[0] + delay * (each[1] + delay * each[2]) for each in (upper, lower))
    return whole * above / below


def respeed(samples: Samples, factor: float) -> Samples:
    """Play ``factor`` times as fast (pitch rises with it): the spectrum is cut or filled up, so nothing aliases.

    Returns
    -------
    ndarray, shape (about frames / factor,)
        The length is rounded to one that transforms quickly.
    """
    if len(samples) < 2:
        return samples
    size = fast_size(len(samples))
    wanted = fast_size(max(2, round(size / factor)))
    out = samples_of(spectrum_of(samples, size)[: wanted // 2 + 1], wanted) * np.float32(wanted / size)
    return out[: max(1, len(samples) * wanted // size)]


def gain_ride(rng: Generator, frames: int) -> Samples:
    """Gains, shape (frames,), that wander or step within ±6 dB: automatic levels, a turned head, a moved microphone."""
    points = int(rng.integers(2, 6))
    times = np.sort(rng.random(points)) * frames
    if rng.random() < 0.3:  # one step, within 20 ms
        times = np.array([0.0, 0.02 * RATE]) + times[0]
        points = 2
    levels = rng.uniform(-RIDE, RIDE, points)
    coarse = np.arange(0, frames + 64, 64)  # between these the gain is straight: smooth enough, and quick
    gains = 10 ** (np.interp(coarse, times, levels) / 20)
    return np.interp(np.arange(frames), coarse, gains).astype(np.float32)


def clipped(rng: Generator, samples: Samples) -> Samples:
    """The samples, with the loudest 0.05 … 3 % of them cut flat, or rounded off by a tangent."""
    share = 0.0005 * 60 ** rng.random()
    place = int(len(samples) * (1 - share))
    ceiling = np.partition(np.abs(samples), place)[place]
    if ceiling <= 0:
        return samples
    if rng.random() < 0.7:
        return np.clip(samples, -ceiling, ceiling)
    ceiling = np.float32(1.5 * ceiling)
    return ceiling * np.tanh(samples / ceiling)
