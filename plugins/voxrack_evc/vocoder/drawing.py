"""Stretches of speech for the vocoder's training, drawn anew for every step; every corpus as often as the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack.errors import InputError

from ..mel import HOP
from .packing import F0, SAMPLES, VOICING

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

AROUND = 2
"""Frames on both sides of a stretch: with them its mel spectrogram is that of the whole recording."""
_GAIN = 6.0  # dB that a stretch is louder or softer at most


class Stretches(Sequence[dict[str, Tensor]]):
    """Batches: ``samples`` (B, 256 (frames + 4)), ``f0`` and ``voicing`` (B, frames) of the frames in the middle, and
    ``seed`` (1,) of the noise.

    Parameters
    ----------
    features : FeatureFile
    rows : sequence of int
        Utterances to draw from; those that are too short are left out.
    frames, batch : int
    seeds : sequence of int
        One for each batch.

    Raises
    ------
    InputError
        None of the utterances is long enough.
    """

    def __init__(
        self, features: FeatureFile, rows: Sequence[int], frames: int, batch: int, seeds: Sequence[int]
    ) -> None:
        self.features, self.frames, self.batch, self.seeds = features, frames, batch, seeds
        lengths = features.lengths(F0).tolist()
        self.room = {row: lengths[row] - frames - 2 * AROUND + 1 for row in rows}
        groups: dict[str, list[int]] = {}
        for row in rows:
            if self.room[row] > 0:
                groups.setdefault(features.items[row].corpus, []).append(row)
        if not groups:
            raise InputError(f"no recording is as long as {frames + 2 * AROUND} frames of {HOP} samples; take fewer")
        self.groups = [groups[name] for name in sorted(groups)]
        rooms = [np.array([self.room[row] for row in group], float) for group in self.groups]
        self.chances = [room / room.sum() for room in rooms]

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Stretches(self.features, list(self.room), self.frames, self.batch, self.seeds[index])
        generator = np.random.default_rng(self.seeds[index])
        drawn = [self._one(generator) for _ in range(self.batch)]
        arrays = {name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]}
        return {**arrays, "seed": torch.from_numpy(generator.integers(0, 2**31, 1))}

    def _one(self, generator: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        group = int(generator.integers(len(self.groups)))
        row = int(generator.choice(self.groups[group], p=self.chances[group]))
        begin = int(generator.integers(self.room[row]))
        end = begin + self.frames + 2 * AROUND
        gain = np.float32(10.0 ** (generator.uniform(-_GAIN, _GAIN) / 20.0))
        samples, f0, voicing = (self.features.get(name, row).numpy() for name in (SAMPLES, F0, VOICING))
        inner = slice(begin + AROUND, end - AROUND)
        return {
            "samples": gain * samples[begin * HOP : end * HOP], "f0": f0[inner], "voicing": voicing[inner]
        }  # fmt: skip
