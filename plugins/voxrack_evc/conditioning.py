"""The projections of the frozen encoders' vectors: what the decoder is told, and what disentanglement keeps apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from .decoder import CONDITIONS
from .speaker import SIZE

PROJECTED = CONDITIONS // 2
"""Numbers of a projected vector."""


class Projections(nn.Module):
    """S to S' and E to E' (DiffEVC, section 2.1.4), 128 numbers each, linear.

    Parameters
    ----------
    emotion : int
        Size of the emotion encoder's vectors.

    Notes
    -----
    Vectors are brought to the mean and deviation of the training set first; what comes out is layer-normalised, so
    that the mutual information cannot be lowered by making one of them small.
    """

    def __init__(self, emotion: int) -> None:
        super().__init__()
        self.options = {"emotion": emotion}
        self.speaker, self.emotion = nn.Linear(SIZE, PROJECTED), nn.Linear(emotion, PROJECTED)
        self.speaker_mean: Tensor
        self.speaker_deviation: Tensor
        self.emotion_mean: Tensor
        self.emotion_deviation: Tensor
        for name, size in (("speaker", SIZE), ("emotion", emotion)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_deviation", torch.ones(size))

    def fit(self, speakers: Tensor, emotions: Tensor) -> None:
        """Take means and deviations of the training set's vectors (n, size)."""
        for name, values in (("speaker", speakers), ("emotion", emotions)):
            getattr(self, f"{name}_mean").copy_(values.mean(0))
            deviation = values.std(0, unbiased=False)
            getattr(self, f"{name}_deviation").copy_(deviation.clamp_min(0.1 * float(deviation.mean()) + 1e-6))

    def project_speaker(self, vectors: Tensor) -> Tensor:
        """(B, 256) to (B, 128)."""
        even = (vectors - self.speaker_mean) / self.speaker_deviation
        return layer_norm(self.speaker(even), (PROJECTED,))

    def project_emotion(self, vectors: Tensor) -> Tensor:
        """(B, size) to (B, 128)."""
        even = (vectors - self.emotion_mean) / self.emotion_deviation
        return layer_norm(self.emotion(even), (PROJECTED,))

    def forward(self, speakers: Tensor, emotions: Tensor) -> tuple[Tensor, Tensor]:
        """S' and E', (B, 128) each; joined they are the decoder's conditions."""
        return self.project_speaker(speakers), self.project_emotion(emotions)
