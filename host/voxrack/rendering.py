"""Running a rack: over blocks (`stream`), over audio in memory (`render`), over files (`render_file`)."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .audio import Audio
from .device import Block, Progress, Track
from .errors import InputError, RoutingError, UsageError
from .instance import AnalyzerDevice
from .rack import Rack, as_rack
from .whole import convert_through

TAIL_DB = -90.0  # dBFS: below this the tail counts as silent
TAIL_HOLD_S = 1.0  # how long it must stay there
TAIL_MOST_S = 30.0
BLOCK = 4096  # samples: large enough that the host's share vanishes, small enough for the cache
_MOST = 16_384  # larger blocks are cut: what a device prepares its buffers for

Event = tuple[int, str, Any]  # input sample, address, value
Taps = Mapping[str, AnalyzerDevice]


def stream(
    rack: Any, blocks: Iterable[Block], sample_rate: int, *, tail: bool = True, taps: Taps | None = None,
    events: Iterable[Event] = (),
) -> Iterator[Block]:  # fmt: skip
    """Run a rack over blocks of any size; its latency is taken off, its tail appended.

    Parameters
    ----------
    rack : Rack, Chain, Device
    blocks : iterable of ndarray, shape (channels, frames)
        Any sizes; the number of channels stays.
    sample_rate : int
        In Hz.
    tail : bool
        Go on after the input ends until the output has stayed below -90 dBFS for one second, at most
        30 s. False: as many frames out as in.
    taps : mapping, optional
        ``"in"``, ``"out"`` or a slot's prefix to a created analyzer; call its ``finish()`` afterwards.
    events : iterable of (sample, address, value)
        Automation: each takes effect at that input sample.

    Yields
    ------
    ndarray, shape (output channels, any), float32

    Raises
    ------
    RoutingError
        Where a device wants the whole signal (named), or channels do not add up.
    InputError
        For an empty input, a changing number of channels, NaN or infinity.
    """
    rack = as_rack(rack)
    inner = {place: analyzer for place, analyzer in (taps or {}).items() if place != "out"}
    listener = (taps or {}).get("out")
    pending = deque(sorted(events, key=lambda event: event[0]))
    _check_events(rack, pending)
    trim: _Trim | None = None
    channels, seen = 0, 0
    for block in blocks:
        block = _checked(block, channels, seen, sample_rate)
        if trim is None:
            channels = block.shape[0]
            _apply(rack, pending, 0)
            width = rack.prepare(sample_rate, channels, _MOST, inner)
            trim = _Trim(rack.latency, sample_rate)
            if listener is not None:
                listener.prepare(sample_rate, width)
        for piece in _pieces(rack, block, pending, seen):
            yield from _heard(trim.after(rack.process(piece)), listener)
        seen += block.shape[1]
    if trim is None or seen == 0:
        raise InputError("the input holds no samples; give at least one")
    for out in trim.ending(rack, seen, tail):
        yield from _heard(out, listener)


def render(
    rack: Any, audio: Audio, *, block: int = BLOCK, tail: bool = True, taps: Taps | None = None,
    events: Iterable[Event] = (), progress: Progress | None = None,
) -> Audio:  # fmt: skip
    """Run a rack over audio in memory. Parameters as :func:`stream`; ``block`` in samples.

    Whole-signal devices among the inserts are given what comes before them in one piece.

    Returns
    -------
    Audio
        Latency removed, tail appended, same sample rate.
    """
    if block < 1:
        raise UsageError(f"block is {block}; it takes 1 or more samples")
    source = _sliced(audio.samples, block, progress)
    parts = list(_through(as_rack(rack), source, audio.sample_rate, tail, taps, events))
    return Audio(np.concatenate(parts, axis=1), audio.sample_rate)


@dataclass(frozen=True)
class Report:
    """What :func:`render_file` did. Peaks are linear; ``tail`` counts appended frames."""

    source: Path
    target: Path
    sample_rate: int
    channels_in: int
    channels_out: int
    frames_in: int
    frames_out: int
    latency: int
    tail: int
    seconds: float
    times_real_time: float
    peak_in: float
    peak_out: float
    clipped: int
    notes: tuple[str, ...] = ()


def render_file(
    rack: Any, source: str | Path, target: str | Path, *, block: int = BLOCK, tail: bool = True,
    taps: Taps | None = None, subtype: str | None = None, progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Run a rack over a file in constant memory; the target is written whole or not at all.

    Parameters
    ----------
    source, target : path
        The target's suffix decides its format; ``subtype`` its sample format (``"PCM_24"``).
    progress : callable, optional
        Called with the share of the input that is done, 0 … 1.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        Where the source cannot be read or holds NaN; where the target cannot be written.
    UsageError
        Where source and target are one file.
    """
    from . import files

    rack, source, target = as_rack(rack), Path(source), Path(target)
    info = files.info(source)
    if target.exists() and target.resolve() == source.resolve():
        raise UsageError(f"'{target}' is the input itself; name another output")
    started = time.perf_counter()
    meter_in, meter_out = _Meter(), _Meter()
    reading = _counted(files.blocks(source, block), info.frames, meter_in, progress)
    heard = _through(rack, reading, info.sample_rate, tail, taps, ())
    first = next(heard, None)
    assert first is not None  # stream raises where there is no sample
    with files.Writer(target, info.sample_rate, first.shape[0], subtype) as writer:
        for out in _chained(first, heard):
            meter_out.see(out)
            writer.write(out)
    seconds = time.perf_counter() - started
    return Report(
        source, target, info.sample_rate, info.channels, first.shape[0], meter_in.frames, meter_out.frames, rack.latency,
        max(0, meter_out.frames - meter_in.frames), seconds, meter_in.frames / info.sample_rate / max(seconds, 1e-9),
        meter_in.peak, meter_out.peak, writer.clipped, (*info.warnings, *rack.notes(info.sample_rate)),
    )  # fmt: skip


