"""Mono, stereo and more: how many channels a device gets, and how a signal is fitted to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .device import Block
from .errors import RoutingError


def to_mono(block: Block) -> Block:
    """Mean of the channels, shape (1, frames)."""
    if block.shape[0] == 1:
        return block
    if block.shape[0] == 2:  # numpy's mean over a short axis is several times slower
        return (block[:1] + block[1:]) * np.float32(0.5)
    return block.mean(axis=0, dtype=np.float32, keepdims=True)


def to_width(block: Block, channels: int) -> Block:
    """Mono copied to every channel; anything else must already fit."""
    if block.shape[0] == channels:
        return block
    return np.ascontiguousarray(np.broadcast_to(block, (channels, block.shape[1])))


def width_for(channels: int, allowed: tuple[int, ...], owner: str) -> int:
    """How many channels a device that allows ``allowed`` gets of a signal of ``channels``.

    Mono is copied to as many as the device wants; stereo is folded to mono where it takes mono only.
    More channels are never folded in silence.

    Raises
    ------
    RoutingError
        Where nothing fits.
    """
    if not allowed or channels in allowed:
        return channels
    if channels == 1:
        return min(allowed)
    if channels == 2 and 1 in allowed:
        return 1
    raise RoutingError(
        f"{owner} takes {' or '.join(map(str, allowed))} channels and the signal has {channels}; "
        "set the rack's input to 'mono' to fold it down first"
    )


def sum_width(widths: list[int], owner: str) -> int:
    """Channels of a sum: mono widens to anything, anything else must agree."""
    wide = max(widths, default=1)
    if any(width not in (1, wide) for width in widths):
        raise RoutingError(
            f"{owner} adds signals of {', '.join(map(str, sorted(set(widths))))} channels; they must agree"
        )
    return wide


def fit(block: Block, channels: int) -> Block:
    """Fold or widen a block to what :func:`width_for` said."""
    if block.shape[0] == channels:
        return block
    return to_mono(block) if channels == 1 else to_width(block, channels)


def fold_for_analyzer(channels: int, allowed: tuple[int, ...], id: str) -> Callable[[Block], Block]:
    """An analyzer that does not take this many channels listens to their mean (or to mono copied)."""
    if not allowed or channels in allowed:
        return lambda block: block
    if 1 in allowed:
        return to_mono
    width = width_for(1, allowed, f"analyzer '{id}'")
    return lambda block: to_width(to_mono(block), width)
