"""The running desk, part one: a slot, a run of slots, a run of slots at another sample rate.

Every node fulfils the processor protocol, so nodes nest. ``flush`` of a node returns at most the
frames asked for, and in all ``latency + tail`` frames.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .channels import fit, to_width, width_for
from .device import Block
from .errors import DeviceError
from .instance import AnalyzerDevice
from .ramps import GLIDE_S, DelayLine, Ramp, blend
from .resample import Resampler, nearest_rate

if TYPE_CHECKING:
    from .slots import Slot


class Node(Protocol):
    """What the desk runs."""

    latency: int
    tail: int | float

    def prepare(self, sample_rate: int, channels: int, max_frames: int, before: int = 0) -> int: ...
    def process(self, block: Block) -> Block: ...
    def flush(self, frames: int) -> Block: ...
    def reset(self) -> None: ...


class Tap:
    """An analyzer that listens to a signal, with the latency up to there taken off."""

    def __init__(self, analyzer: AnalyzerDevice) -> None:
        self.analyzer = analyzer
        self._skip = 0

    def prepare(self, sample_rate: int, channels: int, latency: int) -> None:
        self.analyzer.prepare(sample_rate, channels)
        self._skip = latency

    def push(self, block: Block) -> None:
        skipped = min(self._skip, block.shape[1])
        self._skip -= skipped
        if skipped < block.shape[1]:
            self.analyzer.hear(block[:, skipped:])


class Countdown:
    """How many frames are still to come after the input has ended."""

    def __init__(self, total: int | float) -> None:
        self._total = self._left = total

    def take(self, frames: int) -> int:
        now = frames if self._left >= frames else int(self._left)
        self._left -= now
        return now

    def reset(self) -> None:
        self._left = self._total


class SlotNode:
    """One device with its bypass and its dry/wet mix, aligned with each other.

    A slot that is bypassed for longer than the glide feeds its device no more; switched on again, the
    device starts from silence under the glide.
    """

    def __init__(self, slot: Slot, tap: Tap | None = None) -> None:
        self.slot = slot
        self._tap = tap
        self.latency = 0
        self.tail: int | float = 0

    def prepare(self, sample_rate: int, channels: int, max_frames: int, before: int = 0) -> int:
        device = self.slot.device
        self._width = width_for(channels, device.spec.channels, f"slot '{self.slot.name}' ({device.spec.id})")
        out = device.prepare(sample_rate, self._width, max_frames)
        # a device that narrows the signal (stereo in, mono out) must not narrow the dry part beside it
        self._out = max(out, channels) if 1 in (out, channels) else out
        self._direct = self._width == channels and self._out == out
        self.latency, self.tail = device.latency, device.tail
        self._dry = DelayLine(self.latency, channels)
        self._mix = Ramp(self._wanted(), int(GLIDE_S * sample_rate))
        self._idle = self._wanted() == 0.0
        self._ending = Countdown(self.latency + self.tail)
        self._plain = False
        if self._tap is not None:
            self._tap.prepare(sample_rate, self._out, before + self.latency)
        return self._out

    def _wanted(self) -> float:
        return 0.0 if self.slot.bypass else self.slot.mix

    def process(self, block: Block) -> Block:
        if self._plain and self.slot.mix == 1.0 and not self.slot.bypass:  # nothing to blend: the usual case
            if self.latency:
                self._dry.remember(block)
            if self._direct:
                return self.slot.device.process(block)
            return to_width(self.slot.device.process(fit(block, self._width)), self._out)
        return self._listen(self._blend(block, None))

    def flush(self, frames: int) -> Block:
        frames = self._ending.take(frames)
        silence = np.zeros((self._dry.channels, frames), np.float32)
        return self._listen(self._blend(silence, frames))

    def _blend(self, block: Block, flushing: int | None) -> Block:
        wanted = self._wanted()
        if wanted != self._mix.target:
            if self._idle:
                self.slot.device.reset()
            self._mix.to(wanted)
            self._idle = self._plain = False
        frames = block.shape[1]
        dry = self._dry.process(block)
        if self._idle:
            return to_width(dry, self._out)
        if dry is block:  # a device that works in the memory it is given must not change the dry part
            dry = block.copy()
        wet = self._wet(block, flushing)
        mix = self._mix.take(frames)
        if isinstance(mix, float):
            self._idle = mix == 0.0
            self._plain = mix == 1.0 and self._tap is None
            if mix == 1.0:
                return to_width(wet, self._out)
        return blend(to_width(dry, self._out), to_width(wet, self._out), mix)

    def _wet(self, block: Block, flushing: int | None) -> Block:
        if flushing is None:
            return self.slot.device.process(fit(block, self._width))
        wet = self.slot.device.flush(flushing)
        if wet.shape[1] < flushing:
            wet = np.pad(wet, ((0, 0), (0, flushing - wet.shape[1])))
        return wet

    def _listen(self, block: Block) -> Block:
        if self._tap is not None and block.shape[1]:
            self._tap.push(block)
        return block

    def reset(self) -> None:
        self.slot.device.reset()
        self._dry.reset()
        self._mix.to(self._wanted())
        self._mix.jump()
        self._ending.reset()
        self._idle = self._wanted() == 0.0
        self._plain = False


class ChainNode:
    """Nodes one after the other."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.latency = 0
        self.tail: int | float = 0

    def prepare(self, sample_rate: int, channels: int, max_frames: int, before: int = 0) -> int:
        self.latency, self.tail = 0, 0
        for node in self.nodes:
            channels = node.prepare(sample_rate, channels, max_frames, before + self.latency)
            self.latency += node.latency
            self.tail += node.tail
        self.width = channels
        self._over = 0  # this many of the first nodes have given their last frame
        return channels

    def process(self, block: Block) -> Block:
        for node in self.nodes:
            block = node.process(block)
        return block

    def flush(self, frames: int) -> Block:
        """Nodes in front that still sound feed those behind; the first of the rest is flushed itself."""
        block: Block | None = None
        for index, node in enumerate(self.nodes):
            if index < self._over:
                continue
            out = node.process(block) if block is not None and block.shape[1] else None
            if index == self._over:
                have = 0 if out is None else out.shape[1]
                if out is None:
                    out = node.flush(frames)
                else:  # copied first: a device may give the same memory again
                    out = np.concatenate((out.copy(), node.flush(frames - have)), axis=1)
                if out.shape[1] < frames:
                    self._over += 1
            block = out
        return np.zeros((self.width, 0), np.float32) if block is None else block

    def reset(self) -> None:
        self._over = 0
        for node in self.nodes:
            node.reset()


