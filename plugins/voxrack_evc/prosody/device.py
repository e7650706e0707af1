"""``evc.prosody``: the same words with the melody, loudness, tempo and timbre of another feeling.

It is heard what the voice does, the difference of two manners is applied to it, and its periods are laid out anew.
Nothing is learned but the averages in ``manners.json``. What has no voice in it keeps its melody and timbre.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxrack.device import Block, Progress

from .colour import colour
from .manner import Manner, manners, manners_digest, toward
from .overlap import FINE, Time, lay_out, overlap_add
from .plan import Plan, plan
from .speech import Speech, hear

CEILING = 0.99
"""Peak above which energy is not raised; what is louder already stays as loud."""


class Prosody:
    """Whole-signal processor; see the parameters in :mod:`voxrack_evc.specs`."""

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values = dict(values)
        self.weights = {"manners": manners_digest()}

    def set(self, id: str, value: Any) -> None:
        """Change a parameter."""
        self.values[id] = value

    def convert(self, signal: Block, sample_rate: int, progress: Progress) -> Block:
        """(channels, n) to (channels, m): ``m`` is another length where the tempo is another."""
        asked = self.values
        move = Manner()  # the same feeling: nothing but the edits
        if asked["emotion"] != asked["source"]:
            move = (toward(asked["emotion"], asked["contrast"]) - manners()[asked["source"]]) * asked["strength"]
        edits = {name: asked[name] for name in ("pitch_range", "energy", "tempo")}
        neutral = edits == {"pitch_range": 1.0, "energy": 0.0, "tempo": 1.0}
        speech = hear(signal, sample_rate) if signal.any() else None
        if speech is None or (neutral and (asked["strength"] == 0.0 or asked["emotion"] == asked["source"])):
            progress(1.0)
            return signal.copy()
        progress(0.3)
        planned = plan(speech.f0, speech.level, move, **edits)
        coloured = colour(signal, sample_rate, speech, move.timbre)
        progress(0.5)
        out = _resynthesised(coloured, sample_rate, speech, planned)
        progress(1.0)
        return louder(out, sample_rate, speech, planned, float(np.abs(signal).max()))


def _resynthesised(signal: Block, sample_rate: int, speech: Speech, planned: Plan) -> Block:
    """Melody and tempo of the plan."""
    import soxr

    if np.array_equal(planned.f0, speech.f0) and (planned.warp == 1.0).all():
        return signal
    seconds = signal.shape[1] / sample_rate
    time = Time.of(planned.warp, seconds)
    length = float(time.out(seconds))
    times = -(-FINE // sample_rate)
    fine = signal
    if times > 1:
        fine = np.ascontiguousarray(soxr.resample(signal.T, sample_rate, times * sample_rate).T)
    out = overlap_add(fine, times * sample_rate, lay_out(speech, planned, time, seconds), length)
    if times > 1:
        out = np.ascontiguousarray(soxr.resample(out.T, times * sample_rate, sample_rate).T)
    return out


def louder(signal: Block, sample_rate: int, speech: Speech, planned: Plan, peak: float) -> Block:
    """Gains of the plan, all of them less where the peak would pass the ceiling and the source's ``peak``."""
    out = signal
    if planned.gains.any():
        places = Time.of(planned.warp, 0.0).out(speech.times)
        decibel = np.interp(np.arange(signal.shape[1]) / sample_rate, places, planned.gains)
        out = signal * (10 ** (decibel / 20)).astype(np.float32)
    most = max(CEILING, peak)
    loudest = float(np.abs(out).max())
    return out * np.float32(most / loudest) if loudest > most else out
