"""`pedalboard.vst3`, with a small plugin that is built for the tests from DISTRHO's framework."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voxrack.audio import Audio
from voxrack.errors import InputError, ParamError, UsageError
from voxrack.host import Host
from voxrack.rendering import render
from voxrack.testing import check_device, noise

pedalboard = pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")

DPF = Path(os.environ.get("DPF_PATH", "/usr/share/dpf"))
SOURCE = Path(__file__).parent / "vst3"


@pytest.fixture(scope="module")
def trim(tmp_path_factory) -> str:
    """Path of the built bundle."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip(f"the test plugin is built for x86_64 Linux, this is {platform.machine()} {sys.platform}")
    if not (DPF / "distrho" / "DistrhoPlugin.hpp").is_file():
        pytest.skip(f"no DISTRHO Plugin Framework in {DPF}: apt-get install dpf-source, or set DPF_PATH")
    if shutil.which("g++") is None:
        pytest.skip("no g++: apt-get install g++")
    bundle = tmp_path_factory.mktemp("vst3") / "Trim.vst3"
    folder = bundle / "Contents" / "x86_64-linux"
    folder.mkdir(parents=True)
    subprocess.run(
        ["g++", "-std=gnu++14", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-DDISTRHO_PLUGIN_TARGET_VST3",
         f"-I{SOURCE}", f"-I{DPF / 'distrho'}",
         str(SOURCE / "Trim.cpp"), str(DPF / "distrho" / "DistrhoPluginMain.cpp"),
         "-o", str(folder / "Trim.so"), "-ldl", "-lpthread"],
        check=True,
    )  # fmt: skip
    return str(bundle)


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.fixture(autouse=True)
def unseen():
    """Every test probes anew."""
    from voxrack_pedalboard import vst3_probe

    vst3_probe._seen.clear()


def test_it_keeps_the_contract(host, trim):
    values = {"plugin": trim}
    report = check_device("pedalboard.vst3", host=host, values=values, sample_rates=(44_100, 48_000), seconds=0.1)
    assert report.ok, str(report)


def test_its_latency_is_declared_and_taken_off(host, trim):
    device = host.create("pedalboard.vst3", plugin=trim, parameters='{"gain_db": -6}')
    assert device.prepare(48_000, 2, 512) == 2
    assert device.latency == 63 + 100
    x = noise(0.3, 48_000, channels=2)
    out = render(device, x, tail=False)
    np.testing.assert_allclose(out.samples, x.samples * 10 ** (-6 / 20), atol=1e-4)  # its steps are 0.08 dB


def test_a_stereo_plugin_widens_mono(host, trim):
    out = render(host.create("pedalboard.vst3", plugin=trim), noise(0.1, 48_000), tail=False)
    assert out.channels == 2
    np.testing.assert_array_equal(out.samples[0], out.samples[1])


def test_parameters_change_between_blocks(host, trim):
    device = host.create("pedalboard.vst3", plugin=trim)
    device.prepare(48_000, 2, 512)
    ones = np.full((2, 512), 0.25, np.float32)
    device.process(ones)
    device.set("parameters", '{"invert": true}')
    device.process(ones)
    np.testing.assert_allclose(device.process(ones), -ones, atol=1e-6)


def test_state_from_a_preset_file(host, trim, tmp_path):
    from voxrack_pedalboard.vst3_plugin import Loaded

    saved = Loaded(trim, "", "", '{"gain_db": -20}', 48_000, 2).state
    (tmp_path / "soft.vstpreset").write_bytes(saved)
    device = host.create("pedalboard.vst3", plugin=trim, state=str(tmp_path / "soft.vstpreset"))
    x = noise(0.2, 48_000, channels=2)
    np.testing.assert_allclose(render(device, x, tail=False).samples, 0.1 * x.samples, atol=1e-3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ('{"gain": 3}', "no parameter 'gain'; did you mean 'gain_db'"),
        ('{"gain_db": 21}', "-60 to 20 dB"),
        ('{"gain_db": "loud"}', "must be a number"),
        ("[1]", "JSON object"),
        ('{"gain_db": [1]}', "JSON object"),
        ("{", "no JSON"),
    ],
)
def test_wrong_parameters_are_refused(host, trim, parameters, message):
    with pytest.raises((ParamError, UsageError), match=message):
        host.create("pedalboard.vst3", plugin=trim, parameters=parameters).prepare(48_000, 2, 512)


