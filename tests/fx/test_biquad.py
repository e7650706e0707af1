"""Single filters: the cookbook's curves, states, ramps."""

from __future__ import annotations

import numpy as np
import pytest
from fx.streams import noise, render
from scipy import signal as dsp

from voxrack.testing import check_device
from voxrack_fx import coefficients
from voxrack_fx import specs_filters as specs

FILTERS = {
    "peak": specs.PEAK, "low_shelf": specs.LOW_SHELF, "high_shelf": specs.HIGH_SHELF,
    "low_pass": specs.LOW_PASS, "high_pass": specs.HIGH_PASS,
}  # fmt: skip
GAINS = ("peak", "low_shelf", "high_shelf")


def _values(name: str, frequency: float, q: float, gain: float) -> dict[str, float]:
    return {"frequency": frequency, "q": q} | ({"gain": gain} if name in GAINS else {})


def _analog(name: str, frequency: np.ndarray, corner: float, q: float, gain: float, rate: float) -> np.ndarray:
    """The cookbook's analogue prototype at the frequencies to which the bilinear transform maps."""
    s = 1j * np.tan(np.pi * frequency / rate) / np.tan(np.pi * corner / rate)
    a = 10 ** (gain / 40)
    if name == "peak":
        return (s**2 + s * a / q + 1) / (s**2 + s / (a * q) + 1)
    if name == "low_shelf":
        return a * (s**2 + np.sqrt(a) / q * s + a) / (a * s**2 + np.sqrt(a) / q * s + 1)
    if name == "high_shelf":
        return a * (a * s**2 + np.sqrt(a) / q * s + 1) / (s**2 + np.sqrt(a) / q * s + a)
    return (1 if name == "low_pass" else s**2) / (s**2 + s / q + 1)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(("corner", "q", "gain"), [(1000, 0.707, 6), (250, 3, -18), (9000, 0.3, 22.5), (4000, 20, -40)])
def test_curve_is_the_cookbooks_analogue_prototype(name, corner, q, gain):
    section = getattr(coefficients, name)(*([gain] if name in GAINS else []), corner, q, 44100)
    frequency = np.geomspace(20, 22000, 200)
    _, got = dsp.freqz(section[:3], [1, *section[3:]], worN=frequency, fs=44100)
    np.testing.assert_allclose(got, _analog(name, frequency, corner, q, gain, 44100), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_impulse_response_has_that_curve(name, rate):
    values = _values(name, 1500.0, 1.2, -7.0)
    impulse = np.zeros((1, rate // 2), np.float32)
    impulse[0, 0] = 1.0
    response = np.fft.rfft(render(FILTERS[name], values, impulse, rate=rate)[0].astype(np.float64), 2 * rate)
    frequency = np.fft.rfftfreq(2 * rate, 1 / rate)
    band = (frequency > 20) & (frequency < 0.45 * rate)
    want = _analog(name, frequency[band], 1500.0, 1.2, -7.0, rate)
    np.testing.assert_allclose(response[band], want, atol=2e-6 * np.abs(want).max())


@pytest.mark.parametrize("name", FILTERS)
def test_a_frequency_above_nyquist_acts_as_the_highest_that_fits(name):
    signal = noise()
    out = render(FILTERS[name], _values(name, 20000.0, 0.707, 9.0), signal, rate=8000)
    np.testing.assert_array_equal(out, render(FILTERS[name], _values(name, 0.49 * 8000, 0.707, 9.0), signal, rate=8000))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("sizes", [[1], [2, 3, 511], [12000]])
def test_any_blocks_give_the_same_also_while_values_move(name, sizes):
    changes = {
        1000: _values(name, 6000.0, 4.0, 12.0), 1300: _values(name, 60.0, 0.5, -30.0),
        5000: _values(name, 900.0, 1.0, 0.0),
    }  # fmt: skip
    values, signal = _values(name, 300.0, 0.707, 6.0), noise(channels=3)
    np.testing.assert_array_equal(
        render(FILTERS[name], values, signal, sizes, changes=changes),
        render(FILTERS[name], values, signal, [512], changes=changes),
    )


@pytest.mark.parametrize("name", FILTERS)
def test_moving_values_make_no_click(name):
    """On a slow sine, at its crest, no step is much larger than those before and after the move."""
    sine = np.sin(2 * np.pi * 200 / 44100 * np.arange(20000)).astype(np.float32)[None]
    before, after = _values(name, 5000.0, 0.707, 12.0), _values(name, 1500.0, 0.707, -12.0)
    moved = render(FILTERS[name], before, sine, changes={9757: after})
    still = [np.abs(np.diff(render(FILTERS[name], v, sine)[0, 9000:20000])).max() for v in (before, after)]
    assert np.abs(np.diff(moved[0, 9000:20000])).max() < 1.1 * max(still) + 2.0 / 882


def test_the_tail_ends_when_the_response_is_below_minus_120_db():
    impulse = np.zeros((1, 1), np.float32)
    impulse[0, 0] = 1.0
    for values in ({"gain": 12.0, "frequency": 50.0, "q": 8.0}, {"gain": -12.0, "frequency": 3000.0, "q": 1.0}):
        out = render(specs.PEAK, values, impulse)[0]
        longer = render(specs.PEAK, values, np.pad(impulse, ((0, 0), (0, 400000))))[0]
        assert np.abs(longer[len(out) :]).max() < 1e-6 < np.abs(out[: len(out) // 2]).max()
    assert render(specs.PEAK, {"gain": 0.0}, impulse).shape == (1, 1)


def test_passes_are_off_at_the_end_of_their_range():
    signal = noise()
    np.testing.assert_array_equal(render(specs.LOW_PASS, {"frequency": 22000.0}, signal), signal)
    np.testing.assert_array_equal(render(specs.HIGH_PASS, {"frequency": 10.0}, signal), signal)


def test_a_decay_into_silence_ends_at_zero():
    signal = np.concatenate([noise(frames=500), np.zeros((2, 60000), np.float32)], axis=1)
    assert not render(specs.PEAK, {"gain": 6.0, "frequency": 5000.0}, signal)[:, -100:].any()


@pytest.mark.parametrize("name", FILTERS)
def test_contract(name):
    report = check_device(FILTERS[name])
    assert report.ok, str(report)
