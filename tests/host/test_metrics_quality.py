"""Measures of the quality of speech, beside the packages' own answers and published figures."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from voxrack.errors import InputError, UsageError
from voxrack.files import read
from voxrack.testing.signals import noise, voice

for package in ("pesq", "pystoi", "speechmos"):
    pytest.importorskip(package, reason="needs the extra metrics")

from voxrack import metrics_quality as measures  # noqa: E402

RATE = 16_000


@pytest.fixture(scope="module")
def clean():
    return voice(2.0, RATE).samples[0]


@pytest.fixture(scope="module")
def hiss():
    return noise(2.0, RATE, seed=3).samples[0]


def test_published_figures_of_a_noisy_corpus(shared):
    """Noisy and CMGAN's own outputs: 2.19 and 3.51, 8.2 and 20.1 dB on all 25 items, of which these are nine."""
    root = shared / "data" / "cmgan_vbd"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    found = {name: [] for name in ("noisy", "CMGAN")}
    for file in sorted((root / "clean").glob("*.flac")):
        reference = read(file).samples[0]
        for name, own in found.items():
            sound = read(root / name / file.name).samples[0]
            own.append((measures.pesq_wb(reference, sound), measures.si_sdr(reference, sound)))
    (noisy_pesq, noisy_ratio), (pesq, ratio) = (np.mean(own, axis=0) for own in found.values())
    assert noisy_pesq == pytest.approx(2.16, abs=0.01)
    assert noisy_ratio == pytest.approx(8.47, abs=0.01)
    assert pesq == pytest.approx(3.43, abs=0.01)
    assert ratio == pytest.approx(19.76, abs=0.01)


def test_si_sdr_of_noise_that_is_independent_is_its_ratio(clean, hiss):
    centred = clean - clean.mean()
    other = hiss - hiss.mean()
    other = other - (other @ centred) / (centred @ centred) * centred  # exactly orthogonal
    for ratio in (20.0, 0.0, -10.0):
        scaled = other * np.sqrt(np.sum(centred**2) / np.sum(other**2) / 10 ** (ratio / 10))
        assert measures.si_sdr(clean, clean + scaled) == pytest.approx(ratio, abs=1e-3)


def test_si_sdr_knows_no_level_and_no_offset(clean, hiss):
    noisy = clean + 0.1 * hiss
    wanted = measures.si_sdr(clean, noisy)
    assert measures.si_sdr(clean, 0.01 * noisy) == pytest.approx(wanted, abs=1e-4)
    assert measures.si_sdr(3.0 * clean, noisy - 0.25) == pytest.approx(wanted, abs=1e-4)
    assert measures.si_sdr(clean, 0.5 * clean) == math.inf
    assert measures.si_sdr(clean, np.zeros_like(clean)) == -math.inf


def test_dnsmos_is_that_of_its_package(clean, monkeypatch):
    from speechmos import dnsmos

    # what only P.808 hears, which is not compared, takes ten seconds to be compiled
    monkeypatch.setattr(dnsmos.DNSMOS, "audio_melspec", lambda self, audio: np.zeros((900, 120)))
    whole = np.resize(clean, 11 * RATE)
    wanted = dnsmos.run(whole, RATE)
    found = measures.dnsmos(whole)
    assert found == pytest.approx([wanted[f"{name}_mos"] for name in ("sig", "bak", "ovrl")], abs=1e-4)
    assert measures.dnsmos(whole, windows=1) != pytest.approx(found, abs=1e-6)


def test_all_measures_fall_with_noise(clean, hiss):
    soft, loud = (measures.measure(clean, clean + share * hiss, windows=1) for share in (0.003, 0.1))
    assert set(soft) == set(measures.NAMES)
    assert all(soft[name] > loud[name] for name in ("pesq", "stoi", "si_sdr", "bak"))
    assert set(measures.measure(clean, clean, windows=0)) == {"pesq", "stoi", "si_sdr"}
    assert measures.pesq_wb(clean, clean) == pytest.approx(4.644, abs=1e-3)


def test_loud_audio_is_taken_down_for_dnsmos(clean):
    assert measures.dnsmos(clean * 8.0, windows=1) == pytest.approx(measures.dnsmos(clean * 2.0, windows=1), abs=1e-3)


SHORT = np.ones(1)
SILENT = np.zeros(RATE)
BROKEN = np.full(RATE, np.nan)


@pytest.mark.parametrize("measure", [measures.pesq_wb, measures.stoi, measures.si_sdr])
@pytest.mark.parametrize(
    "reference, test, said",
    [
        (SHORT, SHORT, "1 samples; the measures take 0.4 s"),
        (SILENT, np.ones(RATE), "reference is silent throughout"),
        (np.ones(RATE), np.ones(RATE - 1), "16000 samples, the test audio 15999"),
        (np.ones(RATE), BROKEN, "test audio holds NaN"),
        (np.ones((2, RATE)), np.ones(RATE), r"shape \(2, 16000\)"),
    ],
)
def test_what_cannot_be_measured_is_said(measure, reference, test, said):
    with pytest.raises(InputError, match=said):
        measure(reference, test)


def test_what_pesq_and_stoi_cannot_hear_is_said(clean):
    with pytest.raises(InputError, match="test audio is silent"):
        measures.pesq_wb(clean, np.zeros_like(clean))
    click = np.zeros(2 * RATE)
    click[RATE : RATE + 300] = 0.1 * np.random.default_rng(0).standard_normal(300)
    with pytest.raises(InputError, match=r"PESQ cannot compare these 2.00 s: No utterances"):
        measures.pesq_wb(click, click)
    with pytest.raises(InputError, match=r"0\.4 s of speech in the reference"):
        measures.stoi(click, click)
    with pytest.raises(InputError, match="constant"):
        measures.si_sdr(np.ones(RATE), np.ones(RATE))
    with pytest.raises(UsageError, match="at 8000 Hz; the measures take 16000"):
        measures.pesq_wb(clean, clean, 8000)


@pytest.mark.parametrize("package", ["pesq", "pystoi", "onnxruntime"])
def test_a_missing_package_is_named_with_its_command(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"'{package}', which is not installed; pip install 'voxrack\[metrics\]'"):
        measures.need()


def test_a_missing_speechmos_is_named(monkeypatch):
    monkeypatch.setattr(measures, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="'speechmos', which is not installed"):
        measures.need()
