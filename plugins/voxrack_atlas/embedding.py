"""What a recording sounds like as one vector, by which two recordings of different songs are compared.

Both embeddings here are made of torch operations, need no download and carry gradients. Any other object will do
that has a name, labels and turns an :class:`voxrack.Audio` into a vector; without ``tensor`` it is searched without
gradients.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack import Audio
from voxrack.errors import InputError, UsageError

from .music import LABELS, music
from .spectra import Spectra

COEFFICIENTS = 25
BANDS = 40
FLOOR = -80.0  # dB below the mean power at which a band is silent
_EDGES = (40.0, 16000.0)  # Hz, of the mel bands


class Embedding(Protocol):
    """What the style search needs of an embedding."""

    name: str
    labels: tuple[str, ...]

    def __call__(self, audio: Audio) -> NDArray[np.float64]:
        """The vector (len(labels),) of one recording with one or two channels."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """An embedding with gradients."""

    name: str
    labels: tuple[str, ...]

    def tensor(self, signal: Tensor, sample_rate: int) -> Tensor:
        """Vectors (batch, len(labels)) of signals (batch, 1 or 2 channels, frames)."""
        ...


class _Torch:
    """``__call__`` of an embedding that has ``tensor``."""

    name = ""
    labels: tuple[str, ...] = ()

    def __call__(self, audio: Audio) -> NDArray[np.float64]:
        if audio.channels > 2:
            raise InputError(f"embedding '{self.name}' takes one or two channels; got {audio.channels}")
        if not np.any(audio.samples) or audio.duration < 0.1:
            raise InputError(f"embedding '{self.name}' takes 0.1 s of sound; the recording is silent or shorter")
        with torch.no_grad():
            return self.tensor(torch.from_numpy(audio.samples)[None], audio.sample_rate)[0].double().numpy()

    def tensor(self, signal: Tensor, sample_rate: int) -> Tensor:
        raise NotImplementedError


class Mfcc(_Torch):
    """Mean and standard deviation over time of 25 mel-frequency cepstral coefficients, of middle and side."""

    name = "mfcc"
    labels = tuple(
        f"{part} {what} {i}" for part in ("middle", "side") for what in ("mean", "sd") for i in range(COEFFICIENTS)
    )

    def tensor(self, signal: Tensor, sample_rate: int) -> Tensor:
        return self.of(Spectra(signal, sample_rate))

    def of(self, spectra: Spectra) -> Tensor:
        filters = _mel(spectra.sample_rate, spectra.size).to(spectra.middle)
        weight = spectra.heard[:, None, :]
        out = []
        for power in (spectra.middle, spectra.side):
            bands = 10 * torch.log10(filters @ power + 10 ** (FLOOR / 10))
            coefficients = _cosines().to(bands) @ bands
            mean = (coefficients * weight).sum(-1) / weight.sum(-1)
            square = ((coefficients - mean[..., None]) ** 2 * weight).sum(-1) / weight.sum(-1)
            out += [mean, torch.sqrt(square + 1e-4)]
        return torch.cat(out, dim=1)


class Music(_Torch):
    """Spectral, dynamic and stereo descriptors; see :func:`voxrack_atlas.music.music`."""

    name = "music"
    labels = LABELS

    def tensor(self, signal: Tensor, sample_rate: int) -> Tensor:
        return music(Spectra(signal, sample_rate))


class Both(_Torch):
    """``mfcc`` and ``music`` side by side."""

    name = "both"
    labels = (*Mfcc.labels, *Music.labels)

    def tensor(self, signal: Tensor, sample_rate: int) -> Tensor:
        spectra = Spectra(signal, sample_rate)
        return torch.cat([Mfcc().of(spectra), music(spectra)], dim=1)


EMBEDDINGS = {kind.name: kind for kind in (Mfcc, Music, Both)}


def embedding(which: Any) -> Any:
    """The embedding of that name (``"mfcc"``, ``"music"``, ``"both"``), or ``which`` itself where it is one."""
    if isinstance(which, str):
        if which not in EMBEDDINGS:
            raise UsageError(f"no embedding is called '{which}'; there are {', '.join(EMBEDDINGS)}, or give an object")
        return EMBEDDINGS[which]()
    if callable(which) and hasattr(which, "name") and hasattr(which, "labels"):
        return which
    raise UsageError(f"an embedding has a name, labels and is called with Audio; got {type(which).__name__}")


@cache
def _mel(sample_rate: int, size: int) -> Tensor:
    """Mel filters (bands, bins) of equal height: a band holds the power of its bins. Bands above Nyquist are empty."""

    def mel(hertz: Any) -> Any:
        return 2595 * np.log10(1 + np.asarray(hertz) / 700)

    edges = np.linspace(mel(_EDGES[0]), mel(_EDGES[1]), BANDS + 2)
    at = mel(np.fft.rfftfreq(size, 1 / sample_rate))
    rise = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy(np.maximum(0.0, np.minimum(rise, fall)))


@cache
def _cosines() -> Tensor:
    """The orthonormal cosine transform (coefficients, bands), type II."""
    k, n = np.arange(COEFFICIENTS)[:, None], np.arange(BANDS)
    basis = math.sqrt(2 / BANDS) * np.cos(math.pi / BANDS * (n + 0.5) * k)
    basis[0] /= math.sqrt(2)
    return torch.from_numpy(basis)
