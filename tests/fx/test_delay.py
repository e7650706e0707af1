"""The ping-pong delay: where its echoes lie, what they have passed, and that they die away."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fx.streams import feed, noise
from scipy.signal import freqz, lfilter

from voxrack.params import check_values
from voxrack_fx import coefficients
from voxrack_fx.delay import Delay, low_pass_peak
from voxrack_fx.glide import Glide
from voxrack_fx.specs_space import DELAY

RATE = 44100
PLAIN = {"time": 20.0, "feedback": 0.5, "level": 0.0, "odd_pan": -100.0, "even_pan": 100.0}
UNSTABLE = {"time": 50.0, "feedback": 0.98, "low_pass.q": 1.9, "low_pass.frequency": 5000.0}


def delay(rate: int = RATE, **values) -> Delay:
    device = Delay(check_values(DELAY.params, {**PLAIN, **values}, DELAY.id), {}, {})
    assert device.prepare(rate, 1, 4096) == 2
    return device


def impulse(frames: int, height: float = 1.0) -> np.ndarray:
    signal = np.zeros((1, frames), np.float32)
    signal[0, 0] = height
    return signal


def test_each_echo_has_passed_the_low_pass_once_more():
    signal, step = noise(1, 6000), 882
    b0, b1, b2, a1, a2 = coefficients.low_pass(3000.0, 0.6, RATE)
    got = delay(**{"low_pass.frequency": 3000.0, "low_pass.q": 0.6}).process(signal)
    expected, echo = np.zeros((2, 6000)), signal[0].astype(np.float64)
    for j in range(1, 7):
        start = j * step
        expected[(j - 1) % 2, start:] += math.sqrt(2.0) * echo[: 6000 - start]
        echo = 0.5 * lfilter([b0, b1, b2], [1.0, a1, a2], echo)
    np.testing.assert_allclose(got, expected, atol=2e-6)


def test_first_echo_is_the_input_itself_at_its_level_and_place():
    got = delay(level=-6.0, odd_pan=0.0).process(impulse(1000))
    assert got[:, 882] == pytest.approx([10 ** (-6 / 20)] * 2, rel=1e-6)
    assert np.count_nonzero(got) == 2


@pytest.mark.parametrize("rate", [8000, 16000, 48000, 96000, 192000])
def test_echoes_arrive_at_the_same_time_at_any_rate(rate):
    got = delay(rate, time=12.34).process(impulse(rate // 20))
    assert np.argmax(np.abs(got[0])) == round(0.01234 * rate)
    second = np.abs(got[1]).argmax() / rate  # the low-pass delays its energy a little
    assert 0.02468 <= second <= 0.02468 + 2e-4


def test_any_cut_gives_the_same_and_reset_repeats():
    signal = noise(1, 20000)
    changes = {4000: {"time": 3.0}, 4100: {"feedback": 0.9}, 12345: {"low_pass.frequency": 500.0, "level": -3.0}}
    for values in ({}, UNSTABLE, {"time": 1.0, "low_pass.q": 1.5, "feedback": 1.0}):
        outputs = []
        for sizes in ((4096,), (1, 37, 777, 3, 512), (20000,)):
            device = delay(**values)
            outputs.append(feed(device, signal, sizes, changes)[:, :30000])
            np.testing.assert_array_equal(outputs[-1], outputs[0])
        device = delay(**values)
        first = device.process(signal)
        device.reset()
        np.testing.assert_array_equal(device.process(signal), first)


def test_a_change_does_not_click():
    tone = 0.5 * np.sin(2 * np.pi * 200.0 * np.arange(40000) / RATE, dtype=np.float64)[None].astype(np.float32)
    steps = {10000: {"time": 31.7}, 15000: {"level": -20.0}, 20000: {"odd_pan": 100.0, "even_pan": -30.0},
             25000: {"feedback": 0.1}, 30000: {"low_pass.frequency": 300.0, "low_pass.q": 3.0}}  # fmt: skip
    device = delay()
    still = np.abs(np.diff(device.process(tone)[:, 5000:]))
    device.reset()
    moved = np.abs(np.diff(feed(device, tone, (512,), steps)[:, 5000:40000]))
    assert moved.max() < 1.5 * still.max()  # a jump of 1 % of the amplitude would show


def test_a_change_before_the_first_block_holds_at_once():
    device = delay()
    device.set("time", 10.0)
    assert np.argmax(np.abs(device.process(impulse(1000))[0])) == 441


def test_level_off_is_silent():
    assert not delay(level=-math.inf).process(noise(1, 4000)).any()


def test_silence_stays_silent_and_echoes_end_in_zeros():
    device = delay(feedback=0.3)
    assert not device.process(np.zeros((1, 5000), np.float32)).any()
    device.process(noise(1, 2000))
    for _ in range(40):
        rest = device.process(np.zeros((1, 4096), np.float32))
    assert not rest.any()  # not denormal numbers


def test_tail_covers_the_echoes():
    device = delay(feedback=0.8, **{"low_pass.q": 0.9})
    whole = feed(device, impulse(100))
    assert whole.shape[1] == 100 + device.tail
    assert np.abs(whole[:, -2 * 882 :]).max() < 1.5e-6
    assert np.abs(whole[:, whole.shape[1] // 3 :]).max() > 1e-5


@pytest.mark.parametrize("q", [0.1, 0.5, 0.7, 0.75, 1.0, 2.0, 10.0])
def test_peak_of_the_low_pass_is_that_of_its_response(q):
    b0, b1, b2, a1, a2 = coefficients.low_pass(3000.0, q, RATE)
    _, response = freqz([b0, b1, b2], [1.0, a1, a2], worN=1 << 16)
    assert low_pass_peak(q) == pytest.approx(np.abs(response).max(), rel=1e-5)


def test_stable_settings_are_never_guarded():
    device = delay(feedback=0.95, time=5.0, **{"low_pass.q": 0.72})
    assert device.loop_gain < 0.9999
    feed(device, noise(1, 20000, level=0.9))
    assert not device.guarded and device.feedback_in_use == 0.95


def test_growing_echoes_are_stopped_where_they_would_outgrow_the_input():
    device = delay(**UNSTABLE)
    assert device.loop_gain > 1.5
    signal = np.concatenate([noise(1, 8000, level=0.3), np.zeros((1, 400000), np.float32)], axis=1)
    got = device.process(signal)
    assert device.guarded and device.feedback_in_use < device.values["feedback"]
    loudest = np.abs(signal).max()
    assert np.abs(got).max() <= math.sqrt(2.0) * 2.0 * loudest + 1e-6  # input and echo, hard left
    assert np.abs(got[:, -2205:]).max() < 0.01 * np.abs(got).max()  # and they die away
    device.set("feedback", 0.5)
    assert not device.guarded


def test_inaudible_growth_is_rendered_as_published_until_the_input_ends():
    """The published chains have echoes that grow, 40 to 70 dB down."""
    device = delay(**UNSTABLE, level=-60.0)
    b0, b1, b2, a1, a2 = coefficients.low_pass(5000.0, 1.9, RATE)
    signal, step = impulse(13000), 2205
    got = device.process(signal)
    expected, echo = np.zeros((2, 13000)), signal[0].astype(np.float64)
    for j in range(1, 6):
        start = j * step
        expected[(j - 1) % 2, start:] += 1e-3 * math.sqrt(2.0) * echo[: 13000 - start]
        echo = 0.98 * lfilter([b0, b1, b2], [1.0, a1, a2], echo)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    assert not device.guarded
    rest = device.flush(RATE * 20)
    assert device.guarded
    assert np.abs(rest[:, -RATE:]).max() < 0.01 * np.abs(rest[:, : 2 * step]).max()


def test_extremes_stay_finite_and_bounded():
    random, signal = np.random.default_rng(3), noise(1, 6000, level=1.0)
    for _ in range(60):
        values = {p.id: (p.lo, p.hi)[random.integers(2)] for p in DELAY.params}
        for rate in (8000, 192000):
            device = delay(rate, **values)
            got = feed(device, signal, (512,))[:, :12000] if device.tail < 1e6 else device.process(signal)
            assert np.isfinite(got).all()
            assert np.abs(got).max() < 4.0 * math.sqrt(2.0) * 50.0 * np.abs(signal).max(), values


def test_a_glide_waits_for_the_one_before_it():
    made = iter("abcdef")
    glide = Glide(lambda: next(made), 1000)  # 30 samples
    assert glide.now == "a"
    list(glide.spans(5))
    glide.change()
    assert list(glide.spans(10)) == [(0, 10, 0)]
    glide.change()
    glide.change()
    spans = []
    for span in glide.spans(60):
        spans.append((*span, glide.now, glide.target))
    assert spans == [(0, 20, 10, "a", "b"), (20, 50, 0, "b", "c"), (50, 60, -1, "c", "c")]
