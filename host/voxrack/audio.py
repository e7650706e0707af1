"""Audio: samples with their sample rate. It shows itself as a player in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, UsageError

MAX_CHANNELS = 64
MAX_RATE = 768_000  # Hz


class AudioWarning(UserWarning):
    """Something a listener should know about audio that was read or written all the same."""


@dataclass(frozen=True, eq=False, repr=False)
class Audio:
    """A signal in memory.

    Parameters
    ----------
    samples : array_like, shape (channels, frames) or (frames,)
        Floating point, full scale is -1 … 1 (values beyond it are allowed), finite; kept as float32,
        C-contiguous. One dimension is taken as mono. Treat it as immutable: it may be shared.
    sample_rate : int
        Frames per second, 1 … 768000 Hz.

    Raises
    ------
    InputError
        Where the samples are not finite, empty, integers, or of another shape.

    Examples
    --------
    >>> from voxrack import Audio
    >>> second = Audio([[0.0, 0.5] * 8000, [0.25, 0.0] * 8000], 16000)
    >>> second.channels, second.duration, second.peak
    (2, 1.0, 0.5)
    >>> second[0.25:0.5].frames
    4000
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample_rate", check_rate(self.sample_rate))
        object.__setattr__(self, "samples", _as_samples(self.samples, self.sample_rate))

    # ---- what it is -----------------------------------------------------------------------------
    @property
    def channels(self) -> int:
        """Number of channels, 1 … 64."""
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        """Number of samples per channel, at least 1."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    @property
    def peak(self) -> float:
        """Largest absolute sample of any channel (linear; 1 is full scale)."""
        return float(max(self.samples.max(), -self.samples.min()))

    @property
    def rms(self) -> float:
        """Root mean square over all channels and frames (linear)."""
        return math.sqrt(float(np.mean(np.square(self.samples, dtype=np.float64))))

    # ---- what it turns into ---------------------------------------------------------------------
    def mono(self) -> Audio:
        """The mean of the channels."""
        if self.channels == 1:
            return self
        return Audio(self.samples.mean(axis=0, dtype=np.float64), self.sample_rate)

    def resample(self, rate: int) -> Audio:
        """The same sound at another sample rate (soxr, high quality, linear phase).

        Parameters
        ----------
        rate : int
            New sample rate in Hz, 1 … 768000. The result has ``ceil(frames * rate / sample_rate)`` frames.
        """
        rate = check_rate(rate)
        if rate == self.sample_rate:
            return self
        import soxr

        wanted = -(-self.frames * rate // self.sample_rate)
        made = np.atleast_2d(soxr.resample(self.samples.T, self.sample_rate, rate, quality="HQ").T)[:, :wanted]
        return Audio(np.pad(made, ((0, 0), (0, wanted - made.shape[1]))), rate)

    def __getitem__(self, seconds: slice) -> Audio:
        """A part by time: ``audio[0.5:2.0]`` is the signal from 0.5 s to 2 s; negative times count from the end."""
        if not isinstance(seconds, slice) or seconds.step is not None:
            raise UsageError(f"Audio takes a slice in seconds, such as audio[0.5:2.0]; got {seconds!r}")
        first, last = (None if t is None else round(t * self.sample_rate) for t in (seconds.start, seconds.stop))
        part = self.samples[:, first:last]
        if part.shape[1] == 0:
            start, stop = seconds.start or 0, self.duration if seconds.stop is None else seconds.stop
            raise UsageError(f"{start} s to {stop} s holds no sample; the audio lasts 0 s to {self.duration:.6g} s")
        return Audio(part, self.sample_rate)

    def __eq__(self, other: object) -> bool:
        """Equal rate and equal samples, bit for bit."""
        if not isinstance(other, Audio):
            return NotImplemented
        return self.sample_rate == other.sample_rate and np.array_equal(self.samples, other.samples)

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # the samples are an array

    def __repr__(self) -> str:
        width = channels_text(self.channels)
        return f"Audio({self.duration:.3f} s, {self.sample_rate} Hz, {width}, {self.frames} frames)"

    def _repr_html_(self) -> str:
        from .audio_html import player

        return player(self)


def check_rate(rate: Any, lowest: int = 1) -> int:
    """``rate`` as an int, refused outside ``lowest`` … 768000 Hz."""
    try:
        whole = int(rate)
        if whole != rate or isinstance(rate, (bool, str)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"sample rate {rate!r}: it takes a whole number of Hz, {lowest} to {MAX_RATE}") from None
    if not lowest <= whole <= MAX_RATE:
        raise InputError(f"sample rate {whole} Hz is outside {lowest} to {MAX_RATE} Hz; resample the audio first")
    return whole


def channels_text(channels: int) -> str:
    """``"mono"``, ``"stereo"``, ``"6 channels"``."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")


def first_bad(samples: NDArray[np.float32]) -> tuple[int, int, str] | None:
    """Channel, frame and text of the first sample in time that is NaN or infinite; None where there is none."""
    # one pass without a mask: the sum of finite numbers times zero is zero, anything else is NaN
    if np.isfinite(samples.sum(dtype=np.float64)):
        return None
    bad = ~np.isfinite(samples)
    frame = int(np.argmax(bad.any(axis=0)))
    channel = int(np.argmax(bad[:, frame]))
    return channel, frame, "NaN" if np.isnan(samples[channel, frame]) else "infinite"


def refuse_bad(owner: str, block: NDArray[np.float32], first: int, rate: int) -> None:
    """Raise InputError where a block (channels, frames), which begins at frame ``first``, is not finite."""
    bad = first_bad(block)
    if bad:
        channel, frame, what = bad
        frame += first
        raise InputError(
            f"{owner}: sample {frame} of channel {channel} ({frame / rate:.6g} s) is {what}; audio must be finite: "
            "export it again, or replace such samples (numpy.nan_to_num)"
        )


def _as_samples(samples: ArrayLike, rate: int) -> NDArray[np.float32]:
    array = np.asarray(samples)
    if array.dtype.kind in "iub":
        raise InputError(
            f"samples of type {array.dtype}: Audio takes floating point with full scale -1 … 1; "
            "divide 16-bit integers by 32768 first"
        )
    if array.dtype.kind != "f":
        raise InputError(f"samples of type {array.dtype}: Audio takes real floating-point numbers")
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise InputError(f"samples of shape {array.shape}: Audio takes (channels, frames), or (frames,) for mono")
    if array.shape[0] > MAX_CHANNELS:
        raise InputError(
            f"samples of shape {array.shape}: Audio takes (channels, frames) with at most {MAX_CHANNELS} channels; "
            "for (frames, channels) pass samples.T"
        )
    if array.size == 0:
        raise InputError(f"samples of shape {array.shape} are empty; Audio takes one frame or more")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is named below
        array = np.ascontiguousarray(array, dtype=np.float32)
    refuse_bad("Audio", array, 0, rate)
    return array
