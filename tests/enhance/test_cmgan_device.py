"""enhance.cmgan as a processor: the contract, joins that nobody hears, what lies above 8 kHz, memory, bad input."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from enhance.cmgan_bench import saved, small

from voxrack import Audio, Host, availability, render
from voxrack.errors import InputError, PluginError
from voxrack.params import check_values
from voxrack.testing import check_device, noise, voice
from voxrack_enhance import cmgan_device
from voxrack_enhance.cmgan.generator import enhance
from voxrack_enhance.cmgan_device import Cmgan
from voxrack_enhance.specs import CMGAN

RATE = 16_000
OWN = dataclasses.replace(CMGAN, weights="")  # with a weight file of one's own nothing else is needed


@pytest.fixture
def weights(tmp_path):
    return saved(tmp_path, small(4))


def device(weights: Any, **values: Any) -> Cmgan:
    checked = check_values(CMGAN.params, {"weights": str(weights), **values}, "enhance.cmgan")
    return Cmgan(checked, {}, {"weights": weights})


def through(made: Cmgan, signal: Any, rate: int = RATE, block: int = 1024) -> Any:
    """Everything that comes out, without the latency."""
    made.prepare(rate, signal.shape[0], block)
    out = [made.process(signal[:, start : start + block]) for start in range(0, signal.shape[1], block)]
    while (rest := made.flush(block)).shape[1]:
        out.append(rest)
    return np.concatenate(out, 1)[:, made.latency :]


def noisy(seconds: float, rate: int = RATE, channels: int = 1) -> Any:
    return voice(seconds, rate, 3, channels).samples + noise(seconds, rate, 4, channels, level=-35.0).samples


def instead(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """``answer`` of a chunk (1, n) in the network's place."""
    monkeypatch.setattr(cmgan_device, "enhance", lambda generator, signal: answer(signal))


# ---- the contract ----------------------------------------------------------------------------
def test_contract(weights, monkeypatch):
    """With a stand-in that hears its chunk as a whole, which costs nothing; the network itself is tested below."""
    instead(monkeypatch, lambda x: torch.tanh(x) * (1.0 + x.square().mean().sqrt()))
    report = check_device(OWN, values={"weights": str(weights), "chunk": 0.25, "overlap": 0.1})
    report.raise_if_failed()
    assert {check.name for check in report.checks if check.outcome != "passed"} == {"module"}


def test_the_networks_answer_hangs_on_no_block_size(weights):
    signal = noisy(0.6)
    whole = through(device(weights, chunk=0.3, overlap=0.1), signal, block=9600)
    assert np.array_equal(through(device(weights, chunk=0.3, overlap=0.1), signal, block=333), whole)
    assert np.abs(whole).max() > 1e-3 and whole.shape == signal.shape


def test_up_to_a_chunk_it_is_the_network_on_the_whole_signal(weights):
    signal = noisy(0.5, channels=2)
    expected = torch.cat([enhance(small(4), torch.from_numpy(channel[None])) for channel in signal]).numpy()
    np.testing.assert_allclose(through(device(weights, chunk=0.5), signal), expected, atol=1e-6)
    half = through(device(weights, chunk=0.5, strength=0.25), signal)
    np.testing.assert_allclose(half, 0.75 * signal + 0.25 * expected, atol=1e-5)


# ---- weights ---------------------------------------------------------------------------------
def test_without_weights_the_device_is_listed_with_the_command_that_makes_them(weights, monkeypatch, tmp_path):
    monkeypatch.setattr(availability, "weights_path", lambda spec: tmp_path / "none" / spec.weights)
    host = Host()
    entry = next(entry for entry in host.devices() if entry.spec.id == "enhance.cmgan")
    assert "voxrack train enhance.cmgan" in entry.reason
    with pytest.raises(PluginError, match=r"voxrack train enhance\.cmgan"):
        host.create("enhance.cmgan")
    made = host.create("enhance.cmgan", weights=str(weights), chunk=0.25)
    sound = Audio(noisy(0.2), RATE)
    assert render(made, sound, tail=False).samples.shape == sound.samples.shape


