"""The six-band equaliser: a pipeline that is the plain cascade."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fx.streams import feed, noise, render
from scipy import signal as dsp

from voxrack.instance import build
from voxrack.testing import check_device
from voxrack_fx.specs_filters import PEQ

BUSY = {
    "peak1.gain": 6.0, "peak1.frequency": 300.0, "peak1.q": 4.0, "peak2.gain": -21.0, "peak2.frequency": 6000.0,
    "low_shelf.gain": 15.0, "low_shelf.frequency": 40.0, "high_shelf.gain": -3.0, "high_shelf.frequency": 8000.0,
    "low_pass.frequency": 9000.0, "low_pass.q": 2.0, "high_pass.frequency": 100.0, "high_pass.q": 1.5,
}  # fmt: skip
OTHER = {id: {"gain": -8.0, "frequency": 1234.0, "q": 0.6}[id.rsplit(".", 1)[-1]] for id in BUSY}


def _cascade(device: Any, signal: np.ndarray) -> np.ndarray:
    out = signal.astype(np.float64)
    for section in device.processor.sections():
        out = dsp.lfilter(section[:3], [1, *section[3:]], out)
    return out


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_equals_six_filters_in_series(channels, rate):
    signal = noise(channels)
    device = build(PEQ, BUSY)
    device.prepare(rate, channels, 4096)
    out = feed(device, signal)[:, : signal.shape[1]]
    np.testing.assert_allclose(out, _cascade(device, signal), atol=1e-6)


def test_channels_do_not_hear_each_other():
    signal = noise(3)
    out = render(PEQ, BUSY, signal)
    for channel in range(3):
        np.testing.assert_array_equal(out[channel], render(PEQ, BUSY, signal[channel : channel + 1])[0])


@pytest.mark.parametrize("sizes", [[1], [2, 3, 4, 5, 6, 7], [64], [12000]])
def test_any_blocks_give_the_same_also_while_values_move(sizes):
    signal, changes = noise(), {1000: OTHER, 1300: BUSY, 1301: {"peak1.gain": 0.0}, 6000: OTHER}
    np.testing.assert_array_equal(
        render(PEQ, BUSY, signal, sizes, changes=changes), render(PEQ, BUSY, signal, [512], changes=changes)
    )


def test_a_move_ends_where_a_new_device_would_stand():
    signal = noise(frames=40000)
    moved = render(PEQ, BUSY, signal, changes={1000: OTHER})[:, :40000]
    fresh = render(PEQ, OTHER, signal)[:, :40000]
    np.testing.assert_allclose(moved[:, 30000:], fresh[:, 30000:], atol=1e-6)
    assert np.abs(moved[:, 900:1100] - fresh[:, 900:1100]).max() > 0.01


def test_a_move_makes_no_click():
    """White noise would hide one: on a slow sine the output never bends much faster than at either end."""
    sine = np.sin(2 * np.pi * 200 / 44100 * np.arange(30000)).astype(np.float32)[None]
    ends = ({"peak1.gain": 12.0, "peak1.frequency": 200.0}, {"peak1.gain": -12.0, "peak1.frequency": 2000.0})
    moved = np.diff(render(PEQ, ends[0], sine, changes={15000: ends[1]})[0, 14000:30000])
    still = max(np.abs(np.diff(render(PEQ, end, sine)[0, 14000:30000])).max() for end in ends)
    assert np.abs(moved).max() < 1.2 * still


def test_as_it_comes_it_changes_nothing():
    signal = noise()
    np.testing.assert_array_equal(render(PEQ, {}, signal), signal)


def test_a_block_that_may_not_be_written_to_is_fine():
    signal = noise()
    want = render(PEQ, BUSY, signal, [4096])
    signal.setflags(write=False)
    device = build(PEQ, BUSY)
    device.prepare(44100, 2, signal.shape[1])
    np.testing.assert_array_equal(device.processor.process(signal), want[:, : signal.shape[1]])


def test_reset_starts_anew():
    signal = noise()
    device = build(PEQ, BUSY)
    device.prepare(44100, 2, 4096)
    first = feed(device, signal, changes={3000: OTHER})
    device.reset()
    for id, value in BUSY.items():
        device.set(id, value)
    np.testing.assert_array_equal(feed(device, signal, changes={3000: OTHER}), first)


def test_contract():
    report = check_device(PEQ)
    assert report.ok, str(report)
