"""README and CONTRIBUTING say what is true: their code runs, their table is current, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from doc_blocks import calls, check_call, fenced

from voxrack import Audio, Preset, default_host, read, render
from voxrack.clip import clip, clip_path
from voxrack.testing import check_device

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_first_screen_has_exactly_two_commands() -> None:
    first = re.search(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert first
    assert first[2].split("\n") == ["make demo", "make test", ""]
    assert README[: first.end()].count("\n") < 25
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", rules, re.MULTILINE)
    assert re.search(r"^test:", rules, re.MULTILINE)


def test_the_notebook_example_runs() -> None:
    pytest.importorskip("anywidget", reason="the notebook extra is not installed; 'make test' installs it")
    names: dict[str, object] = {}
    exec(fenced(README, "python")[0], names)
    live, player = names["live"], names["player"]
    live.request()
    assert live.wait(60)
    assert len(player.names) == 2


def test_the_script_runs_and_its_preset_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(fenced(README, "python")[1], {})
    made = read("out.wav")
    assert (made.channels, made.sample_rate) == (2, 44_100)
    assert made.duration > clip().duration  # the plate rings on
    rack = Preset.load("my-voice.json").rack()
    assert rack.get("compressor.threshold") == -30
    assert render(rack, clip()).peak > 0


def test_the_preset_is_one_and_sounds_as_it_says() -> None:
    (text,) = fenced(README, "json")
    preset = Preset.from_text(text)
    assert all("defaults are used" in remark for remark in preset.check())
    impulse = Audio([1.0] + [0.0] * 47_999, 48_000)
    made = render(preset.rack(), impulse).mono().samples[0]
    echo = abs(made[2400:]).argmax() + 2400
    assert echo / 48_000 == pytest.approx(0.110, abs=0.002)


def test_the_shell_examples_name_verbs_and_options_that_exist() -> None:
    from voxrack.cli import cli

    found = [words for block in fenced(README, "sh") for words in calls(block)]
    assert len(found) >= 5
    for words in found:
        check_call(words)
    for verb in re.findall(r"voxrack ([\w-]+)[^`\n]*`", README):
        assert verb in cli.list_commands(click.Context(cli)), verb


def test_the_table_of_devices_is_current() -> None:
    command = [sys.executable, str(ROOT / "tools" / "device_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(f"`{entry.spec.id}`" in README for entry in default_host().devices() if entry.plugin == "fx")


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_lead_somewhere(text: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (ROOT / target).exists(), target


def test_the_device_in_thirty_lines_is_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = fenced(CONTRIBUTING, "python")
    assert len([line for line in code.splitlines() if line.strip()]) < 36
    module = types.ModuleType("my_plugin")
    exec(code, module.__dict__)
    monkeypatch.setitem(sys.modules, "my_plugin", module)
    report = check_device(module.SPEC)
    assert report.ok, report


def test_the_clip_is_where_the_readme_says() -> None:
    assert clip_path().parent == ROOT / "host" / "voxrack" / "data"
