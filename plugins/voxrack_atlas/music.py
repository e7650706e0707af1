"""Music descriptors as a differentiable vector: spectrum, dynamics, room, stereo."""

from __future__ import annotations

import torch
from torch import Tensor

from .spectra import Spectra

_OCTAVES = (63, 125, 250, 500, 1000, 2000, 4000, 8000, 14000)  # Hz, centres; the last reaches as far as MP3 does
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.95)
_MODULATIONS = ((0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0))  # Hz
_THIRDS = ((20.0, 300.0), (300.0, 3000.0), (3000.0, 16000.0))  # Hz, of the stereo picture
_FLOOR = 1e-6  # -60 dB
_QUIET = 1e-8  # of the mean power: the lowest level of a frame

LABELS = (
    "centroid (octaves)", "centroid sd", "bandwidth (octaves)", "flatness (dB)",
    *(f"band {centre} Hz (dB)" for centre in _OCTAVES),
    *(f"level, {q:.0%} (dB)" for q in _QUANTILES), "level sd (dB)", "crest (dB)",
    "rise (dB/frame)", "fall (dB/frame)",
    *(f"modulation {low:g}-{high:g} Hz (dB)" for low, high in _MODULATIONS),
    "balance (dB)", "correlation", "side in loud frames (dB)", "side in quiet frames (dB)",
    *(f"side {low:g}-{high:g} Hz (dB)" for low, high in _THIRDS),
)  # fmt: skip


def music(spectra: Spectra) -> Tensor:
    """Descriptors (batch, len(LABELS)) of signals brought to one level; all but the names in ``LABELS`` are in dB."""
    return torch.stack([*_spectral(spectra), *_dynamic(spectra), *_stereo(spectra)], dim=1)


def _spectral(s: Spectra) -> list[Tensor]:
    power, hertz = s.power, s.hertz.clamp_min(20.0)
    octaves = torch.log2(hertz)[None, :, None]
    total = power.sum(dim=1) + _QUIET
    centroid = (power * octaves).sum(dim=1) / total
    spread = torch.sqrt((power * (octaves - centroid[:, None]) ** 2).sum(dim=1) / total + 1e-6)
    inside = (s.hertz > 100) & (s.hertz < min(14000, 0.45 * s.sample_rate))
    part = power[:, inside] + _QUIET / s.size
    flatness = _decibel(torch.exp(torch.log(part).mean(dim=1)) / part.mean(dim=1))
    average = (power * s.heard[:, None]).sum(dim=-1) / s.heard.sum(dim=-1, keepdim=True).clamp_min(1)
    whole = average.sum(dim=1)
    bands = []
    for centre in _OCTAVES:
        low, high = centre / 2**0.5, min(centre * 2**0.5, 17000)
        chosen = (s.hertz >= low) & (s.hertz < high)
        bands.append(_decibel(average[:, chosen].sum(dim=1) / whole + _FLOOR))
    return [s.mean(centroid), s.sd(centroid), s.mean(spread), s.mean(flatness), *bands]


def _dynamic(s: Spectra) -> list[Tensor]:
    level = _decibel(s.power.sum(dim=1) + _QUIET)  # (batch, times)
    quantiles = []
    for row, heard in zip(level, s.heard):
        quantiles.append(torch.quantile(row[heard > 0], torch.tensor(_QUANTILES).to(row)))
    spread = torch.stack(quantiles, dim=1)
    peak = _decibel(s.left_right.abs().amax(dim=(1, 2)) ** 2 + _QUIET)
    step = level.clamp_min(-45.0).diff(dim=1)
    rise, fall = step.clamp_min(0).mean(dim=1), (-step).clamp_min(0).mean(dim=1)
    curve = level.clamp_min(-45.0)
    curve = curve - curve.mean(dim=1, keepdim=True)
    moving = torch.fft.rfft(curve, dim=1).abs() ** 2 / curve.shape[1] ** 2
    rates = torch.fft.rfftfreq(curve.shape[1], s.hop / s.sample_rate).to(curve)
    bands = [_decibel(moving[:, (rates >= low) & (rates < high)].sum(dim=1) + 1e-2) for low, high in _MODULATIONS]
    return [*spread, s.sd(level), peak, rise, fall, *bands]


def _stereo(s: Spectra) -> list[Tensor]:
    left, right = s.left_right.unbind(dim=1)
    squares = [(part**2).mean(dim=1) for part in (left, right)]
    balance = _decibel((squares[1] + _FLOOR) / (squares[0] + _FLOOR))
    correlation = (left * right).mean(dim=1) / torch.sqrt(squares[0] * squares[1] + _FLOOR**2)
    frame = s.power.detach().sum(dim=1)
    order = (frame * s.heard).argsort(dim=1, descending=True).argsort(dim=1)
    loud = (order < s.heard.sum(dim=1, keepdim=True) / 2).to(frame) * s.heard
    rest = s.heard - loud
    weight = torch.sqrt(frame)  # quiet frames are not drowned by the loudest among them
    parts = [
        _decibel((s.side.sum(dim=1) * w / weight.clamp_min(1e-6)).sum(dim=1)
                 / ((s.power.sum(dim=1) * w / weight.clamp_min(1e-6)).sum(dim=1) + _QUIET) + _FLOOR)
        for w in (loud, rest)
    ]  # fmt: skip
    bands = []
    for low, high in _THIRDS:
        chosen = (s.hertz >= low) & (s.hertz < high)
        side, whole = (x[:, chosen].sum(dim=1) for x in (s.side, s.power))
        bands.append(_decibel((side * s.heard).sum(dim=1) / ((whole * s.heard).sum(dim=1) + _QUIET) + _FLOOR))
    return [balance, correlation, *parts, *bands]


def _decibel(power: Tensor) -> Tensor:
    return 10 * torch.log10(power.clamp_min(1e-20))
