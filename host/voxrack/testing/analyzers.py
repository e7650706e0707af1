"""The invariances of analyzers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..device import Block, Track
from .subject import Broken, Subject, cuts


def listen(device: Any, signal: Block, rate: int, size: int = 480, prepare: bool = True) -> tuple[Track, ...]:
    """The tracks of a signal that is pushed in blocks of ``size`` frames (0: random sizes)."""
    if prepare:
        device.prepare(rate, signal.shape[0])
    for start, end in cuts(signal.shape[1], size, 0):
        device.push(np.ascontiguousarray(signal[:, start:end]))
    return device.finish()


def same(one: tuple[Track, ...], other: tuple[Track, ...], what: str) -> None:
    """Broken, naming ``what``, unless both hold the same tracks."""
    if [track.name for track in one] != [track.name for track in other]:
        raise Broken(f"{what}: tracks {[t.name for t in other]} where {[t.name for t in one]} were expected")
    for track, again in zip(one, other, strict=True):
        for part in ("times_s", "values"):
            a, b = np.asarray(getattr(track, part)), np.asarray(getattr(again, part))
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True):
                raise Broken(f"{what}: {part} of track '{track.name}' differ (shapes {a.shape} and {b.shape})")
        _same_summary(track.summary, again.summary, f"{what}: summary of track '{track.name}'")


def _same_summary(one: Mapping[str, Any], other: Mapping[str, Any], what: str) -> None:
    if one.keys() != other.keys():
        raise Broken(f"{what} has other keys: {sorted(one.keys() ^ other.keys())}")
    for key, value in one.items():
        again = other[key]
        numbers = isinstance(value, (int, float)) and isinstance(again, (int, float))
        if not (np.isclose(value, again, rtol=1e-5, atol=1e-6) if numbers else value == again):
            raise Broken(f"{what}: '{key}' is {value!r} and then {again!r}")


def block_size(subject: Subject) -> str:
    """However the signal is cut into blocks, the tracks are the same."""
    signal = subject.signal()
    whole = listen(subject.make(), signal, subject.rate, signal.shape[1])
    for size in (7, 64, 480, 512, 0):
        tracks = listen(subject.make(), signal, subject.rate, size)
        same(whole, tracks, f"blocks of {size or 'random sizes'} against one block")
    short = np.ascontiguousarray(signal[:, :4000])
    one = listen(subject.make(), short, subject.rate, 1)
    same(listen(subject.make(), short, subject.rate, 4000), one, "blocks of 1 against one block")
    return "blocks of 1, 7, 64, 480, 512, random sizes and one block"


def reset(subject: Subject) -> str:
    """Prepared again, it starts anew."""
    device, signal = subject.make(), subject.signal()
    first = listen(device, signal, subject.rate)
    same(first, listen(device, signal, subject.rate), "prepared again")
    device.prepare(subject.rate, subject.channels)
    device.push(signal[:, :480])
    same(first, listen(device, signal, subject.rate), "prepared again in the middle of a signal")
    return ""


def well_formed(tracks: tuple[Track, ...], duration: float, what: str) -> str:
    """Broken, naming ``what``, unless the tracks are what ``Track`` promises."""
    for track in tracks:
        if not isinstance(track, Track):
            raise Broken(f"{what}: finish returned {track!r}, which is no voxrack.Track")
        times, values = np.asarray(track.times_s), np.asarray(track.values)
        name = f"{what}: track '{track.name}'"
        if times.ndim != 1 or values.ndim != 2 or len(times) != len(values):
            raise Broken(f"{name} has times {times.shape} and values {values.shape}; they take (n,) and (n, k)")
        if len(track.labels) != values.shape[1]:
            raise Broken(f"{name} has {len(track.labels)} labels for {values.shape[1]} columns")
        if not np.isfinite(times).all() or not np.isfinite(values).all():
            raise Broken(f"{name} holds NaN or infinity")
        if (np.diff(times) <= 0).any() or (len(times) and not -1e-9 <= times[0] <= times[-1] <= duration + 1.0):
            raise Broken(f"{name}: times are not ascending within the signal's {duration:.3g} s")
        try:
            json.dumps(dict(track.summary), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Broken(f"{name}: the summary does not go into JSON: {error}") from None
    return ", ".join(f"{track.name} {np.shape(track.values)}" for track in tracks) or "no tracks"


def tracks(subject: Subject) -> str:
    """Tracks are finite, in order of time, and their summary goes into JSON."""
    signal = subject.signal(max(subject.seconds, 1.0))
    return well_formed(listen(subject.make(), signal, subject.rate), signal.shape[1] / subject.rate, "a voice")


def extremes(subject: Subject) -> str:
    """Whatever its parameters, and however loud the signal, tracks stay finite."""
    loud = np.clip(subject.signal(0.5) * 20.0, -1.0, 1.0)
    count = 0
    for what, values in subject.extremes(4):
        try:
            well_formed(listen(subject.make(values), loud, subject.rate), 0.5, f"with {what}")
        except Broken:
            raise
        except Exception as error:
            raise Broken(f"with {what}: {error}") from error
        count += 1
    return f"{count} settings"


def silence(subject: Subject) -> str:
    """Silence has finite tracks too."""
    zeros = np.zeros((subject.channels, subject.rate), np.float32)
    return well_formed(listen(subject.make(), zeros, subject.rate), 1.0, "silence")


def rates(subject: Subject) -> str:
    """Every sample rate and channel count it admits."""
    for rate in subject.sample_rates:
        for channels in subject.widths:
            signal = subject.signal(0.2, rate, channels)
            well_formed(listen(subject.make(), signal, rate), 0.2, f"{channels} channels at {rate} Hz")
    channels = ", ".join(map(str, subject.widths))
    return f"{', '.join(f'{rate / 1000:g}' for rate in subject.sample_rates)} kHz; {channels} channels"


def one_frame(subject: Subject) -> str:
    """A signal of a single frame."""
    signal = np.full((subject.channels, 1), 0.5, np.float32)
    return well_formed(listen(subject.make(), signal, subject.rate), 1 / subject.rate, "a single frame")


def denormals(subject: Subject) -> str:
    """Numbers below the smallest normal float."""
    signal = np.full((subject.channels, subject.rate // 2), 1e-40, np.float32)
    return well_formed(listen(subject.make(), signal, subject.rate), 0.5, "a signal of 1e-40")


def input_kept(subject: Subject) -> str:
    """The caller's block is not written to."""
    signal, device = subject.signal(), subject.make()
    device.prepare(subject.rate, subject.channels)
    for start, end in cuts(signal.shape[1], 480, 0):
        block = np.ascontiguousarray(signal[:, start:end])
        before = block.copy()
        device.push(block)
        if not np.array_equal(before, block):
            raise Broken("push writes into the block that it is given; copy it first")
    device.finish()
    return ""
