"""What there is to say about any corpus, however it was read."""

from __future__ import annotations

from collections.abc import Sequence

from .utterance import Utterance
from .words import classes, listed, number


def remarks(utterances: Sequence[Utterance], *, labels: bool = True) -> list[str]:
    """What any corpus may lack: labels, speakers, a second class."""
    notes = []
    unlabelled = [utterance.id for utterance in utterances if not utterance.label]
    if labels and unlabelled:
        notes.append(f"{number(len(unlabelled), 'file')} without a label: {listed(unlabelled)}")
    nameless = [utterance.id for utterance in utterances if not utterance.speaker]
    if nameless:
        notes.append(f"{number(len(nameless), 'file')} without a speaker, fit for no split: {listed(nameless)}")
    found = classes(utterance.label for utterance in utterances)
    if len(found) == 1:
        notes.append(f"one class only, '{found[0]}': nothing can be trained on this corpus alone")
    return notes
