"""What ``enhance.light`` is trained for: the target's compressed spectrum, its samples, and how little disturbs.

Compressing magnitudes to the power of 0.3 weighs soft sounds as an ear does (Ephraim and Malah 1985 in the logarithm;
Wilson et al. 2018 and Braun and Tashev 2020 for networks); the complex term keeps phase, the third one keeps samples,
the fourth (:mod:`.disturbance`) weighs an error by how loud it is beside what is heard.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from .disturbance import disturbance

FRAME, HOP = 512, 128  # of the spectra that are compared, at 16 kHz
POWER = 0.3
MAGNITUDE, COMPLEX = 70.0, 30.0  # weights
DISTURBANCE = 2.0  # per point of opinion score
SAMPLES = 4.0  # with 1, mixtures that are nearly all noise rule, and what is nearly clean loses 10 dB
LIMIT = 1e-3  # of the target's energy: an error 30 dB below it is not chased any further
_TINY = 1e-7


def loss(found: Tensor, target: Tensor, noisy: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over the batch of the four terms' weighted sum.

    Parameters
    ----------
    found, target, noisy : Tensor, shape (B, samples)
        A silent target asks for silence: then its spectrum counts alone, at the level of what came in.

    Returns
    -------
    (Tensor, dict)
        The loss, and its terms.
    """
    energy, heard = target.square().mean(-1, keepdim=True), noisy.square().mean(-1, keepdim=True)
    silent = energy[:, 0] < 1e-6 * heard[:, 0]
    scale = torch.where(silent[:, None], heard, energy).clamp_min(1e-12).rsqrt()
    one, other = _spectrum(found * scale), _spectrum(target * scale)
    loud, wanted = _magnitude(one), _magnitude(other)
    magnitude = (loud - wanted).square().mean()
    bent = one * (loud / _absolute(one)) - other * (wanted / _absolute(other))
    shape = (bent.real.square() + bent.imag.square()).mean()
    error = (found - target).square().mean(-1)
    ratio = (error / energy[:, 0].clamp_min(1e-12) + LIMIT).log10()
    samples = torch.where(silent, torch.zeros_like(ratio), ratio).mean()
    points = torch.where(silent, torch.zeros_like(ratio), disturbance(found, target)).mean()
    terms = {"magnitude": magnitude, "complex": shape, "samples": samples, "disturbance": points}
    total = MAGNITUDE * magnitude + COMPLEX * shape + SAMPLES * samples + DISTURBANCE * points
    return total, {name: term.detach() for name, term in terms.items()}


def _spectrum(x: Tensor) -> Tensor:
    window = _window(x.device)
    return torch.stft(x, FRAME, HOP, window=window, return_complex=True) / window.square().sum().sqrt()


def _absolute(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + _TINY).sqrt()


def _magnitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + _TINY).pow(POWER / 2)


@cache
def _window(device: torch.device) -> Tensor:
    return torch.hann_window(FRAME, device=device)
