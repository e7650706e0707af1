"""The command line as a process: signals, pipes that close, disks that are full. Nothing half-written is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from command_line import preset, start, tone

PATIENCE = 60.0  # seconds until a process that should have got going counts as stuck


def wait_for_part(folder: Path, process: subprocess.Popen[str], count: int = 1) -> None:
    """Until ``count`` outputs are being written."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if len(list(folder.glob(".voxrack-*.part*"))) >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    raise AssertionError("the render never began to write")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_render_leaves_the_old_output(tmp_path: Path, number: signal.Signals, code: int) -> None:
    source = tone(tmp_path / "in.wav", 60)
    out = tmp_path / "out"
    out.mkdir()
    (out / "o.wav").write_bytes(b"what was there before")
    process = start("render", preset(tmp_path, level=0), source, "-o", out / "o.wav", "--block", "1")
    wait_for_part(out, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code and "Traceback" not in err
    assert os.listdir(out) == ["o.wav"] and (out / "o.wav").read_bytes() == b"what was there before"


@pytest.mark.parametrize("to", ["parent", "everyone"])
def test_interrupted_jobs_leave_nothing(tmp_path: Path, to: str) -> None:
    for name in "abc":
        tone(tmp_path / "in" / f"{name}.wav", 60)
    out = tmp_path / "out"
    words = ("render", preset(tmp_path, level=0), tmp_path / "in", "-o", out, "--block", "1", "--jobs", "2")
    process = start(*words, start_new_session=True)
    wait_for_part(out, process, 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    if to == "parent":
        process.send_signal(signal.SIGINT)
    else:  # Ctrl-C in a terminal reaches the whole process group
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "Traceback" not in err
    assert os.listdir(out) == []
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    assert len(workers) >= 2 and not [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE]


# ---- standard output ---------------------------------------------------------------------------
def shell(command: str) -> subprocess.CompletedProcess[str]:
    line = command.replace("voxrack", f'"{sys.executable}" -m voxrack')
    return subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("verb", ["devices --json", "devices", "--help", "preset schema"])
def test_reader_that_leaves_is_no_error_message(verb: str) -> None:
    result = shell(f"voxrack {verb} | true")
    assert result.stderr == ""


def test_head_gets_its_lines() -> None:
    result = shell("voxrack devices --json | head -n 1")
    assert result.stdout == "[\n" and result.stderr == ""


def test_closed_standard_output_is_said() -> None:
    result = shell("voxrack devices >&-")
    assert result.returncode == 1 and "standard output is closed" in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("verb", ["devices", "plugins --json", "--help"])
def test_full_standard_output_is_said(verb: str) -> None:
    result = shell(f"voxrack {verb} > /dev/full")
    assert result.returncode == 1 and "No space left" in result.stderr and result.stderr.count("\n") == 1


# ---- destinations that cannot be written --------------------------------------------------------
@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A file system of 64 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"only root may mount a small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_destination_keeps_the_old_output(tmp_path: Path, tiny_disk: Path) -> None:
    source = tone(tmp_path / "in.wav", 60)
    (tiny_disk / "o.wav").write_bytes(b"before")
    process = start("render", preset(tmp_path, level=0), source, "-o", tiny_disk / "o.wav")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "o.wav" in err and "space" in err and err.count("\n") == 1 and not out
    assert os.listdir(tiny_disk) == ["o.wav"] and (tiny_disk / "o.wav").read_bytes() == b"before"


def test_protected_output_and_impossible_folder(tmp_path: Path) -> None:
    source, file = tone(tmp_path / "in.wav"), preset(tmp_path, level=0)
    kept = tone(tmp_path / "kept.wav")
    kept.chmod(0o444)
    before = kept.read_bytes()
    for target in (
        kept,
        tmp_path / "in.wav" / "inside" / "o.wav",
        Path("/dev/null/o.wav"),
        tmp_path / ("x" * 300 + ".wav"),
    ):
        process = start("render", file, source, "-o", target)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1 and err.startswith("voxrack: ") and err.count("\n") == 1 and not out, (
            target,
            err,
        )
    assert kept.read_bytes() == before


def test_names_that_are_no_text_are_printed_all_the_same(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    name = folder + b"/caf\xe9.wav"
    os.rename(os.fsencode(tone(tmp_path / "x.wav")), name)
    words = ["render", str(preset(tmp_path, level=0)), name, "-o", str(tmp_path / "out"), "--json"]
    process = subprocess.run([sys.executable, "-m", "voxrack", *words], capture_output=True, timeout=PATIENCE)
    assert b"Traceback" not in process.stderr and b"unexpected" not in process.stderr
    if process.returncode == 0:
        assert os.listdir(folder + b"/out") == [b"caf\xe9.wav"]
    else:
        assert process.returncode == 3 and b"caf\\udce9.wav" in process.stderr


RUDE = """
import sys, time
print("imported")
from voxrack import DeviceSpec, hookimpl

class Base:
    latency = tail = 0
    def __init__(self, *_): pass
    def prepare(self, sample_rate, channels, max_frames): self.channels = channels; return channels
    def flush(self, frames): return None
    def reset(self): pass

class Loud(Base):
    def process(self, block): print("processing"); return block.copy()

class Leaves(Base):
    def process(self, block): sys.exit(0)

class Sleeps(Base):
    def process(self, block): print("asleep", file=sys.stderr, flush=True); time.sleep(600)

@hookimpl
def voxrack_devices():
    return [DeviceSpec(f"rude.{c.__name__.lower()}", "processor", f"rude:{c.__name__}") for c in (Loud, Leaves, Sleeps)]
"""


@pytest.fixture
def with_rude(tmp_path: Path) -> dict[str, str]:
    """An environment in which a plugin is installed that has no manners."""
    folder = tmp_path / "site"
    info = folder / "rude-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "rude.py").write_text(RUDE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rude\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[voxrack.plugins]\nrude = rude\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_a_device_that_prints_does_not_spoil_the_json(tmp_path: Path, with_rude: dict[str, str]) -> None:
    words = ("render", preset(tmp_path, "rude.loud"), tone(tmp_path / "in.wav"), "-o", tmp_path / "o.wav", "--json")
    process = start(*words, env=with_rude)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert json.loads(out)["target"] == str(tmp_path / "o.wav") and "imported" in err and "processing" in err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_device_that_leaves_is_a_failure_and_not_the_end(
    tmp_path: Path, jobs: str, with_rude: dict[str, str]
) -> None:
    sources = [tone(tmp_path / "in" / f"{name}.wav") for name in "ab"]
    words = ("render", preset(tmp_path, "rude.leaves"), *sources, "-o", tmp_path / "out", "--jobs", jobs)
    process = start(*words, env=with_rude)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and err.count("'rude.leaves' failed in process(): SystemExit: 0") == 2, err


def test_a_device_cannot_swallow_the_order_to_end(tmp_path: Path, with_rude: dict[str, str]) -> None:
    words = ("render", preset(tmp_path, "rude.sleeps"), tone(tmp_path / "in.wav"), "-o", tmp_path / "o.wav")
    process = start(*words, env=with_rude)
    assert process.stderr is not None
    while "asleep" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 143 and not (tmp_path / "o.wav").exists()


@pytest.mark.parametrize(
    ("chosen", "policy", "rounds"),
    [
        ({}, "PASSIVE", lambda count: count == 0),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE", lambda count: count > 1000),
        ({"GOMP_SPINCOUNT": "70"}, None, lambda count: count == 70),
    ],
)
def test_threads_sleep_while_they_wait_unless_the_user_decides(
    chosen: dict[str, str], policy: str | None, rounds: Callable[[int], bool]
) -> None:
    code = """if True:
        import os, sys
        from voxrack.cli import main
        sys.argv = ["voxrack", "--version"]
        assert main() == 0
        assert "torch" not in sys.modules  # OpenMP reads the environment when torch loads it
        print("policy", os.environ.get("OMP_WAIT_POLICY"))
        import torch
    """
    undecided = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "KMP_"))}
    found = subprocess.run(
        [sys.executable, "-c", code], env=undecided | {"OMP_DISPLAY_ENV": "VERBOSE"} | chosen, capture_output=True,
        text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    assert f"policy {policy}" in found.stdout
    for count in re.findall(r"GOMP_SPINCOUNT\s*=\s*'(\d+)'", found.stderr):  # GNU's library tells what it understood
        assert rounds(int(count))
