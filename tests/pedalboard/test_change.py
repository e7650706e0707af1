"""Parameters that change while the sound goes on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from voxrack.host import Host

pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")

RATE = 48_000
AT = 24_000


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


def changed(device, signal: np.ndarray, changes: dict, size: int = 480, at: int = AT) -> np.ndarray:
    device.prepare(RATE, signal.shape[0], size)
    edges = sorted({*range(0, signal.shape[1], size), at, signal.shape[1]})
    out = []
    for start, end in pairwise(edges):
        if start == at:
            for id, value in changes.items():
                device.set(id, value)
        out.append(device.process(np.ascontiguousarray(signal[:, start:end])))
    return np.concatenate(out, axis=1)


def sine(frequency: float = 100.0, channels: int = 1) -> np.ndarray:
    time = np.arange(48_000) / RATE
    return np.tile(0.5 * np.cos(2 * np.pi * frequency * time), (channels, 1)).astype(np.float32)


CHANGES = [
    ("gain", {"gain_db": -6.0}, {"gain_db": 6.0}),
    ("clipping", {"threshold_db": 0.0}, {"threshold_db": -18.0}),
    ("distortion", {"drive_db": 0.0}, {"drive_db": 12.0}),
    ("bitcrush", {"bit_depth": 16.0}, {"bit_depth": 6.0}),
    ("peak_filter", {"cutoff_frequency_hz": 100.0}, {"gain_db": 12.0}),
    ("low_shelf_filter", {"gain_db": 6.0}, {"gain_db": -12.0}),
    ("highpass_filter", {"cutoff_frequency_hz": 20.0}, {"cutoff_frequency_hz": 300.0}),
    ("lowpass_filter", {"cutoff_frequency_hz": 5_000.0}, {"cutoff_frequency_hz": 50.0}),
    ("ladder_filter", {"cutoff_hz": 5_000.0}, {"mode": "HPF24"}),
    ("delay", {"wet": 0.0, "delay_seconds": 0.0125}, {"wet": 1.0}),
    ("reverb", {"wet_level": 0.0, "dry_level": 0.5}, {"wet_level": 0.3, "dry_level": 0.1}),
    ("chorus", {"wet": 0.0}, {"wet": 1.0}),
    ("phaser", {"wet": 0.0}, {"wet": 1.0}),
    ("brickwall_limiter", {"ceiling_db": 0.0}, {"ceiling_db": -20.0}),
    ("compressor", {"threshold_db": 0.0, "ratio": 8.0}, {"threshold_db": -30.0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), CHANGES, ids=[c[0] for c in CHANGES])
def test_a_change_does_not_click(host, name, before, after):
    """A click is a jump. A 100 Hz sine moves by less than 0.007 a sample; no change adds a jump of more than 0.03."""
    signal = sine(channels=2)
    out = changed(host.create(f"pedalboard.{name}", before), signal, after)
    settled = changed(host.create(f"pedalboard.{name}", {**before, **after}), signal, {})
    steps = np.abs(np.diff(out[:, AT - 2_000 : AT + 4_000]))
    assert steps.max() < np.abs(np.diff(settled[:, -4_000:])).max() + 0.03
    assert np.abs(out[:, -4_800:] - out[:, AT - 4_800 : AT]).max() > 1e-4  # and it was a change


@pytest.mark.parametrize(("name", "before", "after"), CHANGES, ids=[c[0] for c in CHANGES])
@pytest.mark.parametrize("at", [AT, AT + 7])
def test_a_change_does_not_depend_on_the_blocks(host, name, before, after, at):
    signal = sine(channels=2)[:, : at + 6_000]
    one = changed(host.create(f"pedalboard.{name}", before), signal, after, 480, at)
    for size in (61, 4096):
        other = changed(host.create(f"pedalboard.{name}", before), signal, after, size, at)
        np.testing.assert_allclose(other, one, atol=1e-6)


@pytest.mark.parametrize("name", ["gain", "clipping", "low_shelf_filter", "ladder_filter"])
def test_after_the_change_it_is_as_if_it_had_always_been(host, name):
    _, before, after = next(c for c in CHANGES if c[0] == name)
    out = changed(host.create(f"pedalboard.{name}", before), sine(), after)
    always = changed(host.create(f"pedalboard.{name}", {**before, **after}), sine(), {})
    np.testing.assert_allclose(out[:, -9_600:], always[:, -9_600:], atol=1e-4)


def test_a_second_change_during_a_fade_is_heard_after_it(host):
    device = host.create("pedalboard.gain", gain_db=0.0)
    device.prepare(RATE, 1, 480)
    ones = np.full((1, 480), 0.5, np.float32)
    device.process(ones)
    device.set("gain_db", -20.0)
    device.process(ones)
    device.set("gain_db", -40.0)
    out = np.concatenate([device.process(ones) for _ in range(8)], axis=1)
    assert (np.diff(out[0]) <= 1e-7).all() and out[0, 479] == pytest.approx(0.05, rel=0.01)
    assert out[0, -1] == pytest.approx(0.005, rel=1e-3)


def test_changing_the_look_ahead_asks_for_prepare(host):
    device = host.create("pedalboard.brickwall_limiter")
    device.prepare(RATE, 2, 480)
    device.set("lookahead_ms", 10.0)
    with pytest.raises(ValueError, match="prepare again"):
        device.process(np.zeros((2, 480), np.float32))
    device.prepare(RATE, 2, 480)
    assert device.latency == 15 + 480
