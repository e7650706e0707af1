"""Recordings packed for the vocoder: the sound at one level, its fundamental frequency and its voicing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError

from ..f0 import track
from ..level import levelled
from ..mel import HOP, RATE

if TYPE_CHECKING:
    from voxrack import Audio
    from voxrack.datasets import Corpus
    from voxrack.feature_writer import FeatureWriter

SAMPLES, F0, VOICING = "samples", "f0", "voicing"
SHORTEST = 0.5  # s


def prepare(corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
    """Add every utterance of ``corpus``; see :class:`Packing`."""
    from voxrack.preparation import extract

    extract(corpus, writer, Packing(), progress)


@dataclass(frozen=True)
class Packing:
    """Decoded audio to ``samples`` (256 frames,) at 22,050 Hz, mono, and ``f0``, ``voicing`` (frames,).

    Raises
    ------
    InputError
        For a recording that is silent throughout, or shorter than half a second.
    """

    def __call__(self, audio: Audio) -> dict[str, NDArray[np.float32]]:
        heard = audio.mono().resample(RATE).samples[0]
        if len(heard) < SHORTEST * RATE:
            raise InputError(f"the recording lasts {len(heard) / RATE:.2f} s; {SHORTEST} s are needed")
        samples, _ = levelled(heard[: len(heard) // HOP * HOP], RATE)
        f0, voicing = track(samples)
        return {SAMPLES: samples, F0: f0, VOICING: voicing}
