"""The reverb: its decay, its density, its stability, and that it is the network of the specification."""

from __future__ import annotations

import numpy as np
import pytest
from fx.published import device_values, plain_values
from fx.streams import feed, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.signal import butter, firwin2, lfilter, sosfilt

from voxrack.params import check_values
from voxrack_fx import absorption, post_eq
from voxrack_fx.reverb import Reverb, rotation_matrix
from voxrack_fx.specs_space import REVERB

RATE = 44100
FLAT = {"low_shelf.gain": 0.0, "high_shelf.gain": 0.0}


def reverb(rate: int = RATE, **values) -> Reverb:
    device = Reverb(check_values(REVERB.params, values, REVERB.id), {}, {})
    assert device.prepare(rate, 2, 4096) == 2
    return device


def response(device: Reverb, frames: int, left: float = 1.0, right: float = 1.0) -> np.ndarray:
    signal = np.zeros((2, frames), np.float32)
    signal[:, 0] = left, right
    return device.process(signal)


def reverberation_time(impulse_response: np.ndarray, rate: int) -> float:
    """T60 by Schroeder's backward integration, from -5 to -35 dB."""
    energy = np.cumsum((impulse_response.astype(np.float64) ** 2).sum(axis=0)[::-1])[::-1]
    level = 10.0 * np.log10(energy / energy[0])
    first, last = np.argmax(level < -5.0), np.argmax(level < -35.0)
    return 2.0 * (last - first) / rate


# ---- what it computes -------------------------------------------------------------------------
def reference(values: dict, signal: np.ndarray) -> np.ndarray:
    """Section 10 word for word, one sample at a time in float64, at 44.1 kHz."""
    lengths, frames = np.array(absorption.REFERENCE_LENGTHS) - 48, signal.shape[1]
    gains = 10.0 ** (-3.0 * np.array(absorption.REFERENCE_LENGTHS)[:, None] / (RATE * values["decay"]))
    taps = np.stack([firwin2(97, np.linspace(0, 1, 49), row, window="hamming") for row in gains])
    skew = np.zeros((6, 6))
    skew[np.triu_indices(6, 1)] = values["rotation"]
    u = expm(skew - skew.T)
    lead = 2099 + 97
    v, out = np.zeros((6, lead + frames)), np.zeros((2, frames))
    for n in range(frames):
        at = lead + n - lengths
        filtered = [taps[j] @ v[j, at[j] - 96 : at[j] + 1][::-1] for j in range(6)]
        v[:, lead + n] = values["input"] @ signal[:, n] + u @ filtered
        out[:, n] = values["output"] @ v[np.arange(6), at]
    for b0, b1, b2, a1, a2 in post_eq.sections(values, RATE):
        out = lfilter([b0, b1, b2], [1.0, a1, a2], out, axis=1)
    return out


def test_network_is_that_of_the_specification():
    random, signal = np.random.default_rng(1), noise(2, 7000)
    values = {
        "decay": np.exp(random.uniform(np.log(0.05), np.log(5.0), 49)), "rotation": random.normal(size=15),
        "input": random.normal(size=(6, 2)), "output": random.normal(size=(2, 6)),
        "peak1.gain": 5.0, "peak2.gain": -7.0,
    }  # fmt: skip
    device = reverb(**values)
    expected = reference(device.values, signal)
    assert np.linalg.norm(device.process(signal) - expected) < 3e-6 * np.linalg.norm(expected)


def test_rotation_is_the_matrix_exponential_and_orthogonal():
    random = np.random.default_rng(2)
    for scale in (0.0, 0.5, 20.0):
        generators = scale * random.uniform(-1, 1, 15)
        skew = np.zeros((6, 6))
        skew[np.triu_indices(6, 1)] = generators
        u = rotation_matrix(generators)
        np.testing.assert_allclose(u, expm(skew - skew.T), atol=1e-12)
        np.testing.assert_allclose(u @ u.T, np.eye(6), atol=1e-13)
        assert np.linalg.det(u) == pytest.approx(1.0)


def test_lines_are_different_primes_that_scale_with_rate_and_size():
    assert tuple(absorption.line_lengths(RATE)) == absorption.REFERENCE_LENGTHS
    for rate in (100, 8000, 16000, 48000, 192000):
        for size in (0.3, 1.0, 2.0):
            lengths = absorption.line_lengths(rate, size)
            assert len(set(lengths)) == 6 and lengths.min() > absorption.half_length(rate)
            assert all(n > 1 and all(n % d for d in range(2, int(n**0.5) + 1)) for n in map(int, lengths))
            if rate >= 16000:
                wanted = np.array(absorption.REFERENCE_LENGTHS) * size * rate / RATE
                np.testing.assert_allclose(lengths, wanted, rtol=0.04)


