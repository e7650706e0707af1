"""Other voices, rooms, microphones and speeds out of the same clips, made of their band levels while training.

In semitone bands a higher voice is a shift along the bands, a slower one a stretch along time, another microphone an
addition of a smooth curve, and stationary noise an addition of power: all without audio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .frontend_best import BestFrontend
from .speech_level import frame_power, speech_level

_LOWEST = -140.0  # dB: silence behind a clip's end
_HIGH_PASS, _LOW_PASS = (120.0, 480.0), (2600.0, 6000.0)  # Hz, of narrow channels: a telephone's are 300 and 3400
_ORDERS = (1.0, 6.0)  # of their Butterworth responses
_TILT = 18.0  # dB, the steepest


@dataclass(frozen=True)
class Augmentation:
    """How much is changed; every clip of a batch draws its own numbers.

    Parameters
    ----------
    shift : float
        Semitones up or down, of pitch and formants.
    stretch : float
        Largest change of tempo, as a natural logarithm.
    equaliser : float
        dB, scale of a random smooth curve over the bands.
    noise : float
        Share of clips with stationary coloured noise, 5 to 40 dB below the speech.
    crop : float
        Share of batches that are crops of 1 to 2.5 s; the rest is whole clips, up to ``longest``.
    lead : float
        Share of clips with up to 0.5 s of their own background before and behind them.
    masks : float
        Scale of the two bars over bands and the two over time that are blanked (SpecAugment, Park et al. 2019).
    channel : float
        Share of clips that come through a poor channel, noise and all: half of these a narrow one (without what lies
        below 120 to 480 Hz and above 2.6 to 6 kHz), half one that is tilted by up to 18 dB from somewhere on upwards.
    shortest, widest, longest : int
        Frames of 16 ms: of crops, and of whole clips.
    """

    shift: float = 2.5
    stretch: float = 0.15
    equaliser: float = 3.0
    noise: float = 0.25
    crop: float = 0.3
    lead: float = 0.2
    masks: float = 1.0
    channel: float = 0.0
    shortest: int = 62
    widest: int = 156
    longest: int = 140

    def levels(self, x: Tensor, lengths: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Changed band levels.

        Parameters
        ----------
        x : Tensor (B, frames, bands)
            dB; what lies behind an item's end is ignored.
        lengths : Tensor (B,) of int64
        generator : torch.Generator
            On the device of ``x``.

        Returns
        -------
        x : Tensor (B, frames', bands), dB
        mask : Tensor (B, frames'), 1 where a frame belongs to the clip
        """
        draw = _Draw(len(x), x.device, generator)
        x, mask = self._warped(x, lengths, draw)
        x = x + self._curve(x.shape[2], draw)[:, None, :]
        x = self._noisy(x, mask, draw)
        if self.channel:  # nothing is drawn without it: old seeds give what they gave
            x = x + self._channel(x.shape[2], draw)[:, None, :]
        return x, mask

    def masked(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures (B, stack, frames, bands) with bars blanked, the same in all layers of a stack."""
        count, _, frames, bands = pictures.shape
        draw = _Draw(count, pictures.device, generator)
        for _ in range(2):
            pictures = pictures * draw.bar(bands, self.masks * bands / 7)[:, None, None, :]
            pictures = pictures * draw.bar(frames, self.masks * 18)[:, None, :, None]
        return pictures

    def _warped(self, x: Tensor, lengths: Tensor, draw: _Draw) -> tuple[Tensor, Tensor]:
        """A crop, stretched in time and shifted along the bands, by one bilinear interpolation."""
        frames, bands = x.shape[1:]
        device = x.device
        lengths = lengths.to(device)
        inside = torch.arange(frames, device=device) < lengths[:, None]
        x = torch.where(inside[..., None], x, _LOWEST)
        factor = torch.exp(draw.even(self.stretch))
        before = (draw.share() * 31 * (draw.share() < self.lead)).floor()
        behind = (draw.share() * 31 * (draw.share() < self.lead)).floor()
        long = (lengths * factor).round() + before + behind
        if draw.one() < self.crop:
            out = int(self.shortest + draw.one() * (self.widest - self.shortest + 1))
        else:
            out = int(min(long.max().item(), self.longest))
        offset = (draw.share() * (long - out).clamp_min(0.0)).floor()
        time = (torch.arange(out, device=device) + (offset - before)[:, None]) / factor[:, None]
        time = torch.minimum(time.clamp_min(0.0), torch.where(behind > 0, lengths - 1.0, frames - 1.0)[:, None])
        width = 1.0 + draw.even(0.01 * self.shift)
        band = torch.arange(bands, device=device) * width[:, None] + draw.even(self.shift)[:, None]
        grid = torch.stack(
            [
                (2.0 * band / (bands - 1) - 1.0)[:, None, :].expand(-1, out, -1),
                (2.0 * time / max(1, frames - 1) - 1.0)[:, :, None].expand(-1, -1, bands),
            ],
            -1,
        )
        made = torch.nn.functional.grid_sample(x[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
        mask = torch.arange(out, device=device) < (long - offset).clamp_max(float(out))[:, None]
        return made, mask.to(x.dtype)

    def _curve(self, bands: int, draw: _Draw) -> Tensor:
        """A tilt and two slow waves over the bands, dB, (B, bands)."""
        place = torch.linspace(0.0, 1.0, bands, device=draw.device)
        tilt, first, second, phase = (draw.normal()[:, None] for _ in range(4))
        waves = first * torch.cos(2 * math.pi * place) + 0.7 * second * torch.cos(3 * math.pi * place + 3 * phase)
        return self.equaliser / 2 * (tilt * (2 * place - 1) + waves)

    def _channel(self, bands: int, draw: _Draw) -> Tensor:
        """Responses of poor channels, dB, (B, bands); zeros for the clips that have none."""
        octave = torch.arange(bands, device=draw.device) / 12  # above the lowest band
        chosen, which = draw.share() < self.channel, draw.share() < 0.5
        narrow = octave.new_zeros(draw.count, bands)
        for corners, sign in ((_HIGH_PASS, -1.0), (_LOW_PASS, 1.0)):
            low, high = (math.log2(corner / BestFrontend.f_min) for corner in corners)
            corner = (low + (high - low) * draw.share())[:, None]
            order = (_ORDERS[0] + (_ORDERS[1] - _ORDERS[0]) * draw.share())[:, None]
            # -10 log10(1 + (f / corner)^(2 order)), or (corner / f): Butterworth's
            steep = 2.0 * math.log(2.0) * order * sign * (octave - corner)
            narrow = narrow - 10.0 / math.log(10.0) * torch.nn.functional.softplus(steep)
        place = octave / octave[-1]
        hinge = 0.7 * draw.share()[:, None]
        tilted = draw.even(_TILT)[:, None] * (place - hinge).clamp_min(0.0) / (1.0 - hinge)
        return torch.where(chosen[:, None], torch.where(which[:, None], narrow, tilted), 0.0)

    def _noisy(self, x: Tensor, mask: Tensor, draw: _Draw) -> Tensor:
        """Noise of a random tilt, in some of the clips."""
        level = speech_level(frame_power(x), mask)
        chosen = draw.share() < self.noise
        ratio = 5.0 + 35.0 * draw.share()
        place = torch.linspace(0.5, -0.5, x.shape[2], device=draw.device)
        noise = 2.0 * draw.normal_like(x) + (12.0 * draw.normal())[:, None, None] * place
        power = frame_power(noise).mean(1)
        noise = noise + (level - ratio - 10.0 * torch.log10(power))[:, None, None]
        mixed = 10.0 * torch.log10(torch.pow(10.0, x / 10.0) + torch.pow(10.0, noise / 10.0))
        return torch.where(chosen[:, None, None], mixed, x)


class _Draw:
    """Random numbers for each of ``count`` clips."""

    def __init__(self, count: int, device: torch.device, generator: torch.Generator) -> None:
        self.count, self.device, self.generator = count, device, generator

    def share(self) -> Tensor:
        """(count,), 0 … 1."""
        return torch.rand(self.count, device=self.device, generator=self.generator)

    def one(self) -> float:
        """0 … 1, one for all."""
        return float(torch.rand(1, device=self.device, generator=self.generator))

    def even(self, size: float) -> Tensor:
        """(count,), -size … size."""
        return (2.0 * self.share() - 1.0) * size

    def normal(self) -> Tensor:
        return torch.randn(self.count, device=self.device, generator=self.generator)

    def normal_like(self, x: Tensor) -> Tensor:
        return torch.randn(x.shape, device=self.device, generator=self.generator)

    def bar(self, size: int, widest: float) -> Tensor:
        """(count, size): zeros over a stretch narrower than ``widest``, else ones."""
        width = (self.share() * widest).floor()[:, None]
        start = (self.share()[:, None] * (size - width)).floor()
        place = torch.arange(size, device=self.device)
        return ((place < start) | (place >= start + width)).to(torch.float32)
