"""A stand-in for an enhancer: a spectral gate that streams, with latency, and has nothing to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voxrack.device import DeviceSpec
from voxrack.params import Param

FRAME, HOP = 512, 256
WINDOW = np.sqrt(np.hanning(FRAME + 1)[:-1]).astype(np.float32)


class Gate:
    """Attenuates each bin that is not well above the lowest power it had lately."""

    latency = FRAME
    tail = 0

    def __init__(self, values, needs, assets):
        self.floor = values["floor"]

    def prepare(self, sample_rate, channels, max_frames):
        self.channels = channels
        self.reset()
        return channels

    def reset(self):
        self.heard = np.zeros((self.channels, FRAME - HOP), np.float32)
        self.made = np.zeros((self.channels, FRAME), np.float32)  # overlapped, of which the first HOP are complete
        self.ready = np.zeros((self.channels, HOP), np.float32)
        self.lowest = np.full((self.channels, FRAME // 2 + 1), 1e-3, np.float32)
        self.left = self.latency

    def set(self, id, value):
        self.floor = value

    def process(self, block):
        self.heard = np.concatenate((self.heard, block), axis=1)
        out = [self.ready]
        while self.heard.shape[1] >= FRAME:
            spectrum = np.fft.rfft(self.heard[:, :FRAME] * WINDOW)
            power = np.abs(spectrum) ** 2
            self.lowest = np.minimum(1.02 * self.lowest, power + 1e-9)
            gain = np.maximum(1 - 6 * self.lowest / (power + 1e-9), self.floor)
            self.made += np.fft.irfft(spectrum * gain) * WINDOW
            out.append(self.made[:, :HOP].copy())
            self.made = np.concatenate((self.made[:, HOP:], np.zeros((self.channels, HOP), np.float32)), axis=1)
            self.heard = self.heard[:, HOP:]
        joined = np.concatenate(out, axis=1).astype(np.float32)
        self.ready = joined[:, block.shape[1] :]
        return np.ascontiguousarray(joined[:, : block.shape[1]])

    def flush(self, frames):
        now = min(frames, self.left)
        self.left -= now
        return self.process(np.zeros((self.channels, now), np.float32))


class WholeGate:
    """The same for a signal in one piece."""

    def __init__(self, values, needs, assets):
        self.values = values

    def convert(self, signal, sample_rate, progress):
        gate = Gate(self.values, {}, {})
        gate.prepare(sample_rate, len(signal), 0)
        joined = np.concatenate((gate.process(signal), gate.flush(FRAME)), axis=1)
        return joined[:, FRAME:]


SPEC = DeviceSpec(
    "toy.gate", "processor", "ser.spectral_gate:Gate", (Param("floor", 0.1, help="lowest gain"),), role="enhancer",
    title="Gate",
)  # fmt: skip
WHOLE = replace(SPEC, id="toy.whole_gate", factory="ser.spectral_gate:WholeGate", streaming=False)
