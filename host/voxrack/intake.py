"""What enters a rendering: blocks checked, and cut where an event falls."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np

from .device import Block
from .errors import InputError, UsageError
from .params import read_value
from .rack import Rack

MOST = 16_384  # larger blocks are cut: what a device prepares its buffers for
Event = tuple[int, str, Any]  # input sample, address, value


def pieces(rack: Rack, block: Block, pending: deque[Event], at: int) -> Iterator[Block]:
    """Cut a block where an event falls, and where it is larger than the rack is prepared for."""
    start = 0
    while start < block.shape[1]:
        apply_events(rack, pending, at + start)
        stop = min(block.shape[1], start + MOST)
        if pending:
            stop = min(stop, max(start + 1, pending[0][0] - at))
        yield block[:, start:stop]
        start = stop


def apply_events(rack: Rack, pending: deque[Event], now: int) -> None:
    while pending and pending[0][0] <= now:
        _, address, value = pending.popleft()
        rack.set(address, value)


def check_events(rack: Rack, events: Iterable[Event]) -> deque[Event]:
    """The events in order of time; refused as a whole, before anything sounds, where one is wrong."""
    table = rack.parameters()
    checked: list[Event] = []
    for event in events:
        if not isinstance(event, (tuple, list)) or len(event) != 3 or not isinstance(event[1], str):
            raise UsageError(f"an event is (sample, address, value), such as (48000, 'dry', -6); got {event!r}")
        sample, address, value = event
        if not isinstance(sample, Integral) or sample < 0:
            raise UsageError(f"the event at '{address}' has sample {sample!r}; it takes a whole number, 0 or more")
        rack.get(address)  # raises with the nearest address
        param = table[address.partition("[")[0]]
        if param.structural and sample > 0:
            raise UsageError(f"'{address}' cannot change while the rack runs; an event at sample 0 can set it")
        read_value(replace(param, id=address, kind="float", axes=()) if "[" in address else param, value)
        checked.append((int(sample), address, value))
    return deque(sorted(checked, key=lambda event: event[0]))


def checked_block(block: Block, channels: int, seen: int, sample_rate: int) -> Block:
    """A float32 (channels, frames) block of finite samples, or a clear refusal."""
    block = np.asarray(block)
    if block.ndim == 1:
        block = block[None, :]
    if block.ndim != 2 or block.dtype.kind not in "fiu":
        raise InputError(f"a block is {block.dtype} of shape {block.shape}; it takes float32 (channels, frames)")
    if channels and block.shape[0] != channels:
        raise InputError(
            f"a block has {block.shape[0]} channels at {seen / sample_rate:.3f} s; those before had {channels}"
        )
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is named below
        block = np.ascontiguousarray(block, dtype=np.float32)
    if not math.isfinite(np.vdot(block, block)) and not np.isfinite(block).all():
        where = int(np.flatnonzero(~np.isfinite(block).all(axis=0))[0]) + seen
        raise InputError(
            f"the input holds NaN or infinity, first at sample {where} ({where / sample_rate:.3f} s); "
            "repair it first, e.g. with numpy.nan_to_num"
        )
    return block
