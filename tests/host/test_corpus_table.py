"""The table of a corpus job: what is right becomes items, what is wrong is told by row and column."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voxrack.corpus_table import bad_name, read_table
from voxrack.errors import InputError

PAIR = ("dry", "wet")


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_rows_become_items_with_absolute_paths(tmp_path: Path) -> None:
    text = '\ufeffname,wet, dry ,singer\r\nsinger/one,"m,ix.wav",dry.wav,Zoë\r\n\r\n two ,/abs/b.wav,a.wav,\r\n'
    one, two = read_table(table(tmp_path, text), PAIR)
    assert one.name == "singer/one" and two.name == "two"
    assert one.inputs == {"dry": str(tmp_path / "dry.wav"), "wet": str(tmp_path / "m,ix.wav")}
    assert two.inputs == {"dry": str(tmp_path / "a.wav"), "wet": "/abs/b.wav"}
    assert one.about == {"singer": "Zoë"} and two.about == {"singer": ""}
    assert one.origin == "pairs.csv, row 2" and two.origin == "pairs.csv, row 4"  # as a spreadsheet counts


def test_relative_paths_start_at_the_tables_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lists").mkdir()
    file = table(tmp_path / "lists", "dry,wet,name\n../dry.wav,wet.wav,a\n")
    monkeypatch.chdir(tmp_path)
    (item,) = read_table(os.path.relpath(file), PAIR)
    assert item.inputs == {"dry": str(tmp_path / "dry.wav"), "wet": str(tmp_path / "lists/wet.wav")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first row names the columns: dry, wet, name"),
        ("dry,wet,name\n", "a header and no rows"),
        ("dry,name\na,b\n", "row 1: no column 'wet'; the columns are dry, wet, name, and it has: dry, name"),
        ("dry;wet;name\na;b;c\n", "row 1: no column 'dry'.*separate the columns by commas"),
        ("dry,wet,name,dry\na,b,c,d\n", "row 1: the column 'dry' stands there twice"),
        ("dry,wet,name\na,b,c\nd,,e\n", "row 3: the column 'wet' holds no path"),
        ("dry,wet,name\na,b,c\nd, ,e\n", "row 3: the column 'wet' holds no path"),
        ("dry,wet,name\na,b,c,d\n", "row 2: 4 fields where the header has 3; put a field that has a comma"),
        ("dry,wet,name\na,b\n", "row 2: 2 fields where the header has 3"),
        ("dry,wet,name\na,b,c\nd,e,C\n", "row 3: the name 'C' is that of row 2"),
        ("dry,wet,name\na,b,../c\n", "row 2: name '../c': no part of it may be empty or begin with a dot"),
        ("dry,wet,name\na,b,\n", "row 2: the name is empty"),
        ("dry,wet,name\n" + "a,,b\n" * 9, "row 6: .*\n… and 4 more rows"),
    ],
)
def test_what_is_wrong_is_told_by_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(table(tmp_path, text), PAIR)


def test_what_is_no_text_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no UTF-8 text"):
        read_table(table(tmp_path, "dry,wet,name\nä,b,c\n", "latin-1"), PAIR)
    with pytest.raises(InputError, match=r"missing\.csv cannot be read: No such file"):
        read_table(tmp_path / "missing.csv", PAIR)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_table(tmp_path, PAIR)


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", ".", "..", "a/../b", ".hidden", "a\\b", "a\nb", "a\0", "ü" * 101]
)
def test_names_that_cannot_name_files(name: str) -> None:
    assert bad_name(name)


@pytest.mark.parametrize("name", ["a", "a/b/c", "a b", "Zoë – live (2)", "a.b", "…", "%41", "ü" * 100])
def test_names_that_can(name: str) -> None:
    assert bad_name(name) == ""
