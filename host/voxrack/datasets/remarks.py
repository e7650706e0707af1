"""What there is to say about any corpus, however it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .rules import Rule, by_name
from .utterance import Item, Utterance
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


def missing(rule: Rule, speakers: Sequence[str]) -> list[str]:
    """What a known corpus has and this copy of it has not, from the speakers of its utterances (``12``)."""
    counts = Counter(speakers)
    absent = [speaker for speaker in rule.speakers if speaker not in counts]
    notes = []
    if absent:
        whom = f"{number(len(absent), 'speaker')} of {len(rule.speakers)} missing"
        notes.append(f"{whom}: {listed(absent, 24)}")
    short = [f"{s} has {counts[s]}" for s in rule.speakers if s in counts and counts[s] < rule.each]
    if short:
        notes.append(f"incomplete, {rule.title} has {rule.each} files of each speaker: {listed(short, 6)}")
    elif not absent and len(speakers) < rule.total:
        notes.append(f"incomplete: {len(speakers)} of the {rule.total} files of {rule.title}")
    return notes


def missing_items(items: Sequence[Item]) -> list[str]:
    """What is :func:`missing` of each known corpus among prepared items, with its name in front."""
    speakers: dict[str, list[str]] = {}
    for item in items:
        speakers.setdefault(item.corpus, []).append(item.speaker.partition("/")[2])
    known = [(rule, own) for name, own in speakers.items() if (rule := by_name(name))]
    return [f"{rule.name}: {note}" for rule, own in known for note in missing(rule, own)]
