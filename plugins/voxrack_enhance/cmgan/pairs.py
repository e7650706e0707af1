"""Noisy recordings with their clean ones, as CMGAN was published with: prepared, and drawn in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError

from .spectrum import RATE

if TYPE_CHECKING:
    from voxrack.datasets import Corpus
    from voxrack.feature_file import FeatureWriter

NOISY = "noisy"  # name of the second array in a feature file
Samples = NDArray[np.float32]


class Pairs:
    """Draws pieces of pairs: a random stretch of a random pair, which is repeated where it is shorter.

    Parameters
    ----------
    noisy, clean : sequence of ndarray, shape (frames,)
    seconds : float
        Length of a piece.
    """

    def __init__(self, noisy: Sequence[Samples], clean: Sequence[Samples], seconds: float) -> None:
        self.pairs = list(zip(noisy, clean, strict=True))
        self.frames = round(seconds * RATE)
        if not self.pairs:
            raise InputError("the training set holds no pair of a noisy and a clean recording")

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Samples, Samples]:
        """``count`` pieces, noisy and clean, each (count, frames)."""
        pieces = [self._piece(rng) for _ in range(count)]
        return np.stack([noisy for noisy, _ in pieces]), np.stack([clean for _, clean in pieces])

    def _piece(self, rng: np.random.Generator) -> tuple[Samples, Samples]:
        noisy, clean = self.pairs[rng.integers(len(self.pairs))]
        start = int(rng.integers(max(0, len(clean) - self.frames) + 1))
        at = (start + np.arange(self.frames)) % len(clean)
        return noisy[at], clean[at]


def prepare_pairs(corpus: Corpus, folder: Path, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
    """Add every clean utterance of ``corpus`` with the file of the same name in ``folder``, which has noise."""
    from voxrack.datasets import Item
    from voxrack.files import read

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; option 'noisy' names that of the noisy recordings")
    total = len(corpus.utterances)
    for done, utterance in enumerate(corpus.utterances, 1):
        try:
            clean, noisy = read(utterance.path), read(folder / utterance.path.name)
            one, other = (audio.mono().resample(RATE).samples[0] for audio in (clean, noisy))
            if len(one) != len(other):
                raise InputError(f"{len(one)} samples clean and {len(other)} noisy at 16 kHz: they are no pair")
            writer.add(Item.of(utterance, clean), {"samples": one, NOISY: other})
        except InputError as error:
            writer.skip(utterance.id, str(error))
        progress(done / total, f"{done} of {total}")
