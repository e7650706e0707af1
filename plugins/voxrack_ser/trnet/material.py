"""Preparing TRNet's features: every utterance clean and in noise, each as it is heard and as the enhancer gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack.datasets import Corpus, NoiseClip, NoiseSet, Utterance, audio_sha256, mix, split_noise
from voxrack.datasets.noise import NOISE, TEST_ONLY
from voxrack.errors import InputError, UsageError
from voxrack.task import derived_seed

from .conditions import ALL, CLEAN, LEVELS, MATCHED, ORIGINS, TRAIN, UNMATCHED, Condition
from .enhancing import Enhancer
from .frontend import PairFrontend

if TYPE_CHECKING:
    from voxrack import Audio
    from voxrack.feature_file import FeatureWriter

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
"""Of each category's source recordings. They are those of ``enhance.light``, so an enhancer that was trained on the
same set has not heard the recordings of the matched test either; what it was validated with is left out."""

ENHANCER = "enhancer"  # attribute of each item: what stood in front
_TRIES = 20  # noises that may turn out to be silent, one after the other

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Noises:
    """The noise files of each origin; no source recording is in two of them.

    Parameters
    ----------
    files : mapping of str to tuple of Path
        By the keys of :data:`~voxrack_ser.trnet.conditions.ORIGINS`.
    """

    files: Mapping[str, tuple[Path, ...]]

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> Noises:
        """From the noises among a corpus's utterances.

        Raises
        ------
        UsageError
            Where there is no noise to train with, or none of another set to test with.
        """
        clips = [utterance for utterance in utterances if utterance.label == NOISE]
        unmatched = [clip for clip in clips if clip.attributes.get("use") == TEST_ONLY]
        own = [clip for clip in clips if clip.attributes.get("use") != TEST_ONLY]
        if not own or not unmatched:
            missing = "--noise FOLDER" if not own else "--unmatched FOLDER"
            raise UsageError(
                f"TRNet is trained in noise and tested in that of two sets; give a set with {missing} "
                f"({'noises to train and test with' if not own else 'another set, for testing only'})"
            )
        known = NoiseSet(own[0].corpus, Path(), tuple(_clip(one) for one in own))
        split = split_noise(known, test=TEST_SHARE, validation=VALIDATION_SHARE)
        _refuse_shared(own, unmatched)
        sides = {TRAIN: split.train, MATCHED: split.test, UNMATCHED: unmatched}
        return cls({origin: tuple(clip.path for clip in side) for origin, side in sides.items()})

    def laid_under(self, speech: Samples, condition: Condition, rate: int, rng: np.random.Generator) -> Any:
        """``speech`` (frames,) in a noise of the condition's origin at its ratio: a Mixture; silent noises are passed
        over."""
        files = self.files[condition.origin]
        for _ in range(_TRIES):
            noise = _noise(files[int(rng.integers(len(files)))], rate)
            if noise.any():
                return mix(speech, noise, condition.snr, rng, sample_rate=rate)
        raise InputError(f"the noises of {ORIGINS[condition.origin]} are silent: {files[0]} among them")


@dataclass(frozen=True)
class Extractor:
    """Decoded audio to the arrays of a feature file.

    For each condition ``NAME`` (frames, bands) and ``NAME.enhanced``, and ``levels`` (1, conditions). The noise and
    where in it the mixture begins follow from the audio alone, so that preparing again gives the same.
    """

    frontend: PairFrontend
    enhancer: Enhancer
    noises: Noises

    def __call__(self, audio: Audio) -> dict[str, NDArray[np.float32]]:
        rate = self.frontend.sample_rate
        speech = audio.mono().resample(rate).samples[0]
        digest = audio_sha256(audio.samples)
        out: dict[str, NDArray[np.float32]] = {}
        levels = []
        for condition in ALL:
            heard, scale = speech, 1.0
            if condition is not CLEAN:
                rng = np.random.default_rng(derived_seed(0, digest, condition.name))
                mixture = self.noises.laid_under(speech, condition, rate, rng)
                heard, scale = mixture.noisy, mixture.scale
            levels.append(20.0 * np.log10(scale))
            out[condition.name] = self._bands(heard)
            out[condition.enhanced] = self._bands(self.enhancer(heard, rate))
        return {**out, LEVELS: np.array([levels], dtype=np.float32)}

    def _bands(self, samples: Samples) -> NDArray[np.float32]:
        with torch.no_grad():
            ready = self.frontend.ready(torch.from_numpy(np.ascontiguousarray(samples)), self.frontend.sample_rate)
            return self.frontend.stored(ready).numpy()


def prepare(
    corpus: Corpus, writer: FeatureWriter, frontend: PairFrontend, enhancer: Enhancer, progress: Callable[..., Any]
) -> None:
    """Add every utterance of speech to ``writer``, as float16: 11 bits of a level in dB are plenty, and half the disk.

    Every item has the attribute ``enhancer``, so that whoever reads the figures knows what stood in front.
    """
    from voxrack.preparation import extract

    noises = Noises.of(corpus.utterances)
    told = {ENHANCER: enhancer.described()}
    speech = tuple(
        replace(utterance, attributes={**utterance.attributes, **told})
        for utterance in corpus.utterances
        if utterance.label != NOISE
    )
    writer.dtype = "float16"
    extract(replace(corpus, utterances=speech), writer, Extractor(frontend, enhancer, noises), progress)


@lru_cache(maxsize=512)
def _noise(path: Path, rate: int) -> Samples:
    """A noise, mono at ``rate``; a few hundred clips of 5 s are kept."""
    from voxrack.files import read

    return read(path).mono().resample(rate).samples[0]


def _clip(utterance: Utterance) -> NoiseClip:
    attributes = utterance.attributes
    return NoiseClip(utterance.id, utterance.path, attributes.get("category", ""), attributes["recording"])


def _refuse_shared(own: Sequence[Utterance], unmatched: Sequence[Utterance]) -> None:
    both = {clip.path.resolve() for clip in own} & {clip.path.resolve() for clip in unmatched}
    if both:
        raise UsageError(f"{min(both)} is both among --noise and among --unmatched; unmatched noise is of another set")
