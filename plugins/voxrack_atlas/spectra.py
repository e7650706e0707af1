"""Power spectra of middle and side, at one level: what the embeddings are made of."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

SIZE = 2048  # samples of a frame at 44.1 kHz (46 ms); scaled with the rate
HEARD = 45.0  # dB below the loudest frame down to which a frame counts
_TINY = 1e-12


class Spectra:
    """Short-time spectra of a batch of signals, brought to one mean power.

    Parameters
    ----------
    signal : Tensor, shape (batch, 1 or 2, frames)
        Mono is taken as two equal channels. A signal shorter than a frame is padded.
    sample_rate : int

    Attributes
    ----------
    left_right : Tensor, shape (batch, 2, frames)
        The signals at a mean square of 1 over both channels and the frames that sound.
    middle, side : Tensor, shape (batch, bins, times)
        Power; that of a frame of white noise at full level sums to about 1 over bins, middle and side.
    heard : Tensor, shape (batch, times)
        1 where a frame lies above -45 dB of the loudest, else 0; carries no gradient.
    """

    def __init__(self, signal: Tensor, sample_rate: int) -> None:
        signal = signal.expand(-1, 2, -1) if signal.shape[1] == 1 else signal
        self.sample_rate = sample_rate
        self.size = max(16, 2 * round(SIZE * sample_rate / 88200))
        self.hop = self.size // 2
        signal = torch.nn.functional.pad(signal, (0, max(0, self.size - signal.shape[-1])))
        left, right = signal[:, 0], signal[:, 1]
        window = torch.hann_window(self.size, dtype=signal.dtype, device=signal.device)
        both = torch.stack([left + right, left - right], dim=1) * 0.5**0.5
        spectrum = torch.stft(
            both.flatten(0, 1), self.size, self.hop, window=window, center=False, return_complex=True
        ).unflatten(0, both.shape[:2])
        power = (spectrum.real**2 + spectrum.imag**2) / (self.size * float((window**2).sum()))
        frames = power.detach().sum(dim=(1, 2))
        top = frames.amax(dim=1, keepdim=True)
        self.heard = (frames > top * 10 ** (-HEARD / 10)).to(signal)
        mean = (power.sum(dim=(1, 2)) * self.heard).sum(dim=1) / self.heard.sum(dim=1).clamp_min(1) + _TINY
        self.middle, self.side = (power / mean[:, None, None, None]).unbind(dim=1)
        self.left_right = signal / torch.sqrt(mean)[:, None, None]

    @cached_property
    def power(self) -> Tensor:
        """Middle and side together (batch, bins, times)."""
        return self.middle + self.side

    @cached_property
    def hertz(self) -> Tensor:
        """Frequencies of the bins."""
        return torch.fft.rfftfreq(self.size, 1 / self.sample_rate, dtype=torch.float64).to(self.middle)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the frames that sound of (batch, times)."""
        return (values * self.heard).sum(dim=-1) / self.heard.sum(dim=-1).clamp_min(1)

    def sd(self, values: Tensor) -> Tensor:
        """Standard deviation likewise."""
        return torch.sqrt(self.mean((values - self.mean(values)[..., None]) ** 2) + 1e-6)
