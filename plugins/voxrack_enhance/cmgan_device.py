"""``enhance.cmgan``: CMGAN as a processor. It hears chunks of some seconds, and is as late.

The network works at 16 kHz. At other rates the signal is resampled for it and back, and what that takes away (above
7.4 kHz, or the last octave's twelfth where the rate is lower) is kept, under the gain that the network gave the octave
below it, smoothed over 80 ms and never above one. Every channel is enhanced on its own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from voxrack import weights
from voxrack.errors import DeviceError
from voxrack.ramps import GLIDE_S, DelayLine, Ramp, blend
from voxrack.resample import Resampler

from .cmgan.chunks import Chunks
from .cmgan.generator import Generator, enhance
from .cmgan.loading import DEVICE, load_generator
from .cmgan.spectrum import FRAME, HOP, RATE, whole_hops

Block = NDArray[np.float32]
_SMOOTH = 13  # frames of 6.25 ms
_QUIET = 1e-10  # mean power of an octave below which its gain says nothing
_KEPT = 0.92  # of the lower Nyquist frequency: what passes the resampler whole


class Cmgan:
    """The processor of ``enhance.cmgan``; parameters as its specification says."""

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values, self.assets = dict(values), dict(assets)
        self.latency = self.tail = 0
        self._generator: Generator | None = None

    @property
    def generator(self) -> Generator:
        """The network; read at first use."""
        if self._generator is None:
            path = self.assets.get("weights")
            self._generator = load_generator(path or weights.find(DEVICE, "voxrack_enhance"))
        return self._generator

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self.generator  # noqa: B018 - now: a file that cannot be used is told before any audio is heard
        length = round(self.values["chunk"] * RATE)
        overlap = min(round(self.values["overlap"] * RATE), length // 2) // 4 * 4
        self._channels, self._rate = channels, sample_rate
        self._wide = sample_rate != RATE
        self._chunks = Chunks(self._answer, channels, channels * (2 if self._wide else 1), length, overlap)
        self.latency = self._chunks.latency
        if self._wide:
            self._down = Resampler(sample_rate, RATE, channels)
            self._up = Resampler(RATE, sample_rate, 2 * channels)
            self._narrow = Resampler(RATE, sample_rate, channels)
            late = (self._up.lag + 2 + self._chunks.latency) * sample_rate / RATE
            self.latency = self._down.lag + math.ceil(late) + 2
        self._strength = Ramp(self.values["strength"], int(GLIDE_S * sample_rate))
        self._start()
        return channels

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value
        if id == "strength" and hasattr(self, "_strength"):
            self._strength.to(value)
            if not self._heard:
                self._strength.jump()

    def reset(self) -> None:
        self._chunks.reset()
        if self._wide:
            for resampler in (self._down, self._up, self._narrow):
                resampler.reset()
        self._strength.jump()
        self._start()

    def _start(self) -> None:
        self._dry = DelayLine(self.latency, self._channels)
        self._found = Queue(self._chunks.rows)
        self._found.put(np.zeros((self._chunks.rows, self.latency), np.float32))
        # what the way through 16 kHz leaves of the signal, to be taken off it; it waits for the network
        width = self._channels if self._wide else 0
        self._left = Queue(width)
        self._left.put(np.zeros((width, self.latency), np.float32))
        self._heard = False
        self._ending = -1  # frames still to be flushed; -1: the signal goes on

    # ---- audio --------------------------------------------------------------------------------
    def process(self, block: Block) -> Block:
        self._heard = self._heard or block.shape[1] > 0
        self._hear(self._down.process(block) if self._wide else block)
        return self._mixed(block, self._found.take(block.shape[1]), self._left.take(block.shape[1]))

    def flush(self, frames: int) -> Block:
        if self._ending < 0:
            self._ending = self.latency
            self._end()
        frames = min(frames, self._ending)
        self._ending -= frames
        found, left = self._found.rest(frames), self._left.rest(frames)
        return self._mixed(np.zeros((self._channels, frames), np.float32), found, left)

    def _hear(self, inner: Block) -> None:
        """A block at 16 kHz: towards the network, and past it."""
        found = self._chunks.push(inner)
        self._found.put(self._up.process(found) if self._wide else found)
        self._left.put(self._narrow.process(inner) if self._wide else inner[:0])

    def _end(self) -> None:
        if self._wide:
            self._hear(self._down.finish())
            self._found.put(self._up.process(self._chunks.finish()))
            self._found.put(self._up.finish())
            self._left.put(self._narrow.finish())
        else:
            self._found.put(self._chunks.finish())

    def _mixed(self, block: Block, found: Block, left: Block) -> Block:
        """The input, late by the latency, with the answer to it: as many frames as ``block`` has."""
        dry = self._dry.process(block)
        if self._wide:
            gain = found[self._channels :].clip(0.0, 1.0)  # resampled, it may overshoot
            found = np.add(found[: self._channels], (dry - left) * gain, dtype=np.float32)
        share = self._strength.take(block.shape[1])
        return np.ascontiguousarray(blend(dry, found, share), np.float32)

    # ---- the network --------------------------------------------------------------------------
    def _answer(self, chunk: Block) -> Block:
        """(channels, samples) at 16 kHz, enhanced; at other rates followed by the gains of what lies above 8 kHz."""
        noisy = torch.from_numpy(chunk)
        found = torch.cat([enhance(self.generator, channel[None]) for channel in noisy])
        if not self._wide:
            return found.numpy()
        return torch.cat((found, upper_gain(noisy, found, min(self._rate, RATE)))).numpy()


def upper_gain(noisy: torch.Tensor, found: torch.Tensor, rate: int) -> torch.Tensor:
    """Gain (B, samples) of what the way through 16 kHz takes away, from (B, samples) before and after: 0 … 1.

    ``rate`` is the lower of the two sample rates: the gain is that of the last octave that was kept.
    """
    before, after = (_last_octave(signal, rate) for signal in (noisy, found))
    gain = torch.where(before > _QUIET, after / before.clamp_min(_QUIET), 0.0).clamp(0.0, 1.0).sqrt()
    return functional.interpolate(gain[:, None], scale_factor=HOP, mode="linear")[:, 0, HOP // 2 :][:, : noisy.shape[1]]


def _last_octave(signal: torch.Tensor, rate: int) -> torch.Tensor:
    """Mean power of that octave in (B, samples), smoothed over time: (B, frames), frames 6.25 ms apart."""
    window = torch.hann_window(FRAME)
    spectrum = torch.stft(whole_hops(signal), FRAME, HOP, window=window, return_complex=True)
    top = max(2, round(_KEPT * rate / 2 / (RATE / FRAME)))
    power = spectrum[:, top // 2 : top].abs().square().mean(1) / window.square().sum()
    return functional.avg_pool1d(power[:, None], _SMOOTH, 1, _SMOOTH // 2, count_include_pad=False)[:, 0]


class Queue:
    """Blocks (rows, any) in, blocks of any length out, in order."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._held = 0
        self._blocks: deque[Block] = deque()

    def put(self, block: Block) -> None:
        if block.shape[1]:
            self._blocks.append(block)
            self._held += block.shape[1]

    def take(self, frames: int) -> Block:
        """The next ``frames``, which must be there."""
        if frames > self._held:
            raise DeviceError(f"enhance.cmgan: its queue ran dry: {self._held} of {frames} frames")
        return self.rest(frames)

    def rest(self, frames: int) -> Block:
        """The next ``frames``, with silence behind the end."""
        out = np.zeros((self.rows, frames), np.float32)
        filled = 0
        while filled < frames and self._blocks:
            block = self._blocks.popleft()
            part = block[:, : frames - filled]
            out[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
            if part.shape[1] < block.shape[1]:
                self._blocks.appendleft(block[:, part.shape[1] :])
        self._held -= filled
        return out
