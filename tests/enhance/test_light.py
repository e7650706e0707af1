"""``enhance.light`` as a device: equal to torch, seamless, at any rate, whatever its network knows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from random_enhancer import random_enhancer, random_network
from scipy.signal import resample

from voxrack import default_host, weights
from voxrack.errors import InputError, PluginError
from voxrack.testing import check_device, host_with, noise, voice
from voxrack_enhance.light import frame_length
from voxrack_enhance.light_features import features
from voxrack_enhance.light_network import UNITY, LightNetwork
from voxrack_enhance.light_spectrum import analyse, masked, synthesise
from voxrack_enhance.specs import LIGHT

SPEC = replace(LIGHT, weights="")  # whether weights are shipped or not
HOST = host_with(SPEC)
SHIPPED = Path(weights.folder_of("voxrack_enhance")) / LIGHT.weights
Samples = NDArray[np.float32]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of small networks wait for each other; tests run beside each other anyway."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(random_enhancer(tmp_path_factory.mktemp("weights") / "random.safetensors"))


def constant(path: Path, bias: float) -> str:
    """Weights whose mask is real and the same everywhere: ``1.5 tanh(bias)``."""
    network = random_network()
    with torch.no_grad():
        for layer in network.outer:
            layer.weight.zero_()
            layer.bias.zero_()
            layer.bias[: layer.out_features // 2] = bias
    weights.save(path, network.state_dict(), {"device": "enhance.light", "options": network.options})
    return str(path)


def noisy(seconds: float, rate: int, channels: int = 1) -> Samples:
    return voice(seconds, rate, 1, channels).samples + noise(seconds, rate, 2, channels, level=-35.0).samples


def run(values: Mapping[str, Any], signal: Samples, rate: int, sizes: tuple[int, ...] = (10**9,)) -> Samples:
    """Latency removed; blocks of ``sizes`` in turn."""
    device = HOST.create("enhance.light", values)
    device.prepare(rate, signal.shape[0], signal.shape[1])
    out, at, turn = [], 0, 0
    while at < signal.shape[1]:
        size = sizes[turn % len(sizes)]
        out.append(device.process(np.ascontiguousarray(signal[:, at : at + size])))
        at, turn = at + size, turn + 1
    out.append(device.flush(device.latency))
    return np.concatenate(out, 1)[:, device.latency :]


# ---- the contract and the reference ------------------------------------------------------------------
def test_contract(random_weights: str) -> None:
    check_device(SPEC, values={"weights": random_weights}).raise_if_failed()


@torch.inference_mode()
def in_torch(network: LightNetwork, signal: Samples) -> Samples:
    """The whole signal at once, at 16 kHz."""
    samples = torch.from_numpy(signal)
    spectrogram = analyse(samples)
    return synthesise(masked(spectrogram, *network(features(spectrogram))), signal.shape[1]).numpy()


@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_torch(seed: int, tmp_path: Path) -> None:
    path, signal = random_enhancer(tmp_path / "random.safetensors", seed), noisy(5.0, 16_000)
    found = run({"weights": str(path), "floor": -np.inf, "strength": 1.0}, signal, 16_000, (256,))
    expected = in_torch(random_network(seed), signal)
    assert np.abs(expected - signal).max() > 0.05  # it does something
    assert np.abs(found - expected).max() < 1e-5


def test_shipped_weights_equal_torch() -> None:
    shipped = weights.load(SHIPPED)
    network = LightNetwork(**shipped.metadata["options"])
    network.load_state_dict(shipped.tensors)
    signal = noisy(5.0, 16_000)
    found = run({"floor": -np.inf, "strength": 1.0, "weights": str(SHIPPED)}, signal, 16_000)
    assert np.abs(found - in_torch(network, signal)).max() < 1e-5


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (192_000, 1)])
def test_joins_are_silent(rate: int, channels: int, random_weights: str) -> None:
    signal = noisy(0.7, rate, channels)
    whole = run({"weights": random_weights}, signal, rate)
    for sizes in ((rate // 62,), (1, 977, 64, 3)):
        assert np.array_equal(run({"weights": random_weights}, signal, rate, sizes), whole)


# ---- what it does to a signal ------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 48_000, 96_000])
def test_a_mask_of_one_leaves_the_signal(rate: int, tmp_path: Path) -> None:
    one, signal = constant(tmp_path / "one.safetensors", UNITY), noisy(1.0, rate)
    assert np.abs(run({"weights": one}, signal, rate) - signal).max() < 1e-4 * np.abs(signal).max()


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_what_is_all_noise_falls_to_the_floor(rate: int, tmp_path: Path) -> None:
    nothing, signal = constant(tmp_path / "nothing.safetensors", 0.0), noise(1.5, rate, level=-20.0).samples
    assert not run({"weights": nothing, "floor": -np.inf, "strength": 1.0}, signal, rate)[:, rate // 4 :].any()
    floored = run({"weights": nothing, "floor": -20.0, "strength": 1.0}, signal, rate)
    assert np.abs(floored - 0.1 * signal)[:, rate // 4 :].max() < 1e-4
    half = run({"weights": nothing, "floor": -np.inf, "strength": 0.5}, signal, rate)
    assert np.abs(half - 0.5 * signal)[:, rate // 4 :].max() < 1e-4


def test_rates_hear_the_same(random_weights: str) -> None:
    """Below 8 kHz the same signal at 16 and 48 kHz becomes the same."""
    low = noisy(2.0, 16_000)
    low = resample(resample(low, low.shape[1] * 7 // 8, axis=1), low.shape[1], axis=1).astype(np.float32)  # to 7 kHz
    high = np.ascontiguousarray(resample(low, 3 * low.shape[1], axis=1), np.float32)
    one = run({"weights": random_weights}, low, 16_000)
    other = resample(run({"weights": random_weights}, high, 48_000), low.shape[1], axis=1)
    inner = slice(800, -800)
    ratio = np.square(one - other)[:, inner].mean() / np.square(one)[:, inner].mean()
    assert ratio < 0.01


def test_channels_do_not_hear_each_other(random_weights: str) -> None:
    signal = noisy(0.5, 16_000, 2)
    both = run({"weights": random_weights}, signal, 16_000)
    for channel in (0, 1):
        alone = run({"weights": random_weights}, signal[channel : channel + 1], 16_000)
        assert np.array_equal(alone[0], both[channel])


def test_silence_after_sound_stays_silent(random_weights: str) -> None:
    signal = noisy(1.0, 48_000)
    signal[:, 24_000:] = 0.0
    out = run({"weights": random_weights}, signal, 48_000)
    assert not out[:, 24_000 + 2 * frame_length(48_000) :].any()


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_clipping_tones_and_clicks_stay_within_reach(rate: int, random_weights: str) -> None:
    time = np.arange(rate) / rate
    click = np.zeros((1, rate), np.float32)
    click[0, rate // 2] = 1.0
    for signal in (
        np.clip(20.0 * noisy(1.0, rate), -1.0, 1.0), np.sin(2 * np.pi * 440 * time, dtype=np.float32)[None],
        click, np.ones((1, rate), np.float32), noisy(1.0, rate) * np.float32(1e8),
    ):  # fmt: skip
        out = run({"weights": random_weights}, signal, rate)
        assert np.isfinite(out).all() and np.abs(out).max() <= 5.0 * np.abs(signal).max()


# ---- bad input ---------------------------------------------------------------------------------------
def test_nan_is_named(random_weights: str) -> None:
    signal = noisy(0.2, 16_000)
    signal[0, 100] = np.nan
    with pytest.raises(InputError, match="NaN"):
        run({"weights": random_weights}, signal, 16_000)


def test_a_missing_weight_file_is_named(tmp_path: Path) -> None:
    with pytest.raises((InputError, PluginError), match=r"gone\.safetensors does not exist"):
        run({"weights": str(tmp_path / "gone.safetensors")}, noisy(0.1, 16_000), 16_000)


# ---- frames and imports ------------------------------------------------------------------------------
def test_frames_are_short_and_quick_to_transform() -> None:
    for rate in range(8_000, 192_001, 523):
        length = frame_length(rate)
        assert length % 2 == 0 and abs(length / rate / 0.032 - 1.0) < 0.02
        assert length / rate <= 0.040
        for prime in (2, 3, 5, 7, 11):
            while length % prime == 0:
                length //= prime
        assert length == 1
    assert [frame_length(rate) for rate in (8_000, 16_000, 44_100, 48_000)] == [256, 512, 1408, 1536]


def test_torch_is_not_needed_to_run(random_weights: str) -> None:
    text = f"""
import sys, numpy as np, voxrack_enhance
assert not {{"numba", "torch", "scipy"}} & set(sys.modules)
from voxrack_enhance.light import Light
device = Light({{"strength": 1.0, "floor": -40.0}}, {{}}, {{"weights": {random_weights!r}}})
device.prepare(16000, 1, 256)
assert np.isfinite(device.process(np.ones((1, 2000), np.float32))).all()
assert "numba" in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text], check=True)


def test_it_is_listed_as_an_enhancer() -> None:
    (entry,) = [entry for entry in default_host().devices() if entry.spec.id == "enhance.light"]
    assert entry.spec.role == "enhancer" and entry.plugin == "enhance"
    assert (entry.status == "available") == SHIPPED.is_file()
