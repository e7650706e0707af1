"""The words for emotions: one word for each across all corpora, in one order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import UsageError

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""The eight classes of RAVDESS in its own order; every table and model follows it."""

SAME = {
    "neu": "neutral", "calmness": "calm", "happiness": "happy", "joy": "happy", "joyful": "happy", "hap": "happy",
    "sadness": "sad", "anger": "angry", "ang": "angry", "fear": "fearful", "anxiety": "fearful", "fea": "fearful",
    "disgusted": "disgust", "dis": "disgust", "surprise": "surprised", "sur": "surprised", "ps": "surprised",
    "pleasant surprise": "surprised", "pleasant surprised": "surprised", "boredom": "bored", "excitement": "excited",
    "exc": "excited", "frustration": "frustrated", "fru": "frustrated",
}  # fmt: skip


def emotion_word(text: str) -> str:
    """The project's word for a label: lower case, ``fear`` as ``fearful``; a word it does not know stays."""
    word = text.strip().lower()
    return SAME.get(re.sub(r"[\s_-]+", " ", word), word)


def classes(labels: Iterable[str]) -> tuple[str, ...]:
    """The different labels in order: :data:`EMOTIONS` first, then the others by alphabet; ``""`` is no label."""
    found = {label for label in labels if label}
    return (*(word for word in EMOTIONS if word in found), *sorted(found.difference(EMOTIONS)))


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key by which ``actor 2`` comes before ``actor 10``."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)


def listed(names: Iterable[object], most: int = 3) -> str:
    """The first names in a sentence: ``a, b, c and 4 more``."""
    every = [str(name) for name in names]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def number(count: int, what: str, plural: str = "") -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what if count == 1 else plural or what + 's'}"


def choice(name: str, value: str, allowed: Sequence[str]) -> str:
    """``value``, where it is one of ``allowed``."""
    if value not in allowed:
        raise UsageError(f"{name} is '{value}'; it takes {', '.join(allowed)}")
    return value
