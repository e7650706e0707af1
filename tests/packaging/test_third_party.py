"""A plugin from elsewhere, installed into a fresh environment: found, used, saved; absent, its preset still loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging_bench import HERE, Environment, need_builders

from voxrack import Host, Preset, read, render, write
from voxrack.instance import Missing
from voxrack.preset import PresetWarning
from voxrack.testing import voice

PRESET = HERE / "voxrack_tremolo" / "src" / "voxrack_tremolo" / "presets" / "slow_tremolo.json"
pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Environment:
    need_builders()
    environment = Environment(tmp_path_factory.mktemp("third party"))
    for name in ("voxrack_tremolo", "voxrack_broken"):
        environment.install(name)
    return environment


@pytest.fixture(scope="module")
def sung(fresh) -> Path:
    path = fresh.folder / "a voice.wav"
    write(path, voice(1.0, 48_000))
    return path


@pytest.fixture(scope="module")
def plugins(fresh) -> dict[str, dict]:
    return {entry["name"]: entry for entry in json.loads(fresh.voxrack("plugins", "--json").stdout)}


def test_the_plugin_is_listed_as_loaded(plugins):
    tremolo = plugins["tremolo"]
    assert (tremolo["distribution"], tremolo["version"]) == ("voxrack-tremolo", "1.2.0")
    assert (tremolo["status"], tremolo["error"]) == ("loaded", "")
    assert tremolo["devices"] == ["tremolo.sine"]


def test_the_broken_plugin_is_listed_as_failed_with_its_reason(plugins):
    broken = plugins["broken"]
    assert broken["status"] == "failed"
    assert "RuntimeError: the licence server did not answer" in broken["error"]
    assert "__init__.py:3" in broken["error"]


def test_the_built_in_plugins_do_not_mind(plugins):
    assert plugins["fx"]["status"] == "loaded"


def test_disabled_by_the_environment(fresh):
    code = (
        "import os; os.environ['VOXRACK_DISABLE'] = 'tremolo,broken'; import voxrack; print(voxrack.Host().plugins())"
    )
    listed = fresh.run("-c", code).stdout
    assert listed.count("status='disabled'") == 2
    assert "licence server" not in listed


def test_strict_turns_the_broken_plugin_into_an_error(fresh):
    code = "import os, voxrack; os.environ['VOXRACK_STRICT'] = '1'; voxrack.Host()"
    refused = fresh.run("-c", code, expected=1).stderr
    assert "PluginError" in refused
    assert "broken (voxrack-broken 0.0.1)" in refused


def test_its_preset_is_a_factory_preset(fresh):
    code = "import voxrack; print(voxrack.default_host().presets()['slow_tremolo'])"
    assert "voxrack_tremolo" in fresh.run("-c", code).stdout


def test_a_file_is_rendered_through_it(fresh, sung):
    target = fresh.folder / "trembling.wav"
    fresh.voxrack("render", PRESET, sung, "-o", target)
    heard, plain = read(target), read(sung)
    with pytest.warns(PresetWarning, match=r"tremolo\.sine"):
        rack = Preset.load(PRESET).rack(Host())  # here the device is absent: only the filter works
    filtered = render(rack, plain).samples[:, : plain.frames]
    assert heard.frames >= plain.frames
    loud = np.abs(filtered) > 0.05
    change = 20 * np.log10(np.abs(heard.samples[:, : plain.frames][loud] / filtered[loud]))
    wettest = 20 * np.log10(0.2 + 0.8 * 10 ** (-9 / 20))  # depth 9 dB, mix 0.8
    assert change.max() == pytest.approx(0.0, abs=0.1)
    assert change.min() == pytest.approx(wettest, abs=0.1)


def test_its_own_tests_pass_there(fresh):
    result = fresh.run("-m", "pytest", "-q", "-p", "no:cacheprovider", ".", cwd=fresh.folder / "voxrack_tremolo")
    assert "3 passed" in result.stdout


def test_a_preset_saved_there_loads_here_without_the_plugin(fresh, tmp_path):
    saved = tmp_path / "saved there.json"
    code = (
        "import sys; from voxrack import Preset, default_host\n"
        "rack = Preset.load(sys.argv[1]).rack()\n"
        "rack.set('tremolo.rate', '7 Hz')\n"
        "Preset.of(rack, name='Faster').save(sys.argv[2])"
    )
    fresh.run("-c", code, PRESET, saved)

    preset = Preset.load(saved)
    with pytest.warns(PresetWarning, match=r"slot 'tremolo' is bypassed"):
        rack = preset.rack()
    slot = rack.slots()["tremolo"]
    assert isinstance(slot.device, Missing)
    assert "tremolo.sine" in slot.device.reason
    assert any("tremolo.sine" in remark for remark in preset.check())

    audio = voice(0.5, 48_000)
    bypassed = render(rack, audio, tail=False).samples
    without = render(rack.slots()["high_pass"].device, audio, tail=False).samples
    np.testing.assert_allclose(bypassed, without, atol=1e-7)

    again = tmp_path / "saved here.json"
    Preset.of(rack, name="Faster").save(again)
    kept, before = json.loads(again.read_text(encoding="utf-8")), json.loads(saved.read_text(encoding="utf-8"))
    assert kept["parameters"] == before["parameters"]  # rate 7 Hz, depth, mix: verbatim
    assert kept["rack"] == before["rack"]

    code = "import sys; from voxrack import Preset; print(Preset.load(sys.argv[1]).rack().get('tremolo.rate'))"
    assert float(fresh.run("-c", code, again).stdout) == 7.0


def test_the_command_line_says_that_the_device_is_absent(fresh, tmp_path, sung):
    command = [sys.executable, "-m", "voxrack", "render", PRESET, sung, "-o", tmp_path / "out.wav"]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "tremolo.sine" in result.stdout + result.stderr
    assert (tmp_path / "out.wav").is_file()
