"""The running desk, part two: inserts, buses fed by sends, their sum and the master, all aligned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .channels import sum_width, to_mono, to_width
from .device import Block
from .nodes import ChainNode, Countdown, Tap, chain_of
from .ramps import GLIDE_S, DelayLine, Ramp, gain_of

if TYPE_CHECKING:
    from .bus import Bus
    from .rack import Rack


class Fader:
    """A gain that follows a level in dB, gliding."""

    def __init__(self, level_db: float, sample_rate: int) -> None:
        self._level = level_db
        self._gain = Ramp(gain_of(level_db), int(GLIDE_S * sample_rate))

    def scale(self, block: Block, level_db: float) -> Block | None:
        """The block at that level; None where it is off."""
        if level_db != self._level:
            self._level = level_db
            self._gain.to(gain_of(level_db))
        gain = self._gain.take(block.shape[1])
        if isinstance(gain, float):
            if gain == 1.0:
                return block
            if gain == 0.0:
                return None
            gain = np.float32(gain)
        return block * gain

    def reset(self, level_db: float) -> None:
        self._level = level_db
        self._gain.to(gain_of(level_db))
        self._gain.jump()


class Source:
    """One signal on its way into a sum: aligned by a delay, scaled by a fader."""

    def __init__(self, delay: int, channels: int, level_db: float, sample_rate: int) -> None:
        self._line = DelayLine(delay, channels)
        self._fader = Fader(level_db, sample_rate)

    def add_to(self, total: Block | None, block: Block, level_db: float) -> Block | None:
        """``total`` plus this signal, never in the signal's own memory; None stands for silence."""
        scaled = self._fader.scale(self._line.process(block), level_db)
        if scaled is None:
            return total
        if total is not None:
            return total + scaled
        return scaled.copy() if scaled is block else scaled

    def reset(self, level_db: float) -> None:
        self._line.reset()
        self._fader.reset(level_db)


class BusNode:
    """A bus: the sum of what is sent to it, through its chain."""

    def __init__(self, bus: Bus, chain: ChainNode) -> None:
        self.bus = bus
        self.chain = chain
        self.senders: list[tuple[BusNode | None, Source]] = []  # None: the inserts
        self.width = self.out_width = 1  # channels of the sum that enters, and of what leaves
        self.latency = 0  # up to its output
        self.tail: float = 0
        self.fader: Fader
        self.out: Block  # of the present block


