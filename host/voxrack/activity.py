"""Where somebody speaks, and how loud: levels relative to the signal, never an absolute threshold alone.

A voice is periodic, moves in pitch and spectrum while it is, and pauses. A frame belongs to speech where the second
around it holds enough such movement; what is steady (hum, tones, engines), unpitched (rain, wind) or instantaneous
(clicks, ticks) is passed over. Animals' and babies' voices are voices by these measures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .activity_frames import BANDS, FRAMES, Describer, Description
from .activity_level import active_level
from .errors import InputError, UsageError

__all__ = ["SpeechActivity", "active_level", "has_speech", "speech_mask"]

FLOOR = -75.0  # dBFS: what is lower is nobody, whatever its shape
BELOW = 30.0  # dB under the loudest of the last seconds that a vowel may lie
DECAY = 6.0  # dB a second by which the loudest is forgotten
PERIODIC = 0.7  # correlation of neighbouring periods
GLIDE = 0.12  # octaves that pitch moves within 10 ms at most
STEP = 4  # frames over which movement is measured
CONTEXT = 60  # frames looked at to each side
ENOUGH = 8  # frames of moving voice in the context
SHAPE, MELODY = 2.8, 0.16  # dB and semitones that spectrum and pitch move in 40 ms on average
VARIETY = 3.5  # dB: deviation of the bands over the context's vowels
CLEAR = 0.8  # mean correlation of the vowels' periods
HIGH = 460.0  # Hz: mean pitch of the context at most
TILT = (-3.0, 38.0)  # dB
HOLD = (15, 25)  # frames before and after a vowel that belong to it
LATENCY = CONTEXT + HOLD[0] + 4  # frames until a frame is decided
_DESCRIBED_AT_ONCE = 512

Samples = NDArray[np.float64]
Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]


class SpeechActivity:
    """Speech or not for every 10 ms of a stream; blocks of any size give the same answer.

    Attributes
    ----------
    latency : float
        Seconds that a decision waits for what follows.
    """

    latency = LATENCY / FRAMES + 0.03

    def __init__(self, sample_rate: int) -> None:
        self._describe = _describer(sample_rate)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._held: Samples = np.zeros(self._describe.before)  # silence before the first sample
        self._first = -self._describe.before  # where the held samples begin
        self._samples = 0
        self._described = 0
        self._decided = 0
        self._peak = -np.inf
        self._known: _Known | None = None
        self._known_first = 0

    def push(self, block: ArrayLike) -> Mask:
        """Samples (frames,) or (channels, frames) to the decisions (n,) that have become possible."""
        samples = _mono(block)
        self._samples += samples.size
        self._held = np.concatenate([self._held, samples])
        return self._advance(self._samples, finished=False)

    def finish(self) -> Mask:
        """The decisions that are still to come; the stream has ended."""
        self._held = np.concatenate([self._held, np.zeros(self._describe.after)])
        return self._advance(self._samples + self._describe.after, finished=True)

    def _advance(self, there: int, finished: bool) -> Mask:
        describe = self._describe
        ready = min(describe.started(there - describe.after), describe.started(self._samples - 1))
        while self._described < ready:
            frames = np.arange(self._described, min(ready, self._described + _DESCRIBED_AT_ONCE))
            first = describe.start(frames) - describe.before - self._first
            self._append(describe(self._held[first[:, None] + np.arange(describe.before + describe.after)]))
            self._described += len(frames)
            drop = max(0, describe.start(self._described) - describe.before - self._first)
            self._held, self._first = self._held[drop:], self._first + drop
        if self._known is None:
            return np.zeros(0, bool)
        end = self._described if finished else max(self._decided, self._described - LATENCY)
        if end == self._decided:
            return np.zeros(0, bool)
        mask = _decide(self._known, self._decided - self._known_first, end - self._known_first)
        self._decided = end
        keep = max(0, end - CONTEXT - HOLD[1] - STEP - self._known_first)
        self._known, self._known_first = _Known(*(part[keep:] for part in self._known)), self._known_first + keep
        return mask

    def _append(self, new: Description) -> None:
        known, self._peak = _know(new, self._known, self._peak)
        self._known = known if self._known is None else _Known(*map(np.concatenate, zip(self._known, known)))


def speech_mask(samples: ArrayLike, sample_rate: int) -> Mask:
    """Which 10 ms of a recording are speech.

    Parameters
    ----------
    samples : (frames,) or (channels, frames)
        Channels are averaged.
    sample_rate : int
        Hz, at least 8000.

    Returns
    -------
    (ceil(100 * seconds),) bool

    Raises
    ------
    InputError
        Empty, not finite, or of the wrong shape.
    """
    whole = _mono(samples)
    if not whole.size:
        raise InputError("no samples: speech cannot be looked for in an empty recording")
    stream = SpeechActivity(sample_rate)
    return np.concatenate([stream.push(whole), stream.finish()])


def has_speech(samples: ArrayLike, sample_rate: int, seconds: float = 0.3) -> bool:
    """Whether at least ``seconds`` of a recording are speech."""
    return int(speech_mask(samples, sample_rate).sum()) >= round(seconds * FRAMES)


class _Known(NamedTuple):
    """What decisions rest on, frame by frame. Whole thousandths, so that sums are exact in any order."""

    linked: Whole  # 1: a voice here and in the frame before, pitch continuous
    voiced: Whole
    vowel: Whole  # 1: linked for STEP frames
    pitch: Whole  # octaves above 1 Hz
    shape: Whole  # (frames, bands) dB
    change: Whole  # dB of the spectrum over STEP frames
    glide: Whole  # semitones over STEP frames
    period: Whole
    tilt: Whole  # dB


def _know(new: Description, known: _Known | None, peak: float) -> tuple[_Known, float]:
    """Described frames that follow known ones; and the loudest level so far, slowly forgotten."""
    peaks = np.empty(len(new.level))
    for i, level in enumerate(new.level.tolist()):
        peak = max(level, peak - DECAY / FRAMES)
        peaks[i] = peak
    voiced = (new.period > PERIODIC) & (new.pitch > 0) & (new.level > np.maximum(peaks - BELOW, FLOOR))
    pitch, shape = _whole(np.log2(np.maximum(new.pitch, 1.0))), _whole(new.shape)
    before = [_last(part, known) for part in ("linked", "voiced", "pitch", "shape")]
    ahead = np.concatenate([before[1], voiced.astype(np.int64)])
    pitch = np.concatenate([before[2], pitch])
    shape = np.concatenate([before[3], shape])
    linked = np.zeros_like(ahead)
    linked[1:] = ahead[1:] & ahead[:-1] & (np.abs(np.diff(pitch)) < 1000 * GLIDE)
    linked[:STEP] = before[0]
    held = np.concatenate([[0], np.cumsum(linked)])
    vowel = (held[STEP + 1 :] - held[1:-STEP] == STEP).astype(np.int64)
    change = np.abs(shape[STEP:] - shape[:-STEP]).sum(axis=1) // shape.shape[1]
    glide = 12 * np.abs(pitch[STEP:] - pitch[:-STEP])
    return _Known(
        linked[STEP:], ahead[STEP:], vowel, pitch[STEP:], shape[STEP:], change, glide, _whole(new.period),
        _whole(new.tilt),
    ), peak  # fmt: skip


def _decide(known: _Known, first: int, end: int) -> Mask:
    """Speech or not for known frames ``first`` to ``end``."""
    vowel = known.vowel
    count = _around(vowel, CONTEXT, CONTEXT)
    some = np.maximum(count, 1)

    def mean(values: Whole) -> Samples:
        return _around(values * vowel, CONTEXT, CONTEXT) / (1000.0 * some)

    def variety() -> Samples:
        shape = known.shape * vowel[:, None]
        total, squares = _around(shape, CONTEXT, CONTEXT), _around(shape**2, CONTEXT, CONTEXT)
        return np.sqrt(np.maximum(squares / some[:, None] - (total / some[:, None]) ** 2, 0)).mean(axis=1) / 1000.0

    tilt = mean(known.tilt)
    voice = (vowel > 0) & (count >= ENOUGH) & (mean(known.change) >= SHAPE) & (mean(known.glide) >= MELODY)
    voice &= (mean(known.pitch) <= np.log2(HIGH)) & (tilt >= TILT[0]) & (tilt <= TILT[1])
    voice &= (mean(known.period) >= CLEAR) & (variety() >= VARIETY)
    return _around(voice.astype(np.int64), HOLD[1], HOLD[0] + STEP)[first:end] > 0


def _last(name: str, known: _Known | None) -> Whole:
    """The last STEP known frames, zeros before the first."""
    if known is None:
        return np.zeros((STEP, BANDS) if name == "shape" else STEP, np.int64)
    part = getattr(known, name)[-STEP:]
    return np.concatenate([np.zeros((STEP - len(part), *part.shape[1:]), np.int64), part])


def _whole(values: Samples) -> Whole:
    return np.rint(1000 * values).astype(np.int64)


def _around(values: Whole, before: int, after: int) -> Whole:
    """Sum of the values from ``before`` frames earlier to ``after`` frames later, as far as there are any."""
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    at = np.arange(len(values))
    return total[np.minimum(at + after + 1, len(values))] - total[np.maximum(at - before, 0)]


def _describer(sample_rate: int) -> Describer:
    if sample_rate != int(sample_rate) or sample_rate < 8000:
        raise UsageError(f"speech is looked for at whole sample rates of at least 8000 Hz, not at {sample_rate}")
    return Describer(int(sample_rate))


def _mono(samples: ArrayLike) -> Samples:
    """(frames,) float64 of samples or channels, all finite."""
    array = np.asarray(samples)
    if array.dtype.kind != "f":
        raise InputError(f"samples are {array.dtype}; floating point in -1 … 1 is needed (16-bit integers: / 32768)")
    if array.ndim == 2 and array.shape[0] <= 64:
        array = array.mean(axis=0, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"samples have shape {array.shape}; (frames,) or (channels, frames) is needed")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise InputError("samples that are not finite (NaN or infinity); mend them: numpy.nan_to_num")
    return array
