"""What the content encoder learns: each frame as the mean of many voices saying the same sound.

DiffVC replaces each phoneme's frames by that phoneme's mean over all speakers, which takes a forced aligner. Without
one there are two ways. Where many speakers say the same sentence (RAVDESS), their recordings are warped onto one of
them and averaged, and every recording gets the average at its own pace. For free text, frames are clustered by how
they sound apart from whose voice it is (k-means of cepstra, each speaker's mean taken off), and each is replaced by
the mean of its cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alignment import align

Frames = NDArray[np.float32]

FEW = 8
"""Speakers that must say a sentence for it to have an average of its own."""

_CEPSTRA = 20
_MOST = 60_000  # frames that k-means sees
_ROUNDS = 25


def cepstra(mel: Frames, mean: Frames | None = None) -> Frames:
    """Cepstral coefficients 1 … 20 and their change over 5 frames, (frames, 40), each less a speaker's ``mean``.

    Coefficient 0, the level, is left out: how loud a sound is says little of which it is.
    """
    bands = mel.shape[1]
    turn = np.cos(np.pi / bands * (np.arange(bands) + 0.5)[:, None] * np.arange(1, _CEPSTRA + 1)) * (2.0 / bands) ** 0.5
    still = mel @ turn.astype(np.float32)
    if mean is not None:
        still = still - mean
    around = np.pad(still, ((2, 2), (0, 0)), mode="edge")
    change = (2.0 * (around[4:] - around[:-4]) + around[3:-1] - around[1:-3]) / 10.0
    return np.concatenate((still, 2.0 * change), axis=1).astype(np.float32)


def speaker_means(mels: Sequence[Frames], speakers: Sequence[str]) -> dict[str, Frames]:
    """Mean cepstrum (20,) of each speaker's frames; a speaker "" is a stranger in every recording and has none."""
    sums: dict[str, list[Frames]] = defaultdict(list)
    for mel, speaker in zip(mels, speakers, strict=True):
        if speaker:
            sums[speaker].append(cepstra(mel)[:, :_CEPSTRA])
    return {speaker: np.concatenate(parts).mean(0) for speaker, parts in sums.items()}


def heard(mels: Sequence[Frames], speakers: Sequence[str]) -> list[Frames]:
    """Each recording's cepstra (frames, 40) with its speaker's mean (of a stranger, the recording's own) taken off."""
    means = speaker_means(mels, speakers)
    own = [means.get(who) if who else cepstra(mel)[:, :_CEPSTRA].mean(0) for mel, who in zip(mels, speakers)]
    return [cepstra(mel, mean) for mel, mean in zip(mels, own, strict=True)]


# ---- one sentence, many speakers -------------------------------------------------------------------
@dataclass(frozen=True)
class Sentence:
    """The average voice of one sentence.

    Parameters
    ----------
    mel : ndarray, shape (length, 80)
        The mean over all recordings, at the pace of the template.
    template : ndarray, shape (length, 40)
        Mean cepstra on the same frames, which others are aligned to.
    """

    mel: Frames
    template: Frames

    def targets(self, cepstra: Sequence[Frames]) -> list[Frames]:
        """The average at the pace of each recording, (frames, 80)."""
        return [self.mel[path] for path in align(cepstra, self.template)]


def sentence(mels: Sequence[Frames], cepstra: Sequence[Frames], rounds: int = 2) -> Sentence:
    """Average recordings of the same words: warped onto the one of median length, then onto their own mean.

    Parameters
    ----------
    mels, cepstra : sequences of ndarray, (frames, 80) and (frames, 40)
    rounds : int
        How often; each aligns to the mean of the one before.
    """
    order = sorted(range(len(mels)), key=lambda index: len(mels[index]))
    template = cepstra[order[len(order) // 2]]
    mel = mels[order[len(order) // 2]]
    for _ in range(rounds):
        paths = align(cepstra, template)
        template = _mean_at(cepstra, paths, template)
        mel = _mean_at(mels, paths, mel)
    return Sentence(mel, template)


def _mean_at(values: Sequence[Frames], paths: Sequence[NDArray[np.int64]], otherwise: Frames) -> Frames:
    """Mean over recordings of the frames that fall on each frame of the template, each recording with equal weight."""
    length = len(otherwise)
    total, count = np.zeros(otherwise.shape, np.float64), np.zeros(length)
    for frames, path in zip(values, paths, strict=True):
        here = np.bincount(path, minlength=length)
        sums = np.zeros(otherwise.shape, np.float64)
        np.add.at(sums, path, frames)
        there = here > 0
        total[there] += sums[there] / here[there, None]
        count += there
    made = otherwise.astype(np.float64)
    made[count > 0] = total[count > 0] / count[count > 0, None]
    return made.astype(np.float32)


# ---- any text --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Clusters:
    """Sounds found without a text.

    Parameters
    ----------
    centres : ndarray, shape (k, 40)
        Mean cepstra.
    mel : ndarray, shape (k, 80)
        Mean mel frame of each over all speakers.
    """

    centres: Frames
    mel: Frames

    def targets(self, cepstra: Frames) -> Frames:
        """The mean frame of each frame's cluster, (frames, 80)."""
        return self.mel[nearest(cepstra, self.centres)]


def clusters(mels: Sequence[Frames], cepstra: Sequence[Frames], count: int, seed: int = 0) -> Clusters:
    """k-means (Lloyd 1982) of at most 60,000 frames, begun at frames that lie far apart (Arthur and Vassilvitskii
    2007), and the mean mel of every frame's cluster."""
    generator = np.random.default_rng(seed)
    points, frames = np.concatenate(cepstra), np.concatenate(mels)
    seen = points[generator.choice(len(points), min(_MOST, len(points)), replace=False)]
    count = min(count, len(seen))
    centres = _far_apart(seen, count, generator)
    for _ in range(_ROUNDS):
        centres, _ = _means(seen, nearest(seen, centres), centres)
    owner = nearest(points, centres)
    mel, _ = _means(frames, owner, np.tile(frames.mean(0), (count, 1)))
    return Clusters(centres, mel)


def nearest(points: Frames, centres: Frames) -> NDArray[np.int64]:
    """Index of the nearest centre of each point."""
    half = np.square(centres).sum(1) / 2.0
    pieces = np.array_split(points, max(1, len(points) // 16_384))
    return np.concatenate([(piece @ centres.T - half).argmax(1) for piece in pieces])


def _far_apart(points: Frames, count: int, generator: np.random.Generator) -> Frames:
    chosen = [points[generator.integers(len(points))]]
    least = np.full(len(points), np.inf)
    for _ in range(count - 1):
        least = np.minimum(least, np.square(points - chosen[-1]).sum(1))
        total = least.sum()
        chance = least / total if total > 0 else None
        chosen.append(points[generator.choice(len(points), p=chance)])
    return np.stack(chosen)


def _means(values: Frames, owner: NDArray[np.int64], otherwise: Frames) -> tuple[Frames, NDArray[np.int64]]:
    """Mean of each owner's values; one that owns nothing keeps ``otherwise``."""
    size = np.bincount(owner, minlength=len(otherwise))
    order = np.argsort(owner, kind="stable")
    starts = np.concatenate(([0], np.cumsum(size)[:-1]))
    there = size > 0
    sums = np.add.reduceat(values[order].astype(np.float64), starts[there], axis=0)
    made = otherwise.astype(np.float64)
    made[there] = sums / size[there, None]
    return made.astype(np.float32), size