class Desk:
    """A rack made ready for one sample rate and channel count.

    Parameters
    ----------
    rack : Rack
        Levels, sends and slots are read from it at every block, so changes are heard.
    taps : dict of str to Tap
        By slot name, and ``"in"``.
    """

    def __init__(self, rack: Rack, taps: dict[str, Tap]) -> None:
        self.rack = rack
        self._taps = taps

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        rack = self.rack
        if "in" in self._taps:
            self._taps["in"].prepare(sample_rate, channels, 0)
        shift = round(rack.offset * 1e-3 * sample_rate)
        width = 1 if rack.input == "mono" else channels
        self._shift = DelayLine(max(0, shift), width)
        self._inserts = chain_of(list(rack.inserts), sample_rate, self._taps)
        width = self._inserts.prepare(sample_rate, width, max_frames)
        self._buses: list[BusNode] = []
        for bus in rack.buses:
            self._buses.append(self._ready_bus(bus, width, sample_rate, max_frames))
        latest = max([node.latency for node in self._buses] + [self._inserts.latency])
        self._dry = Source(latest - self._inserts.latency, width, rack.dry, sample_rate)
        self._returns = [(n, Source(latest - n.latency, n.out_width, 0.0, sample_rate)) for n in self._buses]
        self._width = sum_width([node.out_width for node in self._buses] + [width], "the rack")
        taps = {place.removeprefix("master."): tap for place, tap in self._taps.items() if place.startswith("master.")}
        self._master = chain_of(list(rack.master), sample_rate, taps)
        out = self._master.prepare(sample_rate, self._width, max_frames, latest)
        # input moved ahead of time (a negative offset) is output that comes too late by as much
        self.latency = latest + self._master.latency + max(0, -shift)
        tail = self._inserts.tail + max([n.tail for n in self._buses], default=0) + self._master.tail + max(0, shift)
        self.tail = tail if math.isinf(tail) else math.ceil(tail)
        self._max = max_frames
        self._late = Countdown(max(0, shift))
        self._ending = Countdown(self.latency + self.tail)
        return out

    def _ready_bus(self, bus: Bus, width: int, sample_rate: int, max_frames: int) -> BusNode:
        """A bus behind the inserts (of ``width`` channels) and the buses before it, its sources aligned."""
        node = BusNode(bus, chain_of(list(bus.chain), sample_rate, self._taps))
        feeding = [earlier for earlier in self._buses if bus.name in earlier.bus.sends]
        sent = bus.name in self.rack.sends
        latest = max([earlier.latency for earlier in feeding] + [self._inserts.latency])
        if sent:
            late = latest - self._inserts.latency
            node.senders.append((None, Source(late, width, self.rack.sends[bus.name], sample_rate)))
        for earlier in feeding:
            late = latest - earlier.latency
            node.senders.append((earlier, Source(late, earlier.out_width, earlier.bus.sends[bus.name], sample_rate)))
        widths = [earlier.out_width for earlier in feeding] + ([width] if sent else [])
        node.width = sum_width(widths, f"bus '{bus.name}'")
        node.out_width = node.chain.prepare(sample_rate, node.width, max_frames, latest)
        node.latency = latest + node.chain.latency
        node.tail = node.chain.tail + max([earlier.tail for earlier in feeding], default=0)
        node.fader = Fader(bus.level, sample_rate)
        return node

    def process(self, block: Block) -> Block:
        if "in" in self._taps:
            self._taps["in"].push(block)
        block = np.array(block, np.float32, order="C")  # the caller's memory stays the caller's
        if self.rack.input == "mono":
            block = to_mono(block)
        if self._shift.frames:
            block = self._shift.process(block)
        return self._mix(self._inserts.process(block))

    def _mix(self, insert: Block) -> Block:
        frames = insert.shape[1]
        for node in self._buses:
            total: Block | None = None
            for sender, source in node.senders:
                if sender is None:
                    total = source.add_to(total, insert, self.rack.sends[node.bus.name])
                else:
                    total = source.add_to(total, sender.out, sender.bus.sends[node.bus.name])
            entering = np.zeros((node.width, frames), np.float32) if total is None else to_width(total, node.width)
            leaving = node.chain.process(entering)
            scaled = node.fader.scale(leaving, node.bus.level)
            node.out = np.zeros_like(leaving) if scaled is None else scaled
        total = self._dry.add_to(None, insert, self.rack.dry)
        for node, source in self._returns:
            total = source.add_to(total, node.out, 0.0)
        mixed = np.zeros((self._width, frames), np.float32) if total is None else to_width(total, self._width)
        out = self._master.process(mixed)
        return out if out is mixed else out.copy()  # a device may use its memory again

    def flush(self, frames: int) -> Block:
        """What follows the input: the inserts' own end, then silence into buses and master."""
        frames = self._ending.take(frames)
        parts: list[Block] = []
        done = 0
        while done < frames:  # the nodes were made ready for at most self._max frames
            step = min(self._max, frames - done)
            parts.append(self._flush_step(step))
            done += step
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._master.width, 0), np.float32)

    def _flush_step(self, frames: int) -> Block:
        late = self._late.take(frames)  # what still stands in the input's delay line
        silence = np.zeros((self._shift.channels, late), np.float32)
        inserted = [self._inserts.process(self._shift.process(silence)).copy()] if late else []
        inserted.append(self._inserts.flush(frames - late))
        insert = np.concatenate(inserted, axis=1)
        if insert.shape[1] < frames:
            insert = np.pad(insert, ((0, 0), (0, frames - insert.shape[1])))
        return self._mix(insert)

    def reset(self) -> None:
        rack = self.rack
        self._shift.reset()
        self._inserts.reset()
        for node in self._buses:
            node.chain.reset()
            node.fader.reset(node.bus.level)
            for sender, source in node.senders:
                source.reset((rack.sends if sender is None else sender.bus.sends)[node.bus.name])
        self._dry.reset(rack.dry)
        for _, source in self._returns:
            source.reset(0.0)
        self._master.reset()
        self._late.reset()
        self._ending.reset()
