"""Labels and transcripts of IEMOCAP, which stand in files of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from .utterance import Utterance
from .words import number

EMOTIONS = {
    "neu": "neutral", "hap": "happy", "sad": "sad", "ang": "angry", "exc": "excited", "fru": "frustrated",
    "fea": "fearful", "sur": "surprised", "dis": "disgust", "oth": "other", "xxx": "",
}  # fmt: skip

SUMMARY = re.compile(
    r"^\[[\d.]+ - [\d.]+\]\s+(?P<turn>Ses\w+)\s+(?P<emotion>[a-z]{3})\s+"
    r"\[(?P<valence>[-\d.]+),\s*(?P<arousal>[-\d.]+),\s*(?P<dominance>[-\d.]+)\]",
    re.MULTILINE,
)
SAID = re.compile(r"^(?P<turn>Ses\w+) \[[\d.]+-[\d.]+\]: *(?P<text>.*?)\s*$", re.MULTILINE)


def annotate(root: Path, utterances: Sequence[Utterance]) -> tuple[list[Utterance], list[str]]:
    """Give each utterance its label, valence, arousal and dominance (1 … 5, means over annotators), and its text.

    The summary line of ``Session*/dialog/EmoEvaluation/*.txt`` is
    ``[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5, 2.5, 2.5]``: the majority's word, then valence, activation
    (here ``arousal``), dominance. ``xxx``, no majority, is no label.

    Raises
    ------
    InputError
        Where no evaluation file lies below ``root``.
    """
    ratings = {found["turn"]: found for text in _texts(root, "EmoEvaluation") for found in SUMMARY.finditer(text)}
    if not ratings:
        raise InputError(
            f"{root}: audio of IEMOCAP without its labels; expected Session1/dialog/EmoEvaluation/Ses01F_impro01.txt "
            "and its like: name the folder that holds Session1 … Session5"
        )
    said = {found["turn"]: found["text"] for text in _texts(root, "transcriptions") for found in SAID.finditer(text)}
    out, unrated, unknown = [], 0, set()
    for utterance in utterances:
        turn = utterance.path.stem
        found = ratings.get(turn)
        unrated += found is None
        label, more = "", {}
        if found is not None:
            label = EMOTIONS.get(found["emotion"], "")
            if found["emotion"] not in EMOTIONS:
                unknown.add(found["emotion"])
            more = {name: found[name] for name in ("valence", "arousal", "dominance")}
        attributes = {**utterance.attributes, **more}
        out.append(replace(utterance, label=label, text=said.get(turn, ""), attributes=attributes))
    notes = [f"{number(unrated, 'file')} in no file of EmoEvaluation: without a label"] if unrated else []
    disagreed = sum(not utterance.label for utterance in out) - unrated
    if disagreed:
        notes.append(f"{number(disagreed, 'file')} on which the annotators did not agree (xxx): without a label")
    if unknown:
        notes.append(f"emotion codes that are not IEMOCAP's, taken as no label: {', '.join(sorted(unknown))}")
    return out, notes


def _texts(root: Path, folder: str) -> list[str]:
    """The text files of every folder of that name, not of folders below it (single annotators')."""
    files = sorted(path for path in root.rglob(f"{folder}/*.txt") if not path.name.startswith("."))
    return [path.read_text(encoding="utf-8", errors="replace") for path in files]
