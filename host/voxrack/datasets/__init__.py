"""Speech corpora, their splits by speaker, and noise sets. Every name is imported on first use, and none needs torch.

>>> from voxrack.datasets import load, splits
>>> corpus = load("ravdess")  # recognised by its file names  # doctest: +SKIP
>>> for split in splits(corpus.utterances, "folds"):  # doctest: +SKIP
...     print(split.name, len(split.train), len(split.test))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_WHERE = {
    "CORPORA": "rules", "Corpus": "utterance", "EMOTIONS": "words", "Item": "utterance", "Mixture": "mixing",
    "NoiseClip": "noise", "NoiseSet": "noise", "NoiseSplit": "noise", "PROTOCOLS": "protocols", "Split": "split",
    "Utterance": "utterance", "audio_sha256": "equal_audio", "check_split": "split", "classes": "words",
    "duplicates": "equal_audio", "load": "loading", "load_all": "merging", "merge": "merging", "mix": "mixing",
    "noise_set": "noise", "read_audio": "reading", "read_manifest": "manifest", "read_utterances": "reading",
    "split_noise": "noise", "splits": "protocols", "without_duplicates": "split",
}  # fmt: skip

if TYPE_CHECKING:
    from .equal_audio import audio_sha256, duplicates
    from .loading import load
    from .manifest import read_manifest
    from .merging import load_all, merge
    from .mixing import Mixture, mix
    from .noise import NoiseClip, NoiseSet, NoiseSplit, noise_set, split_noise
    from .protocols import PROTOCOLS, splits
    from .reading import read_audio, read_utterances
    from .rules import CORPORA
    from .split import Split, check_split, without_duplicates
    from .utterance import Corpus, Item, Utterance
    from .words import EMOTIONS, classes

__all__ = [
    "CORPORA", "EMOTIONS", "PROTOCOLS", "Corpus", "Item", "Mixture", "NoiseClip", "NoiseSet", "NoiseSplit", "Split",
    "Utterance", "audio_sha256", "check_split", "classes", "duplicates", "load", "load_all", "merge", "mix",
    "noise_set", "read_audio", "read_manifest", "read_utterances", "split_noise", "splits", "without_duplicates",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'voxrack.datasets' has no attribute '{name}'; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
