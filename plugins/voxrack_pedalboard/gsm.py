"""GSM 06.10 over pedalboard, which cannot stream it.

Between two calls pedalboard clears the 20 ms of signal that its GSM codec holds back (with blocks of less than
20 ms nothing but silence comes out). So every segment of 0.2 s is made in a call of its own, with 0.4 s of
the past in front, over which the codec's memory forgets where it started, and 20 ms of the future behind;
neighbours are faded over 5 ms. Segments begin on whole frames of the codec, so theirs are the frames of a
single call. As in pedalboard, channels are averaged and every one gets the same result.
"""

from __future__ import annotations

import math

import numpy as np
import pedalboard

from voxrack.device import Block

from .base import Streaming
from .native import feed

_FRAMES_A_SECOND = 50  # of the codec
_PAST_S, _SEGMENT_S, _FUTURE_S, _FADE_S = 0.4, 0.2, 0.02, 0.005


class GSMFullRateCompressor(Streaming):
    device = "pedalboard.gsm_full_rate_compressor"

    def _prepared(self) -> int:
        unit = self.rate // math.gcd(self.rate, _FRAMES_A_SECOND)  # the fewest samples that hold whole codec frames
        self._past, self._segment, self._future = (
            math.ceil(seconds * self.rate / unit) * unit for seconds in (_PAST_S, _SEGMENT_S, _FUTURE_S)
        )
        self._fade = max(1, int(_FADE_S * self.rate))
        self.latency = self._segment + self._future - 1
        quality = pedalboard.Resample.Quality.__members__[self.values["quality"]]
        self._codec = pedalboard.GSMFullRateCompressor(quality=quality)
        return self.channels

    def _restarted(self) -> None:
        self._heard = np.zeros(0, np.float32)  # at most _past samples before the next segment
        self._waiting = np.zeros(0, np.float32)
        self._ready = np.zeros(self.latency, np.float32)
        self._before = np.zeros(0, np.float32)  # how the segment before would have gone on

    def process(self, block: Block) -> Block:
        self._waiting = np.concatenate((self._waiting, block.mean(axis=0, dtype=np.float32)))
        pieces = [self._ready]
        while self._waiting.size >= self._segment + self._future:
            pieces.append(self._coded())
        ready = np.concatenate(pieces)
        self._ready = ready[block.shape[1] :]
        return np.repeat(ready[np.newaxis, : block.shape[1]], self.channels, axis=0)

    def _coded(self) -> Block:
        segment, past = self._segment, self._heard.size
        signal = np.concatenate((self._heard, self._waiting[: segment + self._future]))
        out = feed(self._codec, signal[np.newaxis], self.rate, reset=True)[0, past:]
        new = out[:segment].copy()
        fade = self._before.size
        if fade:
            new[:fade] = self._before + np.linspace(0.0, 1.0, fade, dtype=np.float32) * (new[:fade] - self._before)
        self._before = out[segment : segment + self._fade].copy()
        self._heard = signal[: past + segment][-self._past :]
        self._waiting = self._waiting[segment:]
        return new

    def _tail_s(self) -> float:
        return 0.04  # two frames of the codec
