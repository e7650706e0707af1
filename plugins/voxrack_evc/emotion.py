"""The emotion encoder: any device of the role ``emotion-embedding``, its embeddings pooled over a recording.

The paper takes the pooled 1024-d state of a wav2vec 2.0 that was fine-tuned on MSP-Podcast; here it is whatever
recogniser the host offers (DiffEVC, section 2.1.1: the encoder is frozen, only a projection of it is learned).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voxrack.device import Track
from voxrack.errors import UsageError
from voxrack.instance import AnalyzerDevice
from voxrack.remade import Remade

from .level import NoVoice

ROLE = "emotion-embedding"
EMBEDDING, SPEECH = "embedding", "voiced"  # names of tracks


class EmotionEncoder(Remade[AnalyzerDevice]):
    """Recordings to vectors; another process makes the same device for itself.

    Parameters
    ----------
    device : AnalyzerDevice
        Of the role ``emotion-embedding``: gives a track ``embedding``, and where it can a track ``voiced`` on the same
        times whose first column is the share of speech.
    """

    def __call__(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Embedding (size,) of a mono recording (frames,), float32.

        Raises
        ------
        NoVoice
            The device hears no speech in it.
        """
        self.device.prepare(sample_rate, 1)
        self.device.push(np.ascontiguousarray(samples[None], np.float32))
        return pooled(self.device.finish(), self.id)


def pooled(tracks: Sequence[Track], device: str) -> NDArray[np.float32]:
    """Mean of the windows' embeddings, weighed by the speech in them; windows that were not judged (zeros) left out.

    Raises
    ------
    UsageError
        No track ``embedding``: the device has not what its role promises.
    NoVoice
        No window with speech.
    """
    named = {track.name: track for track in tracks}
    if EMBEDDING not in named:
        raise UsageError(
            f"device '{device}' gives no track '{EMBEDDING}' (it gives {', '.join(named) or 'none'}); "
            f"one of the role {ROLE} does"
        )
    values = named[EMBEDDING].values
    weights = named[SPEECH].values[:, 0] if SPEECH in named else np.ones(len(values))
    if len(weights) != len(values):
        weights = np.ones(len(values))
    weights = np.where(values.any(axis=1), weights, 0.0)
    if not weights.sum() > 0:
        raise NoVoice(f"'{device}' hears no speech in the recording: there is no emotion to tell")
    return (weights @ values / weights.sum()).astype(np.float32)
