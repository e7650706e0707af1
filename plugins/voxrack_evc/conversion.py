"""A log-mel spectrum and conditions to the log-mel spectrum of the same words with another feeling."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack.errors import InputError, UsageError
from voxrack.params import suggest

from .guidance import Conditions, guided, is_plain, negative, positive
from .mel import HOP, MELS, RATE
from .model import Model, load_model, speaker_vector
from .samplers import Method, begin, sample
from .speaker import Resemblyzer

Frames = NDArray[np.float32]

STEPS, GUIDANCE = 6, 1.5
"""Defaults: DiffVC's fast setting; the guidance of the paper is not told in its text."""


class Converter:
    """Converts spectra with a trained model.

    Parameters
    ----------
    model : Model

    Examples
    --------
    >>> converter = Converter.load()  # the shipped weights  # doctest: +SKIP
    >>> samples, gain = levelled(recording, RATE)  # at 22,050 Hz  # doctest: +SKIP
    >>> mel = log_mel(torch.from_numpy(samples)).numpy()  # doctest: +SKIP
    >>> speaker = converter.speaker_vector(mel, samples)  # doctest: +SKIP
    >>> conditions = converter.conditions(speaker, emotion_of_source, "angry")  # doctest: +SKIP
    >>> angry = converter(mel, conditions, guidance=1.5, negative="emotion", seed=0)  # doctest: +SKIP
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._resemblyzer: Resemblyzer | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "") -> Converter:
        """Of a file of weights or a run; without a path of the shipped weights."""
        return cls(load_model(path))

    @property
    def emotions(self) -> tuple[str, ...]:
        """Emotions that can be asked for by name."""
        return self.model.emotions

    # ---- what it is told ---------------------------------------------------------------------------
    def speaker_vector(self, mel: Frames, samples: Frames) -> Tensor:
        """Speaker vector (256,) of a recording.

        Parameters
        ----------
        mel : ndarray, shape (80, frames)
            Log-mel of the levelled recording.
        samples : ndarray, shape (samples,)
            At 22,050 Hz; Resemblyzer hears these.
        """
        if self.model.speaker is not None:
            return speaker_vector(self.model, torch.from_numpy(np.ascontiguousarray(mel, np.float32)))
        self._resemblyzer = self._resemblyzer or Resemblyzer()
        return torch.from_numpy(self._resemblyzer(samples, RATE))

    def conditions(
        self, speaker: Tensor, source_emotion: Frames | Tensor, emotion: str | Frames | Tensor,
        reference_speaker: Tensor | None = None,
    ) -> Conditions:  # fmt: skip
        """Conditions for a named emotion, or for one heard in a reference.

        Parameters
        ----------
        speaker : Tensor (256,)
            Of the source.
        source_emotion : ndarray or Tensor (size,)
            Embedding of the source (`voxrack_evc.emotion`).
        emotion : str, or ndarray or Tensor (size,)
            A name: the training speakers' mean; else the reference's embedding.
        reference_speaker : Tensor (256,), optional
            Of the reference; by name: the training speakers' mean with that emotion. Without one the source's.

        Raises
        ------
        UsageError
            An emotion that has no prototype; the message lists those that have.
        """
        model = self.model
        if isinstance(emotion, str):
            if emotion not in model.emotions:
                raise UsageError(f"there is no emotion '{emotion}' in {model.source}{suggest(emotion, model.emotions)}")
            row = model.emotions.index(emotion)
            wanted, other = model.emotion_prototypes[row], model.speaker_prototypes[row]
        else:
            wanted, other = self._embedding(emotion), speaker
        other = other if reference_speaker is None else reference_speaker
        return Conditions(speaker, wanted, other, self._embedding(source_emotion))

    def _embedding(self, values: Frames | Tensor) -> Tensor:
        vector = torch.as_tensor(values, dtype=torch.float32)
        size = self.model.emotion_prototypes.shape[1]
        if vector.shape != (size,):
            raise InputError(
                f"an emotion embedding of shape {tuple(vector.shape)}; {self.model.source} was trained with ({size},) "
                f"of {self.model.emotion_encoder}"
            )
        return vector

    # ---- converting --------------------------------------------------------------------------------
    def __call__(
        self, mel: Frames, conditions: Conditions, *, steps: int = STEPS, guidance: float = GUIDANCE,
        negative: str = "emotion", seed: int = 0, temperature: float = 1.0, depth: float = 1.0,
        method: Method = "maximum_likelihood",
        progress: Callable[[float], object] = lambda share: None,
    ) -> Frames:  # fmt: skip
        """Convert.

        Parameters
        ----------
        mel : ndarray, shape (80, frames)
            Log-mel of the source, levelled (`voxrack_evc.level`).
        conditions : Conditions
        steps : int
            Of the sampler.
        guidance : float
            lambda, at least 1; 1 is plain conditioning.
        negative : {"none", "speaker", "emotion", "both"}
        seed : int
            Equal seeds give equal spectra.
        temperature : float
            Of the noise it begins with; below 1 spectra are smoother.
        depth : float
            Where the sampler begins, above 0: at 1, as published, nothing of the source but its average voice and its
            conditions is heard; below, ever more of its own spectrum is kept and ever less is changed.
        method : {"maximum_likelihood", "euler_maruyama"}
        progress : callable
            Told the finished share, 0 … 1.

        Returns
        -------
        ndarray, shape (80, frames), float32

        Raises
        ------
        InputError
            Another shape, or values that are not finite.
        UsageError
            guidance below 1, an unknown negative or method, no steps, a depth of 0 or above 1.
        """
        source = self._checked(mel)
        if not 0.0 < depth <= 1.0:
            raise UsageError(f"depth is {depth:g}; it takes more than 0, and 1 (as published) at most")
        if not guidance >= 1.0:
            raise UsageError(f"guidance is {guidance:g}; it takes 1 (plain conditioning) or more")
        model, plain = self.model, is_plain(guidance, negative)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            even = model.bands.even(source[None])
            average = model.content(even)
            wanted = self._project(positive(conditions))
            unwanted = None if plain else self._project(_negative(conditions, negative))

            def network(x: Tensor, t: float, told: Tensor) -> Tensor:
                times = torch.full((len(x),), t)
                shown = None
                if model.decoder.reference is not None:  # the speaker's own recording, as far as time t leaves it
                    shown = model.decoder.schedule.mean(even, average, times[:1]).expand(len(x), -1, -1)
                return model.decoder(x, average.expand(len(x), -1, -1), told, times, reference=shown)

            score = guided(network, wanted, unwanted, guidance)
            start = begin(even, average, generator, temperature=temperature, time=depth)
            made = sample(score, start, average, steps, generator, method=method, time=depth, progress=progress)
            return model.bands.back(made)[0].numpy().astype(np.float32)

    def average_voice(self, mel: Frames) -> Frames:
        """What the content encoder makes of a levelled spectrum (80, frames): the average voice's."""
        source = self._checked(mel)
        with torch.no_grad():
            return self.model.bands.back(self.model.content(self.model.bands.even(source[None])))[0].numpy()

    def _project(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        speaker, emotion = pair
        return torch.cat(self.model.projections(speaker[None], emotion[None]), -1)

    @staticmethod
    def _checked(mel: Frames) -> Tensor:
        if mel.ndim != 2 or mel.shape[0] != MELS or mel.shape[1] < 2:
            raise InputError(f"a spectrum of shape {mel.shape}; ({MELS}, frames of {HOP} samples, 2 or more) is needed")
        if not np.isfinite(mel).all():
            raise InputError("the spectrum holds values that are not finite")
        return torch.from_numpy(np.ascontiguousarray(mel, np.float32))


_negative = negative  # the parameter of the same name hides it
