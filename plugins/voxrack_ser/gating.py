"""Where there is speech to judge: a gate that silence, noise and music do not open.

Pitch and level are measured every 10 ms as the signal comes in. A frame is *voiced* where the signal repeats itself
(correlation above 0.7) for 50 ms or more and is no more than 40 dB below what was heard before. A window with voiced
frames is speech unless it is too even: a voice's level swings by syllables, and its pitch is never still, while that of
an instrument keeps a note to within 4 cents from frame to frame. Measured on windows of 1.5 s: speech of RAVDESS,
TESS and LibriSpeech opens it in 94, 98 and 92 %, the 60 noises of `speechdnn` in 2 %, rain, sea, helicopter and
chainsaw in none, nor synthetic music; a crying baby does in 62 %, a barking dog in 19 %.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack.features import pitch

LOW_RATE = 8000  # Hz, about: pitch needs no more
HOP = 0.01  # s
SPAN = 0.03  # s that are compared with what follows a period later
LOWEST, HIGHEST = 70.0, 500.0  # Hz
PIECE, MARGIN = 50, 5  # frames that are measured at a time, and the neighbours that they need on either side
VOICED, RUN = 0.7, 5  # correlation, frames
RANGE, FLOOR, DECAY = 40.0, -85.0, 0.02  # dB below the loudest, dBFS, dB that the loudest is forgotten in a frame
STILL, MOST_STILL = 4.0, 0.45  # cents from frame to frame, and the share of such frames that is music
SWING = 3.5  # dB, standard deviation of the level within a window
SPREAD = 5  # frames round voiced ones that belong to speech: its consonants


class SpeechGate:
    """Tells of a mono signal which windows hold speech. The answers do not depend on how the signal was cut.

    Parameters
    ----------
    sample_rate : int

    Attributes
    ----------
    latency : int
        Samples that a frame is decided late, at the most.
    decided : int
        Samples of the signal that are decided.
    """

    def __init__(self, sample_rate: int) -> None:
        self._factor = max(1, sample_rate // LOW_RATE)
        self._rate = sample_rate / self._factor  # of what is measured
        self._step = max(1, round(HOP * self._rate))
        self._frame = self._step * self._factor  # samples of the signal between frames
        self._seconds = self._frame / sample_rate
        self._held = np.zeros(MARGIN * self._step, np.float32)  # low-rate samples; silence before the first
        self._rest = np.zeros(0, np.float32)  # samples that do not fill a low-rate one
        self._loudest = -np.inf
        self._first = 0  # number of the frame at which the arrays below begin
        self._level = np.zeros(0)
        self._pitch = np.zeros(0)
        self._voiced = np.zeros(0, bool)
        self._speech = np.zeros(0, bool)
        self._total = 0  # frames of speech that were forgotten
        self.latency = (PIECE + 2 * MARGIN) * self._frame

    @property
    def decided(self) -> int:
        # a run of voiced frames may still begin in the last few frames, and their neighbours become speech
        return max(0, self._first + len(self._level) - RUN - SPREAD) * self._frame

    def push(self, samples: NDArray[np.float32]) -> None:
        """The next samples, shape (n,)."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // self._factor * self._factor
        self._rest = joined[whole:]
        low = joined[:whole].reshape(-1, self._factor).mean(axis=1)
        self._held = np.concatenate((self._held, low))
        wanted = (PIECE + 2 * MARGIN) * self._step
        while len(self._held) >= wanted:
            self._measure(self._held[:wanted])
            self._held = self._held[PIECE * self._step :]

    def finish(self) -> None:
        """The signal has ended: measure what is left."""
        left = len(self._held) - MARGIN * self._step
        while left > 0:
            wanted = (PIECE + 2 * MARGIN) * self._step
            piece = np.pad(self._held[:wanted], (0, max(0, wanted - len(self._held))))
            self._measure(piece, min(PIECE, -(-left // self._step)))
            self._held, left = self._held[PIECE * self._step :], left - PIECE * self._step
        empty = np.zeros(RUN + SPREAD)
        self._append(empty - np.inf, empty, empty.astype(bool))

    def open(self, start: int, stop: int) -> float:
        """Seconds of speech in a window of the signal, samples ``start`` to ``stop``; 0 where it is noise or music.

        Windows are asked for in order of their starts; what lies before one is forgotten.
        """
        low, high = start // self._frame, -(-stop // self._frame)
        self._forget(low)
        inside = slice(low - self._first, high - self._first)
        voiced = self._runs()[inside]
        if not voiced.any():
            return 0.0
        f0, level = self._pitch[inside], self._level[inside]
        moved = np.abs(1200 * np.diff(np.log2(np.where(voiced, f0, LOWEST))))[voiced[1:] & voiced[:-1]]
        swing = np.maximum(level, level.max() - RANGE).std()
        if swing < SWING or (moved < STILL).mean() > MOST_STILL:
            return 0.0
        spread = np.convolve(voiced, np.ones(2 * SPREAD + 1), "same") > 0.5
        self._speech[inside] |= spread
        return float(spread.sum() * self._seconds)

    @property
    def total(self) -> float:
        """Seconds of speech in all windows that were asked for."""
        return float((self._total + self._speech.sum()) * self._seconds)

    # ---- measuring ----------------------------------------------------------------------------
    def _measure(self, piece: NDArray[np.float32], count: int = PIECE) -> None:
        """Pitch and level of ``count`` frames of low-rate samples that begin and end with a margin."""
        with torch.inference_mode():
            signal = torch.from_numpy(np.ascontiguousarray(piece, np.float32))
            f0, sure = pitch(signal, self._rate, f_min=LOWEST, f_max=HIGHEST, hop=self._step / self._rate, window=SPAN)
        inside = slice(MARGIN, MARGIN + count)
        centres = np.arange(MARGIN, MARGIN + count) * self._step
        reach = np.arange(-self._step, 2 * self._step)
        around = piece[centres[:, None] + reach].astype(np.float64)
        level = 10 * np.log10(around.var(axis=1) + 1e-12)
        fading = DECAY * np.arange(1, count + 1)
        loudest = np.maximum.accumulate(np.concatenate(([self._loudest], level + fading)))[1:] - fading
        self._loudest = float(loudest[-1])
        f0, sure = f0.numpy()[inside], sure.numpy()[inside]
        self._append(level, f0, (sure > VOICED) & (f0 > 0) & (level > np.maximum(FLOOR, loudest - RANGE)))

    def _append(self, level: NDArray, f0: NDArray, voiced: NDArray[np.bool_]) -> None:
        self._level = np.concatenate((self._level, level))
        self._pitch = np.concatenate((self._pitch, f0))
        self._voiced = np.concatenate((self._voiced, voiced))
        self._speech = np.concatenate((self._speech, np.zeros(len(level), bool)))

    def _runs(self) -> NDArray[np.bool_]:
        """Voiced frames in runs of :data:`RUN` or more."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self._voiced.astype(np.int8), [0]))))
        out = np.zeros(len(self._voiced), bool)
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            out[begin:end] = end - begin >= RUN
        return out

    def _forget(self, frame: int) -> None:
        """Drop what lies before a frame, but for the run of voiced frames that may reach into it."""
        drop = frame - RUN - self._first
        if drop <= 0:
            return
        self._total += int(self._speech[:drop].sum())
        self._level, self._pitch = self._level[drop:], self._pitch[drop:]
        self._voiced, self._speech = self._voiced[drop:], self._speech[drop:]
        self._first += drop
