"""check_device finds what is broken, names it, and accuses nobody else; the synthetic signals are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxrack import Audio, DeviceSpec, Param
from voxrack.errors import DeviceError, PluginError, UsageError
from voxrack.testing import CHECKS, Check, CheckReport, check_device, host_with, noise, voice

LEVEL = Param("level", 0.0, lo=-24.0, hi=24.0, unit="dB")


def streaming(name: str, **fields) -> DeviceSpec:
    given = {"params": (LEVEL,), "transparent": {"level": 0.0}, **fields}
    return DeviceSpec(f"toy.{name.lower()}", "processor", f"probes.faulty:{name}", **given)


def whole(name: str, **fields) -> DeviceSpec:
    given = {"params": (Param("speed", 1.0, lo=0.5, hi=2.0),), "streaming": False, **fields}
    return DeviceSpec(f"toy.{name.lower()}", "processor", f"probes.faulty_whole:{name}", **given)


def analyzer(name: str, **fields) -> DeviceSpec:
    return DeviceSpec(f"toy.{name.lower()}", "analyzer", f"probes.faulty_whole:{name}", **fields)


def failed(spec: DeviceSpec) -> dict[str, str]:
    return {check.name: check.detail for check in check_device(spec, seconds=0.1).failures}


# ---- every breach is found, by the check that is about it -----------------------------------------------


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("BlockWise", "block size", "against 480"),
        ("Forgetful", "reset", "reset in the middle"),
        ("Late", "latency", "arrives after 10 samples; latency is 9"),
        ("Coloured", "latency", "deviates"),
        ("Short", "length", "0 frames where 1000 are due"),
        ("Shifty", "length", "latency changed from 0 to 5"),
        ("Explosive", "extremes", "level = 24 dB"),
        ("Humming", "silence", "0.001"),
        ("Abrupt", "set", "set between blocks"),
        ("Deaf", "set", "set, and prepared again"),
        ("Picky", "rates", "192 kHz is too much"),
        ("Stuck", "rates", "prepared again"),
        ("Greedy", "one frame", ""),
        ("Vandal", "input kept", "copy it first"),
        ("Thrifty", "output kept", "return a new array"),
        ("Denormal", "denormals", ""),
        ("Discord", "module", "module and process differ"),
        ("NoGradient", "module", "gradient of level is not finite"),
    ],
)
def test_a_breach_of_a_streaming_device_is_found(name, check, said):
    findings = failed(streaming(name))
    assert check in findings
    assert said in findings[check]


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("Random", "reset", "converted again"),
        ("Longer", "length", ""),
        ("Backwards", "progress", "0.2, 0.1, 1.0"),
        ("Vandal", "input kept", "copy it first"),
    ],
)
def test_a_breach_of_a_whole_signal_device_is_found(name, check, said):
    findings = failed(whole(name))
    assert check in findings
    assert said in findings[check]


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("PerBlock", "block size", "against one block"),
        ("Remembers", "reset", "prepared again"),
        ("Disordered", "tracks", "not ascending"),
        ("Logarithm", "silence", "NaN or infinity"),
        ("Unspeakable", "tracks", "JSON"),
        ("Vandalises", "input kept", "copy it first"),
    ],
)
def test_a_breach_of_an_analyzer_is_found(name, check, said):
    findings = failed(analyzer(name))
    assert check in findings
    assert said in findings[check]


def test_a_structural_parameter_that_is_ignored_is_found():
    spec = streaming("Deaf", params=(Param("level", 0.0, lo=-24.0, hi=24.0, unit="dB", structural=True),))
    assert "set, and prepared again" in failed(spec)["set"]


def test_a_factory_that_is_not_there_is_found():
    spec = DeviceSpec("toy.absent", "processor", "probes.nowhere:Gain")
    assert "probes.nowhere" in failed(spec)["block size"]


# ---- what is right is not accused -------------------------------------------------------------------------


IN_ORDER = [
    streaming("Gain"),
    streaming("Torch"),
    replace(whole("Tempo", length="free"), factory="probes.whole:Tempo"),
    analyzer("Mean"),
]


@pytest.mark.parametrize("spec", IN_ORDER, ids=lambda spec: spec.id)
def test_a_device_in_order_passes(spec):
    report = check_device(spec, seconds=0.1).raise_if_failed()
    assert report.ok
    assert {check.name for check in report.checks} <= set(CHECKS)


def test_the_torch_module_is_compared_where_there_is_one():
    assert check_device(streaming("Torch"), seconds=0.1)["module"].outcome == "passed"
    skipped = check_device(streaming("Gain"), seconds=0.1)["module"]
    assert (skipped.outcome, skipped.detail) == ("skipped", "the device offers no torch module")


def test_each_breach_is_found_by_few_checks_only():
    assert set(failed(streaming("Humming"))) <= {"silence", "latency"}
    assert set(failed(streaming("Explosive"))) == {"extremes"}
    assert set(failed(streaming("Thrifty"))) >= {"output kept"}


# ---- waivers ------------------------------------------------------------------------------------------------


def test_a_waiver_is_printed_with_what_was_found():
    report = check_device(streaming("Humming", waivers=("silence: a machine hums", "latency: it hums")), seconds=0.1)
    assert report["silence"].outcome == "waived"
    assert "a machine hums" in report["silence"].detail and "0.001" in report["silence"].detail
    assert report.ok


def test_an_unnecessary_waiver_is_called_so():
    report = check_device(streaming("Gain", waivers=("silence: it might hum",)), seconds=0.1)
    assert report["silence"].outcome == "waived"
    assert "unnecessary" in report["silence"].detail


def test_a_waiver_of_nothing_fails():
    report = check_device(streaming("Gain", waivers=("sound: it is too good",)), seconds=0.1)
    assert "no check 'sound'" in report["waivers"].detail
    assert not report.ok


# ---- the report -----------------------------------------------------------------------------------------------


def test_the_report_reads_like_a_table():
    report = CheckReport("toy.gain", (Check("reset", "passed", "fine"), Check("block size", "failed", "by 3 < 4")))
    assert str(report).splitlines() == [
        "toy.gain: 1 passed, 1 failed",
        "  passed   reset       fine",
        "  failed   block size  by 3 < 4",
    ]
    assert "by 3 &lt; 4" in report._repr_html_()
    with pytest.raises(DeviceError, match="by 3 < 4"):
        report.raise_if_failed()
    with pytest.raises(KeyError, match="no check 'latency'"):
        report["latency"]


# ---- which device, in which host -----------------------------------------------------------------------------


def test_an_id_is_looked_up_in_the_host():
    assert check_device("toy.gain", host=host_with(streaming("Gain")), seconds=0.1).ok
    with pytest.raises(UsageError, match=r"no device 'toy\.gain'"):
        check_device("toy.gain")


def test_a_changed_spec_of_an_installed_device_is_tested_itself():
    spec = DeviceSpec("fx.gain", "processor", "probes.faulty:Humming", params=(LEVEL,))
    assert check_device(spec, seconds=0.1)["silence"].outcome == "failed"


def test_a_spec_that_is_not_in_order_is_refused():
    with pytest.raises(PluginError, match="'length'"):
        check_device(streaming("Gain", length="free"))
    with pytest.raises(UsageError, match=r"takes a voxrack\.DeviceSpec"):
        check_device(7)
    with pytest.raises(UsageError, match="does not offer"):
        check_device(streaming("Gain"), host=host_with(streaming("Late")))


# ---- signals ------------------------------------------------------------------------------------------------------


def test_the_voice_is_deterministic_and_seeded():
    np.testing.assert_array_equal(voice(0.5, seed=4).samples, voice(0.5, seed=4).samples)
    assert np.abs(voice(0.5, seed=4).samples - voice(0.5, seed=5).samples).max() > 0.1
    np.testing.assert_array_equal(noise(0.5, seed=4).samples, noise(0.5, seed=4).samples)


def test_the_voice_is_voiced():
    sung = voice(1.0, 16_000)
    assert isinstance(sung, Audio)
    assert (sung.channels, sung.frames, sung.sample_rate) == (1, 16_000, 16_000)
    assert np.abs(sung.samples).max() == pytest.approx(0.5)
    piece = sung.samples[0, 1000:1800]  # 50 ms: the pitch hardly moves
    alike = np.fft.irfft(np.abs(np.fft.rfft(piece, 4096)) ** 2)[:400]  # autocorrelation
    assert alike[90:250].max() > 0.5 * alike[0]  # a pitch between 64 and 178 Hz


def test_the_voice_pauses():
    levels = np.abs(voice(10.0, 8_000, seed=1).samples[0]).reshape(-1, 400).max(axis=1)
    assert (levels < 1e-4).any()
    assert np.median(levels) > 0.05


def test_the_voice_is_the_same_at_every_sample_rate():
    low, high = voice(1.0, 16_000).samples[0], voice(1.0, 48_000).samples[0, ::3]
    assert np.abs(low - high).max() < 0.02


def test_noise_has_the_level_asked_for_and_independent_channels():
    hiss = noise(2.0, channels=2, level=-12.0).samples
    assert 20 * np.log10(hiss.std()) == pytest.approx(-12.0, abs=0.1)
    assert abs(np.corrcoef(hiss)[0, 1]) < 0.02


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="no samples"):
        voice(0.0)
