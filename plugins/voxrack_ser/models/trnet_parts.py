"""Parts of TRNet (Chen and Zhang 2024, "TRNet: Two-level Refinement Network leveraging Speech Enhancement for Noise
Robust Speech Emotion Recognition"), one for each of its equations.

``x`` are features of the recording as it was heard, ``enhanced`` those of what the enhancer made of it, both
(B, T, F) after normalisation. ``mask`` (B, T) is True where a frame belongs to its utterance: nothing here depends on
what stands behind an utterance's end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SNR_RANGE = -5.0, 30.0  # dB at which a coefficient that is read off a ratio is 0 and 1
_TINY = 1e-6  # norm below which a band counts as silent in both: nothing differs


def similarity(x: Tensor, enhanced: Tensor, mask: Tensor) -> Tensor:
    """Eq. 1: cosine of each band's course over time in the two spectrograms, d (B, F), -1 … 1.

    Bands that are zero throughout in both are equal: 1; in one alone, 0.
    """
    weight = mask.to(x.dtype)[..., None]
    x, enhanced = x * weight, enhanced * weight
    product = (x * enhanced).sum(1)
    norms = x.square().sum(1).sqrt(), enhanced.square().sum(1).sqrt()
    silent = (norms[0] < _TINY) & (norms[1] < _TINY)
    return torch.where(silent, torch.ones_like(product), product / (norms[0] * norms[1]).clamp_min(_TINY**2))


class _Cut(torch.autograd.Function):
    """Eq. 3, ``min(max(0, x), 1)``, whose gradient outside of 0 … 1 still leads back, though never further out.

    With no gradient there at all, a coefficient that is once cut for every recording stays so for ever.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0.0, 1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        outwards = ((x <= 0) & (gradient > 0)) | ((x >= 1) & (gradient < 0))
        return gradient.masked_fill(outwards, 0.0)


class Coefficient(nn.Module):
    """Eq. 2 and 3: one layer over d (B, F), cut to 0 … 1: c (B,), high where the recording needs no enhancer.

    The layer begins as the mean of d, moved so that c is near 0.5; :meth:`centre` moves it for a given enhancer's d.

    Parameters
    ----------
    bands : int
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.layer = nn.Linear(bands, 1)
        nn.init.constant_(self.layer.weight, 1.0 / bands)
        nn.init.constant_(self.layer.bias, -0.3)  # d is near 0.8 in moderate noise

    def centre(self, d: Tensor) -> None:
        """Set the bias so that the mean of c over these d (n, F) is 0.5 before the cut."""
        with torch.no_grad():
            self.layer.bias += 0.5 - self.layer(d).mean()

    def forward(self, d: Tensor) -> Tensor:
        return _Cut.apply(self.layer(d).squeeze(-1))


def ratio(levels: Tensor, enhanced: Tensor, mask: Tensor) -> Tensor:
    """SNR (B,) in dB, as the enhancer has it: power that it kept over power that it took away; ours, no equation.

    Over all bands and valid frames of levels in dB, (B, T, F), before normalisation. Within :data:`SNR_RANGE`, to which
    it is cut; an enhancer that took nothing away (or added something) says the upper end.
    """
    weight = mask.to(levels.dtype)[..., None]
    heard, kept = ((10.0 ** (one / 10.0) * weight).sum((1, 2)) for one in (levels, enhanced))
    low, high = SNR_RANGE
    most = 1.0 / (1.0 + 10.0 ** (-high / 10.0))
    share = (kept / heard).clamp(1.0 / (1.0 + 10.0 ** (-low / 10.0)), most)
    return 10.0 * torch.log10(share / (1.0 - share))


def by_ratio(snr: Tensor) -> Tensor:
    """The c (B,) that takes the place of eq. 1 to 3: 0 … 1 over :data:`SNR_RANGE`, nothing in it learned."""
    low, high = SNR_RANGE
    return ((snr - low) / (high - low)).clamp(0.0, 1.0)


def blend(c: Tensor, x: Tensor, enhanced: Tensor) -> Tensor:
    """Eq. 4: the compensated spectrogram ``c x + (1 - c) enhanced``, (B, T, F)."""
    share = c[:, None, None]
    return share * x + (1.0 - share) * enhanced


class Bridge(nn.Module):
    """Eq. 6: the representation (B, size) scaled and shifted by two layers over c (B,) (FiLM, Perez et al. 2018).

    It begins as identity: scale 1 and shift 0 whatever c is.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Linear(1, size), nn.Linear(1, size)
        for layer, bias in ((self.scale, 1.0), (self.shift, 0.0)):
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, bias)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        given = c[:, None]
        return self.scale(given) * h + self.shift(given)