def test_wrong_parameters_leave_a_running_plugin_as_it_was(host, trim):
    device = host.create("pedalboard.vst3", plugin=trim)
    device.prepare(48_000, 2, 512)
    with pytest.raises(ParamError, match="no parameter 'nope'"):
        device.set("parameters", '{"gain_db": -60, "nope": 1}')
    ones = np.full((2, 512), 0.25, np.float32)
    device.process(ones)
    np.testing.assert_allclose(device.process(ones), ones, atol=1e-6)


def test_a_state_that_is_none_is_refused(host, trim, tmp_path):
    junk = tmp_path / "junk.vstpreset"
    begins = "does not begin with 'VST3'"
    for data, message in [(b"", begins), (b"junk", begins), (b"VST3 and nothing", "refused")]:
        junk.write_bytes(data)
        with pytest.raises((InputError, UsageError), match=message):
            host.create("pedalboard.vst3", plugin=trim, state=str(junk)).prepare(48_000, 2, 512)
    with pytest.raises((InputError, UsageError), match="no such file"):
        host.create("pedalboard.vst3", plugin=trim, state=str(tmp_path / "none.vstpreset")).prepare(48_000, 2, 512)


def test_what_is_no_plugin_is_refused(host, tmp_path):
    text = tmp_path / "text.vst3"
    text.write_text("hello")
    (tmp_path / "folder.vst3").mkdir()
    broken = tmp_path / "broken.vst3" / "Contents" / "x86_64-linux"
    broken.mkdir(parents=True)
    (broken / "broken.so").write_text("no code")
    cases = {
        "": "set plugin to the path",
        str(tmp_path / "none.vst3"): "no such file",
        str(tmp_path / "plugin.dll"): r"ends in \.vst3",
        str(text): "cannot be loaded",
        str(tmp_path / "folder.vst3"): "no VST3 bundle",
        str(broken.parent.parent): "cannot be loaded",
    }
    for path, message in cases.items():
        with pytest.raises(UsageError, match=message) as refusal:
            host.create("pedalboard.vst3", plugin=path).prepare(48_000, 2, 512)
        assert path in str(refusal.value)


@pytest.mark.parametrize("when", ["crash", "block"])
def test_a_plugin_that_crashes_is_refused(host, trim, monkeypatch, when):
    monkeypatch.setenv("TRIM_MISBEHAVE", when)
    with pytest.raises(UsageError, match="ended the process that tried it"):
        host.create("pedalboard.vst3", plugin=trim).prepare(48_000, 2, 512)


def test_a_plugin_that_hangs_is_refused(host, trim, monkeypatch):
    from voxrack_pedalboard import vst3_probe

    monkeypatch.setenv("TRIM_MISBEHAVE", "hang")
    monkeypatch.setattr(vst3_probe, "TIMEOUT_S", 3.0)
    with pytest.raises(UsageError, match="did not load within 3 s"):
        host.create("pedalboard.vst3", plugin=trim).prepare(48_000, 2, 512)


def test_a_plugin_name_that_the_file_does_not_hold_is_refused(host, trim):
    """pedalboard itself does not mind where the file holds only one."""
    device = host.create("pedalboard.vst3", plugin=trim, plugin_name="Trim")
    out = render(device, Audio(np.full((2, 1000), 0.25, np.float32), 48_000), tail=False)
    np.testing.assert_allclose(out.samples, 0.25, atol=1e-6)
    with pytest.raises(UsageError, match="no plugin 'Reverb'; it holds Trim"):
        host.create("pedalboard.vst3", plugin=trim, plugin_name="Reverb").prepare(48_000, 2, 512)
