"""The conditions in which an utterance is heard: clean, and in noise of three origins at five ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

SNRS = (20, 15, 10, 5, 0)  # dB: the paper's
TRAIN, MATCHED, UNMATCHED = "train", "matched", "unmatched"
ORIGINS = {
    TRAIN: "recordings of the noise set that training hears",
    MATCHED: "other recordings of the same set",
    UNMATCHED: "another set",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them.

    Parameters
    ----------
    origin : str
        Of the noise: a key of :data:`ORIGINS`; empty for clean speech.
    snr : float
        dB; infinite for clean speech.
    """

    origin: str = ""
    snr: float = math.inf

    @property
    def name(self) -> str:
        """``"clean"``, ``"matched_10"``: also the name of the features."""
        return f"{self.origin}_{self.snr:g}" if self.origin else "clean"

    @property
    def enhanced(self) -> str:
        """Name of the features of what the enhancer made of it."""
        return f"{self.name}.enhanced"


CLEAN = Condition()


def noisy(origin: str) -> tuple[Condition, ...]:
    """The five ratios with noise of one origin, from the highest to the lowest."""
    return tuple(Condition(origin, float(snr)) for snr in SNRS)


TRAINED = (CLEAN, *noisy(TRAIN))
TESTED = (CLEAN, *noisy(MATCHED), *noisy(UNMATCHED))
ALL = (*TRAINED, *TESTED[1:])
LEVELS = "levels"  # features (1, len(ALL)): dB by which each mixture was scaled so that it stays within full scale
