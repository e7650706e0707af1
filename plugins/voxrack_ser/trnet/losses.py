"""TRNet's losses beside the cross entropy; both are means, so that their weights of 0.5 mean the same at any size."""

from __future__ import annotations

from torch import Tensor


def low_level(target: Tensor, compensated: Tensor, mask: Tensor) -> Tensor:
    """Eq. 5: mean squared distance of clean and compensated spectrogram (B, T, F) over the valid frames (B, T)."""
    weight = mask.to(target.dtype)[..., None]
    return ((target - compensated).square() * weight).sum() / (weight.sum() * target.shape[-1])


def high_level(target: Tensor, calibrated: Tensor) -> Tensor:
    """Eq. 7: mean squared distance of the clean twin's representation and the bridge's, both (B, size)."""
    return (target - calibrated).square().mean()
