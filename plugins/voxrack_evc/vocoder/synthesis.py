"""The vocoder as converters use it: arrays in, arrays out, with the shipped weights or others."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from voxrack.errors import InputError
from voxrack.weights import load as load_weights

from ..mel import MELS
from .envelope import fitted
from .flattening import as_loud, fitted_flat, flattened
from .harmonic_noise import excite, sounded, spectra
from .network import Filters

NAME, PACKAGE = "evc.vocoder", "voxrack_evc"


@dataclass(frozen=True)
class Vocoder:
    """Harmonics and noise, filtered and fitted to the mel spectrogram.

    Parameters
    ----------
    network : Filters or None
        None: the filters that envelope and voicing suggest, which need no weights.
    rounds : int
        How often the sound is fitted to the mel spectrogram, at about 0.002 CPU-seconds per second each. For copies
        of recordings 8 are best; 0 for a mel spectrogram that a network has drawn: the fit would bring back what no
        voice has.
    seed : int
        Of the noise.
    sha256 : str
        Of the weights; empty without.
    """

    network: Filters | None = None
    rounds: int = 0
    seed: int = 0
    sha256: str = ""

    @torch.no_grad()
    def synthesise(
        self, log_mel: ArrayLike, f0: ArrayLike, voicing: ArrayLike, spoken: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """Sound of a log-mel spectrogram.

        Parameters
        ----------
        log_mel : array_like, shape (80, frames)
            Of :func:`voxrack_evc.mel.log_mel`; voices at about -20 dBFS are what the network knows.
        f0 : array_like, shape (frames,)
            Hz; 0 where there is no voice.
        voicing : array_like, shape (frames,)
            0 … 1, as :func:`voxrack_evc.f0.track` gives it.
        spoken : array_like, shape (frames,), optional
            Pitch that the mel spectrogram was spoken with, where ``f0`` is another: its harmonics are then taken out
            of the mel spectrogram, so that formants stay and harmonics move.

        Returns
        -------
        ndarray, shape (256 frames,), float32
            At 22,050 Hz; nothing above 8 kHz. Equal input gives equal output.

        Raises
        ------
        InputError
            Shapes that do not belong together, values that are not finite, a negative frequency.
        """
        mel, pitch, periodic = checked(log_mel, f0, voicing)
        pulse, hiss = excite(pitch, self.seed)
        own = pitch if spoken is None else checked(log_mel, spoken, voicing)[1]
        filters = None if self.network is None else self.network(mel, own, periodic)
        if spoken is None:
            made = spectra(filters, mel, periodic, pulse, hiss)
            return sounded(made, lambda spectrum: fitted(spectrum, mel), self.rounds)[0].numpy()

        def fit(spectrum: Tensor) -> Tensor:
            return as_loud(fitted_flat(spectrum, mel, own, pitch), mel)

        made = as_loud(spectra(filters, flattened(mel, own), periodic, pulse, hiss), mel)
        return sounded(made, fit, self.rounds)[0].numpy()


def load(weights: str | os.PathLike[str] = "", rounds: int = 0, seed: int = 0) -> Vocoder:
    """The vocoder with the shipped weights, or those of a file or a run folder.

    Raises
    ------
    InputError
        They are not there (the message names the command that makes them), or belong to something else.
    """
    found = load_weights(weights, "") if str(weights) else load_weights(NAME, PACKAGE)
    if found.metadata.get("recipe") != NAME:
        raise InputError(f"{found.path} holds no weights of {NAME}; make some: voxrack train {NAME}")
    network = Filters(**found.metadata["options"])
    try:
        network.load_state_dict(found.tensors)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{found.path} does not fit this version's network: {said}; train it again") from None
    return Vocoder(network.eval().requires_grad_(False), rounds, seed, found.sha256)


def checked(log_mel: ArrayLike, f0: ArrayLike, voicing: ArrayLike) -> tuple[Tensor, Tensor, Tensor]:
    """The three as tensors with a batch of one; InputError where they do not belong together."""
    mel, pitch, periodic = (np.asarray(x, np.float32) for x in (log_mel, f0, voicing))
    if mel.ndim != 2 or mel.shape[0] != MELS or mel.shape[1] < 1:
        raise InputError(f"the vocoder takes log-mel of shape ({MELS}, frames); got {mel.shape}")
    for name, track in (("f0", pitch), ("voicing", periodic)):
        if track.shape != mel.shape[1:]:
            raise InputError(f"{name} has shape {track.shape}; {mel.shape[1]} frames of log-mel want ({mel.shape[1]},)")
    for name, values in (("log-mel", mel), ("f0", pitch), ("voicing", periodic)):
        if not np.isfinite(values).all():
            raise InputError(f"{name} holds values that are not finite")
    if (pitch < 0).any():
        raise InputError(f"f0 holds {pitch.min():g} Hz; it takes 0 (no voice) or more")
    mel, pitch, periodic = (torch.from_numpy(x.copy())[None] for x in (mel, pitch, periodic))
    return mel, pitch, periodic.clamp(0.0, 1.0)
