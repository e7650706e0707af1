"""How a rack rings while a voice sings through it: its response to a faint click, decay, wetness, echo density.

A voice does not show a decay time: it seldom stops. So it is rendered twice, once with a click added that is too
faint for a compressor to notice; the difference is the impulse response of the rack at the point where that voice
drives it. Everything else of the rendering cancels, to the rounding of 32-bit samples.
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


def padded(dry: Audio, window: float = WINDOW) -> tuple[Audio, int]:
    """``dry`` in mono with room for a response behind it, and the sample at which the click goes.

    The click sits at the zero crossing next to the loudest 50 ms of the first half: there the rack works as it
    does under the voice, and a click adds least to the level that a compressor sees.
    """
    signal = dry.mono().samples[0].astype(np.float64)
    hop = max(1, round(0.05 * dry.sample_rate))
    half = signal[: max(hop, len(signal) // 2)]
    frames = half[: len(half) // hop * hop].reshape(-1, hop)
    if not frames.size or not np.any(frames):
        raise InputError("the dry vocal is silent or shorter than 50 ms; a rendering of it cannot be described")
    begin = int(np.argmax(np.sum(frames**2, axis=1))) * hop
    at = begin + int(np.argmin(np.abs(signal[begin : begin + hop])))
    wanted = max(len(signal), at + round(window * dry.sample_rate))
    return Audio(np.pad(signal, (0, wanted - len(signal))), dry.sample_rate), at


def response(rack: Any, dry: Audio, *, window: float = WINDOW) -> tuple[Audio, Array]:
    """The rendering of ``dry``, and the response of the rack to a click in it.

    Parameters
    ----------
    rack : Rack, Chain or device
        It must give the same output for the same input; a device that draws random numbers gives noise.
    dry : Audio
    window : float
        Seconds of response.

    Returns
    -------
    rendering : Audio
        As long as ``dry``, or longer: at least ``window`` after the click, so that it rings out.
    response : ndarray, shape (channels, frames)
        For a click of height 1; sample 0 is the click.
    """
    source, at = padded(dry, window)
    height = CLICK * source.peak
    clicked = source.samples.copy()
    clicked[0, at] += height
    height = float(clicked[0, at] - source.samples[0, at])  # as 32-bit samples have it
    plain = render(rack, source, tail=False)
    other = render(rack, Audio(clicked, source.sample_rate), tail=False)
    frames = round(window * source.sample_rate)
    difference = other.samples[:, at : at + frames].astype(np.float64) - plain.samples[:, at : at + frames]
    return plain, difference / height


def direct(ringing: Array) -> int:
    """The sample of the direct sound: the highest of all channels."""
    return int(np.argmax(np.max(np.abs(ringing), axis=0)))


def weighted(ringing: Array, voice: Array) -> Array:
    """A response (channels, frames) as excited by ``voice`` (frames,): filtered with its average spectrum, no phase.

    The decay of a hall at frequencies where nobody sings does not count.
    """
    frames = ringing.shape[1]
    size = 512  # 12 ms: short of the gap between direct sound and tail
    hops = max(1, len(voice) // size)
    pieces = np.resize(voice, (hops, size)) * np.hanning(size)
    spectrum = np.sqrt(np.mean(np.abs(np.fft.rfft(pieces)) ** 2, axis=0))
    kernel = np.fft.irfft(spectrum / spectrum.max())
    padded_size = frames + size
    bins = np.fft.rfft(np.roll(np.pad(np.fft.fftshift(kernel), (0, padded_size - size)), -size // 2))
    return np.fft.irfft(np.fft.rfft(ringing, padded_size) * bins, padded_size)[:, :frames]


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
    inside = np.flatnonzero((level <= -5.0) & (level >= -25.0))
    if len(inside) < 2:  # it falls in one step
        return 0.0
    slope = float(np.polyfit(inside / sample_rate, level[inside], 1)[0])
    return -60.0 / slope if slope < 0 else 0.0


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
