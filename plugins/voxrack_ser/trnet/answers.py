"""What one run answers about the test clips of its split, in every condition: saved whole, read by tables and pictures.

::

    FOLDER/folds/trnet.json                       what was asked, and the figures
    FOLDER/folds/fold-1/trnet/seed-0/             a run: config.json, metrics.jsonl, model.safetensors
    FOLDER/folds/fold-1/trnet/seed-0/answers.npz  its answers
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError
from voxrack.metrics import Predictions
from voxrack.replace import Replacement

from .conditions import TESTED, Condition

NAME = "answers.npz"
_TEXTS, _NUMBERS = ("ids", "speakers", "labels", "classes"), ("probabilities", "trust", "embeddings")


@dataclass(frozen=True, eq=False)
class Answers:
    """Of n clips in the conditions of :data:`~voxrack_ser.trnet.conditions.TESTED`, C of them.

    Parameters
    ----------
    ids, speakers, labels : tuple of str
        n each.
    classes : tuple of str
        k.
    probabilities : ndarray, shape (C, n, k)
    trust : ndarray, shape (C, n)
        The coefficient c, of eq. 3 or by the SNR.
    embeddings : ndarray, shape (C, n, size), float16 on disk
        The representation h~ of eq. 6.
    """

    ids: tuple[str, ...]
    speakers: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    trust: NDArray[np.float32]
    embeddings: NDArray[np.float32]

    def predictions(self, condition: Condition) -> Predictions:
        """The answers in one condition."""
        place = TESTED.index(condition)
        return Predictions(self.ids, self.speakers, self.labels, self.probabilities[place].astype(float), self.classes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as .npz, whole or not at all."""
        texts: dict[str, Any] = {name: np.array(getattr(self, name), dtype=np.str_) for name in _TEXTS}
        texts["conditions"] = np.array([condition.name for condition in TESTED], dtype=np.str_)
        with Replacement(path) as target, open(target.temp, "wb") as file:
            np.savez_compressed(
                file, **texts, probabilities=self.probabilities, trust=self.trust,
                embeddings=self.embeddings.astype(np.float16),
            )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Answers:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            Where it is missing, damaged, or of other conditions.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                names = tuple(file["conditions"].tolist())
                texts = [tuple(file[name].tolist()) for name in _TEXTS]
                numbers = [file[name].astype(np.float32) for name in _NUMBERS]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} cannot be read ({error}); run the same evaluation again") from None
        if names != tuple(condition.name for condition in TESTED):
            raise InputError(f"{path} was made in other conditions than this voxrack tests in; evaluate again")
        return cls(texts[0], texts[1], texts[2], texts[3], numbers[0], numbers[1], numbers[2])


def joined(parts: list[Answers]) -> Answers:
    """Several folds' answers as one; representations of different networks have nothing in common and are left out."""
    first = parts[0]
    if any(part.classes != first.classes for part in parts):
        raise InputError("the folds were trained on different classes; their answers cannot be put together")
    texts = [tuple(word for part in parts for word in getattr(part, name)) for name in ("ids", "speakers", "labels")]
    return Answers(
        texts[0], texts[1], texts[2], first.classes, np.concatenate([part.probabilities for part in parts], 1),
        np.concatenate([part.trust for part in parts], 1), np.zeros((len(TESTED), len(texts[0]), 0), np.float32),
    )  # fmt: skip
