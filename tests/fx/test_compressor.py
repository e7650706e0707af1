"""The compressor against a plain reading of the specification, sample by sample, tap by tap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fx.streams import feed, noise, render

from voxrack.instance import build
from voxrack.testing import check_device
from voxrack_fx.specs_filters import COMPRESSOR

HARD = {
    "threshold": -30.0, "ratio": 8.0, "expander_threshold": -45.0, "expander_ratio": 0.3, "attack": 1.0,
    "release": 100.0, "averaging": 2.5, "look_ahead": 3.21, "make_up": 6.0,
}  # fmt: skip
SOFT = {
    "threshold": -12.0, "ratio": 1.5, "expander_threshold": -60.0, "expander_ratio": 0.9, "attack": 30.0,
    "release": 5.0, "averaging": 0.05, "look_ahead": 12.0, "make_up": -3.0,
}  # fmt: skip


def _plain(values: dict[str, float], signal: np.ndarray, rate: int) -> np.ndarray:
    """Section 4 of the DiffVox specification, as it is written."""
    average, attack, release = (
        1.0 - np.exp(-2200.0 / (values[id] * rate)) for id in ("averaging", "attack", "release")
    )
    before = int(0.001 * rate)
    after = int(0.016 * rate) + 1 - before - 1
    kernel = np.sinc(np.arange(-before, after + 1) - values["look_ahead"] * rate / 1000.0)
    out = np.empty(signal.shape)
    for channel, x in enumerate(signal.astype(np.float64)):
        power, gain, gains = 0.0, 1.0, np.empty(len(x))
        for n in range(len(x)):
            power = average * max(x[n] ** 2, 1e-8) + (1.0 - average) * power
            level = 10.0 * np.log10(power)
            decibels = min(
                0.0,
                (1.0 - 1.0 / values["ratio"]) * (values["threshold"] - level),
                (1.0 - 1.0 / values["expander_ratio"]) * (values["expander_threshold"] - level),
            )
            aim = 10.0 ** (decibels / 20.0)
            gain += (attack if aim < gain else release) * (aim - gain)
            gains[n] = gain
        gains = np.correlate(np.pad(gains, (before, after), "edge"), kernel, "valid")
        out[channel] = x * gains * 10.0 ** (values["make_up"] / 20.0)
    return out


@pytest.mark.parametrize("values", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("look_ahead", [0.0, 0.013, 1.0, 3.21, 14.999, 15.0])
def test_equals_the_specification(values, look_ahead):
    values = values | {"look_ahead": look_ahead}
    signal = noise(2, 4000)
    want = _plain(values, signal, 44100)
    np.testing.assert_allclose(render(COMPRESSOR, values, signal), want, atol=3e-7 * np.abs(want).max())


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 192000])
def test_equals_the_specification_at_any_rate(rate):
    signal = noise(1, 3000)
    want = _plain(HARD, signal, rate)
    np.testing.assert_allclose(render(COMPRESSOR, HARD, signal, rate=rate), want, atol=3e-7 * np.abs(want).max())


@pytest.mark.parametrize("frames", [1, 2, 33, 600, 700])
def test_signals_shorter_than_the_look_ahead(frames):
    signal = noise(2, 700)[:, 300 : 300 + frames]
    if frames == 700:
        signal = noise(2, 700)
    want = _plain(HARD, signal, 44100)
    np.testing.assert_allclose(render(COMPRESSOR, HARD, signal), want, atol=3e-7 * np.abs(want).max())


def test_latency_is_that_of_the_longest_look_ahead():
    for look_ahead in (0.0, 3.3, 15.0):
        device = build(COMPRESSOR, {"look_ahead": look_ahead})
        device.prepare(44100, 2, 512)
        assert (device.latency, device.tail) == (661, 0)
        assert feed(device, noise(2, 100)).shape == (2, 761)


def test_the_gain_falls_before_the_sound_comes():
    burst = np.concatenate([np.full(4410, 0.001), np.full(4410, 0.5)]).astype(np.float32)[None]
    values = {"threshold": -40.0, "ratio": 20.0, "expander_ratio": 1.0, "attack": 3.0, "averaging": 0.1}
    late = render(COMPRESSOR, values, burst)[0]
    early = render(COMPRESSOR, values | {"look_ahead": 10.0}, burst)[0]
    assert late[4410] > 0.4
    assert early[4410] < 0.1
    np.testing.assert_allclose(early[2000:3900], 0.001, rtol=1e-6)


def test_above_the_threshold_the_ratio_holds():
    for level in (-30.0, -10.0):
        tone = np.full((1, 44100), 10.0 ** (level / 20.0), np.float32)
        out = render(COMPRESSOR, {"threshold": -40.0, "ratio": 4.0, "expander_ratio": 1.0}, tone)[0, -1]
        assert 20.0 * np.log10(out) == pytest.approx(-40.0 + (level + 40.0) / 4.0, abs=1e-4)


def test_below_the_expander_threshold_soft_becomes_softer():
    tone = np.full((1, 44100), 10.0 ** (-60.0 / 20.0), np.float32)
    values = {"expander_threshold": -50.0, "expander_ratio": 0.5, "averaging": 0.1}
    assert 20.0 * np.log10(render(COMPRESSOR, values, tone)[0, -1]) == pytest.approx(-70.0, abs=1e-3)


@pytest.mark.parametrize("sizes", [[1], [2, 3, 900], [64], [20000]])
@pytest.mark.parametrize("values", [HARD, SOFT], ids=["hard", "soft"])
def test_any_blocks_give_the_same_also_while_values_move(sizes, values):
    other = SOFT if values is HARD else HARD
    changes = {2000: other, 2300: values, 2301: {"look_ahead": 0.0}, 6000: {"look_ahead": 15.0}, 11990: other}
    signal = noise(3)
    want = render(COMPRESSOR, values, signal, [512], changes=changes)
    np.testing.assert_allclose(
        render(COMPRESSOR, values, signal, sizes, changes=changes), want, atol=1e-6 * np.abs(want).max()
    )


def test_channels_do_not_hear_each_other():
    signal = noise(3)
    out = render(COMPRESSOR, HARD, signal)
    for channel in range(3):
        np.testing.assert_array_equal(out[channel], render(COMPRESSOR, HARD, signal[channel : channel + 1])[0])


def test_longer_than_the_history_has_room_for():
    signal = noise(1, 60000)
    for values in (HARD, SOFT):
        np.testing.assert_allclose(
            render(COMPRESSOR, values, signal, [4096]), render(COMPRESSOR, values, signal, [60000]), atol=1e-7
        )


@pytest.mark.parametrize("move", [{"make_up": 20.0}, {"look_ahead": 14.7}, SOFT], ids=["make_up", "look_ahead", "all"])
def test_moving_values_make_no_click(move: dict[str, Any]):
    """On a slow sine, no step is larger than those of a gain that runs at most twice as fast, and of its glide."""
    sine = np.sin(2 * np.pi * 50 / 44100 * np.arange(30000))
    sine = (0.3 * sine * (1 + 0.5 * np.sin(np.arange(30000) / 900))).astype(np.float32)[None]
    still = [render(COMPRESSOR, values, sine)[0, 13000:20000] for values in (HARD, HARD | move)]
    loudest = max(np.abs(out).max() for out in still)
    steepest = max(np.abs(np.diff(out)).max() for out in still)
    for at in (15200, 15500, 15900):
        moved = render(COMPRESSOR, HARD, sine, changes={at: move})[0, 13000:20000]
        assert np.abs(np.diff(moved)).max() < 2.0 * steepest + 2.0 * loudest / 882


def test_a_move_ends_where_a_new_device_would_stand():
    signal = noise(frames=60000)
    moved = render(COMPRESSOR, HARD, signal, changes={1000: SOFT})
    fresh = render(COMPRESSOR, SOFT, signal)
    np.testing.assert_allclose(moved[:, 40000:], fresh[:, 40000:], atol=1e-6)
    assert np.abs(moved[:, :3000] - fresh[:, :3000]).max() > 1e-3


def test_silence_stays_silent():
    for values in (HARD, SOFT):
        assert not render(COMPRESSOR, values, np.zeros((2, 5000), np.float32)).any()


@pytest.mark.parametrize("id", ["attack", "release", "averaging"])
@pytest.mark.parametrize("ms", [1e-3, 0.017, 253e3, 1e6])
@pytest.mark.parametrize("level", [1e-30, 1.0, 1e15])
def test_extreme_times_and_levels_stay_finite(id, ms, level):
    out = render(COMPRESSOR, HARD | {id: ms, "expander_ratio": 0.001}, noise(1, 3000, level))
    assert np.isfinite(out).all()


def test_reset_starts_anew():
    signal = noise()
    device = build(COMPRESSOR, HARD)
    device.prepare(44100, 2, 4096)
    first = feed(device, signal)
    device.reset()
    np.testing.assert_array_equal(feed(device, signal), first)


def test_contract():
    report = check_device(COMPRESSOR)
    assert report.ok, str(report)
