"""voxrack render and analyze: which files become which, what is refused, what happens to the others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import RATE, done, lines, preset, run, tone

from voxrack import read
from voxrack.commands import pool
from voxrack.files import info


def test_one_file_to_one_file(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    report = lines(done("render", preset(tmp_path, level=-6.0), source, "-o", tmp_path / "out.wav", "--json"))[0]
    assert report["target"] == str(tmp_path / "out.wav") and report["frames_out"] == report["frames_in"] == RATE // 2
    before, after = read(source), read(tmp_path / "out.wav")
    # the gain: -6 dB on every sample
    np.testing.assert_allclose(after.samples, before.samples * 10 ** (-6 / 20), rtol=1e-5, atol=1e-7)


def test_set_changes_numbers_with_units_in_order(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    words = ["--set", "slot.level=-60 dB", "--set", "slot.level=-20dB", "--set", "dry=0"]
    report = lines(done("render", preset(tmp_path), source, "-o", tmp_path / "out.wav", "--json", *words))[0]
    assert report["peak_out"] == pytest.approx(0.1 * report["peak_in"], rel=1e-3)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("slot.levle=3", "slot.level"),
        ("slotlevel=3", "slot.level"),
        ("nonsense=3", "`voxrack preset show --all` lists them"),
        ("slot.level=loud", "dB"),
        ("slot.level=400", "-inf"),
        ("slot.level=3Hz", "not a unit"),
        ("slot.level", "ADDRESS=VALUE"),
        ("=3", "ADDRESS=VALUE"),
    ],
)
def test_wrong_setting_is_refused_before_anything_is_written(tmp_path: Path, word: str, said: str) -> None:
    source = tone(tmp_path / "in.wav")
    result = run("render", preset(tmp_path), source, "-o", tmp_path / "out.wav", "--set", word)
    assert result.exit_code == 2 and said in result.stderr and not (tmp_path / "out.wav").exists()


def test_array_element_takes_numbers_only(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    file = preset(tmp_path, "fx.reverb")
    done("render", file, source, "-o", tmp_path / "out.wav", "--no-tail", "--set", "slot.input[2,1]=0.25")
    result = run("render", file, source, "-o", tmp_path / "out.wav", "--set", "slot.input[2,1]=soft")
    assert result.exit_code == 2 and "soft" in result.stderr


def test_tail_and_no_tail(tmp_path: Path) -> None:
    source, file = tone(tmp_path / "in.wav", 0.2), preset(tmp_path, "fx.reverb")
    long = lines(done("render", file, source, "-o", tmp_path / "long.wav", "--json"))[0]
    same = lines(done("render", file, source, "-o", tmp_path / "same.wav", "--json", "--no-tail"))[0]
    assert same["frames_out"] == same["frames_in"] < long["frames_out"]
    assert long["tail_s"] == pytest.approx(long["tail"] / RATE)


def test_format_and_subtype(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "a.wav")
    tone(tmp_path / "in" / "b.mp3")
    file = preset(tmp_path)
    done("render", file, tmp_path / "in", "-o", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["a.wav", "b.wav"]  # what was lossy is not made lossier
    done("render", file, tmp_path / "in", "-o", tmp_path / "flac", "--format", "flac", "--subtype", "PCM_16")
    assert info(tmp_path / "flac" / "b.flac").subtype == "PCM_16"
    assert run("render", file, tmp_path / "in" / "a.wav", "-o", tmp_path / "x.wav", "--format", "flac").exit_code == 2
    assert run("render", file, tmp_path / "in" / "a.wav", "-o", tmp_path / "x.wav", "--subtype", "PCM_7").exit_code == 2


def test_folder_keeps_its_tree_and_skips_hidden_files_and_old_outputs(tmp_path: Path) -> None:
    music = tmp_path / "music"
    for name in ("a.wav", "sub/b.flac", "sub/deeper/c ü.wav", ".hidden/d.wav", "sub/.e.wav"):
        tone(music / name)
    (music / "notes.txt").write_text("no audio")
    file = preset(tmp_path)
    for _ in range(2):  # the second time, the outputs of the first lie inside the folder
        done("render", file, music, "-o", music / "out")
    found = sorted(str(path.relative_to(music / "out")) for path in (music / "out").rglob("*.*"))
    assert found == ["a.wav", "sub/b.flac", "sub/deeper/c ü.wav"]


def test_several_folders_keep_their_names(tmp_path: Path) -> None:
    one, two = tone(tmp_path / "one" / "a.wav"), tone(tmp_path / "two" / "a.wav")
    done("render", preset(tmp_path), one.parent, two.parent, "-o", tmp_path / "out")
    assert (tmp_path / "out" / "one" / "a.wav").exists() and (tmp_path / "out" / "two" / "a.wav").exists()


def test_target_folder_above_the_sources_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tone(tmp_path / "in" / "a.wav")
    monkeypatch.chdir(tmp_path)
    done("render", preset(tmp_path), "in", "-o", ".")
    assert (tmp_path / "a.wav").exists()


# ---- what must not be overwritten ----------------------------------------------------------------
@pytest.mark.parametrize("way", ["itself", "its folder", "link", "hard link", "other input"])
def test_an_input_is_never_overwritten(tmp_path: Path, way: str) -> None:
    source, other = tone(tmp_path / "in.wav"), tone(tmp_path / "o" / "in.wav", 0.2)
    words = [source]
    if way == "itself":
        target: Path = source
    elif way == "its folder":
        target = tmp_path
    elif way == "link":
        target = tmp_path / "link.wav"
        target.symlink_to(source)
    elif way == "hard link":
        target = tmp_path / "hard.wav"
        target.hardlink_to(source)
    else:
        words, target = [source, tone(tmp_path / "b.wav"), other], other.parent
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.wav")}
    result = run("render", preset(tmp_path), *words, "-o", target)
    assert result.exit_code == 2 and "is an input" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.wav")} == before


def test_two_inputs_with_one_target_are_refused(tmp_path: Path) -> None:
    words = [tone(tmp_path / "a" / "x.wav"), tone(tmp_path / "b" / "x.wav")]
    result = run("render", preset(tmp_path), *words, "-o", tmp_path / "out")
    assert result.exit_code == 2 and "would both be written" in result.stderr and not (tmp_path / "out").exists()


def test_several_inputs_need_a_folder(tmp_path: Path) -> None:
    words = [tone(tmp_path / "x.wav"), tone(tmp_path / "y.wav")]
    (tmp_path / "out.wav").write_bytes(b"mine")
    result = run("render", preset(tmp_path), *words, "-o", tmp_path / "out.wav")
    assert result.exit_code == 2 and (tmp_path / "out.wav").read_bytes() == b"mine"


# ---- bad input ---------------------------------------------------------------------------------
def test_missing_file_is_code_3(tmp_path: Path) -> None:
    result = run("render", preset(tmp_path), tmp_path / "no" / "such.wav", "-o", tmp_path / "o.wav")
    assert result.exit_code == 3 and "such.wav" in result.stderr and not result.stdout


@pytest.mark.parametrize("content", [b"", b"this is text, not audio", b"RIFF\x24\x00\x00\x00WAVE"])
def test_unreadable_file_is_code_3_and_the_old_output_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.wav").write_bytes(content)
    (tmp_path / "o.wav").write_bytes(b"before")
    result = run("render", preset(tmp_path), tmp_path / "bad.wav", "-o", tmp_path / "o.wav")
    assert result.exit_code == 3 and "bad.wav" in result.stderr
    assert (tmp_path / "o.wav").read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["bad.wav", "o.wav", "one.json"]


def test_folder_without_audio_is_code_3(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("render", preset(tmp_path), tmp_path / "empty", "-o", tmp_path / "o").exit_code == 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_bad_file_among_many_is_reported_and_the_others_are_rendered(tmp_path: Path, jobs: int) -> None:
    for name in ("a", "b", "ü"):
        tone(tmp_path / "in" / f"{name}.wav", 0.1)
    (tmp_path / "in" / "bad.wav").write_bytes(b"no audio")
    words = ["render", preset(tmp_path, level=-6.0), tmp_path / "in", "-o", tmp_path / "out", "--jobs", jobs]
    result = run(*words, "--json")
    assert result.exit_code == 1 and "bad.wav" in result.stderr and "1 of 4 files failed" in result.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["a.wav", "b.wav", "ü.wav"]
    reports = {Path(report["source"]).name: report for report in lines(result)}
    assert len(reports) == 4 and "not an audio file" in reports["bad.wav"]["error"]
    assert reports["ü.wav"]["peak_out"] == pytest.approx(0.0501, rel=1e-2)
    table = run(*words)
    assert table.exit_code == 1 and "3 files rendered" in table.stdout


def test_cut_file_is_rendered_with_a_remark(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    source.write_bytes(source.read_bytes()[:-8000])
    result = done("render", preset(tmp_path), source, "-o", tmp_path / "o.wav", "--json")
    assert any("cut off" in note for note in lines(result)[0]["notes"])
    assert "cut off" in done("render", preset(tmp_path), source, "-o", tmp_path / "o.wav").stderr


# ---- presets -----------------------------------------------------------------------------------
def test_unknown_preset_is_code_2_and_a_missing_file_code_3(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    assert run("render", "no-such-preset", source, "-o", tmp_path / "o.wav").exit_code == 2
    assert run("render", "no-such.json", source, "-o", tmp_path / "o.wav").exit_code == 3
    assert run("render", tmp_path, source, "-o", tmp_path / "o.wav").exit_code == 3


def test_factory_preset_by_name(tmp_path: Path) -> None:
    names = [entry["name"] for entry in json.loads(done("preset", "list", "--json").stdout)]
    done("render", names[0], tone(tmp_path / "in.wav"), "-o", tmp_path / "o.wav", "--no-tail")


def test_missing_device_is_said_and_bypassed(tmp_path: Path) -> None:
    source = tone(tmp_path / "in.wav")
    result = done("render", preset(tmp_path, "gone.device", level=3.0), source, "-o", tmp_path / "o.wav")
    assert "gone.device" in result.stderr and "bypassed" in result.stderr
    np.testing.assert_array_equal(read(tmp_path / "o.wav").samples, read(source).samples)


# ---- analyze -----------------------------------------------------------------------------------
def test_analyze_prints_one_object_a_line(tmp_path: Path) -> None:
    words = [tone(tmp_path / "a.wav", 2.0), tone(tmp_path / "b.wav", 2.0, level=0.01)]
    found = lines(done("analyze", "fx.loudness", *words, "--json"))
    assert [set(entry) for entry in found] == [{"file", "device", "summary", "tracks"}] * 2
    assert [Path(entry["file"]).name for entry in found] == ["a.wav", "b.wav"]
    for entry in found:
        for track in entry["tracks"]:
            assert set(track) == {"name", "unit", "labels", "times_s", "values"}
            assert len(track["times_s"]) == len(track["values"]) and len(track["values"][0]) == len(track["labels"])


def test_analyze_table_picture_and_settings(tmp_path: Path) -> None:
    source = tone(tmp_path / "a.wav", 2.0)
    assert "track" in done("analyze", "fx.loudness", source, "--plot", tmp_path / "p.png").stdout
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert run("analyze", "fx.loudness", source, "--set", "nonsense=1").exit_code == 2
    assert run("analyze", "fx.loudness", source, source, "--plot", tmp_path / "q.png").exit_code == 2
    assert run("analyze", "fx.loudness", source, "--plot", tmp_path / "q.xyz").exit_code == 2


def test_analyze_refuses_processors_and_reports_bad_files(tmp_path: Path) -> None:
    source = tone(tmp_path / "a.wav", 2.0)
    wrong = run("analyze", "fx.gain", source)
    assert wrong.exit_code == 2 and "fx.loudness" in wrong.stderr
    (tmp_path / "bad.wav").write_bytes(b"no audio")
    assert run("analyze", "fx.loudness", tmp_path / "bad.wav").exit_code == 3
    mixed = run("analyze", "fx.loudness", source, tmp_path / "bad.wav", "--json")
    assert mixed.exit_code == 1 and "error" in lines(mixed)[1] and "summary" in lines(mixed)[0]


def test_an_empty_name_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`render telephone "$UNSET" -o out` must not render all there is."""
    source = tone(tmp_path / "a.wav")
    monkeypatch.chdir(tmp_path)
    for words in (
        ("render", "telephone", "", "-o", "out"), ("render", "telephone", "", "-o", "out.wav"),
        ("render", "telephone", source, "", "-o", "out"), ("render", "telephone", source, "-o", ""),
        ("render", "", source, "-o", "out.wav"), ("analyze", "fx.loudness", ""),
    ):  # fmt: skip
        result = run(*words)
        assert result.exit_code == 2 and "is an empty name; give a file or a folder" in result.stderr, words
    assert os.listdir(tmp_path) == ["a.wav"]


