"""voxrack doctor: what it finds in good order here, and that it notices what is not."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import done, run

from voxrack import Host, hookimpl
from voxrack.commands import checks, doctor
from voxrack.commands.checks import Line


def only(lines: Iterator[Line]) -> Line:
    found = list(lines)
    assert len(found) == 1, found
    return found[0]


def test_every_check_reports_and_what_is_wrong_has_a_mend() -> None:
    told = json.loads(run("doctor", "--json").stdout)
    names = {check["name"] for check in told["checks"]}
    assert {"python", "voxrack", "libraries", "plugin fx", "presets", "kernel cache", "audio files", "browser"} <= names
    assert all(check["mend"] for check in told["checks"] if check["status"] != "ok")
    assert told["ok"] == all(check["status"] != "fail" for check in told["checks"])


def test_failure_is_code_1_and_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([Line("cable", "fail", "unplugged", "plug it in")]),))
    result = run("doctor")
    assert result.exit_code == 1 and "unplugged" in result.stdout and "→ plug it in" in result.stdout
    monkeypatch.setattr(doctor, "CHECKS", (lambda: iter([Line("cable", "warn", "worn")]),))
    assert "1 warnings" in done("doctor").stdout


def test_a_check_that_stumbles_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> Iterator[Line]:
        raise RuntimeError("no floor")

    monkeypatch.delenv("VOXRACK_DEBUG", raising=False)
    monkeypatch.setattr(doctor, "CHECKS", (stumble,))
    assert doctor.findings()[0].status == "fail" and "no floor" in doctor.findings()[0].text


def test_old_python_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert only(checks.python()).status == "warn"


PROJECT = """
[project]
[project.scripts]
voxrack = "voxrack.cli:main"
[project.entry-points."voxrack.plugins"]
{plugins}
"""


def test_changed_entry_points_ask_for_a_new_installation(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(plugins='new = "voxrack_new"'))
    line = only(checks.entry_points(tmp_path))
    assert line.status == "fail" and "new" in line.text and line.mend == f"pip install -e '{tmp_path}'"
    from importlib.metadata import distribution

    there = [point for point in distribution("voxrack").entry_points if point.group == "voxrack.plugins"]
    (tmp_path / "pyproject.toml").write_text(
        PROJECT.format(plugins="\n".join(f'{p.name} = "{p.value}"' for p in there))
    )
    assert only(checks.entry_points(tmp_path)).status == "ok"


def test_missing_libraries_and_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: None if name in ("soxr", "pedalboard") else real(name))
    found = {line.name: line for line in checks.libraries() if line.status != "ok"}
    assert "soxr" in found["libraries"].text and found["libraries"].mend == "pip install soxr"
    assert found["extra pedalboard"].status == "warn" and "[pedalboard]" in found["extra pedalboard"].mend


class Bad:
    @hookimpl
    def voxrack_devices(self) -> Any:
        raise RuntimeError("broken on purpose")


def test_failed_plugin_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host({"bad": Bad()}, discover=False)
    monkeypatch.setattr("voxrack.host.default_host", lambda: host)
    line = next(line for line in checks.plugins() if line.name == "plugin bad")
    assert line.status == "fail" and "broken on purpose" in line.text


def test_kernel_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert only(checks.kernels()).status == "ok"
    monkeypatch.setattr(checks, "writable", lambda folder: False)
    assert only(checks.kernels()).status == "fail"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert only(checks.kernels()).status == "warn"


def test_writable(tmp_path: Path) -> None:
    assert checks.writable(tmp_path / "not" / "yet")
    assert not checks.writable(Path("/proc/1"))


def test_full_disk_and_missing_browser_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LITTLE", 1 << 80)
    assert {line.status for line in checks.disk()} == {"warn"}
    monkeypatch.setenv("PATH", "")
    assert only(checks.browser()).status == "warn"


def test_audio_without_libsndfile(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "soundfile":
            raise OSError("sndfile library not found")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert only(checks.audio()).status == "fail"
