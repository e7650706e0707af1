"""``voxrack batch``: fit, render and analyze over tables and folders, with workers that may die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import RATE, done, lines, preset, run, start, tone

from voxrack import Audio, Preset, read, write
from voxrack.commands import batch_screen
from voxrack.corpus import State

pytest.importorskip("distributed", reason="distributed is not installed: pip install 'voxrack[corpus]'")


def takes(folder: Path, count: int = 4) -> Path:
    for number in range(count):
        tone(folder / f"day{number % 2}" / f"take{number}.wav", level=0.1)
    return folder


def voice(path: Path, gain: float, seconds: float = 1.5) -> Path:
    """Noise in syllables: something that a fit can hold on to."""
    random = np.random.default_rng(0)
    time = np.arange(int(seconds * 44_100)) / 44_100
    signal = 0.1 * gain * random.standard_normal(time.size) * (np.sin(2 * np.pi * 3 * time) > 0)
    write(path, Audio(signal, 44_100))
    return path


def test_a_folder_is_rendered_once(tmp_path: Path) -> None:
    half = preset(tmp_path, level=-6.0206)
    words = ("batch", "render", half, takes(tmp_path / "in"), "-o", tmp_path / "job", "--no-tail", "--workers", 2)
    first = done(*words)
    assert "4 items: 4 done" in first.stdout and "2.0 s of audio" in first.stdout
    for number in range(4):
        name = f"day{number % 2}/take{number}"
        heard = read(tmp_path / "job/audio" / f"{name}.wav")
        assert heard.peak == pytest.approx(0.05, rel=1e-3) and heard.frames == RATE // 2
        record = json.loads((tmp_path / "job/records" / f"{name}.json").read_text())
        assert record["result"]["target"] == f"audio/{name}.wav" and record["result"]["frames_in"] == RATE // 2
    stamps = [path.stat().st_mtime_ns for path in sorted((tmp_path / "job/audio").rglob("*.wav"))]
    second = done(*words)
    assert "4 items: 0 done, 4 were done before" in second.stdout
    assert stamps == [path.stat().st_mtime_ns for path in sorted((tmp_path / "job/audio").rglob("*.wav"))]
    other = run(*words, "--set", "slot.level=-3")
    assert other.exit_code == 2 and "holds another job (settings: [] there, [['slot.level', '-3']] now)" in other.stderr


def test_a_table_with_a_bad_recording_names_the_row_and_does_the_rest(tmp_path: Path) -> None:
    takes(tmp_path)
    (tmp_path / "broken.wav").write_text("no sound at all")
    table = tmp_path / "takes.csv"
    table.write_text(
        "source,name,singer\nday0/take0.wav,one,A\nbroken.wav,b/two,B\nnot_there.wav,three,C\nday1/take1.wav,four,D\n"
    )
    words = ("batch", "analyze", "fx.loudness", table, "-o", tmp_path / "job", "--json", "--workers", 1)
    result = run(*words)
    assert result.exit_code == 1
    *records, last = lines(result)
    assert last["report"]["items"] == 4 and last["report"]["done"] == last["report"]["failed"] == 2
    by_name = {record["name"]: record for record in records}
    assert set(by_name) == {"one", "b/two", "three", "four"} and by_name["one"]["about"] == {"singer": "A"}
    assert by_name["b/two"]["status"] == "failed" and "InputError" in by_name["b/two"]["traceback"]
    assert "takes.csv, row 3 (b/two): " in result.stderr and "takes.csv, row 4 (three): " in result.stderr
    found = json.loads((tmp_path / "job/analyses/four.json").read_text())
    alone = lines(done("analyze", "fx.loudness", tmp_path / "day1/take1.wav", "--json"))[0]
    assert found == alone and by_name["four"]["result"]["summary"] == alone["summary"]
    tone(tmp_path / "not_there.wav")  # mended: the next run does it, and says the other again
    again = run(*words)
    assert again.exit_code == 1 and lines(again)[-1]["report"]["skipped"] == 2
    assert {record["name"]: record["status"] for record in lines(again)[:-1]} == {"b/two": "failed", "three": "done"}
    kept = run(*words, "--keep-failed")
    assert kept.exit_code == 1 and lines(kept)[-1]["report"]["failures"][0]["name"] == "b/two"


def test_pairs_are_fitted_and_their_presets_render(tmp_path: Path) -> None:
    voice(tmp_path / "dry.wav", 1.0)
    voice(tmp_path / "wet.wav", 0.25)
    preset(tmp_path, "fx.gain", "rack")
    table = tmp_path / "pairs.csv"
    table.write_text("dry,wet,name,song\ndry.wav,wet.wav,singer/one,Sea\ndry.wav,dry.wav,two,\ndry.wav,gone.wav,no,\n")
    words = ("--steps", 2, "--rack", tmp_path / "rack.json", "--preset", "neutral", "--workers", 1)
    result = run("batch", "fit", table, "-o", tmp_path / "runs", *words)
    assert result.exit_code == 1, result.output
    assert "weighted total of 2 fits: mean" in result.stdout
    assert "pairs.csv, row 4 (no): " in result.stderr and "gone.wav" in result.stderr
    record = json.loads((tmp_path / "runs/records/singer/one.json").read_text())
    fitted = Preset.load(tmp_path / "runs" / record["result"]["preset"])
    assert record["result"]["preset"] == "presets/singer/one.json" and fitted.name == "singer/one"
    assert fitted.sha256 == record["result"]["preset_sha256"] and fitted.provenance["how"] == "fit"
    assert record["about"] == {"song": "Sea"} and record["result"]["steps"] == 2
    assert set(record["result"]["before"]) == set(record["result"]["after"])
    assert len((tmp_path / "runs/runs/singer/one/metrics.jsonl").read_text().splitlines()) == 2
    found = tmp_path / "runs/presets/singer/one.json"
    done("render", found, tmp_path / "dry.wav", "-o", tmp_path / "m.wav", "--no-tail")
    assert read(tmp_path / "m.wav").peak < 0.5 * read(tmp_path / "dry.wav").peak


def test_a_killed_worker_and_a_killed_main_process_lose_nothing(tmp_path: Path) -> None:
    half = preset(tmp_path, level=-6.0206)
    for number in range(60):
        tone(tmp_path / "in" / f"{number:02d}.wav", seconds=20.0)
    words = ("batch", "render", half, tmp_path / "in", "-o", tmp_path / "job", "--no-tail", "--workers", 2)
    records = tmp_path / "job/records"

    def wait_for(count: int) -> None:
        end = time.monotonic() + 60
        while len(list(records.glob("*.json"))) < count:
            assert time.monotonic() < end, "the job does not get on"
            time.sleep(0.01)

    main = start(*words, start_new_session=True)
    wait_for(3)
    claims = list((tmp_path / "job/work").glob("*/claim"))
    pids = {json.loads(line)["pid"] for claim in claims if claim.exists() for line in claim.read_text().splitlines()}
    workers = [child for child in psutil.Process(main.pid).children(recursive=True) if child.pid in pids]
    for child in workers[:1]:
        child.kill()
    wait_for(10)
    main.kill()
    main.communicate(timeout=30)
    whole = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
    interrupted = start(*words, start_new_session=True)
    wait_for(len(whole) + 3)
    os.killpg(interrupted.pid, signal.SIGINT)  # Ctrl-C
    out, err = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130 and "run the same again to go on" in err and "stopped" in err
    assert "Traceback" not in err and out == ""
    last = done(*words)
    assert "60 items: " in last.stdout and "failed" not in last.stdout
    assert {path.name: path.stat().st_mtime_ns for path in records.glob("*.json") if path.name in whole} == whole
    for number in range(60):
        assert json.loads((records / f"{number:02d}.json").read_text())["status"] == "done"
        assert read(tmp_path / "job/audio" / f"{number:02d}.wav").frames == 20 * RATE
    assert not list((tmp_path / "job").rglob(".voxrack-*"))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("fit", "no.csv"), 3, "no.csv cannot be read"),
        (("fit", "bad.csv"), 3, "bad.csv, row 2: the column 'wet' holds no path"),
        (("fit", "good.csv", "--device", "tpu"), 2, "device 'tpu' is unknown"),
        (("fit", "good.csv", "--rack", "nope"), 2, "'nope' is neither a file nor a factory preset"),
        (("fit", "good.csv", "--workers", "0"), 2, "0 is not in the range"),
        (("fit", "good.csv", "--scheduler", "tcp://h:1", "--slurm", "partition=x"), 2, "exclude each other"),
        (("fit", "good.csv", "--slurm", "=x"), 2, "--slurm takes KEY=VALUE"),
        (("analyze", "fx.gain", "."), 2, "'fx.gain' is a processor; analyze takes an analyzer"),
        (("render", "telephone", "empty"), 3, "no audio file in this folder"),
        (("render", "telephone", "two"), 2, "would both be 'a'; name them in a table"),
        (("render", "telephone", "two/a.wav", "--format", "tape"), 2, "--format tape; it takes wav"),
        (("render", "telephone", "two/a.wav", "--set", "x.y=1"), 2, "the rack has no address 'x.y'"),
    ],
)
def test_wrong_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.csv").write_text("dry,wet,name\na.wav,,b\n")
    Path("good.csv").write_text("dry,wet,name\na.wav,b.wav,b\n")
    Path("empty").mkdir()
    tone(Path("two/a.wav"))
    tone(Path("two/a.flac"))
    result = run("batch", *words, "-o", "job")
    assert result.exit_code == code and message in result.stderr and not Path("job").exists()


def test_without_the_extra_the_command_that_mends_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run("batch", "render", "telephone", tone(tmp_path / "a.wav"), "-o", tmp_path / "job")
    assert result.exit_code == 2 and "pip install 'voxrack[corpus]'" in result.stderr


@pytest.mark.parametrize(
    "code", ["import voxrack.corpus, voxrack.corpus_worker", "cli.run(['batch', 'fit', '--help'])"]
)
def test_neither_the_help_nor_the_module_imports_dask(code: str) -> None:
    probe = f"import sys\nfrom voxrack.cli import cli\n{code}\nprint(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"dask", "distributed", "torch", "scipy", "pandas"} & {
        m.partition(".")[0] for m in result.stderr.split()
    }


def test_progress_tells_rate_and_remaining_time() -> None:
    state = State(500, skipped=100, workers=2, seconds=3.0)
    assert batch_screen.line(state) == "100 of 500 · 3 s so far"
    state._first, state._last, state.seconds, state.done, state.failed, state.deaths = 2.0, 52.0, 54.0, 98, 2, 1
    assert batch_screen.line(state) == "200 of 500 · 2.0 items/s · 2 min 28 s left · 2 failed · 1 worker died"
    state.workers = 0
    assert batch_screen.line(state) == "200 of 500 · waiting for workers · 2 failed · 1 worker died"
    assert batch_screen.rate(0.5) == "30.0 items/min" and batch_screen.rate(0.001) == "3.6 items/h"
    assert batch_screen.duration(59.6) == "1 min 00 s" and batch_screen.duration(7500) == "2 h 05 min"


def test_progress_comes_as_lines_where_nobody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_screen, "EVERY", 0.0)
    half = preset(tmp_path, level=-6.0)
    result = done("batch", "render", half, takes(tmp_path / "in"), "-o", tmp_path / "job", "--json", "--workers", 1)
    assert "items/s · 0 s left" in result.stderr.splitlines()[-1]
    assert [line["name"] for line in lines(result)[:-1]] and lines(result)[-1]["report"]["done"] == 4
