"""The spectrum that everything in this package speaks: HiFi-GAN's log-mel (Kong et al. 2020, ``mel_spectrogram``).

22,050 Hz; Hann windows of 1024 every 256 samples, 384 samples mirrored at both ends so that a signal of ``n`` samples
has ``n // 256`` frames; magnitudes ``sqrt(re^2 + im^2 + 1e-9)``, 80 Slaney mels from 0 to 8000 Hz, natural logarithm of
at least 1e-5. Fundamental frequencies (`f0`) lie on the same frames.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from voxrack.errors import InputError
from voxrack.features_filters import mel_filters

RATE = 22050
"""Hz."""
WINDOW = 1024
"""Samples of the window and of the FFT."""
HOP = 256
"""Samples between frames."""
MELS = 80
"""Bands."""
F_MAX = 8000.0
"""Hz, the upper edge of the highest band."""
SILENCE = -11.512925464970229
"""What a band without any energy is: ln 1e-5."""
SHORTEST = 2 * HOP
"""Samples that a signal needs."""

_EPSILON, _FLOOR = 1e-9, 1e-5
_EDGE = (WINDOW - HOP) // 2


def log_mel(x: Tensor) -> Tensor:
    """Log-mel spectrogram.

    Parameters
    ----------
    x : Tensor (..., samples)
        At 22,050 Hz, full scale ±1; differentiable.

    Returns
    -------
    Tensor (..., 80, samples // 256), natural logarithm of magnitudes, at least ln 1e-5 = -11.51

    Raises
    ------
    InputError
        Fewer than 512 samples (23 ms).
    """
    spectrum = magnitudes(x)
    mels = filters().to(spectrum) @ spectrum
    return mels.clamp_min(_FLOOR).log()


def magnitudes(x: Tensor) -> Tensor:
    """Magnitude spectrogram (..., 513, samples // 256) of the same windows."""
    if x.shape[-1] < SHORTEST:
        raise InputError(
            f"a signal of {x.shape[-1]} samples is too short: {SHORTEST} at {RATE} Hz ({SHORTEST / RATE * 1000:.0f} ms)"
            " are needed"
        )
    flat = x.reshape(-1, x.shape[-1])
    mirrored = pad(flat[:, None], (_EDGE, _EDGE), mode="reflect")[:, 0]
    spectrum = torch.view_as_real(
        torch.stft(
            mirrored, WINDOW, HOP, window=torch.hann_window(WINDOW, dtype=x.dtype, device=x.device), center=False,
            return_complex=True,
        )
    )  # fmt: skip
    magnitude = (spectrum.square().sum(-1) + _EPSILON).sqrt()
    return magnitude.reshape(*x.shape[:-1], *magnitude.shape[-2:])


@lru_cache(maxsize=1)
def filters() -> Tensor:
    """Weights of the 80 bands over the 513 bins, float32."""
    return torch.as_tensor(mel_filters(RATE, WINDOW, MELS, 0.0, F_MAX)).float()
