"""Mutual information between the speaker's and the emotion's vector, bounded from above: vCLUB (Cheng et al. 2020).

DiffEVC (section 2.1.4, L_MI) keeps apart what the two projections say of a recording. A network q(e | s) learns by
maximum likelihood, with an optimiser of its own, how much of one can be told from the other;
the bound is ``mean_i log q(e_i | s_i) - mean_ij log q(e_j | s_i)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Club(nn.Module):
    """The network q(e | s) = N(mu(s), diag exp(log variance(s))).

    Parameters
    ----------
    given, told : int
        Sizes of s and e.
    width : int
        Hidden units; 0: as many as the larger of the two.
    """

    def __init__(self, given: int, told: int, width: int = 0) -> None:
        super().__init__()
        width = width or max(given, told)

        def layers(*last: nn.Module) -> nn.Sequential:
            return nn.Sequential(nn.Linear(given, width), nn.ReLU(), nn.Linear(width, told), *last)

        self.mean = layers()
        self.log_variance = layers(nn.Tanh())  # within e^-1 … e: an untrained q cannot claim to be certain

    def log_likelihood(self, s: Tensor, e: Tensor) -> Tensor:
        """``log q(e | s)`` summed over e's numbers, without its constant, (B,)."""
        log_variance = self.log_variance(s)
        return (-0.5 * ((e - self.mean(s)).square() / log_variance.exp() + log_variance)).sum(-1)

    def learning_loss(self, s: Tensor, e: Tensor) -> Tensor:
        """What q's own optimiser minimises; no gradient reaches ``s`` and ``e``."""
        return -self.log_likelihood(s.detach(), e.detach()).mean()

    def bound(self, s: Tensor, e: Tensor) -> Tensor:
        """The bound in nats over a batch (B, given), (B, told), at least 2 pairs.

        It may be below 0 while q knows little; see :meth:`loss`.
        """
        mean, log_variance = self.mean(s), self.log_variance(s)
        precision = (-log_variance).exp()
        own = -0.5 * ((e - mean).square() * precision).sum(-1)
        # mean over j of (e_j - mu_i)^2, from the moments of e: no (B, B, told) array
        first, second = e.mean(0), e.square().mean(0)
        others = -0.5 * ((second - 2.0 * first * mean + mean.square()) * precision).sum(-1)
        return (own - others).mean()

    def loss(self, s: Tensor, e: Tensor) -> Tensor:
        """The bound, at least 0: information cannot be negative, and an ignorant q must not be exploited."""
        return self.bound(s, e).clamp_min(torch.zeros((), device=s.device))