def analyze(analyzer: AnalyzerDevice, source: Audio | str | Path, *, progress: Progress | None = None) -> tuple[Track, ...]:
    """Run an analyzer over audio or a file.

    Returns
    -------
    tuple of Track
    """
    if not isinstance(analyzer, AnalyzerDevice):
        raise UsageError(f"expected an analyzer made by Host.create(…); got {analyzer!r}")
    if isinstance(source, Audio):
        rate, frames, blocks = source.sample_rate, source.frames, _sliced(source.samples, BLOCK, None)
    else:
        from . import files

        info = files.info(source)
        rate, frames, blocks = info.sample_rate, info.frames, files.blocks(source, BLOCK)
    seen, channels = 0, 0
    for block in blocks:
        block = _checked(block, channels, seen, rate)
        if seen == 0:
            channels = block.shape[0]
            analyzer.prepare(rate, channels)
        analyzer.push(block)
        seen += block.shape[1]
        if progress is not None:
            progress(min(1.0, seen / max(1, frames)))
    if seen == 0:
        raise InputError("the input holds no samples; give at least one")
    return analyzer.finish()


# ---- parts ----------------------------------------------------------------------------------------


def _through(
    rack: Rack, blocks: Iterable[Block], sample_rate: int, tail: bool, taps: Taps | None, events: Iterable[Event]
) -> Iterator[Block]:
    """`stream`, with whole-signal devices between the parts that stream."""
    if not rack.whole:
        yield from stream(rack, blocks, sample_rate, tail=tail, taps=taps, events=events)
        return
    events = tuple(events)
    if events:
        raise RoutingError(f"automation cannot run through slot '{rack.whole[0].name}', which wants the whole signal")
    inserts = list(rack.inserts)
    taps = dict(taps or {})
    parts: list[Rack] = []
    while any(not slot.device.spec.streaming for slot in inserts):
        at = next(i for i, slot in enumerate(inserts) if not slot.device.spec.streaming)
        first = not parts
        part = Rack(inserts[:at], input=rack.input if first else "as-is", offset=rack.offset if first else 0.0)
        own = {place: taps.pop(place) for place in list(taps) if place in part.slots() or (first and place == "in")}
        before = stream(part, blocks, sample_rate, tail=tail, taps=own)
        blocks = convert_through(inserts[at], before, sample_rate, taps.pop(inserts[at].name, None))
        parts.append(part)
        inserts = inserts[at + 1 :]
    last = Rack(inserts, rack.buses, rack.sends, rack.dry, rack.master)
    yield from stream(last, blocks, sample_rate, tail=tail, taps=taps)
    rack.latency = sum(part.latency for part in parts) + last.latency


