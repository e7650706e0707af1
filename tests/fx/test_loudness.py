"""The loudness meter against pyloudnorm, the EBU's test signals, and signals it must refuse to judge."""

from __future__ import annotations

import json

import numpy as np
import pyloudnorm
import pytest
import soundfile

from voxrack_fx.loudness import Loudness
from voxrack_fx.peaks import FULL_SCALE, Peaks, interpolators

RATE = 48000


def measure(signal: np.ndarray, rate: int = RATE, block: int = 4096):
    meter = Loudness({}, {}, {})
    meter.prepare(rate, signal.shape[0])
    for begin in range(0, signal.shape[1], block):
        meter.push(np.ascontiguousarray(signal[:, begin : begin + block], dtype=np.float32))
    (track,) = meter.finish()
    json.dumps(dict(track.summary), allow_nan=False)  # raises on NaN and inf
    assert np.isfinite(track.values).all() and track.values.shape == (len(track.times_s), 2)
    return track


def tone(decibels: float, seconds: float, frequency: float = 1000.0, rate: int = RATE, channels: int = 2) -> np.ndarray:
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
    return np.repeat(wave[None], channels, axis=0)


def files(shared) -> list:
    songs = sorted((shared / "data" / "diffvox_demo").glob("*/wet.mp3"))[:3]
    voices = sorted((shared / "data" / "ravdess").glob("Actor_0[1-5]/*.flac"))[:40:5]
    noises = sorted((shared / "data" / "esc10").rglob("*.flac"))[:20:4]
    return [*songs, *voices, *noises]


def test_integrated_loudness_is_that_of_pyloudnorm(shared):
    assert len(files(shared)) > 10
    for path in files(shared):
        samples, rate = soundfile.read(path, always_2d=True)
        expected = pyloudnorm.Meter(rate).integrated_loudness(samples)
        got = measure(samples.T, rate).summary["integrated_lufs"]
        if np.isfinite(expected):
            assert got == pytest.approx(expected, abs=0.01), path.name
        else:
            assert got is None


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize(("channels", "seconds"), [(1, 0.4), (1, 1.234), (2, 3.05), (5, 4.0)])
def test_integrated_loudness_for_any_length_rate_and_channel_count(rate, channels, seconds):
    random = np.random.default_rng(0)
    signal = (0.1 * random.standard_normal((channels, int(np.ceil(seconds * rate))))).astype(np.float32)
    expected = pyloudnorm.Meter(rate).integrated_loudness(signal.T.astype(np.float64))
    assert measure(signal, rate).summary["integrated_lufs"] == pytest.approx(expected, abs=0.01)


def test_gates_leave_out_pauses():
    signal = np.concatenate([tone(-23, 10), np.zeros((2, 10 * RATE)), tone(-60, 10)], axis=1)
    assert measure(signal).summary["integrated_lufs"] == pytest.approx(-23.0, abs=0.15)  # edges count


def test_any_cut_gives_the_same():
    random = np.random.default_rng(1)
    signal = (0.2 * random.standard_normal((2, 50000))).astype(np.float32)
    whole = measure(signal, block=50000)
    for block in (1000, 4410, 97):
        cut = measure(signal, block=block)
        np.testing.assert_allclose(cut.values, whole.values, atol=1e-6)
        for key, value in whole.summary.items():
            assert cut.summary[key] == pytest.approx(value, abs=1e-5) if isinstance(value, float) else True


# EBU Tech 3342, table 1: two levels, 20 s each (and -23 dB or the like in between)
@pytest.mark.parametrize(
    ("levels", "expected"), [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)]
)
def test_loudness_range_of_the_ebu_signals(levels, expected):
    signal = np.concatenate([tone(level, 20, rate=16000) for level in levels], axis=1)
    assert measure(signal, 16000).summary["loudness_range_lu"] == pytest.approx(expected, abs=1.0)


