"""Between 80 mel bands and 513 bins: an envelope from the bands, and a spectrum fitted to them.

What lies between the harmonics comes from the excitation; how much of it there is in every band is known from the mel
spectrogram. So a spectrum is scaled, bin by bin, by what its own bands lack, each bin by the bands that hear it.
"""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from ..mel import SILENCE, filters

_EPSILON = 1e-7  # magnitude in a band under which there is nothing to scale
_NOTHING = -20.0  # what the floor of the mel spectrogram is taken for, -170 dB
_MOST = 6.0  # nepers (52 dB) that one fitting changes at most


def envelope(mel: Tensor) -> Tensor:
    """Natural logarithm of the magnitude at every bin, (…, 513, frames), of log-mel (…, 80, frames): a weighted
    mean of the bands that hear the bin; for bins that no band hears see :func:`heard`."""
    level = sound(mel) - filters().to(mel).sum(1, keepdim=True).log()
    return _spread().to(mel) @ level


def sound(mel: Tensor) -> Tensor:
    """Log-mel in which bands at the floor hold nothing at all: silence is to be silent."""
    return mel.masked_fill(mel <= SILENCE + 1e-3, _NOTHING)


def fitted(spectra: Tensor, mel: Tensor) -> Tensor:
    """Complex ``spectra`` (B, 513, frames) with the magnitudes that log-mel (B, 80, frames) asks for.

    Phases, and the ratios between bins of one band, stay (nearly); bins that no band hears become 0.
    """
    return raised(spectra, sound(mel) - bands(spectra))


def bands(spectra: Tensor) -> Tensor:
    """Log-mel (B, 80, frames) of complex spectra (B, 513, frames)."""
    magnitude = (spectra.real.square() + spectra.imag.square() + 1e-14).sqrt()
    return (filters().to(magnitude) @ magnitude).clamp_min(_EPSILON).log()


def raised(spectra: Tensor, by: Tensor) -> Tensor:
    """Spectra scaled by nepers that are said for the bands, (B, 80, frames)."""
    gain = (_spread().to(by) @ by.clamp(-_MOST, _MOST)).exp()
    return spectra * (gain * heard().to(by))


@lru_cache(maxsize=1)
def heard() -> Tensor:
    """1 for bins between 0 and 8 kHz, which bands hear, else 0; (513, 1)."""
    return (filters().sum(0) > 0).float()[:, None]


@lru_cache(maxsize=1)
def _spread() -> Tensor:
    """(513, 80): the bands' shares in each bin, summing to 1 where bands hear it."""
    weights = filters()
    return (weights / weights.sum(0).clamp_min(1e-12)).T.contiguous()
