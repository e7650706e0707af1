"""Running a rack: over blocks (`stream`), over audio in memory (`render`), over files (`render_file`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .audio import Audio
from .device import Block, Progress, Track
from .errors import InputError, RoutingError, UsageError
from .fronts import as_fronts
from .instance import AnalyzerDevice
from .intake import MOST, Event, apply_events, check_events, checked_block, pieces
from .rack import Rack, as_rack
from .trim import Trim
from .whole import convert_through

BLOCK = 4096  # samples: large enough that the host's share vanishes, small enough for the cache

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
    pending = check_events(rack, events)
    trim: Trim | None = None
    channels, seen = 0, 0
    for block in blocks:
        block = checked_block(block, channels, seen, sample_rate)
        if trim is None:
            channels = block.shape[0]
            apply_events(rack, pending, 0)
            width = rack.prepare(sample_rate, channels, MOST, inner)
            trim = Trim(rack.latency, sample_rate)
            if listener is not None:
                listener.prepare(sample_rate, width)
        for piece in pieces(rack, block, pending, seen):
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
    if not isinstance(block, Integral) or block < 1:
        raise UsageError(f"block is {block!r}; it takes a whole number of samples, 1 or more")
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
        source, target, info.sample_rate, info.channels, first.shape[0], meter_in.frames, meter_out.frames,
        rack.latency,
        max(0, meter_out.frames - meter_in.frames), seconds, meter_in.frames / info.sample_rate / max(seconds, 1e-9),
        meter_in.peak, meter_out.peak, writer.clipped, (*info.warnings, *rack.notes(info.sample_rate)),
    )  # fmt: skip


def analyze(
    analyzer: AnalyzerDevice, source: Audio | str | Path, *, front: Any = (), progress: Progress | None = None
) -> tuple[Track, ...]:
    """Run an analyzer over audio or a file, in constant memory.

    Parameters
    ----------
    front : Rack, Chain, Slot or Device, or a list of them
        What the signal passes before it is heard, such as an enhancer, in that order. Latency is taken off and no tail
        appended, so times are those of the source.
    progress : callable, optional
        Called with the share of the input that is done, 0 … 1.

    Returns
    -------
    tuple of Track
    """
    if not isinstance(analyzer, AnalyzerDevice):
        raise UsageError(f"expected an analyzer made by Host.create(…); got {analyzer!r}")
    fronts = as_fronts(front, analyzer)
    if isinstance(source, Audio):
        rate, blocks = source.sample_rate, _sliced(source.samples, BLOCK, progress)
    else:
        from . import files

        info = files.info(source)
        rate, blocks = info.sample_rate, _counted(files.blocks(source, BLOCK), info.frames, _Meter(), progress)
    for rack in fronts:
        blocks = _through(rack, blocks, rate, False, None, ())
    seen, channels = 0, 0
    for block in blocks:
        block = checked_block(block, channels, seen, rate)
        if seen == 0:
            channels = block.shape[0]
            analyzer.prepare(rate, channels)
        analyzer.hear(block)
        seen += block.shape[1]
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


def _heard(block: Block, listener: AnalyzerDevice | None) -> Iterator[Block]:
    if block.shape[1]:
        if listener is not None:
            listener.hear(block)
        yield block


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


def _counted(
    blocks: Iterable[Block], frames: int, meter: _Meter, progress: Callable[[float], None] | None
) -> Iterator[Block]:
    for block in blocks:
        meter.see(block)
        yield block
        if progress is not None:
            progress(min(1.0, meter.frames / max(1, frames)))


def _chained(first: Block, rest: Iterable[Block]) -> Iterator[Block]:
    yield first
    yield from rest


__all__: Sequence[str] = ("Report", "analyze", "render", "render_file", "stream")
