"""The equaliser and the single bands as modules: what was fitted is what is heard."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from conftest import oracle_cases
from fx.diff.published_settings import case_input, settings, stacked
from fx.streams import noise, render

from voxrack.errors import InputError, UsageError
from voxrack.instance import build
from voxrack_fx import specs_filters as specs

_BANDS = {
    "PK1": specs.PEAK, "PK2": specs.PEAK, "LS": specs.LOW_SHELF, "HS": specs.HIGH_SHELF,
    "LP": specs.LOW_PASS, "HP": specs.HIGH_PASS,
}  # fmt: skip
_IN_PEQ = {
    "PK1": "peak1", "PK2": "peak2", "LS": "low_shelf", "HS": "high_shelf", "LP": "low_pass", "HP": "high_pass"
}  # fmt: skip
_ALL = (specs.PEAK, specs.LOW_SHELF, specs.HIGH_SHELF, specs.LOW_PASS, specs.HIGH_PASS, specs.PEQ)
BUSY = {
    "peak1.gain": 6.0, "peak1.frequency": 300.0, "peak1.q": 4.0, "peak2.gain": -21.0, "peak2.frequency": 6000.0,
    "low_shelf.gain": 15.0, "low_shelf.frequency": 40.0, "high_shelf.gain": -3.0, "high_shelf.frequency": 8000.0,
    "low_pass.frequency": 9000.0, "low_pass.q": 2.0, "high_pass.frequency": 100.0, "high_pass.q": 1.5,
}  # fmt: skip


def _module(spec, values=None, rate=44100, mode="exact"):
    return build(spec, values).processor.module(rate, mode)


def _decibels(error, reference):
    """Level of ``error`` below that of ``reference``, and of -200 dB where there is none."""
    return 20.0 * math.log10(float(np.linalg.norm(error)) / float(np.linalg.norm(reference)) + 1e-10)


def test_every_published_equaliser_sounds_as_it_is_fitted(shared):
    signal, values = noise(1, 22050), settings(shared, "peq")
    together = _module(specs.PEQ)(torch.from_numpy(signal)[None], stacked(values)).numpy()
    assert len(together) == len(values) > 400
    for preset, out in zip(values, together):
        heard = render(specs.PEQ, preset, signal)[:, : signal.shape[1]]
        assert _decibels(out - heard, heard) <= -100.0


def test_every_published_equaliser_has_its_parallel_form(shared):
    signal, params = torch.from_numpy(noise(1, 4000)).double()[None], stacked(settings(shared, "peq"))
    module = _module(specs.PEQ)
    cascade = module(signal, params)
    module.form = "parallel"
    difference = (module(signal, params) - cascade).norm(dim=-1) / cascade.norm(dim=-1)
    assert float(difference.max()) < 1e-6


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("spec", _ALL, ids=lambda spec: spec.id)
def test_streaming_and_module_agree_at_both_ends_of_every_range(spec, rate):
    signal = noise(2, 8000)
    for part, side in itertools.product(("gain", "frequency", "q"), ("lo", "hi")):
        values = {p.id: getattr(p, side) for p in spec.params if p.id.rsplit(".")[-1] == part}
        heard = render(spec, values, signal, rate=rate)[:, :8000]
        out = _module(spec, values, rate)(torch.from_numpy(signal)[None])[0].numpy()
        assert _decibels(out - heard, heard) <= -100.0, values


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("effect", _BANDS)
def test_single_bands_give_the_authors_numbers(effect, dtype):
    cases, numbers = oracle_cases("single", effect=effect)
    for case in cases:
        physical = case["physical"]
        values = {"frequency": physical["freq"], "q": physical.get("Q", 0.707)}
        values |= {"gain": physical["gain"]} if "gain" in physical else {}
        x = torch.from_numpy(case_input(case, numbers)).to(dtype)[None]
        band = {id: torch.tensor(value, dtype=dtype) for id, value in values.items()}
        whole = {f"{_IN_PEQ[effect]}.{id}": value for id, value in band.items()}
        want = np.atleast_2d(numbers[case["output"]]).astype(np.float64)
        relative = 1e-6 if dtype == torch.float64 else max(3e-4, 4 * case["f32_rel_l2"])
        largest = 1e-5 * case["peak"] if dtype == torch.float64 else max(5e-4 * case["peak"], 4 * case["f32_max_abs"])
        neutral = {"low_pass.frequency": specs.HIGHEST, "high_pass.frequency": specs.LOWEST}
        for out in (
            _module(_BANDS[effect], rate=case["sr"], mode="paper")(x, band),
            _module(specs.PEQ, neutral, rate=case["sr"])(x, whole),
        ):
            got = np.concatenate([out[0, :, a:b].double().numpy() for a, b in case["segments"]], axis=1)
            assert got.shape == want.shape
            assert np.linalg.norm(got - want) <= relative * np.linalg.norm(want), case["name"]
            assert np.abs(got - want).max() <= largest, case["name"]


@pytest.mark.parametrize("spec", _ALL, ids=lambda spec: spec.id)
def test_gradcheck_to_the_signal_and_to_every_parameter(spec):
    values = {p.id: value for p in spec.params for value in [p.default]} | (BUSY if spec is specs.PEQ else {})
    values |= {"gain": 3.0} if "gain" in values else {}
    module = _module(spec, values)
    ids = list(values)
    signal = torch.randn(2, 2, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    numbers = [torch.tensor([v, 1.1 * v], dtype=torch.float64).requires_grad_() for v in values.values()]
    assert torch.autograd.gradcheck(
        lambda x, *p: module(x, dict(zip(ids, p))), (signal, *numbers), eps=1e-5, atol=1e-7, rtol=1e-4
    )


def test_missing_ids_take_what_the_device_holds_now():
    device = build(specs.PEQ, BUSY)
    module = device.processor.module(44100)
    signal = torch.from_numpy(noise())[None]
    torch.testing.assert_close(
        module(signal), module(signal, {id: torch.tensor(value) for id, value in BUSY.items()}), atol=1e-5, rtol=0
    )
    before = module(signal)
    device.set("peak2.gain", 12.0)
    assert float((module(signal) - before).abs().max()) > 0.01
    torch.testing.assert_close(module(signal), module(signal, {"peak2.gain": torch.tensor(12.0)}))


def test_one_signal_and_a_batch_of_settings_or_the_other_way_round():
    module, signal = _module(specs.PEQ, BUSY), torch.from_numpy(noise(frames=2000))[None]
    gains = torch.tensor([3.0, -5.0, 0.0])
    many = module(signal, {"peak1.gain": gains, "low_pass.q": torch.tensor(1.0)})
    assert many.shape == (3, 2, 2000)
    torch.testing.assert_close(
        many, module(signal.expand(3, -1, -1), {"peak1.gain": gains, "low_pass.q": torch.ones(3)})
    )
    torch.testing.assert_close(many[1:2], module(signal, {"peak1.gain": gains[1], "low_pass.q": torch.tensor(1.0)}))


def test_passes_switch_off_in_exact_mode_only():
    signal = torch.from_numpy(noise(frames=4000))[None]
    torch.testing.assert_close(_module(specs.PEQ)(signal), signal, atol=1e-6, rtol=0)
    assert float((_module(specs.PEQ, mode="paper")(signal) - signal).abs().max()) > 1e-3


def test_what_does_not_fit_is_refused():
    module, signal = _module(specs.PEQ), torch.zeros(2, 1, 100)
    with pytest.raises(UsageError, match="mode 'fast' is unknown"):
        _module(specs.PEQ, mode="fast")
    with pytest.raises(UsageError, match=r"no parameter 'peak1\.gian'"):
        module(signal, {"peak1.gian": torch.tensor(0.0)})
    with pytest.raises(UsageError, match=r"'peak1\.gain' came with shape"):
        module(signal, {"peak1.gain": torch.zeros(2, 1)})
    with pytest.raises(InputError, match="do not fit a batch of 2"):
        module(signal, {"peak1.gain": torch.zeros(3)})
    with pytest.raises(InputError, match=r"batch, channels, frames"):
        module(signal[0])
