"""How a rack rings while a voice sings through it: its response to a faint click, decay, wetness, echo density.

A voice does not show a decay time: it seldom stops. So it is made to stop, and rendered twice, once with a click
at its last sample that is too faint for a compressor to notice; the difference is the impulse response of the rack
at the point where that voice drives it. Everything else cancels, to the rounding of 32-bit samples.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, render
from voxrack.errors import InputError

Array = NDArray[np.float64]
WINDOW = 8.0  # s of response that are kept
CLICK = 0.03  # of the voice's peak
EARLY = 0.05  # s: the part of a response that belongs to the sound itself (C50 of ISO 3382-1)
FLOOR = -60.0  # dB: a tail below is no tail
_SKIP = 0.02  # s after the direct sound, before the tail
_DENSITY = (0.03, 0.3)  # s after the direct sound: where density is told apart by ear
_FRAME = 0.02  # s: window of the echo density (Huang and Abel 2007)
_NORMAL = math.erfc(1 / math.sqrt(2))  # share of a normal distribution beyond one standard deviation


def stopped(dry: Audio, window: float = WINDOW) -> tuple[Audio, int]:
    """``dry`` in mono up to the sample at which the click goes, and ``window`` seconds of silence behind it.

    The click sits at the zero crossing next to the loudest 50 ms of the first half: there the rack works as it
    does under the voice, and a click adds least to the level that a compressor sees. Behind it nothing sounds that
    a gain, disturbed ever so little for the length of a release, could make a difference to.
    """
    signal = dry.mono().samples[0].astype(np.float64)
    hop = max(1, round(0.05 * dry.sample_rate))
    half = signal[: max(hop, len(signal) // 2)]
    frames = half[: len(half) // hop * hop].reshape(-1, hop)
    if not frames.size or not np.any(frames):
        raise InputError("the dry vocal is silent or shorter than 50 ms; a rendering of it cannot be described")
    begin = int(np.argmax(np.sum(frames**2, axis=1))) * hop
    at = begin + int(np.argmin(np.abs(signal[begin : begin + hop])))
    return Audio(np.pad(signal[: at + 1], (0, round(window * dry.sample_rate))), dry.sample_rate), at


def response(rack: Any, dry: Audio, *, window: float = WINDOW) -> Array:
    """The response of the rack to a click at the end of ``dry``.

    Parameters
    ----------
    rack : Rack, Chain or device
        It must give the same output for the same input; a device that draws random numbers gives noise.
    dry : Audio
    window : float
        Seconds of response.

    Returns
    -------
    ndarray, shape (channels, frames)
        For a click of height 1; sample 0 is the click.
    """
    source, at = stopped(dry, window)
    clicked = source.samples.copy()
    clicked[0, at] += CLICK * source.peak
    height = float(clicked[0, at] - source.samples[0, at])  # as 32-bit samples have it
    plain = render(rack, source, tail=False)
    other = render(rack, Audio(clicked, source.sample_rate), tail=False)
    return (other.samples[:, at:].astype(np.float64) - plain.samples[:, at:]) / height


def direct(ringing: Array) -> int:
    """The sample of the direct sound: the highest of all channels."""
    return int(np.argmax(np.max(np.abs(ringing), axis=0)))


def weighted(ringing: Array, voice: Array) -> Array:
    """A response (channels, frames) as excited by ``voice`` (frames,): filtered with its average spectrum, no phase.

    The decay of a hall at frequencies where nobody sings does not count.
    """
    from scipy.signal import oaconvolve

    size = 512  # 12 ms: short of the gap between direct sound and tail
    pieces = np.resize(voice, (max(1, len(voice) // size), size)) * np.hanning(size)
    spectrum = np.sqrt(np.mean(np.abs(np.fft.rfft(pieces)) ** 2, axis=0))
    kernel = np.fft.fftshift(np.fft.irfft(spectrum / spectrum.max()))[1:]  # symmetric about its middle
    return oaconvolve(ringing, kernel[None], mode="same", axes=1)


def wetness(ringing: Array, sample_rate: int) -> float:
    """Energy later than 50 ms after the direct sound over that before, in dB (C50 of ISO 3382-1 with its sign
    turned); at least -60."""
    split = direct(ringing) + round(EARLY * sample_rate)
    power = np.sum(ringing**2, axis=0)
    early, late = float(power[:split].sum()), float(power[split:].sum())
    if early == 0.0:
        return FLOOR
    return max(FLOOR, 10 * math.log10(max(late / early, 1e-12)))


def decay_time(ringing: Array, sample_rate: int) -> float:
    """Seconds in which the tail falls by 60 dB, from its fall between -5 and -25 dB (T20, Schroeder's integral).

    0 where there is no tail: less than -60 dB of the direct sound's energy after 20 ms.
    """
    power = np.sum(ringing**2, axis=0)
    begin = direct(ringing) + round(_SKIP * sample_rate)
    left = np.cumsum(power[begin:][::-1])[::-1]
    total = float(power[:begin].sum())
    if not len(left) or left[0] <= total * 10 ** (FLOOR / 10):
        return 0.0
    level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    grid = np.linspace(-5.0, -25.0, 81)
    times = np.searchsorted(-level, -grid) / sample_rate  # the level never rises
    # times over levels, not levels over times: single echoes make steps, whose treads would count more than their fall
    return -60.0 * float(np.polyfit(grid, times, 1)[0])


def echo_density(ringing: Array, sample_rate: int) -> float:
    """How densely echoes follow each other from 30 to 300 ms after the direct sound: 0 none, about 1 as dense as noise.

    The share of samples beyond one standard deviation in windows of 20 ms, over that of a normal distribution
    (Huang and Abel 2007), averaged over windows by their energy and over channels by theirs. 0 where there is no tail.
    """
    size = round(_FRAME * sample_rate)
    first, last = (direct(ringing) + round(t * sample_rate) for t in _DENSITY)
    total = float(np.sum(ringing**2))
    weight = np.hanning(size + 2)[1:-1]
    weight /= weight.sum()
    densities, energies = [], []
    for channel in ringing:
        for begin in range(first, min(last, len(channel)) - size, max(1, size // 2)):
            piece = channel[begin : begin + size]
            variance = float(weight @ piece**2)
            energies.append(variance * size)
            densities.append(float(weight @ (np.abs(piece) > math.sqrt(variance))) / _NORMAL if variance > 0 else 0.0)
    heard = float(np.sum(energies))
    if total == 0.0 or heard <= total * 10 ** (FLOOR / 10):
        return 0.0
    return float(np.average(densities, weights=energies))
