"""Tables in terminals of any width: names and numbers stay whole, no line is too wide, nothing is left out."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from voxrack.commands import common

COLUMNS = ("parameter", "unit", "mean", "sd", "q05", "median", "q95", "note")
ROWS = [
    ("compressor.expander_threshold", "dB", "-48.12", "3.014", "-57.47", "-47.9", "-40.01", "the same in every preset"),
    ("reverb.input[5,1]", "", "1.593e+04", "2867", "0.5269", "1.315", "9.316e-28", ""),
    ("声.gain", "dB", "1", "2", "3", "4", "5", "wide letters"),
]


@pytest.mark.parametrize("width", [200, 132, 100, 80, 60])
def test_names_and_numbers_stay_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    common.table(COLUMNS, ROWS, title="A title", right=COLUMNS[2:7])
    told = capsys.readouterr().out
    assert told.count("A title") == 1
    assert max(cell_len(line) for line in told.splitlines()) <= width
    words = told.split()
    for text in (*COLUMNS, *(cell for row in ROWS for cell in row[:7] if cell), *ROWS[0][7].split()):
        assert text in words, (width, text)
    for row in ROWS:  # a number stands on a line with the name that it belongs to
        lines = [line.split() for line in told.splitlines() if row[0] in line.split()]
        assert all(any(number in line for line in lines) for number in row[2:7])


def test_one_table_where_it_fits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = ", ".join(f"reverb.decay[{i}] +0.20" for i in range(9))
    common.table(("component", "%", "made of"), [("1", "13.858", long)], right=("component", "%"))
    told = capsys.readouterr().out
    assert told.count("component") == 1
    assert all(f"reverb.decay[{i}]" in told for i in range(9))


def test_keys_stand_before_every_part(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = ("first", "second", *(f"figure {i}" for i in range(9)))
    common.table(columns, [("peq.peak1.gain", "peq.peak1.q", *"123456789")], right=columns[2:], keys=2)
    told = capsys.readouterr().out
    lines = [line for line in told.splitlines() if "peq.peak1.gain" in line]
    assert len(lines) > 1 and all("peq.peak1.q" in line for line in lines)


def test_keys_that_are_too_wide_head_paragraphs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    row = ("compressor.expander_threshold", "compressor.expander_ratio", "-0.52", "-0.29")
    common.table(("one", "other", "here", "elsewhere"), [row], right=("here", "elsewhere"), keys=2)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        [row[0]], [row[1]], ["here", row[2]], ["elsewhere", row[3]]
    ]  # fmt: skip


def test_a_word_wider_than_half_the_screen_folds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = "/a/folder/" + "x" * 100 + ".wav"
    common.table(("file", "length"), [(path, "12.0 s")], right=("length",))
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 60
    assert "12.0 s" in told and told.count("x") == 100


def test_an_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    common.table(("file", "length"), [])
    assert capsys.readouterr().out.split()[:2] == ["file", "length"]