def test_a_file_that_holds_no_cmgan_is_refused_before_any_audio(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        device(path).prepare(RATE, 1, 512)


# ---- joins -----------------------------------------------------------------------------------
def test_joins_are_no_clicks(monkeypatch, weights):
    """A stand-in whose answers to neighbouring chunks differ by 6 dB: a plain cut clicks, a fade does not."""
    gains = iter([1.0, 0.5] * 20)

    def answer(x: torch.Tensor) -> torch.Tensor:
        return x * next(gains)

    instead(monkeypatch, answer)
    t = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 200.0 * t)[None].astype(np.float32)
    out = through(device(weights, chunk=1.0, overlap=0.4), tone)
    instead(monkeypatch, lambda x: x)
    steady = through(device(weights, chunk=1.0, overlap=0.4), tone)
    high = lambda x: np.abs(np.diff(x[0], 4))  # noqa: E731 - 48 dB an octave up: a click stands out, a tone does not
    assert high(out).max() < 1.01 * high(steady).max()
    gain = np.abs(out[0] + 1j * np.imag(_analytic(out[0]))) / np.abs(_analytic(steady[0]))
    assert gain[2000:-2000].min() > 0.45 and gain[2000:-2000].max() < 1.05
    plain = np.concatenate([tone[:, : 2 * RATE + 20], 0.5 * tone[:, 2 * RATE + 20 :]], 1)
    assert high(plain).max() > 30 * high(steady).max()  # what the test would hear


def _analytic(x: Any) -> Any:
    from scipy.signal import hilbert

    return hilbert(x)


def test_chunked_is_as_near_to_whole_at_the_joins_as_away_from_them(weights):
    signal = noisy(2.4)
    whole = enhance(small(4), torch.from_numpy(signal)).numpy()[0]
    error = through(device(weights, chunk=0.8, overlap=0.32), signal)[0] - whole
    joins = [int((k * 0.48 + 0.16) * RATE) for k in (1, 2, 3, 4)]
    near = np.zeros(len(error), bool)
    for join in joins:
        near[join - 640 : join + 640] = True  # the fade's middle 80 ms
    power = lambda x: float(np.mean(x**2))  # noqa: E731
    assert power(error[near]) < 1.5 * power(error[~near]) + 1e-12
    steps = np.abs(np.diff(error))
    largest = max(steps[join - 1280 : join + 1280].max() for join in joins)
    assert largest <= 2.0 * np.quantile(steps, 0.999)


# ---- length ----------------------------------------------------------------------------------
def test_the_network_never_hears_more_than_a_chunk_and_little_is_held(monkeypatch, weights):
    heard = []

    def answer(x: torch.Tensor) -> torch.Tensor:
        heard.append(x.shape[-1])
        return x

    instead(monkeypatch, answer)
    made = device(weights, chunk=0.5, overlap=0.2)
    made.prepare(48_000, 2, 4800)
    block = noisy(0.1, 48_000, 2)
    most = []
    for _ in range(200):
        made.process(block)
        most.append(sum(part.shape[1] for queue in (made._found, made._left) for part in queue._blocks))
    assert max(heard) == 8000 and len(heard) > 100
    assert max(most[100:]) <= max(most[:30])  # of 20 s no more is kept than of three


# ---- other rates -----------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_wire_in_the_networks_place_gives_the_signal_back(monkeypatch, weights, rate):
    instead(monkeypatch, lambda x: x)
    signal = noisy(0.7, rate, 2)
    out = through(device(weights, chunk=0.3, overlap=0.1), signal, rate)
    error = out - signal
    assert np.abs(error[:, 200:-200]).max() < 0.02 * np.abs(signal).max()


def test_what_lies_above_8_khz_goes_with_the_octave_below(monkeypatch, weights):
    rate = 48_000
    t = np.arange(rate) / rate
    octave = np.random.default_rng(0).normal(size=rate)
    high = np.sin(2 * np.pi * 12_000 * t)
    signal = (0.05 * octave + 0.1 * high)[None].astype(np.float32)

    def level(x: Any) -> float:
        return float(np.abs(np.mean(x[0, 12_000:36_000] * np.exp(-2j * np.pi * 12_000 * t[12_000:36_000]))) * 2)

    for gain in (1.0, 0.5, 0.1, 4.0):
        instead(monkeypatch, lambda x, gain=gain: gain * x)
        out = through(device(weights, chunk=0.5, overlap=0.2), signal, rate)
        assert level(out) == pytest.approx(min(gain, 1.0) * 0.1, rel=0.05)
    instead(monkeypatch, torch.zeros_like)
    assert level(through(device(weights, chunk=0.5, overlap=0.2), signal, rate)) < 1e-3


# ---- bad input -------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["silence", "clipped", "faint", "offset", "one side silent"])
def test_bad_input_stays_finite(weights, what):
    signal = noisy(0.3, channels=2)
    signal = {
        "silence": 0 * signal, "clipped": np.clip(50 * signal, -1, 1), "faint": 1e-9 * signal,
        "offset": np.ones_like(signal), "one side silent": signal * np.array([[1.0], [0.0]], np.float32),
    }[what].astype(np.float32)  # fmt: skip
    out = through(device(weights, chunk=0.25), signal)
    assert out.shape == signal.shape and np.isfinite(out).all()
    if what == "silence":
        assert not out.any()
    if what == "one side silent":
        assert out[0].any() and not out[1].any()
