"""The curves beside the sliders are those of the sound: each is held against a rendering."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from voxrack import Audio, default_host, render
from voxrack.drawn import curves

RATE = 48_000


def impulse(device, seconds: float, channels: int = 1) -> np.ndarray:
    samples = np.zeros((channels, round(seconds * RATE)), np.float32)
    samples[:, 0] = 1.0
    return render(device, Audio(samples, RATE), tail=False).samples


def made(id: str, **values):
    return default_host().create(id, {key.replace("__", "."): value for key, value in values.items()})


@pytest.mark.parametrize(
    ("id", "values"),
    [
        ("fx.peak", {"gain": 9.0, "frequency": 800.0, "q": 2.0}),
        ("fx.low_shelf", {"gain": -7.0, "frequency": 250.0, "q": 0.7}),
        ("fx.high_shelf", {"gain": 6.0, "frequency": 5000.0, "q": 0.7}),
        ("fx.low_pass", {"frequency": 3000.0, "q": 1.5}),
        ("fx.high_pass", {"frequency": 120.0, "q": 0.7}),
        ("fx.peq", {"peak1__gain": -8.0, "peak2__gain": 5.0, "low_shelf__gain": 4.0, "low_pass__frequency": 9000.0}),
    ],
)
def test_the_response_is_that_of_a_rendered_impulse(id, values):
    device = made(id, **values)
    (shown,) = curves(device, RATE)
    spectrum = np.fft.rfft(impulse(device, 1.0)[0].astype(np.float64))
    level = 20 * np.log10(np.maximum(np.abs(spectrum), 1e-9))
    heard = np.interp(shown.x, np.fft.rfftfreq(RATE, 1 / RATE), level)
    assert shown.lines["level"] == pytest.approx(np.maximum(heard, -60.0), abs=0.05)
    assert np.ptp(shown.lines["level"]) > 3


@pytest.mark.parametrize("level", [-60.0, -45.0, -24.0, -6.0])
def test_the_gain_curve_is_the_level_of_a_steady_tone(level):
    device = made("fx.compressor", threshold=-30.0, ratio=4.0, expander_threshold=-50.0, expander_ratio=0.5,
                  attack=1.0, release=5.0, averaging=20.0, look_ahead=0.0, make_up=3.0)  # fmt: skip
    (shown,) = curves(device, RATE)
    time = np.arange(RATE) / RATE
    tone = math.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 1000 * time)  # `level` is its root mean square
    if np.abs(tone).max() >= 1:
        tone = tone / np.abs(tone).max()
    out = render(device, Audio(tone.astype(np.float32), RATE), tail=False).samples[0, RATE // 2 :]
    into = 10 * np.log10(np.mean(np.square(tone)))
    heard = 10 * np.log10(np.mean(np.square(out.astype(np.float64))))
    assert np.interp(into, shown.x, shown.lines["out"]) == pytest.approx(heard, abs=0.3)


def test_echoes_come_when_and_as_loud_as_they_are_drawn():
    device = made("fx.delay", time=100.0, feedback=0.5, level=-6.0, odd_pan=-100.0, even_pan=50.0,
                  low_pass__frequency=20_000.0, low_pass__q=0.707)  # fmt: skip
    (shown,) = curves(device, RATE)
    heard = impulse(device, 0.55)
    for k, time in enumerate(shown.x[:5]):
        middle = round(time / 1000 * RATE)
        around = heard[:, middle - 20 : middle + 60].astype(np.float64)
        for side, label in enumerate(("left", "right")):
            # below the low-pass's corner an echo's level is the sum of its samples: its response at 0 Hz
            sum_ = abs(around[side].sum())
            drawn = shown.lines[label][k]
            if np.isnan(drawn):
                assert sum_ < 10 ** (-60 / 20)
            else:
                assert 20 * math.log10(sum_) == pytest.approx(drawn, abs=0.1)
    assert shown.bars


def test_without_feedback_there_is_one_echo():
    (shown,) = curves(made("fx.delay", feedback=0.0, time=250.0), RATE)
    assert shown.x.tolist() == [250.0]


def test_the_reverb_falls_by_60_db_in_the_time_that_is_drawn():
    decay = np.full(49, 1.0)
    device = made("fx.reverb", decay=decay, damping=0.0)
    shown, equaliser = curves(device, RATE)
    assert equaliser.name == "equaliser"
    assert shown.lines["T60"] == pytest.approx(np.full(len(shown.x), 1.0))
    heard = impulse(device, 1.2, channels=2).astype(np.float64)
    energy = np.cumsum(np.square(heard).sum(axis=0)[::-1])[::-1]  # Schroeder's integral
    level = 10 * np.log10(energy / energy[0])
    a, b = (int(np.argmax(level < limit)) for limit in (-5, -35))
    assert (b - a) / RATE * 2 == pytest.approx(1.0, rel=0.1)  # 30 dB, twice
    (damped, _) = curves(made("fx.reverb", decay=decay, damping=1.0), RATE)
    assert np.interp(2000.0, damped.x, damped.lines["T60"]) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("id", ["fx.gain", "fx.pan"])
def test_what_has_no_curve_shows_none(id):
    assert curves(made(id), RATE) == ()


@pytest.mark.parametrize("id", ["fx.peq", "fx.compressor", "fx.delay", "fx.reverb"])
def test_extremes_of_every_parameter_can_be_drawn_and_sent(id):
    spec = {entry.spec.id: entry.spec for entry in default_host().devices()}[id]
    for param in spec.params:
        for value in (param.lo, param.hi):
            if param.kind == "array":
                value = np.full(np.shape(param.check(param.default)), value)
            if not np.all(np.isfinite(value)):
                continue
            for curve in curves(default_host().create(id, {param.id: value}), 8000):
                json.dumps(curve.json(), allow_nan=False)
                assert all(len(line) == len(curve.x) for line in curve.lines.values())
                assert np.all(np.diff(curve.x) > 0)
