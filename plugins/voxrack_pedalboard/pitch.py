"""Pitch shift of a whole signal.

Not in blocks: at the start of every call pedalboard clears the line that holds the first second of the
signal back, so that blocks under a second come out silent (pedalboard 0.9.26, measured in the tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard

from voxrack.device import Block, Progress
from voxrack.errors import DeviceError

from .native import BLOCK, check_format, feed
from .specs import BY_ID


class PitchShift:
    device = "pedalboard.pitch_shift"

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values = dict(values)

    def convert(self, signal: Block, sample_rate: int, progress: Progress) -> Block:
        """(channels, frames) to the same shape at another pitch."""
        check_format(BY_ID[self.device], sample_rate, signal.shape[0])
        frames = signal.shape[1]
        padded = np.pad(signal, ((0, 0), (0, max(0, BLOCK - frames))))  # a few frames could be taken for channels
        progress(0.0)
        out = feed(pedalboard.PitchShift(semitones=self.values["semitones"]), padded, sample_rate, reset=True)
        progress(1.0)
        if out.shape[1] < frames:
            raise DeviceError(f"device '{self.device}' returned {out.shape[1]} frames for {frames}")
        return np.ascontiguousarray(out[:, :frames])
