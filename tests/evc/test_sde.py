"""The forward process against its closed form, and what follows from it."""

import pytest
import torch

from voxrack_evc.sde import Schedule

S = Schedule()
TIMES = torch.tensor([1e-5, 0.05, 0.3, 0.5, 0.9, 1.0], dtype=torch.float64)


def test_gamma_is_the_exponential_of_the_integral_of_beta():
    times = torch.linspace(0.2, 0.7, 100_001, dtype=torch.float64)
    integral = torch.trapezoid(S.beta(times), times)
    assert S.gamma(0.2, 0.7) == pytest.approx(float(torch.exp(-0.5 * integral)), rel=1e-9)
    assert S.gamma(0.2, 0.7, 2.0) == pytest.approx(S.gamma(0.2, 0.7) ** 2)
    assert S.gamma(0.0, 1.0) == pytest.approx(0.0067, abs=5e-5)
    assert S.gamma(0.0, 0.5) == pytest.approx(0.28, abs=5e-3)


def test_forward_marginals_are_those_of_the_differential_equation():
    """Many paths of dX = beta/2 (Xbar - X) dt + sqrt(beta) dW end with the mean and deviation that are stated."""
    generator = torch.Generator().manual_seed(0)
    x0, average, steps = 2.0, -1.0, 2000
    x = torch.full((40_000,), x0, dtype=torch.float64)
    for step in range(steps // 2):  # to t = 0.5
        beta, h = S.beta((step + 0.5) / steps), 1.0 / steps
        x = x + 0.5 * beta * (average - x) * h
        x = x + (beta * h) ** 0.5 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    t = torch.tensor([0.5], dtype=torch.float64)
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    assert float(x.mean()) == pytest.approx(float(S.mean(x0 * one, average * one, t)), abs=0.02)
    assert float(x.std()) == pytest.approx(float(S.deviation(t)), abs=0.02)


def test_the_score_is_the_gradient_of_the_log_density():
    x0, average, z = torch.randn(3, 6, 2, 5, dtype=torch.float64)
    x = S.diffuse(x0, average, TIMES, z).requires_grad_()
    normal = torch.distributions.Normal(S.mean(x0, average, TIMES), S.deviation(TIMES).expand_as(x))
    (wanted,) = torch.autograd.grad(normal.log_prob(x).sum(), x)
    torch.testing.assert_close(S.score(x, x0, average, TIMES), wanted)
    torch.testing.assert_close(wanted, -z / S.deviation(TIMES), rtol=1e-5, atol=1e-8)


def test_a_velocity_stands_for_the_score_and_tweedie_gives_x0_back():
    x0, average, z = torch.randn(3, 6, 2, 5, dtype=torch.float64)
    x = S.diffuse(x0, average, TIMES, z)
    velocity = S.share(TIMES) * z - S.deviation(TIMES) * (x0 - average)
    score = S.score_of_velocity(velocity, x, average, TIMES)
    torch.testing.assert_close(score, S.score(x, x0, average, TIMES), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(S.tweedie(x, score, average, TIMES), x0, rtol=1e-6, atol=1e-8)


def test_at_the_end_the_score_is_that_of_the_prior_whatever_the_network_says():
    x, average, said = torch.randn(3, 1, 2, 5)
    score = S.score_of_velocity(said, x, average, torch.ones(1))
    torch.testing.assert_close(score, average - x, rtol=0.0, atol=0.05)