@pytest.mark.parametrize("out", ["a.wav/b.wav", "a.wav/folder/b.wav", "n" * 300 + "/b.wav"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tone(tmp_path / "a.wav")
    monkeypatch.chdir(tmp_path)
    before = source.read_bytes()
    result = run("render", preset(tmp_path), source, "-o", out)
    why = "a.wav is a file, not a folder; give another name" if "a.wav" in out else "choose a shorter one"
    assert result.exit_code == 1 and "cannot write" in result.stderr and why in result.stderr
    assert "unexpected" not in result.stderr and source.read_bytes() == before


# ---- the pool ----------------------------------------------------------------------------------
def test_a_worker_that_dies_fails_its_own_job_only() -> None:
    jobs = ["1 + 1", "__import__('os').abort()", "2 + 2", "1 / 0", "__import__('os')._exit(3)", "3 + 3"]
    outcomes = {outcome.index: outcome for outcome in pool.run(eval, jobs, 2)}
    assert [outcomes[index].value for index in (0, 2, 5)] == [2, 4, 6]
    assert "SIGABRT" in outcomes[1].error and "exit code 3" in outcomes[4].error
    assert "ZeroDivisionError" in outcomes[3].error
    assert sorted(outcomes) == list(range(6))


def test_workers_use_one_thread_and_the_parent_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    question = "__import__('os').environ['OMP_NUM_THREADS']"
    assert {outcome.value for outcome in pool.run(eval, [question] * 3, 2)} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
