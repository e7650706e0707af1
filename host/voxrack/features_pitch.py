"""Fundamental frequency and how sure it is: normalised cross-correlation, all frames of a batch at once.

The signal is compared with itself a period later (Talkin 1995, RAPT's first stage). Of the peaks that are nearly as
high as the highest the one of the shortest period counts, so that two periods are not taken for one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .errors import UsageError
from .features_frames import Lengths, checked, collect

_OCTAVE_COST = 0.02  # of correlation for every octave down
_FLOOR = 1e-9  # of energy, relative to the loudest frame: what is lower is rounding


def pitch(
    x: Tensor, sample_rate: float, *, f_min: float = 60.0, f_max: float = 700.0, hop: float = 0.01,
    window: float = 0.025, lengths: Lengths = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Fundamental frequency of every frame.

    ``r(lag) = sum x[n] x[n+lag] / sqrt(sum x[n]^2 sum x[n+lag]^2)`` over ``window`` seconds, means taken away.

    Parameters
    ----------
    x : Tensor (..., samples)
    f_min, f_max : float
        Hz; voices lie between 60 Hz and 700 Hz (a scream).
    hop, window : float
        Seconds between frames, and compared.
    lengths : (...) int
        Samples of each item in a padded batch.

    Returns
    -------
    f0, voicing : Tensor (..., frames)
        Hz, and the correlation at that period, 0 … 1: above about 0.6 it is a voice (or another periodic sound).
        Frame ``k`` is centred at ``k * hop``; there are ``1 + samples // (hop in samples)``. Frames of silence have
        voicing 0 and frequency 0. The frequency carries gradients only through the interpolation around a peak.
    """
    if not 0 < f_min < f_max < sample_rate / 4:
        raise UsageError(
            f"pitch between {f_min:g} and {f_max:g} Hz at {sample_rate:g} Hz: "
            f"0 < f_min < f_max < a quarter of the sample rate ({sample_rate / 4:g} Hz) is needed"
        )
    span, step = round(window * sample_rate), round(hop * sample_rate)
    shortest, longest = math.floor(sample_rate / f_max) - 1, math.ceil(sample_rate / f_min) + 1
    width = span + longest
    if span < 2 or step < 1:
        raise UsageError(f"window {window} s and hop {hop} s hold no samples at {sample_rate:g} Hz")
    x, sizes = checked(x, span, lengths)
    correlation = _Correlation(span, shortest, longest)
    found = collect(
        x, sizes, lambda part, _: torch.nn.functional.pad(part, (width // 2, width - width // 2)),
        lambda frames: _peaks(correlation(frames), shortest, sample_rate), width, step,
        lambda samples: 1 + samples // step,
    )  # fmt: skip
    return found[..., 0], found[..., 1]


class _Correlation:
    """Normalised cross-correlation of the first ``span`` samples of frames with what follows."""

    def __init__(self, span: int, shortest: int, longest: int) -> None:
        self.span, self.shortest, self.longest = span, shortest, longest
        self.n_fft = 1 << (span + longest - 1).bit_length()

    def __call__(self, frames: Tensor) -> Tensor:
        """(..., span + longest) to (..., lags shortest … longest), -1 … 1."""
        scale = frames.detach().abs().amax(dim=-1, keepdim=True)
        frames = frames / torch.where(scale > 0, scale, torch.ones_like(scale))
        raw = frames.detach().square().sum(dim=-1, keepdim=True)
        frames = frames - frames.mean(dim=-1, keepdim=True)
        first = torch.fft.rfft(frames[..., : self.span], self.n_fft)
        lags = torch.fft.irfft(first.conj() * torch.fft.rfft(frames, self.n_fft), self.n_fft)
        lags = lags[..., self.shortest : self.longest + 1]
        total = torch.nn.functional.pad(torch.cumsum(frames.square(), dim=-1), (1, 0))
        begin = slice(self.shortest, self.longest + 1)
        end = slice(self.shortest + self.span, self.longest + 1 + self.span)
        energy = (total[..., end] - total[..., begin]) * total[..., self.span, None]
        sound = energy > (_FLOOR * raw) ** 2
        root = torch.sqrt(torch.where(sound, energy, torch.ones_like(energy)))
        return torch.where(sound, lags / root, torch.zeros_like(lags)).clamp(-1.0, 1.0)


def _peaks(curves: Tensor, shortest: int, sample_rate: float) -> Tensor:
    """Frequency (Hz) and height of the best peak of curves (..., lags): (..., 2), by a parabola through 3 points."""
    before, at, after = curves[..., :-2], curves[..., 1:-1], curves[..., 2:]
    bend = before - 2 * at + after
    top = (at >= before) & (at > after)
    bend = torch.where(top, bend, -torch.ones_like(bend))
    shift = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    height = (at - 0.25 * (before - after) * shift).clamp(max=1.0)
    lag = torch.arange(at.shape[-1], device=at.device, dtype=at.dtype) + (shortest + 1)
    score = torch.where(top, height - _OCTAVE_COST * torch.log2(lag), height.new_full((), -torch.inf))
    best = score.argmax(dim=-1, keepdim=True)
    found = torch.gather(top, -1, best)[..., 0]
    period = torch.gather(lag + shift, -1, best)[..., 0]
    voicing = torch.gather(height, -1, best)[..., 0].clamp(min=0.0)
    zero = voicing.new_zeros(())
    return torch.stack([torch.where(found, sample_rate / period, zero), torch.where(found, voicing, zero)], dim=-1)
