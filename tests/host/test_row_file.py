"""Rows that are added as they are measured, and found again after a crash."""

from __future__ import annotations

import pytest

from voxrack.errors import VoxrackError
from voxrack.row_file import RowFile


def named(job):
    return f"job {job}"


def square(number):
    if number == 3:
        raise ValueError("three is refused")
    return [{"of": number, "is": number * number}]


def test_rows_are_kept_and_a_failed_job_is_told(tmp_path):
    file = RowFile(tmp_path / "rows.jsonl", lambda row: row["of"])
    assert file.rows() == {}
    told = []
    with pytest.raises(VoxrackError, match=r"^job 3: .*three is refused; what was measured stays in"):
        file.measure(square, [1, 3, 5], name=named, before=2, progress=lambda share, text: told.append((share, text)))
    assert file.rows() == {1: {"of": 1, "is": 1}, 5: {"of": 5, "is": 25}}
    assert told[-1] == (1.0, "5 of 5")


def test_a_torn_last_line_costs_that_row_only(tmp_path):
    file = RowFile(tmp_path / "rows.jsonl", lambda row: row["of"])
    file.measure(square, [1, 2], name=named)
    file.path.write_bytes(file.path.read_bytes()[:-6])
    assert list(file.rows()) == [1]
    file.measure(square, [2, 4], name=named)
    assert list(file.rows()) == [1, 2, 4]


def test_of_two_rows_with_one_key_the_later_counts(tmp_path):
    file = RowFile(tmp_path / "rows.jsonl", lambda row: row["of"])
    file.path.write_text('{"of": 2, "is": 0}\n')
    file.measure(square, [2], name=named)
    assert file.rows() == {2: {"of": 2, "is": 4}}
