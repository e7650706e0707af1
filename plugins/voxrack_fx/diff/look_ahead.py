"""Look-ahead as a function of tensors: the gain correlated with a sinc (spec section 4, step 4).

In blocks by FFT. The adjoint needs no more than the same transforms: the gradient to the kernel is the cross-spectrum
of gain and output gradient, summed over the blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..look_ahead import reach


def sinc_kernel(samples: Tensor, before: int, after: int) -> Tensor:
    """Taps ``sinc(k - samples)``, ``k = -before … after``: float64 (rows, before + after + 1) from (rows,)."""
    places = torch.arange(-before, after + 1, dtype=torch.float64, device=samples.device)
    return torch.sinc(places - samples.double()[:, None])


def look_ahead(gain: Tensor, samples: Tensor, sample_rate: int) -> Tensor:
    """``gain`` moved forward by ``samples``.

    Parameters
    ----------
    gain : Tensor, shape (rows, channels, frames)
        Beyond its ends it stays as it stands there.
    samples : Tensor, shape (rows,) or (1,)
        From 0 to the latency of the streaming device (``reach``).

    Returns
    -------
    Tensor, shape (rows, channels, frames)
    """
    before, after = reach(sample_rate)
    taps, frames = before + after + 1, gain.shape[-1]
    size = max(1024, 1 << (5 * taps).bit_length())
    size = min(size, 1 << (frames + 2 * taps - 1).bit_length())
    hop = size - taps + 1
    blocks = -(-frames // hop)
    padded = torch.nn.functional.pad(gain, (before, blocks * hop - frames + after), mode="replicate")
    spectra = torch.fft.rfft(padded.unfold(-1, size, hop))
    response = torch.fft.rfft(sinc_kernel(samples, before, after), size).conj().to(spectra.dtype)
    out = torch.fft.irfft(spectra * response[:, None, None], size)[..., :hop]
    return out.reshape(*gain.shape[:-1], blocks * hop)[..., :frames]
