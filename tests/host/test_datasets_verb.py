"""``voxrack datasets``: what a folder of speech is, on the screen and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import done, run
from mini_corpora import put, ravdess, sound, tess


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def document(*words: object) -> dict:
    import json

    return json.loads(done("datasets", *words, "--json").stdout)


def test_the_table_counts_speakers_and_classes(tmp_path: Path, plain: None) -> None:
    out = done("datasets", ravdess(tmp_path, [1, 2])).stdout
    assert "ravdess: 6 utterances, 2 speakers, 3 classes" in out
    cells = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith(" ")}
    assert cells["speaker"] == ["gender", "neutral", "happy", "angry", "all", "minutes"]
    assert cells["ravdess/01"] == ["male", "1", "1", "1", "3", "0.0"]
    assert cells["all"] == ["2", "2", "2", "6", "0.0"]
    assert "note: 22 speakers of 24 missing: 03, 04" in out


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    found = document(ravdess(tmp_path, [1, 2]))
    assert (found["corpus"], found["utterances"], found["classes"]) == ("ravdess", 6, ["neutral", "happy", "angry"])
    assert found["seconds"] == pytest.approx(6 * 0.05)
    assert found["speakers"][1] == {
        "speaker": "ravdess/02", "gender": "female", "seconds": 0.15,
        "utterances": {"neutral": 1, "happy": 1, "angry": 1},
    }  # fmt: skip
    assert any("22 speakers of 24 missing" in note for note in found["notes"])


def test_splits_are_shown_with_their_speakers(tmp_path: Path, plain: None) -> None:
    root = ravdess(tmp_path)
    found = document(root, "--protocol", "folds", "--validation", 2)["splits"]
    assert [split["test"] for split in found] == [15, 15, 15, 15, 12]
    assert found[4]["test_speakers"] == ["ravdess/01", "ravdess/04", "ravdess/09", "ravdess/22"]
    assert all(split["validation"] == 6 and len(split["validation_speakers"]) == 2 for split in found)
    out = done("datasets", root, "--protocol", "paper").stdout
    assert "protocol paper: no speaker crosses" in out and "actors 1 and 2" in out


def test_several_folders_are_merged(tmp_path: Path, plain: None) -> None:
    found = document(ravdess(tmp_path / "r", [1, 2]), tess(tmp_path / "t"), "--protocol", "cross:tess")
    assert (found["corpus"], found["utterances"]) == ("ravdess+tess", 22)
    assert found["splits"][0]["name"] == "ravdess to tess" and found["splits"][0]["left_out"] == 10


def test_equal_recordings_are_named(tmp_path: Path, plain: None) -> None:
    root = ravdess(tmp_path, [1, 2])
    assert "no two recordings are equal" in done("datasets", root, "--duplicates").stdout
    taken = root / "Actor_01/03-01-05-02-01-01-01.flac"
    copy = root / "Actor_02/03-01-05-02-01-02-02.flac"
    copy.write_bytes(taken.read_bytes())
    (pair,) = document(root, "--duplicates")["duplicates"]
    assert [name.rpartition("/")[2] for name in pair] == [taken.name, copy.name]
    splits = document(root, "--duplicates", "--protocol", "loso")["splits"]
    assert [(split["train"], split["test"], split["left_out"]) for split in splits] == [(3, 3, 1), (2, 4, 1)]
    assert f"{copy.name} removed from training: the same audio as" in splits[0]["notes"][-1]


def test_an_unreadable_file_is_noted(tmp_path: Path, plain: None) -> None:
    root = ravdess(tmp_path, [1, 2])
    put(root / "Actor_01/03-01-05-02-01-01-01.flac", "no audio")
    assert "note: 1 not readable:" in done("datasets", root).stdout
    assert "note: left out:" in done("datasets", root, "--duplicates").stdout


def test_a_wrong_folder_ends_with_3_and_a_wrong_word_with_2(tmp_path: Path) -> None:
    sound(tmp_path / "one.wav")
    wrong = run("datasets", tmp_path)
    assert wrong.exit_code == 3 and "saw one.wav" in wrong.stderr.lower() and "Actor_12/" in wrong.stderr
    assert run("datasets", tmp_path, "--name", "radio").exit_code == 2
    assert run("datasets").exit_code == 2
    root = ravdess(tmp_path / "r", [1, 2])
    assert run("datasets", root, "--protocol", "random").exit_code == 2