def test_sound_returns_after_the_shortest_line():
    got = response(reverb(), 3000)
    assert not got[:, : 997 - 48].any() and got[:, 997 - 48].all()


# ---- decay ------------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize("seconds", [0.4, 1.5])
def test_flat_decay_is_measured_as_set_at_any_rate(rate, seconds):
    got = response(reverb(rate, decay=seconds, **FLAT), int(1.2 * seconds * rate))
    assert reverberation_time(got, rate) == pytest.approx(seconds, rel=0.1)


@pytest.mark.parametrize(("rate", "size"), [(44100, 0.5), (44100, 1.0), (44100, 2.0), (96000, 1.0)])
def test_decay_by_frequency_is_measured_as_set(rate, size):
    decay = np.interp(absorption.FREQUENCIES, [0, 2000, 6000, 22050], [2.0, 2.0, 0.6, 0.6])
    got = response(reverb(rate, decay=decay, size=size, **FLAT), 2 * rate)
    for band, seconds in (((400, 1200), 2.0), ((7000, 12000), 0.6)):
        heard = sosfilt(butter(4, band, "bandpass", fs=rate, output="sos"), got.astype(np.float64), axis=1)
        assert reverberation_time(heard, rate) == pytest.approx(seconds, rel=0.12)


def test_damping_shortens_high_frequencies_only():
    times = {}
    for damping in (0.0, 1.0):
        got = response(reverb(decay=1.5, damping=damping, **FLAT), 2 * RATE)
        for band in ((60, 200), (3500, 4500)):
            heard = sosfilt(butter(4, band, "bandpass", fs=RATE, output="sos"), got.astype(np.float64), axis=1)
            times[damping, band[0]] = reverberation_time(heard, RATE)
    assert times[1.0, 60] == pytest.approx(1.5 / 1.07, rel=0.15)
    assert times[1.0, 3500] == pytest.approx(0.5, rel=0.15)
    assert times[0.0, 3500] == pytest.approx(1.5, rel=0.1)


def test_tail_covers_the_decay_and_ends():
    device = reverb(decay=0.3)
    whole = feed(device, np.concatenate([np.ones((2, 1), np.float32), np.zeros((2, 99), np.float32)], axis=1))
    assert whole.shape[1] == 100 + device.tail
    assert np.abs(whole[:, -2000:]).max() < 1e-6 * np.abs(whole).max()
    assert device.tail < 2.5 * 0.3 * RATE + RATE


# ---- stability ----------------------------------------------------------------------------------
@given(
    st.lists(st.sampled_from([0.001, 0.01, 0.3, 5.0, 60.0]), min_size=49, max_size=49), st.sampled_from([0.3, 1.0, 2.0])
)
@settings(max_examples=60, deadline=None)
def test_no_decay_curve_lets_a_filter_reach_one(decay, size):
    for rate in (8000, 44100):
        filters = absorption.absorption_filters(decay, absorption.line_lengths(rate, size), rate)
        exact = np.abs(np.fft.rfft(filters, 1 << 16, axis=1)).max(axis=1)
        assert exact.max() <= absorption.MAX_GAIN + 1e-12
        bound = absorption.peak_gain(filters)
        assert (bound >= exact * (1 - 1e-12)).all() and (bound <= exact * 1.0005 + 1e-15).all()


def test_published_filters_are_not_scaled(shared):
    lengths = absorption.line_lengths(RATE)
    for collection in ("internal", "medleydb"):
        for raw in np.load(shared / "data" / "diffvox_presets" / collection / "raw_params.npy"):
            decay = plain_values(raw)["reverb.decay"]
            gains = absorption.line_gains(decay, lengths, RATE)[0]
            got = absorption.absorption_filters(decay, lengths, RATE)[0]
            np.testing.assert_allclose(got, firwin2(97, np.linspace(0, 1, 49), gains, window="hamming"), atol=1e-14)


def test_longest_decay_with_a_hostile_step_does_not_grow():
    decay, lengths = np.where(np.arange(49) % 16 < 8, 60.0, 0.001), absorption.line_lengths(RATE, 0.3)
    gains = absorption.line_gains(decay, lengths, RATE)
    unscaled = [firwin2(97, np.linspace(0, 1, 49), row, window="hamming") for row in gains]
    assert np.abs(np.fft.rfft(unscaled, 1 << 14, axis=1)).max() > 1.0  # the window's side lobes would amplify
    device = reverb(decay=decay, size=0.3, rotation=np.linspace(-20, 20, 15), **FLAT)
    energy = (response(device, 8 * RATE).astype(np.float64) ** 2).sum(axis=0).reshape(8, RATE).sum(axis=1)
    assert energy[-1] > 0 and (np.diff(energy) < 0).all()