class _Trim:
    """Takes the latency off the front and decides where the tail ends, to the sample."""

    def __init__(self, latency: int, sample_rate: int) -> None:
        self._skip = self._latency = latency
        self._hold = int(TAIL_HOLD_S * sample_rate)
        self._most = int(TAIL_MOST_S * sample_rate)
        self._threshold = 10.0 ** (TAIL_DB / 20.0)
        self._given = 0
        self._recent: deque[tuple[int, Block]] = deque()  # the last second of output: where it was last loud

    def after(self, block: Block) -> Block:
        skipped = min(self._skip, block.shape[1])
        self._skip -= skipped
        out = block[:, skipped:]
        if out.shape[1]:
            self._recent.append((self._given, out))
            self._given += out.shape[1]
            while self._recent[0][0] + self._recent[0][1].shape[1] <= self._given - self._hold:
                self._recent.popleft()
        return out

    def _last_loud(self) -> int:
        """Position after the last sample at or above the threshold, as far as it is remembered."""
        for start, block in reversed(self._recent):
            loud = np.flatnonzero(np.abs(block).max(axis=0) >= self._threshold)
            if loud.size:
                return start + int(loud[-1]) + 1
        return 0

    def ending(self, rack: Rack, length: int, tail: bool) -> Iterator[Block]:
        """Output after the input's end: up to ``length`` frames in any case, then the tail."""
        most = length + self._most if tail else length
        end = most
        while self._given < end:
            want = BLOCK if self._skip else min(BLOCK, end - self._given)
            block = rack.flush(want)
            if block.shape[1] == 0:
                break
            start = self._given
            out = self.after(block)
            if tail and self._given > length:
                end = min(most, max(length, self._last_loud() + self._hold))
                out = out[:, : max(0, min(self._given, end) - start)]
            elif not tail:
                out = out[:, : max(0, length - start)]
            yield out
        missing = length - self._given
        if missing > 0:
            raise RoutingError(f"the rack gave {missing} frames fewer than its latency of {self._latency} promises")


def _heard(block: Block, listener: AnalyzerDevice | None) -> Iterator[Block]:
    if block.shape[1]:
        if listener is not None:
            listener.push(block)
        yield block


def _pieces(rack: Rack, block: Block, pending: deque[Event], at: int) -> Iterator[Block]:
    """Cut a block where an event falls, and where it is larger than the rack is prepared for."""
    start = 0
    while start < block.shape[1]:
        _apply(rack, pending, at + start)
        stop = min(block.shape[1], start + _MOST)
        if pending:
            stop = min(stop, max(start + 1, pending[0][0] - at))
        yield block[:, start:stop]
        start = stop


def _apply(rack: Rack, pending: deque[Event], now: int) -> None:
    while pending and pending[0][0] <= now:
        _, address, value = pending.popleft()
        rack.set(address, value)


def _check_events(rack: Rack, events: Iterable[Event]) -> None:
    table = rack.parameters()
    for sample, address, _ in events:
        base = address.partition("[")[0]
        if base not in table:
            rack.get(address)  # raises with the nearest address
        if table[base].structural and sample > 0:
            raise UsageError(f"'{address}' cannot change while the rack runs; an event at sample 0 can set it")


def _checked(block: Block, channels: int, seen: int, sample_rate: int) -> Block:
    """A float32 (channels, frames) block of finite samples, or a clear refusal."""
    block = np.asarray(block)
    if block.ndim == 1:
        block = block[None, :]
    if block.ndim != 2 or block.dtype.kind not in "fiu":
        raise InputError(f"a block is {block.dtype} of shape {block.shape}; it takes float32 (channels, frames)")
    if channels and block.shape[0] != channels:
        raise InputError(f"a block has {block.shape[0]} channels at {seen / sample_rate:.3f} s; those before had {channels}")
    block = np.ascontiguousarray(block, dtype=np.float32)
    if not math.isfinite(np.vdot(block, block)) and not np.isfinite(block).all():
        where = int(np.flatnonzero(~np.isfinite(block).all(axis=0))[0]) + seen
        raise InputError(
            f"the input holds NaN or infinity, first at sample {where} ({where / sample_rate:.3f} s); "
            "repair it first, e.g. with numpy.nan_to_num"
        )
    return block


def _sliced(samples: NDArray[np.float32], block: int, progress: Progress | None) -> Iterator[Block]:
    for start in range(0, samples.shape[1], block):
        yield samples[:, start : start + block]
        if progress is not None:
            progress(min(1.0, (start + block) / samples.shape[1]))


class _Meter:
    """Counts frames and keeps the peak."""

    def __init__(self) -> None:
        self.frames = 0
        self.peak = 0.0

    def see(self, block: Block) -> None:
        self.frames += block.shape[1]
        if block.size:
            self.peak = max(self.peak, float(block.max()), -float(block.min()))


def _counted(blocks: Iterable[Block], frames: int, meter: _Meter, progress: Callable[[float], None] | None) -> Iterator[Block]:
    for block in blocks:
        meter.see(block)
        yield block
        if progress is not None:
            progress(min(1.0, meter.frames / max(1, frames)))


def _chained(first: Block, rest: Iterable[Block]) -> Iterator[Block]:
    yield first
    yield from rest


__all__: Sequence[str] = ("Report", "analyze", "render", "render_file", "stream")
