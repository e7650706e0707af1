"""``voxrack analyze`` with a recogniser: JSON lines, CSV, pictures and tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from command_line import done, lines, run
from random_recogniser import LABELS, random_recogniser

from voxrack import Audio, write
from voxrack.testing import voice


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> tuple[str, ...]:
    """The start of a command line, up to the device and its (random) weights."""
    path = random_recogniser(tmp_path_factory.mktemp("weights") / "random.safetensors")
    return ("analyze", "ser.best", "--set", f"weights={path}")


@pytest.fixture
def calls(tmp_path) -> Path:
    """A folder with a voice of 4 s, one of 2 s, and a silent file."""
    folder = tmp_path / "calls"
    (folder / "b").mkdir(parents=True)
    write(folder / "a.wav", voice(4.0, 16_000, seed=3))
    write(folder / "b" / "short, one.wav", voice(2.0, 16_000, seed=4))
    write(folder / "silent.wav", Audio(np.zeros((2, 48_000), np.float32), 16_000))
    return folder


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_is_one_object_a_line(words, calls):
    found = lines(done(*words, calls, "--json"))
    assert [Path(entry["file"]).name for entry in found] == ["a.wav", "silent.wav", "short, one.wav"]
    for entry in found:
        assert set(entry) == {"file", "device", "summary", "tracks"}
        assert {"emotion", "confidence", "probabilities", "segments", "speech_s", "windows"} <= set(entry["summary"])
        for track in entry["tracks"]:
            assert set(track) == {"name", "unit", "labels", "times_s", "values"}
            assert len(track["times_s"]) == len(track["values"])
        assert set(entry["summary"]["segments"][0]) == {"start", "end", "emotion", "confidence"}
    assert found[0]["summary"]["emotion"] in (*LABELS, "unsure")
    assert (found[1]["summary"]["emotion"], found[1]["summary"]["confidence"]) == ("no speech", 0.0)


def test_tracks_can_be_left_out(words, calls):
    assert lines(done(*words, calls / "a.wav", "--json", "--summary"))[0]["tracks"] == []
    only = lines(done(*words, calls / "a.wav", "--json", "--only", "emotion", "--only", "voiced"))[0]["tracks"]
    assert [track["name"] for track in only] == ["emotion", "voiced"]
    wrong = run(*words, calls / "a.wav", "--json", "--only", "feelings")
    assert wrong.exit_code == 2
    assert "no track 'feelings'; it has: emotion, voiced, embedding" in wrong.stderr


def test_csv_has_a_row_for_each_window(words, calls):
    found = rows(done(*words, calls, "--csv").stdout)
    assert list(found[0]) == ["file", "start_s", "end_s", "emotion", "confidence", "speech", *LABELS]
    first = [row for row in found if row["file"].endswith("a.wav")]
    assert [(row["start_s"], row["end_s"]) for row in first[:2]] == [("0.0", "1.5"), ("0.5", "2.0")]
    assert len(first) == 6
    for row in first:
        chances = [float(row[label]) for label in LABELS]
        assert sum(chances) == pytest.approx(1.0, abs=1e-5)
        assert float(row["confidence"]) == max(chances)
    silent = [row for row in found if row["file"].endswith("silent.wav")]
    assert {row["emotion"] for row in silent} == {"no speech"}
    assert any("short, one.wav" in row["file"] for row in found)  # a comma in a name


def test_csv_summary_has_a_row_for_each_file(words, calls):
    found = rows(done(*words, calls, "--csv", "--summary").stdout)
    assert len(found) == 3
    assert {"file", "device", "emotion", "confidence", *LABELS, "speech_s", "duration_s"} <= set(found[0])
    entry = lines(done(*words, calls / "a.wav", "--json"))[0]["summary"]
    mine = next(row for row in found if row["file"].endswith("a.wav"))
    assert mine["emotion"] == entry["emotion"]
    assert float(mine["angry"]) == entry["probabilities"]["angry"]


def test_csv_of_another_analyzer_has_its_tracks_as_columns(calls):
    found = rows(done("analyze", "fx.loudness", calls / "a.wav", "--csv").stdout)
    assert list(found[0]) == ["file", "time_s", "momentary", "short-term"]
    assert len(found) > 10


def test_people_read_a_table(words, calls):
    one = done(*words, calls / "a.wav").stdout
    assert "speech in " in one
    assert "whole recording" in one
    assert all(label in one for label in LABELS)
    several = done(*words, calls).stdout.splitlines()
    assert several[0].split() == ["file", "emotion", "sure", "speech", "then"]
    assert len(several) == 4
    silent = done(*words, calls / "silent.wav").stdout
    assert "no speech: 0.00 s of speech were found; a verdict takes 0.25 s within one window" in silent


def test_pictures_one_for_each_file(words, calls, tmp_path):
    done(*words, calls / "a.wav", "--plot", tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    done(*words, calls, "--plot", tmp_path / "pictures", "--csv")
    drawn = sorted(
        path.relative_to(tmp_path / "pictures").as_posix() for path in (tmp_path / "pictures").rglob("*.png")
    )
    assert drawn == ["a.wav.png", "b/short, one.wav.png", "silent.wav.png"]
    refused = run(*words, calls, "--plot", tmp_path / "one.svg")
    assert refused.exit_code == 2
    assert "is one picture, and 3 files were given; name a folder" in refused.stderr
    twice = run(*words, calls / "a.wav", calls / "a.wav", "--plot", tmp_path / "twice")
    assert twice.exit_code == 2
    assert "would both be drawn as" in twice.stderr


def test_options_that_contradict_each_other_and_bad_files(words, calls, tmp_path):
    for more in (("--csv", "--json"), ("--summary", "--only", "emotion"), ("--plot", "")):
        assert run(*words, calls, *more).exit_code == 2
    (calls / "broken.wav").write_bytes(b"no audio at all")
    mixed = run(*words, calls, "--csv", "--summary")
    assert mixed.exit_code == 1
    assert "broken.wav" in mixed.stderr
    assert len(rows(mixed.stdout)) == 3
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    assert run("analyze", "ser.best", "--set", f"weights={tmp_path / 'w.safetensors'}", calls / "a.wav").exit_code == 3


def test_two_processes_say_the_same(words, calls):
    one = sorted(lines(done(*words, calls, "--json")), key=lambda entry: entry["file"])
    two = sorted(lines(done(*words, calls, "--json", "--jobs", 2)), key=lambda entry: entry["file"])
    for a, b in zip(one, two, strict=True):
        assert a["summary"]["emotion"] == b["summary"]["emotion"]
        assert list(a["summary"]["probabilities"].values()) == pytest.approx(
            list(b["summary"]["probabilities"].values()), abs=1e-4
        )


def test_a_narrow_band_is_told(words, tmp_path):
    write(tmp_path / "phone.wav", voice(2.0, 8_000, seed=3))
    write(tmp_path / "studio.wav", voice(2.0, 44_100, seed=3))
    phone, studio = lines(done(*words, tmp_path / "phone.wav", tmp_path / "studio.wav", "--json"))
    assert "phone.wav: recorded at 8000 Hz, so nothing above 4000 Hz can be heard" in phone["notes"][0]
    assert "notes" not in studio
    assert "recorded at 8000 Hz" in done(*words, tmp_path / "phone.wav").stderr
