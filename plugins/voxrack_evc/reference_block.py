"""A reference's spectrum at the same time of the process, heard as a whole (DiffVC's ``RefBlock``, setting "wodyn")."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import glu, mish

from .blocks import GroupNorm, Mask, masked


class ReferenceBlock(nn.Module):
    """Six gated convolutions with instance normalisation, then the mean over bands and frames.

    Parameters
    ----------
    outputs : int
        Numbers that come out, a multiple of 4.
    vector : int
        Size of the time's vector, which is added after each second convolution.
    """

    def __init__(self, outputs: int, vector: int) -> None:
        super().__init__()
        base = outputs // 4
        sizes = (1, base, base, 2 * base, 2 * base, 4 * base, 4 * base)
        self.convolve = nn.ModuleList(
            nn.Conv2d(inputs, 2 * made, 3, padding=1) for inputs, made in pairwise(sizes)
        )
        self.normalise = nn.ModuleList(GroupNorm(2 * made, 2 * made) for made in sizes[1:])
        self.add = nn.ModuleList(nn.Linear(vector, made) for made in (base, 2 * base))
        self.mix = nn.Conv2d(4 * base, outputs, 1)

    def forward(self, reference: Tensor, mask: Mask, vector: Tensor) -> Tensor:
        """(B, 1, bands, frames) and (B, vector) to (B, outputs)."""
        y = reference
        for index, (convolve, normalise) in enumerate(zip(self.convolve, self.normalise, strict=True)):
            y = glu(normalise(convolve(masked(y, mask)), mask), 1)
            if index in (1, 3):
                y = y + self.add[index // 2](mish(vector))[:, :, None, None]
        y = masked(self.mix(masked(y, mask)), mask)
        if mask is None:
            return y.mean((2, 3))
        return y.sum((2, 3)) / (mask.sum((2, 3)) * y.shape[2]).clamp_min(1.0)
