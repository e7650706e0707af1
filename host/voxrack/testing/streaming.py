"""The invariances of processors that run in blocks. Each check returns what it measured, or raises Broken."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Block
from .subject import Broken, NotApplicable, Subject, cuts, difference, expected_flush, flushed, run, silent

SIZES = (1, 7, 64, 512, 0)  # compared with 480; 0: random sizes
NEAR = 1e-3  # how closely a transparent device must follow its input: -60 dB of the peak


def block_size(subject: Subject) -> str:
    """However the signal is cut into blocks, the output is the same."""
    signal = subject.signal()
    worst = 0.0
    for values in ({}, *subject.random_values(1)):
        whole = run(subject.make(values), signal, subject.rate)
        for size in SIZES:
            short = signal[:, :4000] if size == 1 else signal
            reference = run(subject.make(values), short, subject.rate) if size == 1 else whole
            text = f"blocks of {size or 'random sizes'} against 480" + (" (random settings)" if values else "")
            worst = max(worst, difference(reference, run(subject.make(values), short, subject.rate, size), text))
    return f"blocks of 1, 7, 64, 480, 512 and random sizes; largest difference {worst:.1g}"


def reset(subject: Subject) -> str:
    """After reset the device starts from silence again."""
    signal, device = subject.signal(), subject.make()
    first = run(device, signal, subject.rate)
    device.reset()
    second = run(device, signal, subject.rate, prepare=False)
    difference(first, second, "after reset")
    device.prepare(subject.rate, subject.channels, 480)
    device.process(signal[:, :480])
    device.reset()
    worst = difference(first, run(device, signal, subject.rate, prepare=False), "reset in the middle of the signal")
    return f"largest difference {worst:.1g}"


def latency(subject: Subject) -> str:
    """Set to be transparent, the device only delays, and by its latency."""
    if not subject.spec.transparent:
        raise NotApplicable("the spec names no transparent settings")
    at = 100
    impulse = np.zeros((subject.channels, int(0.1 * subject.rate)), np.float32)
    impulse[:, at] = 0.5
    device = subject.make(subject.spec.transparent)
    out = run(device, impulse, subject.rate)
    heard = [np.abs(channel) for channel in out if np.abs(channel).max() > NEAR]
    if not heard:
        raise Broken(f"an impulse of 0.5 does not come out at all with {dict(subject.spec.transparent)}")
    for channel in heard:
        if int(channel.argmax()) != at + device.latency:
            raise Broken(f"an impulse arrives after {int(channel.argmax()) - at} samples; latency is {device.latency}")
    signal = subject.signal()
    worst = follows(signal, run(device, signal, subject.rate)[:, device.latency :])
    return f"{device.latency} samples; follows its input within {worst:.1g}"


def follows(signal: Block, out: Block) -> float:
    """Largest deviation of ``out`` from ``signal``; up to one gain a channel where the channels differ in number."""
    out = out[:, : signal.shape[1]]
    target = signal[:, : out.shape[1]]
    if out.shape[0] != signal.shape[0]:
        target = np.broadcast_to(target.mean(axis=0), out.shape)
        target = target * ((out * target).sum(axis=1) / (target**2).sum(axis=1))[:, None]
    worst = float(np.abs(out - target).max())
    if worst > NEAR * float(np.abs(signal).max()):
        raise Broken(f"with transparent settings the output deviates from the delayed input by {worst:.3g}")
    return worst


def length(subject: Subject) -> str:
    """After the input, latency + tail frames can be flushed, and then no more."""
    device, signal = subject.make(), subject.signal(0.1)
    most = int(0.5 * subject.rate)
    for size in (480, 97):
        device.prepare(subject.rate, subject.channels, size)
        declared = device.latency
        for start, end in cuts(signal.shape[1], size, 0):
            device.process(np.ascontiguousarray(signal[:, start:end]))
        given = sum(piece.shape[1] for piece in flushed(device, most, size))
        expected = expected_flush(device, most)
        if given != expected:
            announced = f"latency {device.latency} + tail {device.tail}"
            raise Broken(f"flush gives {given} frames where {expected} are due ({announced}, asked for {most})")
        if given < most and device.flush(size).shape[1]:
            raise Broken("flush gives frames again after it had given fewer than it was asked for")
        if device.latency != declared or device.processor.latency != declared:
            raise Broken(f"latency changed from {declared} to {device.processor.latency} between two prepares")
    return f"latency {device.latency}, tail {device.tail} frames"


def extremes(subject: Subject) -> str:
    """Whatever its parameters, finite audio stays finite."""
    loud = np.clip(subject.signal(0.05) * 4.0, -1.0, 1.0)
    count = 0
    for what, values in subject.extremes():
        try:
            run(subject.make(values), loud, subject.rate, tail=0.02)
        except Exception as error:
            raise Broken(f"with {what}: {error}") from error
        count += 1
    return f"{count} settings"


def silence(subject: Subject) -> str:
    """Silence stays silent."""
    zeros = np.zeros((subject.channels, int(0.1 * subject.rate)), np.float32)
    peaks = [silent(d := subject.make(), lambda d=d: run(d, zeros, subject.rate), "the defaults")]
    for values in subject.random_values(3):
        device = subject.make(values)
        peaks.append(silent(device, lambda d=device: run(d, zeros, subject.rate), "random settings"))
    return f"largest peak {max(peaks):.1g}"


def set_values(subject: Subject) -> str:
    """Parameters set between blocks: the same result however the blocks are cut; before the first block, at once."""
    signal = subject.signal()
    (every,) = subject.random_values(1)
    if not every:
        raise NotApplicable("it has no parameters to set")
    _set_and_prepared(subject, signal, every)
    first, second = subject.random_values(2, structural=False)
    if not first:
        return f"{len(every)} parameters, each of which needs prepare again"
    changes = {signal.shape[1] // 3: first, signal.shape[1] // 2 + 1: second}
    whole = run(subject.make(), signal, subject.rate, changes=changes)
    worst = 0.0
    for size in (7, 512, 0):
        out = run(subject.make(), signal, subject.rate, size, changes)
        worst = max(worst, difference(whole, out, f"set between blocks of {size or 'random sizes'} against 480"))
    created = run(subject.make(first), signal, subject.rate)
    early = subject.make()
    difference(created, run(early, signal, subject.rate, changes={0: first}), "set before the first block")
    early.reset()
    difference(created, run(early, signal, subject.rate, prepare=False), "reset after set")
    return f"{len(first)} parameters twice; largest difference {worst:.1g}"


def _set_and_prepared(subject: Subject, signal: Block, values: dict[str, Any]) -> None:
    """What was set, structural or not, holds after the next prepare."""
    device = subject.make()
    run(device, signal[:, :480], subject.rate)
    for id, value in values.items():
        device.set(id, value)
    difference(
        run(subject.make(values), signal, subject.rate), run(device, signal, subject.rate), "set, and prepared again"
    )


def rates(subject: Subject) -> str:
    """Every sample rate and channel count it admits; prepared again, it is as new."""
    device = subject.make()
    for rate in subject.sample_rates:
        for channels in subject.widths:
            run(device, subject.signal(0.05, rate, channels), rate, tail=0.05)
    signal = subject.signal(0.1)
    fresh = run(subject.make(), signal, subject.rate)
    difference(fresh, run(device, signal, subject.rate), "prepared again after other sample rates")
    channels = ", ".join(map(str, subject.widths))
    return f"{', '.join(f'{rate / 1000:g}' for rate in subject.sample_rates)} kHz; {channels} channels"


def one_frame(subject: Subject) -> str:
    """A signal of a single frame."""
    signal = np.full((subject.channels, 1), 0.5, np.float32)
    out = run(subject.make(), signal, subject.rate, size=512)
    return f"1 frame in, {out.shape[1]} out"


def denormals(subject: Subject) -> str:
    """Numbers below the smallest normal float, and the decay into them, stay finite."""
    rng = np.random.default_rng(subject.seed)
    signal = (rng.normal(size=(subject.channels, int(0.1 * subject.rate))) * 1e-40).astype(np.float32)
    signal[:, 0] = 0.5
    run(subject.make(), signal, subject.rate)
    return "an impulse, then noise of 1e-40"


def input_kept(subject: Subject) -> str:
    """The caller's block is not written to."""
    device, signal = subject.make(), subject.signal(0.05)
    device.prepare(subject.rate, subject.channels, 480)
    for start, end in cuts(signal.shape[1], 480, 0):
        block = np.ascontiguousarray(signal[:, start:end])
        before = block.copy()
        device.process(block)
        if not np.array_equal(before, block):
            raise Broken("process writes into the block that it is given; copy it first")
    return ""


def output_kept(subject: Subject) -> str:
    """A returned block stays as it is when the next one is made."""
    device, signal = subject.make(), subject.signal(0.05)
    device.prepare(subject.rate, subject.channels, 480)
    pieces = []
    for start, end in cuts(signal.shape[1], 480, 0):
        out = device.process(np.ascontiguousarray(signal[:, start:end]))
        pieces.append((out, out.copy()))
    pieces += [(out, out.copy()) for out in flushed(device, 960, 480)]
    if any(not np.array_equal(out, copy) for out, copy in pieces):
        raise Broken("a later call overwrites a block that was returned before; return a new array each time")
    return ""
