"""The compiled losses against plain torch, by what they must do, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_match import LOSS_WEIGHTS, Target, losses, total_loss
from voxrack_match.reference import NAMES, reference_losses
from voxrack_match.weighting import a_weighting_taps

RATE = 44100


def _pair(frames: int = 30000, items: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Two stereo batches of float64 that differ, with loud, soft and silent parts."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(2, items, 2, frames, generator=generator, dtype=torch.float64)
    swell = torch.exp(torch.randn(frames, generator=generator, dtype=torch.float64).cumsum(0) / 100.0)
    pred = 0.1 * noise[0] * swell
    target = pred + 0.03 * noise[1]
    target[:, 1] *= 0.7
    pred[..., 1000:9000] *= 1e-4
    target[..., 3000:7000] = 0.0
    return pred, target


@pytest.mark.parametrize("frames", [1025, 30000])
@pytest.mark.parametrize("keep", [True, False])
def test_compiled_is_plain_torch(frames: int, keep: bool) -> None:
    pred, target = _pair(frames)
    plain_pred, fast_pred = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    plain = reference_losses(plain_pred, target, RATE)
    fast = Target(target, RATE, keep=keep).losses(fast_pred)
    torch.testing.assert_close(fast, plain, rtol=1e-11, atol=0.0)
    for i in range(4):
        (wanted,) = torch.autograd.grad(plain[i], plain_pred, retain_graph=True)
        (found,) = torch.autograd.grad(fast[i], fast_pred, retain_graph=True)
        assert (found - wanted).norm() <= 1e-9 * wanted.norm(), NAMES[i]


def test_single_precision() -> None:
    pred, target = _pair()
    plain_pred, fast_pred = pred.clone().requires_grad_(), pred.float().requires_grad_()
    plain = reference_losses(plain_pred, target, RATE)
    fast = Target(target.float(), RATE).losses(fast_pred)
    torch.testing.assert_close(fast.double(), plain, rtol=1e-5, atol=0.0)
    (wanted,) = torch.autograd.grad(plain.sum(), plain_pred)
    (found,) = torch.autograd.grad(fast.sum(), fast_pred)
    assert (found - wanted).norm() <= 1e-4 * wanted.norm()


def test_gradient_is_the_slope() -> None:
    pred, target = _pair(4000, 1)
    goal = Target(target, RATE)
    weights = torch.tensor(list(LOSS_WEIGHTS.values()), dtype=torch.float64)
    at = pred.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((goal.losses(at) * weights).sum(), at)
    direction = torch.randn(pred.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    step = 1e-9
    ahead, back = ((goal.losses(pred + sign * step * direction) * weights).sum() for sign in (1, -1))
    assert float((ahead - back) / (2 * step)) == pytest.approx(float((gradient * direction).sum()), rel=1e-3)


def test_identical_signals_have_no_loss_and_a_finite_gradient() -> None:
    pred, _ = _pair(5000, 1)
    at = pred.clone().requires_grad_()
    terms = Target(pred, RATE).losses(at)
    terms.sum().backward()
    assert terms.abs().max() < 1e-12
    assert at.grad is not None and torch.isfinite(at.grad).all()


def test_some_of_a_batch() -> None:
    pred, target = _pair(3000, 3)
    torch.testing.assert_close(
        Target(target, RATE)[[2, 0]].losses(pred[[2, 0]]), Target(target[[2, 0]], RATE).losses(pred[[2, 0]])
    )


def test_order_of_a_batch_matters_in_paper_mode_only() -> None:
    pred, target = _pair(50000)
    pred[1] *= 3.0
    swapped = [1, 0]
    for mode, same in (("exact", True), ("paper", False)):
        first = Target(target, RATE, mode=mode).losses(pred)
        turned = Target(target[[0, 1]][swapped], RATE, mode=mode).losses(pred[swapped])
        alone = sum(Target(target[[i]], RATE, mode=mode).losses(pred[[i]])[2] for i in range(2)) / 2
        torch.testing.assert_close(first[:2], turned[:2])
        assert (abs(float(first[2] - alone)) < 1e-9) is same


def test_what_is_not_finite_is_nan_not_a_number_that_pleases() -> None:
    pred, target = _pair(3000, 1)
    pred[0, 0, 100] = torch.nan
    assert torch.isnan(Target(target, RATE).losses(pred)).all()


def test_a_weighting_follows_the_curve() -> None:
    taps = a_weighting_taps(RATE)
    assert np.array_equal(taps, taps[::-1])
    spectrum = np.abs(np.fft.rfft(taps, 44100))
    for frequency, decibel in ((500, -3.2), (1000, 0.0), (2000, 1.2), (4000, 1.0)):  # IEC 61672-1, table 3
        assert 20 * np.log10(spectrum[frequency]) == pytest.approx(decibel, abs=0.3)


def test_mono_is_two_equal_channels() -> None:
    a, b = voice(1.5, RATE, 1).samples[:1], voice(1.5, RATE, 2).samples[:1]
    assert losses(a, b, RATE) == losses(np.repeat(a, 2, 0), np.repeat(b, 2, 0), RATE)
    assert losses(a[0], b[0], RATE) == losses(a, b, RATE)


def test_total_weighs() -> None:
    assert total_loss({"mss_lr": 1.0, "mss_ms": 2.0, "mldr_lr": 4.0, "mldr_ms": 8.0}) == 6.0


@pytest.mark.parametrize(
    ("pred", "target", "error", "word"),
    [
        (np.ones((2, 5000)), np.ones((2, 4000)), InputError, "cut both"),
        (np.ones((3, 5000)), np.ones((3, 5000)), InputError, "one or two channels"),
        (np.full((2, 5000), np.nan), np.ones((2, 5000)), InputError, "NaN"),
        (np.ones((2, 1000)), np.ones((2, 1000)), InputError, "1025"),
    ],
)
def test_refusals(pred: np.ndarray, target: np.ndarray, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        losses(pred, target, RATE)


def test_refuses_an_unknown_mode() -> None:
    with pytest.raises(UsageError, match="mode is 'best'"):
        Target(np.ones((2, 5000)), RATE, mode="best")  # pyright: ignore[reportArgumentType]
