"""Pan and gain as modules."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import oracle_cases
from fx.streams import noise, render

from voxrack.errors import InputError
from voxrack.instance import build
from voxrack_fx import specs_filters as specs


def _module(spec, values=None, mode="exact"):
    return build(spec, values).processor.module(44100, mode)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("pan", [-100.0, -33.3, 0.0, 80.0, 100.0])
def test_pan_is_the_streaming_pan(pan, channels):
    signal = noise(channels, 1000)
    out = _module(specs.PAN, {"pan": pan})(torch.from_numpy(signal)[None])
    assert out.shape == (1, 2, 1000)
    np.testing.assert_allclose(out[0], render(specs.PAN, {"pan": pan}, signal), atol=1e-7)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_pan_gives_the_authors_gains(dtype):
    cases, _ = oracle_cases("single", effect="PAN")
    for case in cases:
        raw = case["raw"]["params.parametrizations.pan.original"]
        pan = torch.sigmoid(torch.tensor(raw, dtype=dtype)) * 200.0 - 100.0
        out = _module(specs.PAN, mode="paper")(torch.ones(1, 1, 4, dtype=dtype), {"pan": pan})
        want = torch.tensor(case["left_right_gain"], dtype=torch.float64)
        error = (out[0, :, 0].double() - want).norm() / want.norm()
        assert float(error) <= (1e-6 if dtype == torch.float64 else 3e-4), case["name"]


@pytest.mark.parametrize("level", [-math.inf, -60.0, 0.0, 12.0])
def test_gain_is_the_streaming_gain(level):
    signal = noise(3, 1000)
    out = _module(specs.GAIN, {"level": level})(torch.from_numpy(signal)[None])[0].numpy()
    np.testing.assert_allclose(out, render(specs.GAIN, {"level": level}, signal), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("spec", "id"), [(specs.PAN, "pan"), (specs.GAIN, "level")])
def test_gradcheck_over_a_batch_of_settings(spec, id):
    x = torch.randn(3, 2, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    values = torch.tensor([-20.0, 0.0, 9.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, v: _module(spec)(x, {id: v}), (x, values))
    one = torch.tensor(-3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, v: _module(spec)(x, {id: v}), (x, one))


def test_a_gain_that_is_off_has_no_gradient_but_a_finite_one():
    level = torch.tensor(-math.inf, requires_grad=True)
    out = _module(specs.GAIN)(torch.ones(1, 1, 10), {"level": level})
    out.sum().backward()
    assert float(out.detach().abs().max()) == 0.0 and float(level.grad) == 0.0


def test_pan_takes_one_or_two_channels():
    with pytest.raises(InputError, match="1 or 2 channels; it got 3"):
        _module(specs.PAN)(torch.zeros(1, 3, 10))
