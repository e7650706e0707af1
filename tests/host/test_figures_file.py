"""The file that tells what an evaluation was asked and what it found."""

from __future__ import annotations

import json
import math

import pytest

from voxrack.errors import InputError, UsageError
from voxrack.figures_file import FiguresFile, FiguresReport, plus_minus, refuse_training


@pytest.fixture
def kept(tmp_path):
    return FiguresFile(tmp_path / "figures.json", "voxrack.test", version=3, oldest=2)


def test_what_is_written_is_read_again(kept):
    kept.write({"asked": ("a", "b"), "found": math.nan})
    assert kept.read() == {"format": "voxrack.test", "version": 3, "asked": ["a", "b"], "found": None}


def test_systems_may_be_added_but_not_changed(kept):
    about = {"asked": 1, "systems": {"one": {"values": (1, 2)}}}
    assert kept.check(about, ("asked",), "systems") == about["systems"]
    kept.write(about)
    more = {"asked": 1, "systems": {"two": {}}}
    assert set(kept.check(more, ("asked",), "systems")) == {"one", "two"}
    assert kept.check(about, ("asked",), "systems") == about["systems"]  # a tuple is a list in JSON
    with pytest.raises(UsageError, match="holds figures of another 'one'"):
        kept.check({"asked": 1, "systems": {"one": {"values": (1, 3)}}}, ("asked",), "systems")
    with pytest.raises(UsageError, match="asked = 1, not 2"):
        kept.check({"asked": 2, "systems": {}}, ("asked",), "systems")
    assert kept.check({"asked": 1}, ("asked",)) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        (json.dumps({"format": "voxrack.other", "version": 1}), "is voxrack.other version 1; this voxrack reads"),
        (json.dumps({"format": "voxrack.test", "version": 4}), "version 4; this voxrack reads voxrack.test version 3"),
        (json.dumps({"format": "voxrack.test", "version": 1}), "an earlier voxrack made it"),
    ],
)
def test_what_is_no_such_file_is_refused_and_kept(kept, content, said):
    kept.path.write_text(content)
    with pytest.raises(InputError, match=said):
        kept.check({}, ())
    assert kept.path.read_text() == content


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"folds": ("1",)}, "--fold is of evaluations that train; things are"),
        ({"validation_speakers": 2}, "--validation"),
        ({"epochs": 3}, "--epochs"),
    ],
)
def test_options_of_training_are_refused(asked, said):
    refuse_training("things", "pairs", "pairs")
    with pytest.raises(UsageError, match=said):
        refuse_training("things", "pairs", "pairs", **asked)
    with pytest.raises(UsageError, match="by the protocol 'pairs', not 'folds'"):
        refuse_training("things", "folds", "pairs")


def test_a_report_is_the_content_and_its_folder(tmp_path):
    report = FiguresReport(tmp_path, {"figures": {"eca": 0.5}, "notes": []})
    assert report.figures == {"eca": 0.5}
    assert report.json() == {"folder": str(tmp_path), "figures": {"eca": 0.5}, "notes": []}


@pytest.mark.parametrize(
    ("mean", "low", "high", "text"),
    [
        (2.651, 2.53, 2.77, "2.65 ±0.12"),
        (2.651, None, None, "2.65"),
        (2.651, math.nan, math.nan, "2.65"),
        (-0.5, -0.75, -0.25, "-0.50 ±0.25"),
        (math.inf, 1.0, math.inf, "∞"),
        ("inf", 1.0, "inf", "∞"),
        (-math.inf, -math.inf, 1.0, "-∞"),
        (None, None, None, ""),
        (math.nan, math.nan, math.nan, ""),
    ],
)
def test_a_mean_and_half_of_its_interval(mean, low, high, text):
    assert plus_minus({"mean": mean, "low": low, "high": high}, 2) == text


def test_no_mean_is_nothing_and_a_difference_has_its_sign():
    assert plus_minus(None, 2) == ""
    assert plus_minus({"mean": 0.125, "low": 0.0, "high": 0.25}, 3, "+") == "+0.125 ±0.125"
