"""A model's answers with what they are judged by: ids, speakers, labels, probabilities. Saved without pickle."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, UsageError

VERSION = 1


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of classes for labelled items.

    Parameters
    ----------
    ids : sequence of str, length n
        An utterance's id; several windows of one utterance share it.
    speakers : sequence of str, length n
    labels : sequence of str, length n
        Each one of ``classes``.
    probabilities : array_like, shape (n, k)
        Finite; rows need not sum to one (any scores do for ranking, but calibration wants probabilities).
    classes : sequence of str, length k

    Raises
    ------
    InputError
        Where the lengths differ, a number is not finite, or a label is none of the classes.
    """

    ids: tuple[str, ...]
    speakers: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("ids", "speakers", "labels", "classes"):
            object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        scores = np.asarray(self.probabilities, dtype=np.float64)
        object.__setattr__(self, "probabilities", scores)
        count, width = len(self.ids), len(self.classes)
        if scores.shape != (count, width) or len(self.speakers) != count or len(self.labels) != count or not count:
            raise InputError(
                f"probabilities {scores.shape} for {count} ids, {len(self.speakers)} speakers, {len(self.labels)} "
                f"labels and {width} classes; they must be (n, classes), n at least 1"
            )
        if not np.isfinite(scores).all():
            bad = int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
            raise InputError(f"the probabilities of '{self.ids[bad]}' are not finite: {scores[bad].tolist()}")
        if len(set(self.classes)) != width:
            raise InputError(f"a class is named twice: {', '.join(self.classes)}")
        odd = sorted(set(self.labels) - set(self.classes))
        if odd:
            raise InputError(
                f"label '{odd[0]}' is none of the classes {', '.join(self.classes)}; "
                "keep the shared ones with Predictions.shared"
            )

    @classmethod
    def of(cls, labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> Predictions:
        """Without ids and speakers: every item its own."""
        words = [str(word) for word in np.asarray(labels).ravel().tolist()]
        numbers = [str(index) for index in range(len(words))]
        scores = np.asarray(probabilities, dtype=np.float64)
        return cls(tuple(numbers), tuple(numbers), tuple(words), scores, tuple(map(str, classes)))

    @classmethod
    def shared(
        cls, ids: Sequence[str], speakers: Sequence[str], labels: Sequence[str], probabilities: ArrayLike,
        classes: Sequence[str],
    ) -> Predictions:  # fmt: skip
        """Only the classes that the labels name and the model knows; probabilities sum to one over these again.

        For a test on a corpus with other emotions than the training's. Items of a label unknown to the model are
        left out.

        Raises
        ------
        InputError
            Where fewer than two classes are shared.
        """
        kept = [name for name in classes if name in set(labels)]
        if len(kept) < 2:
            raise InputError(
                f"the model knows {', '.join(classes)}, the items are {', '.join(sorted(set(labels)))}: "
                f"{len(kept)} shared, two are needed"
            )
        rows = [index for index, label in enumerate(labels) if label in kept]
        scores = np.asarray(probabilities, dtype=np.float64)[np.ix_(rows, [list(classes).index(name) for name in kept])]
        total = scores.sum(axis=1, keepdims=True)
        # all mass on classes that are not shared: nothing is known, so all are equal
        scores = np.divide(scores, total, out=np.full_like(scores, 1 / len(kept)), where=total > 0)
        take = [tuple(values[row] for row in rows) for values in (ids, speakers, labels)]
        return cls(take[0], take[1], take[2], scores, tuple(kept))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def truth(self) -> NDArray[np.intp]:
        """Position of each label among the classes, (n,)."""
        place = {name: index for index, name in enumerate(self.classes)}
        return np.array([place[label] for label in self.labels], dtype=np.intp)

    @cached_property
    def guess(self) -> NDArray[np.intp]:
        """Position of the most probable class, (n,); of equal ones the first."""
        return self.probabilities.argmax(axis=1)

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable class of each item."""
        return tuple(self.classes[index] for index in self.guess)

    def subset(self, rows: Iterable[int]) -> Predictions:
        """The items at these positions, in this order."""
        at = list(rows)
        take = [tuple(values[row] for row in at) for values in (self.ids, self.speakers, self.labels)]
        return Predictions(take[0], take[1], take[2], self.probabilities[at], self.classes)

    @staticmethod
    def joined(parts: Sequence[Predictions]) -> Predictions:
        """One after the other: the test sets of all folds as one. A class that a part lacks has probability 0 there."""
        if not parts:
            raise UsageError("there is nothing to join: give the predictions of one fold or more")
        classes = list(dict.fromkeys(name for part in parts for name in part.classes))
        scores = np.zeros((sum(map(len, parts)), len(classes)))
        row = 0
        for part in parts:
            scores[row : row + len(part), [classes.index(name) for name in part.classes]] = part.probabilities
            row += len(part)
        flat = [tuple(word for part in parts for word in getattr(part, name)) for name in ("ids", "speakers", "labels")]
        return Predictions(flat[0], flat[1], flat[2], scores, tuple(classes))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as .npz, whole or not at all."""
        from .replace import Replacement

        ids, speakers, labels, classes = (
            np.array(words, dtype=np.str_) for words in (self.ids, self.speakers, self.labels, self.classes)
        )
        with Replacement(path) as target, open(target.temp, "wb") as file:
            np.savez_compressed(
                file, version=np.array(VERSION), ids=ids, speakers=speakers, labels=labels, classes=classes,
                probabilities=self.probabilities.astype(np.float32),
            )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Predictions:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            For another file, a damaged one, or one of a newer version.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                version = int(held["version"])
                if version > VERSION:
                    raise InputError(f"{path} is version {version}; this voxrack reads {VERSION}: upgrade voxrack")
                words = [tuple(held[name].tolist()) for name in ("ids", "speakers", "labels")]
                return cls(words[0], words[1], words[2], held["probabilities"], tuple(held["classes"].tolist()))
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file") from None
        except InputError as error:
            raise InputError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
        except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} holds no predictions as voxrack writes them: {error}") from None