class RateNode:
    """A run of slots at their own sample rate inside a desk at another.

    Down (or up), through the slots, and back, out of a queue filled in advance with as much silence as
    the way there and back can hold up: the latency is that number, whole and constant. A latency of the
    slots themselves is taken off at their rate, so nothing is left misaligned by a fraction of a sample.
    """

    def __init__(self, chain: ChainNode, rate: int) -> None:
        self.chain = chain
        self.rate = rate
        self.latency = 0
        self.tail: int | float = 0

    def prepare(self, sample_rate: int, channels: int, max_frames: int, before: int = 0) -> int:
        most = math.ceil(max_frames * self.rate / sample_rate) + 2
        self._inner_max = most
        # the way down is of zero phase: for a tap inside, what came before is late by as much time as outside
        self._out = self.chain.prepare(self.rate, channels, most, round(before * self.rate / sample_rate))
        self._down = Resampler(sample_rate, self.rate, channels)
        self._up = Resampler(self.rate, sample_rate, self._out)
        ratio = sample_rate / self.rate
        held = self._down.lag + math.ceil((self._up.lag + 2 + self.chain.latency) * ratio) + 2
        self.latency = held
        self.tail = self.chain.tail if math.isinf(self.chain.tail) else math.ceil(self.chain.tail * ratio)
        self._ending = Countdown(self.latency + self.tail)
        self._start()
        return self._out

    def _start(self) -> None:
        self._queue = np.zeros((self._out, self.latency), np.float32)
        self._skip = self.chain.latency
        self._ended = False
        self._ending.reset()

    def reset(self) -> None:
        self.chain.reset()
        self._down.reset()
        self._up.reset()
        self._start()

    def process(self, block: Block) -> Block:
        self._through(self._down.process(block))
        return self._take(block.shape[1])

    def _through(self, inner: Block) -> None:
        for start in range(0, inner.shape[1], self._inner_max):
            piece = np.ascontiguousarray(inner[:, start : start + self._inner_max])
            self._back(self.chain.process(piece))

    def _back(self, inner: Block) -> None:
        skipped = min(self._skip, inner.shape[1])
        self._skip -= skipped
        if skipped < inner.shape[1]:
            self._queue = np.concatenate((self._queue, self._up.process(inner[:, skipped:])), axis=1)

    def _take(self, frames: int) -> Block:
        if self._queue.shape[1] < frames:
            raise DeviceError(
                f"the queue around the {self.rate} Hz devices ran dry: {self._queue.shape[1]} of {frames}"
            )
        out, self._queue = self._queue[:, :frames], self._queue[:, frames:]
        return np.ascontiguousarray(out)

    def flush(self, frames: int) -> Block:
        frames = self._ending.take(frames)
        if not self._ended:
            self._ended = True
            self._through(self._down.finish())
        while self._queue.shape[1] < frames:
            inner = self.chain.flush(self._inner_max)
            if inner.shape[1] < self._inner_max:  # over: silence pushes the rest through the filter
                inner = np.pad(inner, ((0, 0), (0, self._inner_max - inner.shape[1])))
            self._back(inner)
        return self._take(frames)


def chain_of(slots: list[Slot], sample_rate: int, taps: dict[str, Tap]) -> ChainNode:
    """Nodes for a run of slots; neighbours with one native rate share one way there and back."""
    nodes: list[Node] = []
    for slot in slots:
        rate = nearest_rate(slot.device.spec.rates, sample_rate)
        node = SlotNode(slot, taps.get(slot.name))
        if rate == sample_rate:
            nodes.append(node)
        elif nodes and isinstance(nodes[-1], RateNode) and nodes[-1].rate == rate:
            nodes[-1].chain.nodes.append(node)
        else:
            nodes.append(RateNode(ChainNode([node]), rate))
    return ChainNode(nodes)
