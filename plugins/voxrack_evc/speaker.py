"""The speaker encoder: 256 numbers of length 1 that tell whose voice it is (generalised end-to-end loss, GE2E).

Resemblyzer's weights are used where it can be imported (the extra ``metrics``); a small encoder of our own on this
package's log-mel frames, trained by the recipe, stands in where it cannot. Both average the vectors of stretches of
1.6 s (Wan et al. 2018, section 3.2; Jia et al. 2018).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from warnings import catch_warnings, filterwarnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from voxrack.errors import InputError, UsageError

from .mel import HOP, MELS, RATE

SIZE = 256
"""Numbers of a vector."""
FRAMES = round(1.6 * RATE / HOP)
"""Of a stretch: 138."""


# ---- Resemblyzer ----------------------------------------------------------------------------------
INSTALL = 'pip install "voxrack[metrics]"'
"""What brings Resemblyzer, and setuptools below 81: its voice detector imports ``pkg_resources`` of it."""


def resemblyzer_is_there() -> bool:
    """Whether Resemblyzer can be imported."""
    return all(find_spec(name) is not None for name in ("resemblyzer", "webrtcvad", "pkg_resources"))


class Resemblyzer:
    """Resemblyzer's encoder: a mono recording (frames,) and its rate to (256,) float32.

    Raises
    ------
    UsageError
        It is not installed.
    """

    def __init__(self) -> None:
        if not resemblyzer_is_there():
            raise UsageError(
                f"the speaker encoder 'resemblyzer' cannot be imported; install it ({INSTALL}), or take our own with "
                "--set speaker=own"
            )
        self._encoder: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_encoder": None}

    def __call__(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """InputError where its voice detector leaves nothing: the vector of nothing would be like no voice."""
        with catch_warnings():
            filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
            from resemblyzer import VoiceEncoder, preprocess_wav  # pyright: ignore[reportMissingImports]

        voice = preprocess_wav(samples, source_sr=sample_rate) if samples.any() else samples[:0]
        if not voice.any():
            raise InputError("Resemblyzer finds no voice in the recording")
        if self._encoder is None:
            self._encoder = VoiceEncoder("cpu", verbose=False)
        return self._encoder.embed_utterance(voice).astype(np.float32)


# ---- our own --------------------------------------------------------------------------------------
class SpeakerEncoder(nn.Module):
    """LSTM over log-mel frames, its last state projected and brought to length 1.

    Parameters
    ----------
    width : int
        Units of each layer.
    layers : int

    Notes
    -----
    Each stretch's mean over time is taken off band by band: level and channel go with it, and what stays of a voice
    is how its spectrum moves; the mean itself is handed over in one further vector, scaled down, as it holds the
    voice's colour too.
    """

    def __init__(self, width: int = 128, layers: int = 2) -> None:
        super().__init__()
        self.options = {"width": width, "layers": layers}
        self.lstm = nn.LSTM(MELS, width, layers, batch_first=True)
        self.project = nn.Linear(width + MELS, SIZE)

    def forward(self, mel: Tensor) -> Tensor:
        """Stretches (B, frames, 80), log-mel, to vectors (B, 256) of length 1."""
        mean = mel.mean(1, keepdim=True)
        states, _ = self.lstm((mel - mean) / 2.0)
        colour = (mean - mean.mean(-1, keepdim=True))[:, 0] / 4.0
        return normalize(self.project(torch.cat([states.mean(1), colour], -1)), dim=-1)

    @torch.no_grad()
    def embed(self, mel: Tensor) -> Tensor:
        """A recording's log-mel (frames, 80) to (256,): the mean over stretches, half overlapping, to length 1."""
        return normalize(self(stretches(mel)).mean(0), dim=0)


def stretches(mel: Tensor) -> Tensor:
    """(n, 138, 80): half-overlapping stretches that reach from the first to the last frame; a shorter recording is
    repeated to the length of one."""
    if len(mel) < FRAMES:
        mel = mel.repeat(-(-FRAMES // len(mel)), 1)[:FRAMES]
    count = 1 + -(-(len(mel) - FRAMES) // (FRAMES // 2))
    starts = np.linspace(0, len(mel) - FRAMES, count).round().astype(int)
    return torch.stack([mel[start : start + FRAMES] for start in starts])


class GE2E(nn.Module):
    """Generalised end-to-end softmax loss (Wan et al. 2018, eq. 5, 6 and 9) with its learned scale and offset."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.offset = nn.Parameter(torch.tensor(-5.0))

    def similarities(self, vectors: Tensor) -> Tensor:
        """(speakers, takes, 256) to (speakers, takes, speakers): eq. 9, own centroids without the take itself."""
        speakers, takes, _ = vectors.shape
        centroids = normalize(vectors.mean(1), dim=-1)
        without = normalize((vectors.sum(1, keepdim=True) - vectors) / (takes - 1), dim=-1)
        cosines = torch.einsum("jid,kd->jik", vectors, centroids)
        own = (vectors * without).sum(-1)
        same = torch.eye(speakers, dtype=torch.bool, device=vectors.device)[:, None, :]
        cosines = torch.where(same, own[:, :, None], cosines)
        return self.scale.clamp_min(1e-6) * cosines + self.offset

    def forward(self, vectors: Tensor) -> Tensor:
        """Loss of vectors (speakers, takes, 256) of length 1, at least 2 takes of each."""
        speakers, takes, _ = vectors.shape
        who = torch.arange(speakers, device=vectors.device).repeat_interleave(takes)
        return cross_entropy(self.similarities(vectors).flatten(0, 1), who)


def equal_error_rate(same: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Share of errors at the threshold at which as many same-speaker pairs are refused as others are taken, 0 … 1."""
    scores = np.concatenate((same, other))
    order = np.argsort(scores, kind="stable")
    truth = np.concatenate((np.ones(len(same)), np.zeros(len(other))))[order]
    refused = np.cumsum(truth) / len(same)  # same-speaker pairs at or below each score
    taken = 1.0 - np.cumsum(1.0 - truth) / len(other)
    at = int(np.argmin(np.abs(refused - taken)))
    return float((refused[at] + taken[at]) / 2.0)
