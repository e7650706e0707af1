"""A corpus by a CSV manifest: one line per file with its path, speaker and label."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .remarks import remarks
from .utterance import Corpus, Utterance
from .words import emotion_word, natural, number

REQUIRED = ("path", "speaker", "label")
OWN = (*REQUIRED, "corpus", "text", "intensity")
OFTEN = {"file": "path", "filename": "path", "file_path": "path", "wav": "path", "audio": "path", "emotion": "label",
         "class": "label", "category": "label", "speaker_id": "speaker", "actor": "speaker"}  # fmt: skip


def read_manifest(path: str | os.PathLike[str]) -> Corpus:
    """Read a manifest.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8, separated by comma, semicolon or tab, with a header. Columns: ``path`` (relative to the
        manifest's folder, or absolute), ``speaker`` (empty: unknown), ``label`` (empty: unlabelled), and if you like
        ``corpus`` (by default the folder's name), ``text``, ``intensity``; all others become attributes.

    Returns
    -------
    Corpus
        Labels are the project's words (``fear`` is read as ``fearful``), with a note for each word that changed.

    Raises
    ------
    InputError
        For a missing column, and for missing files, empty paths, short lines and paths given twice, by their lines.
    """
    path = Path(path)
    rows = _rows(path)
    utterances, changed = [], {}
    for row in rows.values():
        label = emotion_word(row["label"])
        if label != row["label"].strip().lower():
            changed.setdefault((row["label"].strip(), label), []).append(1)
        utterances.append(_utterance(path, row, label))
    utterances.sort(key=lambda utterance: natural(utterance.id))
    notes = [f"label '{old}' is read as '{new}' ({number(len(n), 'file')})" for (old, new), n in changed.items()]
    names = sorted({utterance.corpus for utterance in utterances})
    return Corpus("+".join(names), path.parent, tuple(utterances), (*notes, *remarks(utterances)))


def _utterance(manifest: Path, row: Mapping[str, str], label: str) -> Utterance:
    corpus = row.get("corpus", "").strip() or manifest.absolute().parent.name
    file = Path(row["path"].strip())
    inside = file if not file.is_absolute() else Path(os.path.relpath(file, manifest.absolute().parent))
    speaker = row["speaker"].strip()
    more = {name: value.strip() for name, value in row.items() if name not in OWN and value.strip()}
    return Utterance(
        f"{corpus}/{inside.as_posix()}", manifest.parent / file, corpus, f"{corpus}/{speaker}" if speaker else "",
        label, row.get("text", "").strip(), row.get("intensity", "").strip(), more,
    )  # fmt: skip


def _rows(path: Path) -> dict[int, dict[str, str]]:
    """The checked rows by the line they end on."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save the CSV as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: the manifest cannot be read: {error.strerror}; check the name") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: dict[int, dict[str, str]] = {}
    faults: list[str] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(path, header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                faults.append(f"line {reader.line_num}: {len(cells)} cells, the header has {len(header)}")
                continue
            rows[reader.line_num] = dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is no CSV: {error}") from None
    faults += _faults(path, rows)
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(f"{path}: {'; '.join(faults[:5])}{more}. Mend the lines or take them out")
    if not rows:
        raise InputError(f"{path}: a header without a line below it; there is nothing to load")
    return rows


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        hints = [f"is '{name}' the {OFTEN[name]}? rename it" for name in header if OFTEN.get(name) in missing]
        more = f"; {'; '.join(hints)}" if hints else ""
        raise InputError(
            f"{path}: line 1 has the columns {', '.join(header) or '(none)'}; missing: {', '.join(missing)}{more}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}: line 1 has the column {', '.join(twice)} more than once; leave one")


def _faults(path: Path, rows: Mapping[int, Mapping[str, str]]) -> list[str]:
    out = []
    seen: dict[str, int] = {}
    for line, row in rows.items():
        name = row["path"].strip()
        file = path.parent / name
        key = os.path.normpath(file)
        if not name:
            out.append(f"line {line}: the path is empty")
        elif key in seen:
            out.append(f"line {line}: {name} stands in line {seen[key]} already")
        elif not file.is_file():
            out.append(f"line {line}: there is no file {name}")
        seen.setdefault(key, line)
    return out
