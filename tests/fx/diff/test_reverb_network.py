"""The reverb's compiled kernels: the recursion and its adjoint, the frequency response and its adjoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from voxrack_fx.absorption import REFERENCE_LENGTHS
from voxrack_fx.diff.network import network
from voxrack_fx.diff.resolvent import compiled_response, plain_response
from voxrack_fx.diff.response import convolve, impulse_response, turns
from voxrack_fx.diff.reverb import rotation_matrix

SHORT = np.array([[5, 7, 11, 13, 4, 9], [3, 8, 6, 12, 21, 5]])
LONG = np.array([REFERENCE_LENGTHS]) - 48


def settings(batch: int, half: int, gain: float = 0.1, seed: int = 0) -> list[Tensor]:
    """Taps, B, U, C in float64; taps whose response stays below ``gain`` at every frequency."""
    make = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=make, dtype=torch.float64)

    taps = draw(batch, 6, half + 1)
    taps *= gain / (taps[..., :1].abs() + 2.0 * taps[..., 1:].abs().sum(-1, keepdim=True))
    parts = [taps, draw(batch, 6, 2), rotation_matrix(draw(batch, 15)), draw(batch, 2, 6)]
    return [part.requires_grad_() for part in parts]


def signal(batch: int, frames: int, seed: int = 9) -> Tensor:
    make = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 2, frames, generator=make, dtype=torch.float64).requires_grad_()


def one_by_one(x: np.ndarray, taps: np.ndarray, b: np.ndarray, u: np.ndarray, c: np.ndarray, m: np.ndarray):
    """The equations of ``voxrack_fx.fdn``, sample by sample."""
    fir = np.concatenate([taps[:, :0:-1], taps], axis=1)
    lead = int(m.max()) + fir.shape[1]
    v, y = np.zeros((6, lead + x.shape[1])), np.zeros_like(x)
    for n in range(x.shape[1]):
        at = lead + n - m
        filtered = [fir[j] @ v[j, at[j] - fir.shape[1] + 1 : at[j] + 1][::-1] for j in range(6)]
        v[:, lead + n] = b @ x[:, n] + u @ filtered
        y[:, n] = c @ v[np.arange(6), at]
    return y


@pytest.mark.parametrize("half", [0, 4, 10])
def test_recursion_sample_by_sample(half):
    parts, x = settings(2, half, 0.9), signal(2, 400)
    out = network(x, *parts, SHORT).detach().numpy()
    for row in range(2):
        numbers = [t[row].detach().numpy() for t in (x, *parts)]
        np.testing.assert_allclose(out[row], one_by_one(*numbers, SHORT[row]), atol=1e-12)


@pytest.mark.parametrize("half", [0, 4, 10])
def test_adjoint_by_gradcheck(half):
    assert torch.autograd.gradcheck(lambda *t: network(*t, SHORT), (signal(2, 70), *settings(2, half, 0.9)))


def test_what_is_kept_for_the_way_back_changes_nothing():
    parts, x = settings(1, 48, 0.95), signal(1, 40000)
    kept = network(x, *parts, LONG)
    with torch.no_grad():
        assert torch.equal(network(x, *parts, LONG), kept)  # longer than the line inputs held without a gradient


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-7), (torch.float32, 2e-5)])
def test_recursion_and_its_adjoint_are_those_of_the_sampled_response(dtype, limit):
    parts, x = settings(1, 48, 0.99), signal(1, 60000)
    weight = signal(1, 60000, seed=3).detach()
    found = []
    for path in ("recursion", "sampling"):
        if path == "recursion":
            out = network(x.to(dtype), *parts, LONG).double()
        else:
            out = convolve(x, impulse_response(*(parts[i] for i in (0, 2, 1, 3)), LONG, x.shape[-1]))
        found.append([out.detach(), *torch.autograd.grad((weight * out).sum(), (x, *parts))])
    for name, got, want in zip(("output", "x", "taps", "B", "U", "C"), *found):
        assert torch.linalg.norm(got - want) <= limit * torch.linalg.norm(want), name


@pytest.mark.parametrize("gain", [0.3, 0.99, 0.99999])
def test_sampled_response_does_not_come_round(gain):
    """Not even where the response has hardly decayed at the end of what is computed."""
    parts = settings(2, 48, gain)
    impulses = torch.zeros(2, 2, 30000, dtype=torch.float64)
    impulses[:, 0, 0] = 1.0
    want = network(impulses, *parts, np.repeat(LONG, 2, 0)).detach()
    got = impulse_response(*(parts[i] for i in (0, 2, 1, 3)), np.repeat(LONG, 2, 0), 30000).detach()[:, :, 0]
    want, rest = want[..., : got.shape[-1]], want[..., got.shape[-1] :]
    assert torch.linalg.norm(got - want) <= 1e-7 * torch.linalg.norm(want)
    assert torch.linalg.norm(rest) <= 1e-6 * torch.linalg.norm(want)
    assert (got.shape[-1] < 30000) == (gain == 0.3)


@pytest.mark.parametrize("period", [150, 15999])
def test_compiled_frequency_response_and_gradients(period):
    bins, (_, enter, matrix, leave) = period // 2 + 1, settings(2, 1)
    make = torch.Generator().manual_seed(4)
    gains = (0.98 * torch.rand(2, 6, bins, generator=make, dtype=torch.float64)).requires_grad_()
    exits = turns(torch.from_numpy(SHORT[0]), bins, period)[None]
    weight = torch.randn(2, 2, 2, bins, generator=make, dtype=torch.complex128)
    found = []
    for out in (
        compiled_response(gains, matrix, enter, leave, SHORT[0].tolist(), period),
        plain_response(gains * exits, exits, matrix, enter, leave),
    ):
        loss = (weight.conj() * out).real.sum()
        found.append([out.detach(), *torch.autograd.grad(loss, (gains, matrix, enter, leave))])
    for name, got, want in zip(("response", "gains", "U", "B", "C"), *found):
        assert torch.linalg.norm(got - want) <= 1e-12 * torch.linalg.norm(want), name


def test_compiled_frequency_response_by_gradcheck():
    gains = torch.full((1, 6, 11), 0.8, dtype=torch.float64, requires_grad=True)
    _, enter, matrix, leave = settings(1, 1)
    assert torch.autograd.gradcheck(
        lambda *t: torch.view_as_real(compiled_response(*t, SHORT[0].tolist(), 20)), (gains, matrix, enter, leave)
    )


def test_nan_is_not_hidden():
    parts = settings(1, 4)
    with torch.no_grad():
        parts[2][0, 0, 0] = torch.nan
    assert network(signal(1, 60), *parts, SHORT[:1]).isnan().any()
