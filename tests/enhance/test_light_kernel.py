"""The compiled network of ``enhance.light`` against the one in torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from random_enhancer import random_enhancer, random_network

from voxrack import weights
from voxrack.errors import InputError
from voxrack.testing import noise, voice
from voxrack_enhance import light_features, light_kernel, light_packing
from voxrack_enhance.light_network import LightNetwork
from voxrack_enhance.light_spectrum import analyse

SMALL = {"channels": 10, "time_width": 9, "band_width": 7, "blocks": 2, "mask_width": 11}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of small networks wait for each other; tests run beside each other anyway."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def packed(network: LightNetwork) -> light_kernel.Network:
    return light_packing.pack({name: tensor.numpy() for name, tensor in network.state_dict().items()})


def heard(network: light_kernel.Network, spectra: np.ndarray) -> np.ndarray:
    """Masks (frames, 2, 256) of spectra (frames, 257)."""
    state, mask = light_kernel.silence(network), np.zeros((2, 256), np.float32)
    out = []
    for spectrum in spectra:
        light_kernel.listen(network, state, spectrum, np.float32(1.0), mask)
        out.append(mask.copy())
    return np.stack(out)


def spectra_of(seconds: float = 4.0, level: float = 1.0) -> torch.Tensor:
    """A voice in noise that begins and ends in silence."""
    signal = voice(seconds, 16_000, seed=1).samples + noise(seconds, 16_000, seed=2, level=-40.0).samples
    signal[:, :4000] = signal[:, -6000:] = 0.0
    return analyse(level * torch.from_numpy(signal[:1]))


@pytest.mark.parametrize("options", [{}, SMALL], ids=["default sizes", "odd sizes"])
@torch.inference_mode()
def test_masks_are_those_of_torch(options: dict[str, int]) -> None:
    network, spectra = random_network(seed=3, **options), spectra_of()
    expected = torch.stack(network(light_features.features(spectra)), 2)[0].numpy()
    found = heard(packed(network), spectra[0].numpy())
    assert expected.std() > 0.3  # these masks say something
    assert np.abs(found - expected).max() < 1e-5


@torch.inference_mode()
def test_features_are_those_of_torch() -> None:
    spectra, network = spectra_of(), packed(random_network())
    expected = light_features.features(spectra)
    state = light_kernel.silence(network)
    for frame, spectrum in enumerate(spectra[0].numpy()):
        light_kernel.features(network.edges, state, spectrum, np.float32(1.0))
        np.testing.assert_allclose(state.compressed, expected.bins[0, frame], rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(state.logarithm, expected.bands[0, frame], rtol=2e-5, atol=1e-6)


def test_masks_do_not_depend_on_the_level() -> None:
    network = packed(random_network())
    loud, soft = (heard(network, spectra_of(2.0, level)[0].numpy()) for level in (0.9, 0.9 / 64))
    speaking = slice(20, 90)
    assert np.abs(loud - soft)[speaking].max() < 1e-3


def test_the_constants_are_those_of_the_features() -> None:
    assert light_packing.EDGES == light_features.EDGES
    assert light_kernel.BINS == light_features.BINS
    for name in ("LOWEST", "RISE", "FALL", "MEMORY"):
        assert getattr(light_kernel, name) == np.float32(getattr(light_features, name))
    assert np.float32(light_features.POWER / 2) == light_kernel.HALF_POWER


def test_tangent_over_its_whole_range() -> None:
    x = np.concatenate([np.linspace(-20, 20, 100_001), [1e-30, -1e-6, 1e30, -1e30]]).astype(np.float32)
    expected = np.tanh(x.astype(np.float64))
    light_kernel.tangent(x)
    assert np.abs(x - expected).max() < 4e-7


@pytest.mark.parametrize(("rows", "depth", "width"), [(4, 3, 5), (32, 80, 192), (8, 7, 33)])
def test_products(rows: int, depth: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x, matrix, out = (rng.normal(size=s).astype(np.float32) for s in ((rows, depth), (depth, width), (rows, width)))
    expected = out + x.astype(np.float64) @ matrix
    row = out[1].copy()
    light_kernel.add_product(x, matrix, out)
    light_kernel.add_row(x[1], matrix, row)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(row, expected[1], rtol=0, atol=1e-4)


# ---- weight files ------------------------------------------------------------------------------------
def test_weights_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    path = random_enhancer(tmp_path / "model.safetensors", seed=4)
    expected = weights.load(path).tensors
    for source in (path, tmp_path):  # a file, a run folder
        found = weights.load_arrays(source)
        assert found.metadata["device"] == "enhance.light"
        assert found.tensors.keys() == expected.keys()
        for name, array in found.tensors.items():
            assert isinstance(array, np.ndarray) and np.array_equal(array, expected[name].numpy())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    state = random_network().state_dict()
    weights.save(path, {"weight": torch.zeros(3)}, {})
    with pytest.raises(InputError, match=r"other\.safetensors: these are no weights of enhance\.light"):
        light_packing.load(path)
    weights.save(path, state | {"enter.0.weight": torch.zeros(32, 11)}, {})
    with pytest.raises(InputError, match="its bands take"):
        light_packing.load(path)
    state.pop("blocks.1.time.weight_hh_l0")
    weights.save(path, state, {})
    with pytest.raises(InputError, match=r"blocks\.1\.time\.weight_hh_l0"):
        light_packing.load(path)


STATE = random_network(**SMALL).state_dict()
FIRST = sorted(name for name in STATE if ".0." in name or name.startswith("leave"))  # of the first band and block


@pytest.mark.parametrize("name", FIRST)
def test_a_shape_that_does_not_fit_is_refused_before_a_kernel_runs(name: str, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    for side in range(STATE[name].ndim):
        weights.save(path, STATE | {name: STATE[name].repeat_interleave(2, side)}, {})
        with pytest.raises(InputError, match=r"other\.safetensors: these are no weights of enhance\.light"):
            light_packing.load(path)
