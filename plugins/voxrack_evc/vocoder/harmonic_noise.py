"""A differentiable harmonic-plus-noise vocoder: pulses and noise, each filtered in the short-time spectrum, fitted
to the mel spectrogram.

Spectrum of frame ``t`` at frequency ``f``: ``A (sqrt(p) exp(a + i phase) E + sqrt(1 - p) exp(b) N)``, with the mel
spectrogram's envelope ``A``, pulses ``E``, noise ``N``, the share of harmonics ``p = voicing exp(-(f / 6 kHz)^2)`` that
is expected of a voice, and what the network knows better: ``a``, ``b`` and ``phase``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..mel import RATE, WINDOW
from .envelope import envelope, heard
from .excitation import noise, pulses
from .frames import analyse, synthesise
from .network import BINS, LEVEL

Filters = tuple[Tensor, Tensor, Tensor]
"""What :class:`~voxrack_evc.vocoder.network.Filters` says."""

_HARMONIC_TO = 6000.0  # Hz, about where voices become noise
_AHEAD = 0.99


def spectra(filters: Filters | None, mel: Tensor, voicing: Tensor, pulse: Tensor, hiss: Tensor) -> Tensor:
    """Spectra (B, 513, frames) before they are fitted.

    Parameters
    ----------
    filters : tuple of Tensor, or None
        None: those that envelope and voicing suggest.
    mel : Tensor (B, 80, frames)
        Natural logarithm.
    voicing : Tensor (B, frames)
    pulse, hiss : Tensor (B, 513, frames)
        Spectra of :func:`excite`'s two sounds.
    """
    frequency = torch.arange(BINS, device=mel.device) * (RATE / WINDOW)
    falling = torch.exp(-((frequency / _HARMONIC_TO) ** 2))[:, None]
    share = (voicing[:, None] * falling).clamp(0.0, 1.0)
    level = envelope(mel)[:, :BINS].exp()
    harmonics, rest = level * share.sqrt(), level * (1.0 - share).clamp_min(1e-4).sqrt()
    pulse, hiss = pulse[:, :BINS], hiss[:, :BINS]
    if filters is None:
        harmonics, rest = harmonics * math.exp(LEVEL), rest * math.exp(LEVEL)
    else:
        louder, noisier, phase = filters
        pulse = pulse * torch.polar(louder.exp(), phase)
        rest = rest * noisier.exp()
    return pad(harmonics * pulse + rest * hiss, (0, 0, 0, WINDOW // 2 + 1 - BINS)) * heard().to(mel)


def excite(f0: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Spectra of pulses and of noise, (B, 513, frames) each, for ``f0`` (B, frames)."""
    sound = pulses(f0)
    return analyse(sound), analyse(noise(sound, seed))


def sounded(spectrum: Tensor, fit: Callable[[Tensor], Tensor], rounds: int) -> Tensor:
    """Sound (B, 256 frames) of spectra (B, 513, frames) that were fitted to a mel spectrogram.

    Each round is one of the fast Griffin-Lim algorithm (Perraudin et al. 2013), with the fit to the bands in place of
    known magnitudes: the spectra of the sound that the fitted ones give, and a step further in the same direction.

    Parameters
    ----------
    fit : callable
        Spectra to fitted ones: :func:`~voxrack_evc.vocoder.envelope.fitted`, or of another pitch,
        :func:`~voxrack_evc.vocoder.flattening.fitted_flat`.
    rounds : int
        0 does without any fit.
    """
    before = None
    for _ in range(rounds):
        made = analyse(synthesise(fit(spectrum)))
        spectrum = made if before is None else made + _AHEAD * (made - before)
        before = made
    return synthesise(fit(spectrum) if rounds else spectrum)
