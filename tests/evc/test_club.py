"""vCLUB on pairs whose mutual information is known."""

import math

import pytest
import torch

from voxrack_evc.club import Club

DIMENSIONS = 3


def pairs(rho, count, seed=0):
    """Standard normal s and e, each number of one correlated with the same number of the other by ``rho``."""
    generator = torch.Generator().manual_seed(seed)
    s, noise = torch.randn(2, count, DIMENSIONS, generator=generator)
    return s, rho * s + math.sqrt(1.0 - rho**2) * noise


def learned(rho):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        club = Club(DIMENSIONS, DIMENSIONS, 32)
    optimiser = torch.optim.Adam(club.parameters(), lr=5e-3)
    s, e = pairs(rho, 8192)
    for step in range(500):
        rows = slice(step % 16 * 512, step % 16 * 512 + 512)
        optimiser.zero_grad()
        club.learning_loss(s[rows], e[rows]).backward()
        optimiser.step()
    return club


def test_the_bound_is_a_known_mutual_information_from_above():
    """With q the true conditional the bound is d rho^2 / (1 - rho^2), which is at least d/2 ln(1 / (1 - rho^2))."""
    rho = 0.6
    information = -0.5 * DIMENSIONS * math.log(1.0 - rho**2)
    closed = DIMENSIONS * rho**2 / (1.0 - rho**2)
    found = float(learned(rho).bound(*pairs(rho, 20_000, seed=1)).detach())
    assert found == pytest.approx(closed, rel=0.1)
    assert found > information


def test_independent_vectors_share_nothing():
    assert float(learned(0.0).bound(*pairs(0.0, 20_000, seed=1)).detach()) == pytest.approx(0.0, abs=0.05)


def test_the_bound_is_its_definition_over_all_pairs():
    club = Club(DIMENSIONS, DIMENSIONS)
    s, e = pairs(0.5, 7)
    own = club.log_likelihood(s, e).mean()
    every = torch.stack([club.log_likelihood(s, e[j].expand_as(e)) for j in range(7)]).mean()
    torch.testing.assert_close(club.bound(s, e), own - every)


def test_an_ignorant_network_is_not_exploited():
    """Below 0 the loss is 0 and has no gradient."""
    club = Club(1, 1)
    with torch.no_grad():
        club.mean[-1].weight.zero_()
        club.mean[-1].bias.zero_()
        club.mean[0].weight.fill_(1.0)
        club.mean[0].bias.fill_(10.0)
        club.mean[-1].weight.fill_(-1.0)  # it believes the opposite of what is so: mean -s
        club.mean[-1].bias.fill_(10.0)
        for numbers in club.log_variance[-2].parameters():  # and is equally sure everywhere
            numbers.zero_()
    s = torch.linspace(-1.0, 1.0, 50)[:, None].requires_grad_()
    assert float(club.bound(s, s.detach()).detach()) < 0.0
    loss = club.loss(s, s.detach())
    assert float(loss.detach()) == 0.0
    assert not torch.autograd.grad(loss, s)[0].any()


def test_learning_moves_the_network_and_not_the_vectors():
    club = Club(2, 2)
    s = torch.randn(8, 2, requires_grad=True)
    club.learning_loss(s, s * 2.0).backward()
    assert s.grad is None
    assert all(weight.grad is not None for weight in club.parameters())
