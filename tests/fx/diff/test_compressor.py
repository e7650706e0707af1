"""The compressor's module: equal to the streaming device, to the oracle, and its gradients to their differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import oracle_cases
from fx.diff.published_settings import assert_case, case_input, settings, stacked
from fx.streams import noise, render

from voxrack.errors import UsageError
from voxrack.instance import build
from voxrack_fx.diff import gain_kernels as kernels
from voxrack_fx.diff.compressor import Compressor
from voxrack_fx.diff.look_ahead import look_ahead, sinc_kernel
from voxrack_fx.look_ahead import reach
from voxrack_fx.specs_filters import COMPRESSOR

IDS = tuple(param.id for param in COMPRESSOR.params)
HARD = {
    "threshold": -30.0, "ratio": 8.0, "expander_threshold": -45.0, "expander_ratio": 0.3, "attack": 1.0,
    "release": 100.0, "averaging": 2.5, "look_ahead": 3.21, "make_up": 6.0,
}  # fmt: skip
SOFT = {
    "threshold": -12.0, "ratio": 1.5, "expander_threshold": -60.0, "expander_ratio": 0.9, "attack": 30.0,
    "release": 5.0, "averaging": 0.05, "look_ahead": 12.0, "make_up": -3.0,
}  # fmt: skip
PATHS = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "scan"])


def _module(values=HARD, rate: int = 44100, mode: str = "exact", compiled: bool = True) -> Compressor:
    return Compressor(dict(values), rate, mode, compiled=compiled)


def _signal(frames: int = 12000, channels: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(noise(channels, frames))[None].to(dtype)


@PATHS
def test_gradients_equal_differences(compiled):
    module = _module(rate=2000, compiled=compiled)
    torch.manual_seed(1)
    x = (0.3 * torch.randn(2, 1, 90, dtype=torch.float64)).requires_grad_()
    settings = [torch.tensor([HARD[id], SOFT[id]], dtype=torch.float64, requires_grad=True) for id in IDS]

    def run(x, *numbers):
        return module(x, dict(zip(IDS, numbers)))

    assert torch.autograd.gradcheck(run, (x, *settings), eps=1e-6, atol=1e-6, rtol=1e-4)


def test_where_arrays_lie_makes_no_difference():
    """In one order or the other: a check of the compiler's must not choose another order of adding up."""
    names = ("gradient", "grad_x", "power", "gain")
    rng = np.random.default_rng(0)
    x, numbers = 0.3 * rng.standard_normal((1, 90)), np.array([[0.3, -5.0, -12.0, 0.4, 0.1, 0.05, 0.01]])
    power, gain, falls = np.empty_like(x), np.empty_like(x), np.empty(x.shape, bool)
    kernels.forward(x, numbers, power, gain, falls)
    for _ in range(20):
        found, given = [], {"gradient": rng.standard_normal(x.shape), "power": power, "gain": gain}
        for order in (names, names[::-1]):
            room = np.zeros((len(order), *x.shape))
            at = dict(zip(order, room))
            for name, values in given.items():
                at[name][:] = values
            out = np.empty_like(numbers)
            kernels.backward(at["gradient"], x, numbers, at["power"], at["gain"], falls, at["grad_x"], out)
            found.append(np.concatenate((out[0], at["grad_x"][0])))
        assert np.array_equal(*found)