def test_extremes_stay_finite():
    random, signal = np.random.default_rng(4), noise(2, 4000, level=1.0)
    for _ in range(25):
        values = {}
        for param in REVERB.params:
            ends = np.where(random.integers(2, size=param.shape or 1), param.hi, param.lo)
            values[param.id] = ends if param.shape else float(ends[0])
        for rate in (8000, 192000):
            assert np.isfinite(reverb(rate, **values).process(signal)).all()


# ---- as a device --------------------------------------------------------------------------------
def test_any_cut_gives_the_same_and_reset_repeats():
    signal = noise(2, 30000)
    changes = {5000: {"size": 0.6}, 5500: {"damping": 0.7}, 15000: {"rotation": np.ones(15)},
               20001: {"peak1.gain": 9.0}}  # fmt: skip
    outputs = []
    for sizes in ((4096,), (1, 37, 777, 3, 512), (30000,)):
        device = reverb(decay=0.2)
        outputs.append(feed(device, signal, sizes, changes))
        np.testing.assert_allclose(outputs[-1], outputs[0], atol=1e-6)
    device = reverb()
    first = device.process(signal)
    device.reset()
    np.testing.assert_array_equal(device.process(signal), first)


def test_a_change_does_not_click():
    tone = np.repeat(0.3 * np.sin(2 * np.pi * 220.0 * np.arange(80000) / RATE)[None], 2, axis=0).astype(np.float32)
    random = np.random.default_rng(5)
    turned = -np.array(REVERB.param("output").default)
    changes = {20000: {"size": 1.7}, 30000: {"rotation": random.normal(size=15)}, 40000: {"output": turned},
               50000: {"decay": np.full(49, 0.2)}, 60000: {"low_shelf.gain": 6.0},
               70000: {"input": np.zeros((6, 2))}}  # fmt: skip
    device = reverb()
    still = device.process(tone)[:, 10000:]
    slope = np.abs(np.diff(still)).max() / np.abs(still).max()
    device.reset()
    moved = feed(device, tone, (512,), changes)[:, 10000:80000]
    assert np.abs(np.diff(moved)).max() < 2.0 * slope * np.abs(moved).max()  # a jump would be 30 times the slope


def test_silence_stays_silent_and_decay_ends_in_zeros():
    device = reverb(decay=0.05)
    assert not device.process(np.zeros((2, 9000), np.float32)).any()
    device.process(noise(2, 4000))
    for _ in range(20):
        rest = device.process(np.zeros((2, 4096), np.float32))
    assert np.abs(rest).max() < 1e-12
    history = np.abs(device._lines.history[:, -4096:])
    assert not ((history > 0) & (history < 1e-30)).any()  # no denormal numbers on the lines


def test_default_hall_is_wide_balanced_and_dense():
    got = response(reverb(), 2 * RATE).astype(np.float64)
    assert abs(np.corrcoef(got)[0, 1]) < 0.1
    assert abs(np.corrcoef(got[:, RATE // 5 :])[0, 1]) < 0.1
    balance = 10.0 * np.log10((got[0] ** 2).sum() / (got[1] ** 2).sum())
    assert abs(balance) < 1.0
    assert 10.0 * np.log10((got**2).sum(axis=1).mean()) == pytest.approx(-6.4, abs=1.0)
    late = got[0, int(0.35 * RATE) : int(0.45 * RATE)]  # Gaussian noise exceeds its deviation 31.7 % of the time
    assert np.mean(np.abs(late) > late.std()) > 0.8 * 0.317
    mixing = np.abs(reverb().matrix)
    assert mixing.max() < 0.46


def test_a_published_reverb_sounds_alike_at_48_khz(shared):
    raw = np.load(shared / "data" / "diffvox_presets" / "internal" / "raw_params.npy")[0]
    values = device_values(plain_values(raw), "reverb")
    energies = []
    for rate in (44100, 48000, 96000):
        got = response(reverb(rate, **values), 3 * rate).astype(np.float64)
        bands = [sosfilt(butter(2, band, "bandpass", fs=rate, output="sos"), got, axis=1)
                 for band in ((100, 300), (300, 1000), (1000, 3000), (3000, 9000))]  # fmt: skip
        # an impulse of one sample carries energy in proportion to the sample's length
        energies.append([10 * np.log10((b**2).sum() * rate / RATE) for b in bands])
    np.testing.assert_allclose(energies[1], energies[0], atol=1.0)
    np.testing.assert_allclose(energies[2], energies[0], atol=1.0)
