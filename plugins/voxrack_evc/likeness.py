"""Whether two recordings are of one voice, by measures that do not know each other.

Resemblyzer and our own speaker encoder each give a vector, and the cosine of two is their likeness (SECS). Both may be
what the converter was told the speaker by, which flatters it. The third measure needs no weights and nothing that a
converter hears: how the spread of the cepstra differs (the arithmetic-harmonic sphericity of Bimbot, Magrin-Chagnolleau
and Mathan 1995, "Second-order statistical measures for text-independent speaker identification").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack.errors import InputError

from .level import levelled
from .mel import RATE as MEL_RATE
from .mel import SHORTEST, log_mel
from .recordings import RATE

if TYPE_CHECKING:
    from .judging import Sound
    from .speaker import SpeakerEncoder

NAMES = ("secs", "secs_own", "voice")
"""Columns of rows: likeness by Resemblyzer and by our encoder, -1 … 1; distance of voices, 0 (the same) and up."""
_CEPSTRA = 16
_ENOUGH = 4 * _CEPSTRA  # frames that a covariance is taken of
_AUDIBLE = 4.0  # nepers under the loudest band, 35 dB: below, rooms are heard and no voice


@dataclass(frozen=True)
class Voice:
    """What is known of the speaker of a recording; None where it could not be told.

    Parameters
    ----------
    resemblyzer, own : ndarray (256,), of length 1
    spread : ndarray (16, 16)
        Covariance of cepstra 1 to 16 over audible frames.
    """

    resemblyzer: NDArray[np.float32] | None
    own: NDArray[np.float32] | None
    spread: NDArray[np.float64] | None


@dataclass(frozen=True)
class Likeness:
    """The measures that are there.

    Parameters
    ----------
    encoder : SpeakerEncoder or None
        Our own.
    source : str
        Where its weights are from, for a report; why there are none.
    """

    encoder: SpeakerEncoder | None
    source: str

    @classmethod
    def of(cls, weights: str = "") -> Likeness:
        """With the speaker encoder of a run of ``stage=speaker`` or of weights of evc.diffevc; empty: the shipped ones.

        Raises
        ------
        InputError
            A file that is named is not there, or holds no speaker encoder.
        """
        from voxrack.weights import folder_of, load

        from .model import DEVICE, PACKAGE, RESEMBLYZER, part
        from .speaker import SpeakerEncoder

        path = Path(weights) if weights else folder_of(PACKAGE) / f"{DEVICE}.safetensors"
        if not weights and not path.is_file():
            return cls(None, f"no weights of {DEVICE} are installed: --set speaker_weights=RUN takes those of a run")
        found = load(path)
        options = found.metadata.get("speaker")
        if not isinstance(options, Mapping):
            what = "takes Resemblyzer's vectors" if options == RESEMBLYZER else "holds no speaker encoder"
            if not weights:
                return cls(None, f"{found.path.name} {what}: --set speaker_weights=RUN takes those of a run")
            raise InputError(
                f"{found.path} {what}; name a run of `voxrack train {DEVICE} --set stage=speaker`, or weights of "
                f"{DEVICE} that were trained with one"
            )
        tensors = found.tensors if found.metadata.get("stage") == "speaker" else part(found.tensors, "speaker")
        encoder = SpeakerEncoder(**options)
        encoder.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        return cls(encoder.eval().requires_grad_(False), f"{found.path.name} {found.sha256[:8]}")

    def __call__(self, sound: Sound) -> Voice:
        """Of a mono recording (frames,) at 16 kHz."""
        from . import judging

        mel = _mel(sound)
        own = self.encoder.embed(mel).numpy() if self.encoder is not None and mel is not None else None
        return Voice(judging.speaker_vector(sound), own, None if mel is None else spread(mel.numpy()))


def compared(one: Voice, other: Voice) -> dict[str, float | None]:
    """The measures of :data:`NAMES`; None where either could not be told."""
    return dict(zip(NAMES, (
        _measured(_cosine, one.resemblyzer, other.resemblyzer), _measured(_cosine, one.own, other.own),
        _measured(sphericity, one.spread, other.spread),
    ), strict=True))  # fmt: skip


def _measured(measure: Callable[[Any, Any], float], one: Any, other: Any) -> float | None:
    return None if one is None or other is None else measure(one, other)


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other)


def spread(mel: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Covariance (16, 16) of cepstra 1 to 16 over the audible frames of log-mel (frames, 80); None of fewer than 64."""
    from scipy.fft import dct

    power = mel.max(axis=1)
    heard = mel[power > power.max() - _AUDIBLE]
    if len(heard) < _ENOUGH:
        return None
    cepstra = np.asarray(dct(heard.astype(np.float64), axis=1, norm="ortho"))[:, 1 : _CEPSTRA + 1]
    return np.cov(cepstra.T)


def sphericity(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """``log(tr(A B^-1) tr(B A^-1)) - 2 log m`` of two covariances (m, m): 0 where they differ by a factor only."""
    there, back = (float(np.trace(np.linalg.solve(b, a))) for a, b in ((one, other), (other, one)))
    return max(0.0, math.log(there * back) - 2.0 * math.log(len(one)))


def _mel(sound: Sound) -> torch.Tensor | None:
    """Log-mel (frames, 80) of the levelled recording; None where it is silent or too short."""
    import soxr

    heard = np.ascontiguousarray(soxr.resample(sound, RATE, MEL_RATE), np.float32)
    if len(heard) < SHORTEST:
        return None
    try:
        return log_mel(torch.from_numpy(levelled(heard, MEL_RATE)[0])).T
    except InputError:
        return None
