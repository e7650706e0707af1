"""What each recogniser listens to: one function of the samples, used when preparing and when analysing alike.

A front end is called with samples and a rate and gives features (…, frames, bands). It works in two steps, so that
a feature file stays small: :meth:`Frontend.stored` is what the file keeps, :meth:`Frontend.finish` the cheap rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from voxrack.errors import InputError
from voxrack.features import deltas, log_filterbank, mfcc

FRONTENDS = {
    "mfcc": "voxrack_ser.frontends:Mfcc",
    "three_channels": "voxrack_ser.frontends:ThreeChannels",
    "waveform": "voxrack_ser.frontends:Waveform",
    "best": "voxrack_ser.frontend_best:BestFrontend",
    "trnet": "voxrack_ser.trnet.frontend:PairFrontend",
}


@dataclass(frozen=True)
class Frontend:
    """Samples to features. Subclasses are dataclasses whose fields are stored with the weights.

    Parameters
    ----------
    sample_rate : int
        Hz; what comes at another rate is resampled (soxr, high quality).
    """

    name: ClassVar[str] = ""
    shortest: ClassVar[int] = 1  # samples; anything shorter is filled up with zeros
    rows: ClassVar[tuple[int, ...]] = ()  # signals side by side that it is called with: (…, *rows, samples)
    sample_rate: int = 16000

    def __call__(self, samples: Tensor, sample_rate: int) -> Tensor:
        """(…, samples), full scale ±1, to (…, frames, bands), float32."""
        return self.finish(self.stored(self.ready(samples, sample_rate)))

    def ready(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Samples at :attr:`sample_rate`, long enough for one frame."""
        if sample_rate != self.sample_rate:
            import soxr

            columns = samples.reshape(-1, samples.shape[-1]).T.numpy()
            made = soxr.resample(np.ascontiguousarray(columns), sample_rate, self.sample_rate).T
            samples = torch.from_numpy(np.ascontiguousarray(made)).view(*samples.shape[:-1], -1)
        return torch.nn.functional.pad(samples, (0, max(0, self.shortest - samples.shape[-1])))

    def stored(self, samples: Tensor) -> Tensor:
        """(…, samples) at :attr:`sample_rate` to what a feature file keeps, (…, frames, values)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it hears")

    def finish(self, stored: Tensor) -> Tensor:
        """(…, frames, values) to (…, frames, bands)."""
        return stored

    def metadata(self) -> dict[str, Any]:
        """As it stands in a weight file; :func:`frontend` makes it again."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Mfcc(Frontend):
    """librosa's MFCC with its defaults (128 mel bands, dB re maximum - 80, orthonormal DCT-II).

    "We use librosa", 22.05 kHz, 40 coefficients and a window of 4,096 are the paper's. The hop is lost in its text: 728
    makes its 160 frames of the longest RAVDESS clip (116,246 samples).

    Parameters
    ----------
    n_mfcc, n_fft, hop_length : int
    """

    name: ClassVar[str] = "mfcc"
    sample_rate: int = 22050
    n_mfcc: int = 40
    n_fft: int = 4096
    hop_length: int = 728

    def stored(self, samples: Tensor) -> Tensor:
        samples = torch.nn.functional.pad(samples, (0, max(0, self.n_fft - samples.shape[-1])))
        return mfcc(
            samples, self.sample_rate, n_mfcc=self.n_mfcc, n_fft=self.n_fft, hop_length=self.hop_length
        ).transpose(-1, -2)


@dataclass(frozen=True)
class ThreeChannels(Frontend):
    """40 log-mel bands, their deltas and the deltas of these, side by side: 120 values every 10 ms.

    python_speech_features' ``logfbank`` (25 ms windows, 512 points, pre-emphasis 0.97, 0 to 8 kHz) and
    ``delta(·, 2)``, as the ACRNN's authors' code computes what the CoRNN paper calls openEAR's 3-D log-mel. Their
    signal is in 16-bit integers, which shifts every band by 20.794; normalisation takes that away again.
    """

    name: ClassVar[str] = "three_channels"
    shortest: ClassVar[int] = 400
    sample_rate: int = 16000
    bands: int = 40

    def stored(self, samples: Tensor) -> Tensor:
        return log_filterbank(samples, self.sample_rate, bands=self.bands)

    def finish(self, stored: Tensor) -> Tensor:
        first = deltas(stored, n=2, dim=-2)
        return torch.cat((stored, first, deltas(first, n=2, dim=-2)), -1)


@dataclass(frozen=True)
class Waveform(Frontend):
    """The samples themselves, (…, samples, 1)."""

    name: ClassVar[str] = "waveform"
    shortest: ClassVar[int] = 1600

    def stored(self, samples: Tensor) -> Tensor:
        return samples.unsqueeze(-1)


def frontend(metadata: Mapping[str, Any]) -> Frontend:
    """The front end that the ``metadata`` of a weight file names under ``"frontend"``."""
    settings = dict(metadata["frontend"])
    name = settings.pop("name", None)
    if name not in FRONTENDS:
        raise InputError(f"weights of a front end {name!r}; this voxrack knows {', '.join(FRONTENDS)}: upgrade it")
    module, _, attribute = FRONTENDS[name].partition(":")
    return getattr(import_module(module), attribute)(**settings)
