"""A split into training, validation and test, and the proof that nothing crosses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import InputError
from .utterance import Item, Utterance
from .words import listed, number


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into the sequence of items that was split; sorted, without overlap.

    Parameters
    ----------
    name : str
        ``"fold 1"``, ``"actors 1 and 2"``.
    train, test, validation : tuple of int
        Validation speakers come from the training side; a test speaker decides nothing.
    left_out : tuple of int
        What takes no part: unlabelled, of a class or a style that the protocol does not use, or a removed copy.
    notes : tuple of str
        What is left out and why, and what is missing.
    """

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    validation: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def check_split(split: Split, items: Sequence[Item | Utterance]) -> None:
    """Prove that no item, no speaker and no audio is on two sides of a split.

    Audio is compared by the items' ``sha256``; an :class:`Utterance` has none, nor has an item with ``""`` there.

    Raises
    ------
    InputError
        With the names of the speakers, or of the first pair of equal recordings, and their sides.
    """
    sides = _sides(split)
    every = [index for _, indices in sides for index in indices]
    if every and not 0 <= min(every) <= max(every) < len(items):
        raise InputError(f"split '{split.name}' has indices up to {max(every)}, and there are {len(items)} items")
    twice = [items[index].id for index, count in Counter(every).items() if count > 1]
    if twice:
        raise InputError(f"split '{split.name}' has {listed(twice)} more than once; give every item to one side")
    where: dict[str, str] = {}
    crossing = []
    for side, indices in sides:
        for speaker in dict.fromkeys(items[index].speaker for index in indices):
            if where.setdefault(speaker, side) != side:
                crossing.append(f"{speaker or '(unknown)'} ({where[speaker]} and {side})")
    if crossing:
        raise InputError(
            f"split '{split.name}': speakers on two sides: {listed(crossing)}; "
            "give every speaker to one side, or figures will be those of known voices"
        )
    pairs = _equal_audio(split, items)
    if pairs:
        (side, index), (other_side, other) = pairs[0]
        raise InputError(
            f"split '{split.name}': {number(len(pairs), 'pair')} of equal recordings on two sides, the first "
            f"{items[index].id} ({side}) and {items[other].id} ({other_side}); remove one, or have the training copy "
            "removed: without_duplicates(split, items), or splits(…, duplicates='remove')"
        )


def without_duplicates(split: Split, items: Sequence[Item | Utterance]) -> Split:
    """The split without the training copies of validation and test audio, and the validation copies of test audio."""
    out, notes = set(), []
    rank = {"training": 0, "validation": 1, "test": 2}
    for pair in _equal_audio(split, items):
        (side, index), (other_side, other) = sorted(pair, key=lambda place: rank[place[0]])
        if index not in out:
            notes.append(f"{items[index].id} removed from {side}: the same audio as {items[other].id} ({other_side})")
        out.add(index)
    return replace(
        split,
        train=tuple(index for index in split.train if index not in out),
        validation=tuple(index for index in split.validation if index not in out),
        left_out=tuple(sorted({*split.left_out, *out})),
        notes=(*split.notes, *notes),
    )


def _sides(split: Split) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return ("training", split.train), ("validation", split.validation), ("test", split.test)


Place = tuple[str, int]


def _equal_audio(split: Split, items: Sequence[Item | Utterance]) -> list[tuple[Place, Place]]:
    """Pairs of places with equal audio on different sides."""
    seen: dict[str, list[Place]] = {}
    pairs = []
    for side, indices in _sides(split):
        for index in indices:
            digest = getattr(items[index], "sha256", "")
            if not digest:
                continue
            earlier = seen.setdefault(digest, [])
            pairs += [(place, (side, index)) for place in earlier if place[0] != side]
            earlier.append((side, index))
    return pairs
