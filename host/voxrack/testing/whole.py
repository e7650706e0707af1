"""The invariances of processors that want the whole signal."""

from __future__ import annotations

import numpy as np

from .streaming import follows
from .subject import Broken, NotApplicable, Subject, difference, silent


def repeat(subject: Subject) -> str:
    """The same signal again gives the same output, also from the same object after another signal."""
    signal, device = subject.signal(), subject.make()
    first = device.convert(signal, subject.rate)
    device.convert(subject.signal(0.1), subject.rate)
    worst = difference(first, device.convert(signal, subject.rate), "converted again")
    worst = max(worst, difference(first, subject.make().convert(signal, subject.rate), "converted by a new device"))
    return f"largest difference {worst:.1g}"


def transparent(subject: Subject) -> str:
    """Set to be transparent, it returns its input; what it held back it has made up for."""
    if not subject.spec.transparent:
        raise NotApplicable("the spec names no transparent settings")
    signal = subject.signal()
    out = subject.make(subject.spec.transparent).convert(signal, subject.rate)
    if out.shape[1] != signal.shape[1]:
        raise Broken(f"with transparent settings {signal.shape[1]} frames become {out.shape[1]}")
    return f"follows its input within {follows(signal, out):.1g}"


def length(subject: Subject) -> str:
    """The length stays (unless the spec calls it free), and is the same for the same settings."""
    lengths = []
    for frames in (1, 999, int(0.1 * subject.rate)):
        signal = subject.signal(0.2)[:, :frames]
        lengths.append((frames, subject.make().convert(np.ascontiguousarray(signal), subject.rate).shape[1]))
    if subject.spec.length == "same" and any(given != out for given, out in lengths):
        raise Broken(f"frames in and out: {lengths}; a device of free length says length='free'")
    return ", ".join(f"{given} → {out}" for given, out in lengths)


def extremes(subject: Subject) -> str:
    """Whatever its parameters, finite audio stays finite."""
    loud = np.clip(subject.signal(0.1) * 4.0, -1.0, 1.0)
    count = 0
    for what, values in subject.extremes(4):
        try:
            subject.make(values).convert(loud, subject.rate)
        except Exception as error:
            raise Broken(f"with {what}: {error}") from error
        count += 1
    return f"{count} settings"


def silence(subject: Subject) -> str:
    """Silence stays silent."""
    zeros = np.zeros((subject.channels, int(0.1 * subject.rate)), np.float32)
    device = subject.make()
    return f"peak {silent(device, lambda: device.convert(zeros, subject.rate), 'the defaults'):.1g}"


def set_values(subject: Subject) -> str:
    """Setting parameters is the same as creating the device with them."""
    values = next(subject.random_values(1))
    if not values:
        raise NotApplicable("it has no parameters to set")
    signal, device = subject.signal(), subject.make()
    device.convert(signal, subject.rate)
    for id, value in values.items():
        device.set(id, value)
    created = subject.make(values).convert(signal, subject.rate)
    worst = difference(created, device.convert(signal, subject.rate), "set after a conversion")
    return f"{len(values)} parameters; largest difference {worst:.1g}"


def rates(subject: Subject) -> str:
    """Every sample rate and channel count it admits."""
    for rate in subject.sample_rates:
        for channels in subject.widths:
            subject.make().convert(subject.signal(0.05, rate, channels), rate)
    channels = ", ".join(map(str, subject.widths))
    return f"{', '.join(f'{rate / 1000:g}' for rate in subject.sample_rates)} kHz; {channels} channels"


def one_frame(subject: Subject) -> str:
    """A signal of a single frame."""
    out = subject.make().convert(np.full((subject.channels, 1), 0.5, np.float32), subject.rate)
    return f"1 frame in, {out.shape[1]} out"


def denormals(subject: Subject) -> str:
    """Numbers below the smallest normal float stay finite."""
    signal = np.full((subject.channels, 4800), 1e-40, np.float32)
    signal[:, 0] = 0.5
    subject.make().convert(signal, subject.rate)
    return "an impulse, then 1e-40"


def input_kept(subject: Subject) -> str:
    """The caller's signal is not written to."""
    signal = subject.signal(0.1)
    before = signal.copy()
    subject.make().convert(signal, subject.rate)
    if not np.array_equal(before, signal):
        raise Broken("convert writes into the signal that it is given; copy it first")
    return ""


def progress(subject: Subject) -> str:
    """Progress goes from 0 to 1 and never back."""
    shares: list[float] = []
    subject.make().convert(subject.signal(), subject.rate, shares.append)
    if any(not 0.0 <= share <= 1.0 for share in shares) or shares != sorted(shares):
        raise Broken(f"progress was reported as {shares[:20]}; it takes rising shares from 0 to 1")
    return f"reported {len(shares)} times"
