"""From a weight file to something that judges audio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack import weights
from voxrack.errors import InputError

from .frontends import frontend
from .inference import answer
from .models import build

if TYPE_CHECKING:
    from .frontends import Frontend
    from .models.network import Network


class Judgement(NamedTuple):
    """Of B stretches: probabilities (B, k), embeddings (B, d), and the trust in the recordings (B,) where the network
    weighs them against enhanced ones."""

    probabilities: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    trust: NDArray[np.float32] | None


@dataclass(frozen=True)
class Judge:
    """A trained recogniser, from samples to probabilities.

    Parameters
    ----------
    network : Network
    frontend : Frontend
        ``(samples (B, frames), sample_rate)`` to features (B, frames', bands): the one that training used.
    labels : tuple of str
        k emotions.
    width : int
        d, numbers in an embedding.
    temperature, window_temperature : float
        What logits are divided by (temperature scaling, Guo et al. 2017): of whole recordings, and of windows.
    source : Path
    about : mapping
        What else the file says of itself.
    """

    network: Network
    frontend: Frontend
    labels: tuple[str, ...]
    width: int
    temperature: float
    window_temperature: float
    source: Path
    about: Mapping[str, Any] = field(default_factory=dict)

    def windows(self, samples: NDArray[np.float32], sample_rate: int) -> Judgement:
        """Judge stretches of one length, samples of shape (B, …, frames): what the front end takes of each."""
        return self._judge(samples, sample_rate, self.window_temperature)

    def recording(self, samples: NDArray[np.float32], sample_rate: int) -> Judgement:
        """Judge a recording in one piece, samples of shape (…, frames); returns one row."""
        return self._judge(samples[None], sample_rate, self.temperature)

    def _judge(self, samples: NDArray[np.float32], sample_rate: int, temperature: float) -> Judgement:
        with torch.inference_mode():
            features = self.frontend(torch.from_numpy(np.ascontiguousarray(samples)), sample_rate)
        found = answer(self.network, list(features), batch=len(features), temperature=temperature)
        trust = None if found.trust is None else found.trust.numpy()
        return Judgement(found.probabilities.double().numpy(), found.embeddings.numpy(), trust)


def load_judge(path: Path) -> Judge:
    """Read a weight file or a run folder's; the same file read again is the same object.

    Raises
    ------
    InputError
        Where it is no weight file, is damaged, or is of a network or with labels that this version cannot use.
    """
    path = Path(path)
    if (path / "model.safetensors").is_file():  # a run folder
        path = path / "model.safetensors"
    state = path.stat() if path.is_file() else None
    return _load(path, (state.st_mtime_ns, state.st_size) if state else (0, 0))


@lru_cache(maxsize=4)
def _load(path: Path, _state: tuple[int, int]) -> Judge:
    found = weights.load(path)
    metadata = found.metadata
    labels: tuple[str, ...] = tuple(metadata.get("labels", ()))
    if len(labels) < 2 or not all(isinstance(label, str) for label in labels) or len(set(labels)) < len(labels):
        raise InputError(f"{path}: its labels are {labels!r}; a recogniser names two emotions or more, each once")
    try:
        network, listen = build(metadata, found.tensors), frontend(metadata)
        answers, width = _tried(network, listen)
    except (RuntimeError, TypeError, KeyError) as error:
        raise InputError(f"{path}: its metadata does not describe a recogniser: {error!r}; train again") from error
    if answers != len(labels):
        raise InputError(f"{path}: the network has {answers} answers and the file names {len(labels)} labels")
    temperature = _temperature(metadata, "temperature", 1.0, path)
    window = _temperature(metadata, "window_temperature", temperature, path)
    return Judge(network, listen, labels, width, temperature, window, path, metadata)


def _tried(network: Network, listen: Frontend) -> tuple[int, int]:
    """How many answers and embedding numbers a second of noise gives."""
    noise = 0.1 * torch.randn(1, *listen.rows, listen.sample_rate, generator=torch.Generator().manual_seed(0))
    found = answer(network, list(listen(noise, listen.sample_rate)))
    return found.probabilities.shape[-1], found.embeddings.shape[-1]


def _temperature(metadata: Mapping[str, Any], key: str, default: float, path: Path) -> float:
    value = metadata.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.01 <= value <= 100.0:
        raise InputError(f"{path}: '{key}' is {value!r}; a temperature lies within 0.01 … 100")
    return float(value)
