"""Read the audio of utterances one by one; what cannot be read is said, and the rest goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import InputError
from .utterance import Utterance
from .words import listed

if TYPE_CHECKING:
    from ..audio import Audio


def read_audio(utterance: Utterance, notes: list[str] | None = None) -> Audio:
    """The audio as it is in the file: its channels, its rate, its level.

    Parameters
    ----------
    utterance : Utterance
    notes : list of str, optional
        Takes what there is to say about a file that is read all the same, such as a cut end; else it is a warning.

    Raises
    ------
    InputError
        For a file that cannot be read, is empty, or holds NaN or infinity.
    """
    from ..files import read

    if notes is None:
        return read(utterance.path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        audio = read(utterance.path)
    notes += [str(warning.message) for warning in heard]
    return audio


def read_utterances(
    utterances: Sequence[Utterance], notes: list[str], progress: Callable[[float], object] | None = None
) -> Iterator[tuple[Utterance, Audio]]:
    """Every utterance that can be read, with its audio.

    Parameters
    ----------
    utterances : sequence of Utterance
    notes : list of str
        Takes a line for each file that was left out as unreadable, or is cut.
    progress : callable, optional
        Called with the share done, 0 … 1.

    Raises
    ------
    InputError
        At the end, where not one file could be read.
    """
    failed = []
    for count, utterance in enumerate(utterances, 1):
        try:
            audio = read_audio(utterance, notes)
        except InputError as error:
            failed.append(str(error))
            notes.append(f"left out: {error}")
        else:
            yield utterance, audio
        if progress is not None:
            progress(count / len(utterances))
    if utterances and len(failed) == len(utterances):
        raise InputError(f"none of the {len(failed)} files can be read; the first: {failed[0]}")


def durations(utterances: Iterable[Utterance], notes: list[str]) -> dict[str, float]:
    """Seconds of each utterance by its id, from the files' headers; notes on those that cannot be read."""
    from ..files import info

    out = {}
    bad = []
    for utterance in utterances:
        try:
            out[utterance.id] = info(utterance.path).duration
        except InputError as error:
            bad.append(str(error))
    if bad:
        notes.append(f"{len(bad)} not readable: {listed(bad)}")
    return out
