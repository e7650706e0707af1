"""What the decoder is trained by: L = L_diff + alpha L_mel + beta L_MI + gamma L_aux (DiffEVC, eq. 2)."""

from __future__ import annotations

from torch import Tensor

Mask = Tensor | None


def score_loss(score: Tensor, z: Tensor, deviation: Tensor, mask: Mask = None) -> Tensor:
    """``mean |deviation s + z|^2`` over valid cells (DiffVC's loss; DiffEVC, L_diff in eq. 2).

    Parameters
    ----------
    score, z : Tensor (B, bands, frames)
        The network's score at X_t, and the noise that is in X_t.
    deviation : Tensor (B, 1, 1)
        ``sqrt(1 - gamma(0, t)^2)``.
    mask : Tensor (B, frames), optional
    """
    return cell_mean((deviation * score + z).square(), mask)


def mel_loss(estimate: Tensor, target: Tensor, t: Tensor, mask: Mask = None) -> Tensor:
    """``mean (1 - t^2) |X0hat - X_0|`` over valid cells (DiffEVC, L_mel in eq. 2; the weight is EmoConv-Diff's).

    Tweedie's estimate multiplies errors of the score by up to 150 towards t = 1, where nothing of X_0 can be known.

    Parameters
    ----------
    estimate, target : Tensor (B, bands, frames)
    t : Tensor (B,)
    """
    return cell_mean((1.0 - t.square())[:, None, None] * (estimate - target).abs(), mask)


def total(
    diffusion: Tensor, mel: Tensor, information: Tensor, auxiliary: Tensor, alpha: float, beta: float, gamma: float
) -> Tensor:
    """Eq. 2. A term of weight 0 is left out altogether: no gradient, and no NaN of it."""
    out = diffusion
    for weight, term in ((alpha, mel), (beta, information), (gamma, auxiliary)):
        if weight:
            out = out + weight * term
    return out


def cell_mean(values: Tensor, mask: Mask) -> Tensor:
    """Mean over the cells of (B, bands, frames) whose frame the mask (B, frames) counts."""
    if mask is None:
        return values.mean()
    return (values * mask[:, None]).sum() / (mask.sum() * values.shape[1])
