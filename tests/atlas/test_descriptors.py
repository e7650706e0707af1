"""Descriptors against what is known: tones, decays, echoes; and on a real vocal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import data_root

from voxrack import Audio, Bus, Rack, Slot, default_host, read, render
from voxrack.errors import InputError
from voxrack.testing import voice
from voxrack_atlas.descriptors import DESCRIPTORS, OF_AUDIO, balance, brightness, describe, width
from voxrack_atlas.response import decay_time, echo_density, response, wetness

RATE = 44100
NOISE = np.random.default_rng(3).normal(size=(2, 3 * RATE))


def _song() -> Audio:
    return read(data_root() / "data/diffvox_demo/LizNelson_Coldwar/dry.mp3")


def _with_bus(device: str, values: dict[str, float], inserts: tuple[object, ...] = (), send: float = 0.0) -> Rack:
    return Rack([*inserts], [Bus("b", [Slot(default_host().create(device, values), "b")])], sends={"b": send}, dry=0.0)


def test_brightness_of_a_tone_is_its_frequency() -> None:
    for rate in (16000, 44100):
        tone = np.sin(2 * np.pi * 2000 * np.arange(rate) / rate)[None]
        assert brightness(tone, rate) == pytest.approx(2000, rel=0.02)


def test_width_and_balance() -> None:
    left = NOISE[0]
    assert width(np.stack([left, left])) == pytest.approx(0, abs=1e-9)
    assert width(np.stack([left, 0.1 * left])) == pytest.approx(0, abs=1e-9)  # panned is not wide
    assert width(NOISE) == pytest.approx(50, abs=1)
    assert width(np.stack([left, -left])) == pytest.approx(100, abs=1e-9)
    assert width(np.stack([left, 0 * left])) == width(left[None]) == 0
    assert balance(np.stack([left, 2 * left])) == pytest.approx(6.02, abs=0.01)
    assert balance(np.stack([left, 0 * left])) == -60
    assert balance(left[None]) == 0


def test_decay_of_exponential_noise() -> None:
    times = np.arange(6 * RATE) / RATE
    for seconds in (0.3, 1.0, 4.0):
        tail = np.random.default_rng(1).normal(size=times.size) * 10 ** (-3 * times / seconds) * 0.01
        tail[0] = 1.0
        assert decay_time(tail[None], RATE) == pytest.approx(seconds, rel=0.05)
        assert echo_density(tail[None], RATE) == pytest.approx(1.0, abs=0.1)
    assert decay_time(np.eye(1, RATE), RATE) == 0
    assert echo_density(np.eye(1, RATE), RATE) == 0


def test_wetness_of_one_echo() -> None:
    echo = np.zeros((1, RATE))
    echo[0, 0], echo[0, RATE // 5] = 1.0, 0.5
    assert wetness(echo, RATE) == pytest.approx(-6.02, abs=0.01)
    assert echo_density(echo, RATE) < 0.05
    assert wetness(np.eye(1, RATE), RATE) == -60


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_decay_under_a_compressed_voice(seconds: float) -> None:
    """The click does not feel the compressor, be its release ever so long: the decay is the reverb's own."""
    squeeze = default_host().create("fx.compressor", {"threshold": -24.0, "ratio": 4.0, "release": 2000.0})
    rack = _with_bus("fx.reverb", {"decay": seconds, "output": 0.1}, (squeeze,), -20.0)
    found = describe(rack, voice(4.0, RATE, 1))
    assert found["decay"] == pytest.approx(seconds, rel=0.05)
    assert -50 < found["wetness"] < -20


def test_a_real_vocal() -> None:
    song = _song()
    dry = describe(Rack([default_host().create("fx.gain", {"level": 0.0})]), song)
    assert list(dry) == [d.id for d in DESCRIPTORS]
    assert dry["loudness"] == pytest.approx(-18, abs=0.05)
    assert (dry["decay"], dry["wetness"], dry["echo_density"], dry["width"]) == (0, -60, 0, 0)
    hall = describe(_with_bus("fx.reverb", {"decay": 2.0, "output": 0.2}, send=-3.0), song)
    assert hall["decay"] == pytest.approx(2.0, rel=0.05)
    echoes = describe(_with_bus("fx.delay", {"time": 150.0, "feedback": 0.5, "level": -6.0}), song)
    assert echoes["decay"] == pytest.approx(60 / (6.02 / 0.15), rel=0.15)
    assert echoes["echo_density"] < 0.1
    bright = describe(Rack([default_host().create("fx.high_shelf", {"gain": 9.0, "frequency": 4000.0})]), song)
    assert bright["brightness"] > 1.2 * dry["brightness"]
    squeezed = describe(Rack([default_host().create("fx.compressor", {"threshold": -35.0, "ratio": 8.0})]), song)
    assert squeezed["loudness_range"] < dry["loudness_range"] - 1


def test_the_response_is_that_of_a_linear_rack() -> None:
    rack = _with_bus("fx.reverb", {"decay": 1.0, "output": 0.1}, send=-6.0)
    found = response(rack, _song(), window=2.0)
    click = np.eye(1, found.shape[1], dtype=np.float32)
    wanted = render(rack, Audio(click, RATE), tail=False).samples
    assert np.sum((found - wanted) ** 2) < 1e-5 * np.sum(wanted**2)


def test_changes() -> None:
    table = {d.id: d for d in DESCRIPTORS}
    assert table["decay"].change(1.0, 2.0) == pytest.approx(1.0)
    assert np.isfinite(table["decay"].change(0.0, 2.0))
    assert table["loudness"].change(-20.0, -18.0) == pytest.approx(2.0)


def test_refusals() -> None:
    with pytest.raises(InputError, match="a vocal"):
        describe(Rack([default_host().create("fx.gain")]))
    with pytest.raises(InputError, match="400 ms"):
        describe(Audio(NOISE[:, :2000], RATE))
    with pytest.raises(InputError, match="below -70 LUFS"):
        describe(Audio(np.zeros((1, RATE)), RATE))
    with pytest.raises(InputError, match="LUFS"):
        describe(Rack([default_host().create("fx.gain")]), Audio(np.zeros((1, RATE)), RATE))
    with pytest.raises(InputError, match="3 channels"):
        describe(Audio(np.zeros((3, RATE)), RATE))
    short = describe(Audio(NOISE[:, :RATE], RATE))
    assert list(short) == list(OF_AUDIO)
    assert math.isnan(short["loudness_range"])
