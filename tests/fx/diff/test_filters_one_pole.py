"""The one-pole average, constant and moving."""

from __future__ import annotations

import pytest
import torch
from scipy import signal as dsp

from voxrack.errors import InputError, UsageError
from voxrack_fx.diff import filters

BACKENDS = ("recursion", "sampling", "scan")


def _noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _plain(x, c, initial):
    """Sample by sample, as the formula says; ``c`` is one number or (T,)."""
    c, y, out = (
        torch.as_tensor(c, dtype=torch.float64).expand(x.shape[-1]),
        torch.full(x.shape[:-1], initial, dtype=x.dtype),
        [],
    )
    for n in range(x.shape[-1]):
        y = c[n] * x[..., n] + (1.0 - c[n]) * y
        out.append(y)
    return torch.stack(out, -1)


@pytest.mark.parametrize("initial", [0.0, 1.0])
@pytest.mark.parametrize("c", [0.0005, 0.3, 1.0])
@pytest.mark.parametrize("backend", BACKENDS)
def test_constant_coefficient(backend, c, initial):
    x = _noise(2, 2, 3000)
    got = filters.one_pole(x, torch.tensor(c, dtype=torch.float64), backend, initial)
    torch.testing.assert_close(got, _plain(x, c, initial), atol=1e-9, rtol=0)


@pytest.mark.parametrize("initial", [0.0, 1.0])
@pytest.mark.parametrize("backend", ["recursion", "scan"])
def test_moving_coefficient(backend, initial):
    x, c = _noise(2, 1, 2000), torch.sigmoid(_noise(2000, seed=1) - 4.0)
    got = filters.one_pole(x, c.expand(2, 1, -1), backend, initial)
    torch.testing.assert_close(got, _plain(x, c, initial), atol=1e-12, rtol=0)


def test_two_minutes_equal_scipy():
    x, c = _noise(1, 1, 120 * 44100), 2e-5
    want = torch.from_numpy(dsp.lfilter([c], [1.0, c - 1.0], x.numpy()))
    torch.testing.assert_close(filters.one_pole(x, torch.tensor(c, dtype=torch.float64)), want, atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [(), (2,), (2, 2)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradcheck_with_constant_coefficients(backend, shape):
    c = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 0.5 + 0.2
    inputs = (_noise(2, 2, 40).requires_grad_(), c.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, c: filters.one_pole(x, c, backend, 0.5), inputs, atol=1e-5)


@pytest.mark.parametrize("backend", ["recursion", "scan"])
def test_gradcheck_with_a_moving_coefficient(backend):
    c = torch.rand(2, 1, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    inputs = (_noise(2, 1, 30).requires_grad_(), c.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, c: filters.one_pole(x, c, backend, 0.5), inputs)


def test_float32_in_float32_out():
    x, c = _noise(1, 1, 10_000).float(), torch.tensor(0.001)
    got = filters.one_pole(x, c)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got.double(), _plain(x.double(), c.double(), 0.0), atol=1e-7, rtol=0)


def test_settings_batch_over_one_signal():
    x, c = _noise(1, 2, 500), torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    got = filters.one_pole(x, c)
    assert got.shape == (3, 2, 500)
    torch.testing.assert_close(got[2:], filters.one_pole(x, c[2]))


def test_refusals():
    x = _noise(2, 1, 50)
    with pytest.raises(UsageError, match="no spectrum"):
        filters.one_pole(x, torch.full((2, 1, 50), 0.1), "sampling")
    with pytest.raises(InputError, match="above 0 and below 2"):
        filters.one_pole(x, torch.tensor(0.0), "sampling")
    with pytest.raises(InputError, match="does not fit"):
        filters.one_pole(x, torch.tensor([0.1, 0.2, 0.3]))
    with pytest.raises(UsageError, match=r"takes \(\), \(B,\)"):
        filters.one_pole(x, torch.zeros(1, 1, 1, 1))
