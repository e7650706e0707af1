"""Whole-signal devices among streaming ones: what comes before is spooled to disk and handed over in one piece."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from .channels import fit, to_width, width_for
from .device import Block
from .errors import InputError, RoutingError
from .instance import AnalyzerDevice
from .ramps import blend
from .resample import nearest_rate

if TYPE_CHECKING:
    from .slots import Slot

_PIECE = 16_384


def convert_through(
    slot: Slot, blocks: Iterable[Block], sample_rate: int, tap: AnalyzerDevice | None = None
) -> Iterator[Block]:
    """Spool ``blocks``, convert the whole, yield the result in pieces.

    The device works at its native rate and channel count; a device of length ``"same"`` gives back exactly
    as many frames as it got, and only such a one can be mixed with its dry signal.
    """
    with tempfile.TemporaryFile(prefix="voxrack-") as spool:
        channels = 0
        for block in blocks:
            channels = block.shape[0]
            spool.write(np.ascontiguousarray(block.T).tobytes())
        spool.flush()
        if channels == 0:
            raise InputError(f"slot '{slot.name}': no samples reach it")
        dry = np.memmap(spool, dtype=np.float32, mode="r").reshape(-1, channels).T
        out = np.ascontiguousarray(dry) if slot.bypass else _converted(slot, dry, sample_rate)
    if tap is not None:
        tap.prepare(sample_rate, out.shape[0])
    for start in range(0, out.shape[1], _PIECE):
        piece = out[:, start : start + _PIECE]
        if tap is not None:
            tap.hear(piece)
        yield piece


def _converted(slot: Slot, dry: Block, sample_rate: int) -> Block:
    import soxr

    spec = slot.device.spec
    owner = f"slot '{slot.name}' ({spec.id})"
    if slot.mix < 1.0 and spec.length == "free":
        raise RoutingError(
            f"{owner} changes the length, so its dry signal cannot be mixed in; set {slot.name}.mix to 1"
        )
    rate = nearest_rate(spec.rates, sample_rate)
    signal = fit(np.ascontiguousarray(dry), width_for(dry.shape[0], spec.channels, owner))
    if rate != sample_rate:
        signal = np.ascontiguousarray(soxr.resample(signal.T, sample_rate, rate).T)
    wet = slot.device.convert(signal, rate)
    if rate != sample_rate:
        wet = np.ascontiguousarray(soxr.resample(wet.T, rate, sample_rate).T.astype(np.float32))
    if spec.length == "same":  # resampling there and back may be a sample off
        wet = wet[:, : dry.shape[1]]
        wet = np.pad(wet, ((0, 0), (0, dry.shape[1] - wet.shape[1])))
    if wet.shape[1] == 0:
        raise InputError(f"{owner} returned no samples for {dry.shape[1]} frames")
    if slot.mix == 1.0:
        return wet
    width = max(wet.shape[0], dry.shape[0])
    dry = to_width(np.ascontiguousarray(dry), width)
    return blend(dry, to_width(wet, width), slot.mix)