@pytest.mark.parametrize("values", [HARD, SOFT, HARD | {"attack": 200.0, "release": 0.5}], ids=["hard", "soft", "slow"])
def test_scans_equal_the_compiled_recursion(values):
    x = _signal(30000, 2).requires_grad_()
    numbers = {id: torch.tensor(values[id], dtype=torch.float64, requires_grad=True) for id in IDS}
    weight = torch.randn(1, 2, 30000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    results = []
    for compiled in (True, False):
        out = _module(compiled=compiled)(x, numbers)
        results.append((out, *torch.autograd.grad(out, [x, *numbers.values()], weight)))
    for name, ours, theirs in zip(("output", "x", *IDS), *results):
        assert torch.linalg.norm(ours - theirs) <= 1e-9 * torch.linalg.norm(ours) + 1e-12, name


@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_equals_the_streaming_device_on_every_published_preset(shared, mode):
    values = settings(shared, "compressor")
    signal = noise(1, 8000, level=0.5)
    out = _module(values[0], mode=mode)(torch.from_numpy(signal)[None], stacked(values, torch.float64)).numpy()
    worst = 0.0
    for one, row in zip(values, out):
        want = render(COMPRESSOR, one, signal, sizes=(8000,))[:, :8000]
        worst = max(worst, np.abs(row - want).max() / np.abs(want).max())
    assert worst < 1e-5, f"{20 * math.log10(worst):.0f} dB"


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_oracle(shared, mode, dtype):
    cases, numbers = oracle_cases("single", effect="COMP")
    for case in cases:
        p, rate = case["physical"], case["sr"]
        values = {
            "threshold": p["cmp_th"], "expander_threshold": p["exp_th"], "make_up": p["make_up"],
            "ratio": p["cmp_ratio"], "expander_ratio": p["exp_ratio"], "look_ahead": abs(p["lookahead"]) % 15.0,
            "attack": -2200.0 / (rate * math.log1p(-p["at"])), "release": -2200.0 / (rate * math.log1p(-p["rt"])),
            "averaging": -2200.0 / (rate * math.log1p(-p["avg_coef"])),
        }  # fmt: skip
        signal = torch.from_numpy(case_input(case, numbers).copy()).to(dtype)[None]
        tensors = {id: torch.tensor(value, dtype=dtype) for id, value in values.items()}
        assert_case(case, _module(values, rate, mode)(signal, tensors)[0], numbers)


@PATHS
def test_a_batch_of_settings_equals_one_by_one(compiled):
    module, x = _module(compiled=compiled), _signal(3000, 2).repeat(2, 1, 1) * torch.tensor([1.0, 0.3])[:, None, None]
    both = {id: torch.tensor([HARD[id], SOFT[id]]) for id in IDS}
    out = module(x, both)
    for row, values in enumerate((HARD, SOFT)):
        alone = module(x[row : row + 1], {id: torch.tensor(values[id]) for id in IDS})
        torch.testing.assert_close(out[row : row + 1], alone, rtol=1e-12, atol=1e-12)
    assert torch.equal(module(x[:1], both)[0], module(x[:1].repeat(2, 1, 1), both)[0])  # one item, two settings


def test_missing_parameters_are_the_device_s():
    device = build(COMPRESSOR, HARD)
    module, x = device.processor.module(44100), _signal(2000)
    want = module(x, {id: torch.tensor(value) for id, value in HARD.items()})
    torch.testing.assert_close(module(x, {"ratio": torch.tensor(8.0)}), want, rtol=1e-6, atol=1e-7)
    device.set("threshold", -50.0)
    assert module(x).abs().sum() < 0.9 * want.abs().sum()


def test_float32_is_near_float64_in_value_and_gradient():
    weight = torch.randn(1, 1, 40000, generator=torch.Generator().manual_seed(0))
    found = []
    for dtype in (torch.float32, torch.float64):
        x = _signal(40000, 1, dtype).requires_grad_()
        numbers = {id: torch.tensor(HARD[id], dtype=dtype, requires_grad=True) for id in IDS}
        out = _module()(x, numbers)
        assert out.dtype == dtype
        grads = torch.autograd.grad(out, [x, *numbers.values()], weight.to(dtype))
        found.append([g.double() for g in (out, *grads)])
    for name, single, double in zip(("output", "x", *IDS), *found):
        assert torch.linalg.norm(single - double) <= 2e-4 * torch.linalg.norm(double), name


def test_extremes_stay_finite():
    signals = {
        "silence": torch.zeros(1, 1, 2000), "click": torch.zeros(1, 1, 2000), "loud": 1e3 * torch.ones(1, 1, 2000),
        "one": torch.ones(1, 1, 1),
    }  # fmt: skip
    signals["click"][..., 100] = 1.0
    for pick in ("lo", "hi"):
        for name, x in signals.items():
            x = x.clone().requires_grad_()
            numbers = {p.id: torch.tensor(float(getattr(p, pick)), requires_grad=True) for p in COMPRESSOR.params}
            out = _module()(x, numbers)
            grads = torch.autograd.grad(out.sum(), [x, *numbers.values()])
            assert out.isfinite().all() and all(g.isfinite().all() for g in grads), (pick, name)


def test_a_fit_can_leave_ratios_of_one_and_no_look_ahead():
    neutral = HARD | {"ratio": 1.0, "expander_ratio": 1.0, "look_ahead": 0.0, "make_up": 0.0}
    for compiled in (True, False):
        numbers = {id: torch.tensor(neutral[id], dtype=torch.float64, requires_grad=True) for id in IDS}
        x = _signal(4000)
        out = _module(compiled=compiled)(x, numbers)
        torch.testing.assert_close(out, x)
        (out.square().sum()).backward()
        assert numbers["ratio"].grad < 0.0 < numbers["expander_ratio"].grad
        moving = _module(compiled=compiled)(x, numbers | {"ratio": torch.tensor(4.0)})
        assert torch.autograd.grad(moving.square().sum(), numbers["look_ahead"])[0].abs() > 0.0


@pytest.mark.parametrize("frames", [1, 5, 700, 5000])
def test_look_ahead_is_the_correlation_with_a_sinc(frames):
    gain = torch.rand(2, 3, frames, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    samples = torch.tensor([0.0, 123.4], dtype=torch.float64)
    before, after = reach(44100)
    kernel = sinc_kernel(samples, before, after).numpy()
    out = look_ahead(gain, samples, 44100).numpy()
    for row in range(2):
        for channel in range(3):
            padded = np.pad(gain[row, channel].numpy(), (before, after), "edge")
            np.testing.assert_allclose(out[row, channel], np.correlate(padded, kernel[row], "valid"), atol=1e-12)


def test_an_unknown_mode_or_parameter_is_refused():
    with pytest.raises(UsageError, match="mode 'fast'"):
        _module(mode="fast")
    with pytest.raises(UsageError, match="treshold"):
        _module()(_signal(10), {"treshold": torch.tensor(1.0)})
