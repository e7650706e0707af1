"""Transcripts of ESD: ``0011/0011.txt`` beside the folders of a speaker, where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .utterance import Utterance

ENCODINGS = ("utf-8-sig", "utf-16", "gb18030")  # the release mixes them


def annotate(root: Path, utterances: Sequence[Utterance]) -> tuple[list[Utterance], list[str]]:
    """Give each utterance its text: a line is ``0011_000001<tab>text<tab>emotion``."""
    said: dict[str, str] = {}
    notes = []
    for path in sorted(root.rglob("00[0-2][0-9].txt")):
        text = _decoded(path)
        if text is None:
            notes.append(
                f"{path.relative_to(root).as_posix()}: in none of {', '.join(ENCODINGS)}; its texts are missing"
            )
            continue
        for line in text.splitlines():
            turn, _, rest = line.partition("\t")
            said[turn.strip()] = rest.partition("\t")[0].strip()
    return [replace(utterance, text=said.get(utterance.path.stem, "")) for utterance in utterances], notes


def _decoded(path: Path) -> str | None:
    data = path.read_bytes()
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else (ENCODINGS[0], ENCODINGS[2]):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
