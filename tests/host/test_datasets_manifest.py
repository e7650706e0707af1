"""Corpora by a CSV manifest: what is read, and every fault named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from mini_corpora import put, sound

from voxrack.datasets import load, read_manifest
from voxrack.errors import InputError

ROWS = "path,speaker,label\na/1.flac,anna,happy\na/2.flac,anna,Fear\nb/1.wav,bert,\n"


def folder(tmp_path: Path, text: str = ROWS, encoding: str = "utf-8") -> Path:
    """A manifest with its three files; returns the manifest."""
    for name in ("a/1.flac", "a/2.flac", "b/1.wav"):
        sound(tmp_path / "mine" / name)
    return put(tmp_path / "mine" / "list.csv", text, encoding)


def test_path_speaker_label(tmp_path: Path) -> None:
    path = folder(tmp_path)
    corpus = read_manifest(path)
    assert corpus == load(path)
    first, second, third = corpus.utterances
    assert (first.id, first.speaker, first.label) == ("mine/a/1.flac", "mine/anna", "happy")
    assert first.path == path.parent / "a/1.flac" and first.path.is_file()
    assert (second.label, third.label) == ("fearful", "")
    assert "label 'Fear' is read as 'fearful' (1 file)" in corpus.notes
    assert "1 file without a label: mine/b/1.wav" in corpus.notes


def test_further_columns_become_fields_and_attributes(tmp_path: Path) -> None:
    text = "gender,label,text,path,speaker,corpus,intensity,take\nfemale,sad,Oh no.,a/1.flac,1,radio,strong,\n"
    (utterance,) = read_manifest(folder(tmp_path, text)).utterances
    assert (utterance.id, utterance.corpus, utterance.speaker) == ("radio/a/1.flac", "radio", "radio/1")
    assert (utterance.text, utterance.intensity, utterance.attributes) == ("Oh no.", "strong", {"gender": "female"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(separator: str, encoding: str, tmp_path: Path) -> None:
    corpus = read_manifest(folder(tmp_path, ROWS.replace(",", separator), encoding))
    assert [utterance.label for utterance in corpus.utterances] == ["happy", "fearful", ""]


def test_a_quoted_text_may_hold_separators_and_line_ends(tmp_path: Path) -> None:
    text = 'path,speaker,label,text\na/1.flac,anna,sad,"one, two\nthree"\na/9.flac,anna,sad,four\n'
    path = folder(tmp_path, text)
    with pytest.raises(InputError, match=r"line 4: there is no file a/9\.flac"):
        read_manifest(path)
    sound(path.parent / "a/9.flac")
    assert read_manifest(path).utterances[0].text == "one, two\nthree"


def test_absolute_paths(tmp_path: Path) -> None:
    away = sound(tmp_path / "elsewhere" / "x.wav")
    corpus = read_manifest(folder(tmp_path, f"path,speaker,label\n{away},anna,sad\n"))
    assert corpus.utterances[0].path == away and corpus.utterances[0].id == "mine/../elsewhere/x.wav"


def test_an_unknown_speaker_is_noted(tmp_path: Path) -> None:
    corpus = read_manifest(folder(tmp_path, "path,speaker,label\na/1.flac,,sad\na/2.flac,anna,happy\n"))
    assert corpus.utterances[0].speaker == "" and corpus.speakers == ("mine/anna",)
    assert "1 file without a speaker, fit for no split: mine/a/1.flac" in corpus.notes


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("path,speaker\na/1.flac,anna\n", r"line 1 has the columns path, speaker; missing: label"),
        ("file,speaker,emotion\n", r"missing: path, label; is 'file' the path\? rename it; is 'emotion' the label\?"),
        ("", r"line 1 has the columns \(none\); missing: path, speaker, label"),
        ("path,speaker,label,label\n", r"line 1 has the column label more than once"),
        ("path,speaker,label\n", r"a header without a line below it"),
        ("path,speaker,label\na/1.flac,anna\n", r"line 2: 2 cells, the header has 3"),
        ("path,speaker,label\n\n ,anna,sad\n", r"line 3: the path is empty"),
        ("path,speaker,label\na/1.flac,a,sad\na/./1.flac,b,sad\n", r"line 3: a/\./1\.flac stands in line 2 already"),
        ('path,speaker,label\n"a/1.flac"x,a,sad\n', r"line 2 is no CSV"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fault):
        read_manifest(folder(tmp_path, text))


def test_many_missing_files_are_counted(tmp_path: Path) -> None:
    text = "path,speaker,label\n" + "".join(f"{number}.wav,anna,sad\n" for number in range(12))
    with pytest.raises(InputError, match=r"line 2: there is no file 0\.wav;.*line 6.*; and 7 more\. Mend"):
        read_manifest(folder(tmp_path, text))


def test_a_manifest_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load(tmp_path, "manifest")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_manifest(folder(tmp_path, ROWS.replace("anna", "Ännä"), "latin-1"))