def test_curves_are_centred_and_differ_in_speed():
    signal = np.concatenate([np.zeros((2, 5 * RATE)), tone(-20, 5)], axis=1)
    track = measure(signal)
    assert track.labels == ("momentary", "short-term") and track.unit == "LUFS"
    assert track.times_s[0] == pytest.approx(0.2) and np.diff(track.times_s) == pytest.approx(0.1)
    momentary, short_term = track.values.T
    begins = track.times_s[np.argmax(momentary > -60)], track.times_s[np.argmax(short_term > -60)]
    assert begins[0] == pytest.approx(4.9, abs=0.11) and begins[1] == pytest.approx(3.6, abs=0.11)
    assert momentary[0] == -120.0
    assert momentary[-10] == pytest.approx(-20.0, abs=0.1) and short_term[-1] == pytest.approx(-20.0, abs=0.1)


# ---- peaks ------------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("phase", [0.0, 45.0, 67.5])
def test_true_peak_of_a_tone_between_its_samples(rate, phase):
    """EBU Tech 3341, cases 15 to 19: a tone at a quarter of 48 kHz; +0.2, -0.4 dB are allowed."""
    frequency = min(12000.0, rate / 4)
    n = np.arange(rate // 2)
    signal = 0.5 * np.sin(2 * np.pi * frequency * n / rate + np.radians(phase)) * np.hanning(len(n)) ** 0.1
    got = measure(signal[None], rate).summary
    assert -0.4 < got["true_peak_dbtp"] - 20 * np.log10(0.5) < 0.2
    assert got["sample_peak_dbfs"] <= got["true_peak_dbtp"]
    if rate == 48000 and phase == 45.0:
        assert got["sample_peak_dbfs"] < 20 * np.log10(0.5) - 2.9


def test_interpolators_are_flat():
    for row in interpolators(4):
        response = np.abs(np.fft.rfft(row, 4096))
        assert np.abs(20 * np.log10(response[: int(0.86 * 2048)])).max() < 0.1


def test_true_peak_at_the_very_end_is_seen():
    n = np.arange(4000)
    signal = 0.5 * np.sin(2 * np.pi * 0.25 * n + np.pi / 4)
    meter = Peaks(RATE, 1)
    meter.push(signal[None].astype(np.float32))
    assert meter.true > 0.49


def test_clipping_is_counted_across_blocks():
    signal = np.zeros((2, 3000), np.float32)
    signal[0, 998:1003] = 1.0  # one run of five, over a block's edge
    signal[1, 500] = -1.0  # one full-scale sample is no run
    signal[1, 2000:2003] = -1.5
    signal[0, 100:110] = FULL_SCALE - 1e-4
    for block in (1, 1000, 3000):
        summary = measure(signal, block=block).summary
        assert (summary["clipped_samples"], summary["clipped_runs"]) == (9, 2)
    assert summary["sample_peak_dbfs"] == pytest.approx(20 * np.log10(1.5))


# ---- what cannot be told ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("signal", "rate", "why"),
    [
        (np.zeros((2, 96000)), 48000, "below -70 LUFS"),
        (np.full((1, 100), 0.5), 48000, "lasts 2.083 ms"),
        (np.full((1, 1), 0.5), 44100, "400 ms"),
        (np.zeros((1, 0)), 44100, "lasts 0 ms"),
        (np.full((6, 48000), 0.1), 48000, "up to 5 channels; this signal has 6"),
        (np.full((1, 4000), 0.1), 4000, "8000 Hz or more; this signal has 4000 Hz"),
    ],
)
def test_undefined_loudness_is_null_with_its_reason(signal, rate, why):
    summary = measure(signal, rate).summary
    assert summary["integrated_lufs"] is None and why in summary["reasons"]["integrated_lufs"]
    assert summary["loudness_range_lu"] is None and summary["reasons"]["loudness_range_lu"]
    if signal.any():
        assert summary["sample_peak_dbfs"] is not None and "sample_peak_dbfs" not in summary["reasons"]
    else:
        assert summary["sample_peak_dbfs"] is None and "silence" in summary["reasons"]["sample_peak_dbfs"]


def test_two_hours_keep_ten_numbers_a_second():
    meter = Loudness({}, {}, {})
    meter.prepare(8000, 1)
    block = np.full((1, 80000), 0.1, np.float32)
    for _ in range(30):
        meter.push(block)
    assert len(meter._energies) == 3000
    assert meter.finish()[0].summary["duration_s"] == 300.0
