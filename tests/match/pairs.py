"""Short synthetic pairs: a voice, and what a known rack made of it."""

from __future__ import annotations

from functools import cache

import numpy as np

from voxrack import Audio, Rack, default_host, render
from voxrack.testing import voice

RATE = 22_050


@cache
def dry(seconds: float = 1.5, seed: int = 3) -> Audio:
    return voice(seconds, RATE, seed)


def equaliser(**values: float) -> Rack:
    """Gain into an equaliser, mono."""
    host = default_host()
    return Rack([host.create("fx.gain"), host.create("fx.peq", {k.replace("__", "."): v for k, v in values.items()})])


@cache
def bright(seconds: float = 1.5) -> Audio:
    """The voice with more treble and less bass, 6 dB softer."""
    rack = equaliser(high_shelf__gain=9.0, high_shelf__frequency=3000.0, low_shelf__gain=-6.0)
    rack.set("gain.level", -6.0)
    return render(rack, dry(seconds), tail=False)


def stereo(audio: Audio) -> Audio:
    return Audio(np.repeat(audio.samples, 2, axis=0), audio.sample_rate)
