"""The protocols: which speakers are tested, and which items take part. All of them split by speaker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..errors import InputError, UsageError
from .rules import by_name
from .split import Split, check_split, without_duplicates
from .utterance import Item, Utterance
from .words import choice, classes, listed, natural, number

Items = Sequence[Item | Utterance]

PROTOCOLS = {
    "paper": "RAVDESS, actors 1 and 2 tested, 3 to 24 trained on",
    "folds": "RAVDESS, five fixed folds of four or five actors",
    "pairs": "RAVDESS, twelve folds of adjacent actors",
    "loso": "leave one speaker out: a fold for each",
    "kfold:N": "N folds of speakers, balanced for corpus and gender",
    "iemocap-10": "IEMOCAP, improvised, four classes, one speaker a fold",
    "iemocap-5": "IEMOCAP, improvised, four classes, one session (both its speakers) a fold",
    "cross:CORPUS": "trained on all other corpora, tested on CORPUS, on the classes that both sides have",
}
"""What ``splits`` takes, with what it is."""

FOLDS = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))
"""Actors of the five folds that the published figures of Mak-Sim/ResLSTM-SER use."""

FOUR = ("neutral", "happy", "sad", "angry")


@dataclass(frozen=True)
class Fold:
    """Speakers to test among the items (indices) that take part."""

    name: str
    speakers: tuple[str, ...]
    taking_part: tuple[int, ...]
    notes: tuple[str, ...] = ()


def splits(
    items: Items, protocol: str, *, validation_speakers: int = 0, seed: int = 0, duplicates: str = "refuse"
) -> tuple[Split, ...]:
    """Split by speaker; the same items give the same splits in any order, on any machine.

    Parameters
    ----------
    items : sequence of Item or Utterance
    protocol : str
        A name of :data:`PROTOCOLS`, as in ``"folds"``, ``"kfold:5"``, ``"cross:tess"``. The folds themselves do not
        depend on ``seed``, so that runs with several seeds can be paired.
    validation_speakers : int
        How many of each split's training speakers validate instead, drawn by ``seed``, of each gender alike where
        it is known.
    seed : int
        Of that draw.
    duplicates : str
        What to do about equal audio on two sides: ``"refuse"``, or ``"remove"`` the training copy and note it.

    Returns
    -------
    tuple of Split
        Each checked by :func:`~voxrack.datasets.check_split`.

    Raises
    ------
    UsageError
        For an unknown protocol, one that does not fit the corpora, or more validation speakers than there are.
    InputError
        Where a fold would be without test or training items or with one class, or where something crosses.
    """
    choice("duplicates", duplicates, ("refuse", "remove"))
    if validation_speakers < 0:
        raise UsageError(f"validation_speakers is {validation_speakers}; it takes 0 or more")
    kind, _, argument = protocol.strip().partition(":")
    maker = _MAKERS.get(kind)
    if maker is None or bool(argument) != (kind in ("kfold", "cross")):
        raise UsageError(f"there is no protocol '{protocol}'; it takes {', '.join(PROTOCOLS)}")
    usable = tuple(index for index, item in enumerate(items) if item.label and item.speaker)
    if not usable:
        raise InputError(f"none of the {len(items)} items has a label and a speaker; there is nothing to split")
    found = classes(items[index].label for index in usable)
    if len(found) < 2:
        raise InputError(f"all {len(usable)} labelled items are '{''.join(found)}'; training needs two classes or more")
    out = []
    for fold in maker(items, usable, argument):
        split = _split(items, fold, validation_speakers, seed)
        if duplicates == "remove":
            split = without_duplicates(split, items)
        check_split(split, items)
        _trainable(split, items)
        out.append(split)
    return tuple(out)


def _split(items: Items, fold: Fold, validation_speakers: int, seed: int) -> Split:
    tested = set(fold.speakers)
    test = tuple(index for index in fold.taking_part if items[index].speaker in tested)
    rest = tuple(index for index in fold.taking_part if items[index].speaker not in tested)
    if not test or not rest:
        side = "test" if not test else "train on"
        raise InputError(
            f"'{fold.name}' has nothing to {side}: its test speakers are {listed(fold.speakers, 6)}, the items have "
            f"{listed(_speakers(items, fold.taking_part), 6)}; 'loso' and 'kfold:N' take whatever speakers there are"
        )
    chosen = set(_draw(items, rest, validation_speakers, f"{seed}/{fold.name}"))
    train = tuple(index for index in rest if items[index].speaker not in chosen)
    validation = tuple(index for index in rest if items[index].speaker in chosen)
    known = classes(items[index].label for index in train)
    notes = list(fold.notes)
    absent = [speaker for speaker in fold.speakers if speaker not in _speakers(items, test)]
    if absent:
        notes.append(f"test {_plural('speaker', absent)} not in the data: {listed(absent, 6)}")
    unknown = classes(items[index].label for index in (*test, *validation) if items[index].label not in known)
    if unknown:
        notes.append(f"tested or validated but not trained on: {', '.join(unknown)}")
    inside = {*test, *rest}
    left_out = tuple(index for index in range(len(items)) if index not in inside)
    mute = sum(not (items[index].label and items[index].speaker) for index in left_out)
    if mute:
        notes.append(f"{number(mute, 'item')} without a label or a speaker left out")
    if len(left_out) > mute:
        notes.append(f"{number(len(left_out) - mute, 'item')} that the protocol does not use left out")
    return Split(fold.name, train, test, validation, left_out, tuple(notes))


def _trainable(split: Split, items: Items) -> None:
    known = classes(items[index].label for index in split.train)
    if len(known) < 2:
        left = f"only '{''.join(known)}'" if known else "nothing"
        raise InputError(f"'{split.name}' has {left} to train on; training needs two classes or more")


# ---- the protocols --------------------------------------------------------------------------
def _paper(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    """Specification of the MFCC recognisers: 1320 clips of actors 3 to 24, 120 of actors 1 and 2."""
    _only(items, usable, "paper", "ravdess")
    return [Fold("actors 1 and 2", _actors((1, 2)), usable)]


def _folds(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    _only(items, usable, "folds", "ravdess")
    return [Fold(f"fold {count}", _actors(actors), usable) for count, actors in enumerate(FOLDS, 1)]


def _pairs(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    _only(items, usable, "pairs", "ravdess")
    return [Fold(f"actors {a} and {a + 1}", _actors((a, a + 1)), usable) for a in range(1, 25, 2)]


def _loso(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    return [Fold(speaker, (speaker,), usable) for speaker in _speakers(items, usable)]


def _kfold(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    speakers = _speakers(items, usable)
    count = int(argument) if argument.isdecimal() else 0
    if not 2 <= count <= len(speakers):
        raise UsageError(f"'kfold:{argument}': there are {number(len(speakers), 'speaker')}; N is 2 to that many")
    about = _about(items, usable)
    # dealt out like cards, one corpus and gender after the other, so that each fold gets its share of all of them
    dealt = sorted(speakers, key=lambda speaker: (*about[speaker], _hash(f"kfold/{speaker}")))
    return [Fold(f"fold {first + 1} of {count}", tuple(dealt[first::count]), usable) for first in range(count)]


def _iemocap_10(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    """2280 utterances in the complete corpus; "excited" is not merged into "happy"."""
    kept = _improvised(items, usable, "iemocap-10")
    return [Fold(speaker, (speaker,), kept) for speaker in _speakers(items, kept)]


def _iemocap_5(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    kept = _improvised(items, usable, "iemocap-5")
    sessions: dict[str, list[str]] = {}
    for speaker in _speakers(items, kept):
        sessions.setdefault(speaker[:-1], []).append(speaker)  # "iemocap/Ses01F": the letter is the gender
    return [Fold(f"session {name[-1]}", tuple(speakers), kept) for name, speakers in sessions.items()]


def _cross(items: Items, usable: tuple[int, ...], argument: str) -> list[Fold]:
    there = sorted({items[index].corpus for index in usable})
    rule = by_name(argument)
    names = {name.lower(): name for name in there}  # a manifest may write "EmoDB"
    wanted = names.get(argument.lower()) or names.get(rule.name if rule else "") or argument
    if wanted not in there or len(there) < 2:
        raise UsageError(
            f"'cross:{argument}' needs items of {wanted} and of another corpus; there are items of {', '.join(there)}"
        )
    test = [index for index in usable if items[index].corpus == wanted]
    train = [index for index in usable if items[index].corpus != wanted]
    shared = {items[index].label for index in test} & {items[index].label for index in train}
    if len(shared) < 2:
        raise InputError(
            f"'cross:{argument}': the two sides share {len(shared)} classes ({', '.join(classes(shared)) or 'none'}); "
            "it takes two or more"
        )
    kept = tuple(index for index in usable if items[index].label in shared)
    others = "+".join(name for name in there if name != wanted)
    speakers = _speakers(items, [index for index in kept if items[index].corpus == wanted])
    note = f"classes that both sides have: {', '.join(classes(shared))}"
    return [Fold(f"{others} to {wanted}", tuple(speakers), kept, (note,))]


_MAKERS: dict[str, Callable[[Items, tuple[int, ...], str], list[Fold]]] = {
    "paper": _paper, "folds": _folds, "pairs": _pairs, "loso": _loso, "kfold": _kfold,
    "iemocap-10": _iemocap_10, "iemocap-5": _iemocap_5, "cross": _cross,
}  # fmt: skip


# ---- speakers -------------------------------------------------------------------------------
def _actors(numbers: Collection[int]) -> tuple[str, ...]:
    return tuple(f"ravdess/{actor:02d}" for actor in numbers)


def _speakers(items: Items, indices: Collection[int]) -> list[str]:
    return sorted({items[index].speaker for index in indices}, key=natural)


def _about(items: Items, indices: Collection[int]) -> dict[str, tuple[str, str]]:
    """Corpus and gender of each speaker; the gender is "" where it is not known."""
    return {items[i].speaker: (items[i].corpus, items[i].attributes.get("gender", "")) for i in indices}


def _draw(items: Items, indices: Collection[int], count: int, seed: str) -> list[str]:
    """``count`` speakers, of each gender alike, in an order that depends on nothing but the seed and the names."""
    about = _about(items, indices)
    if count >= len(about):
        raise UsageError(
            f"{number(count, 'validation speaker')} wanted of {number(len(about), 'training speaker')}; "
            f"it takes 0 to {len(about) - 1}, so that one is left to train on"
        )
    waiting: dict[str, list[str]] = {}
    for speaker in sorted(about, key=lambda name: _hash(f"{seed}/{name}")):
        waiting.setdefault(about[speaker][1], []).append(speaker)
    drawn: list[str] = []
    taken = dict.fromkeys(waiting, 0)
    while len(drawn) < count:
        gender = min((g for g in waiting if waiting[g]), key=lambda g: (taken[g], _hash(f"{seed}/{waiting[g][0]}")))
        drawn.append(waiting[gender].pop(0))
        taken[gender] += 1
    return drawn


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ---- what a protocol asks for ---------------------------------------------------------------
def _only(items: Items, usable: Collection[int], protocol: str, corpus: str) -> None:
    others = sorted({items[index].corpus for index in usable}.difference([corpus]))
    if others:
        raise UsageError(
            f"protocol '{protocol}' is defined on {corpus}, and there are items of {', '.join(others)}; "
            f"take {corpus} alone, or the protocol 'loso', 'kfold:N' or 'cross:CORPUS'"
        )


def _improvised(items: Items, usable: tuple[int, ...], protocol: str) -> tuple[int, ...]:
    _only(items, usable, protocol, "iemocap")
    kept = tuple(i for i in usable if items[i].label in FOUR and items[i].attributes.get("style") == "improvised")
    if not kept:
        raise InputError(f"protocol '{protocol}' takes improvised turns labelled {', '.join(FOUR)}; there are none")
    return kept


def _plural(word: str, names: Collection[object]) -> str:
    return word if len(names) == 1 else f"{word}s"
