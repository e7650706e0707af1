"""Features of a corpus in one safetensors file: written in a stream, whole or not at all, read through memory mapping.

For each name (``"mfcc"``, or a view of it such as ``"mfcc.tempo_0.9"``) there are two tensors: ``NAME.values``
(frames of all utterances, …) and ``NAME.offsets`` (n + 1,): utterance i owns the rows offsets[i] … offsets[i + 1].
What the utterances are stands as JSON in the header's metadata, so that splits need no audio.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .feature_writer import FORMAT, VERSION, FeatureWriter
from .safe_file import open_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from .datasets import Item

__all__ = ["FeatureFile", "FeatureWriter"]


class FeatureFile:
    """Features that were prepared before; values are read from the mapped file when they are asked for.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    items : tuple of Item
        The utterances, in the order of the file.
    recipe : str
        Id of the recipe that prepared it.
    options : dict
        The options that the features depend on.
    failures : tuple of (str, str)
        What was left out when preparing, and why.
    names : tuple of str
        Features (and views of them) of every utterance.
    digest : str
        SHA-256 of all content: two files with the same digest train alike.

    Raises
    ------
    InputError
        No such file, no feature file, a truncated one, or one of a newer voxrack.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from .datasets import Item

        self.path = Path(path)
        self._file, metadata = open_tensors(self.path, FORMAT, VERSION, "a feature file", "prepare it again")
        about = json.loads(metadata["about"])
        self.recipe: str = about["recipe"]
        self.options: dict[str, Any] = about["options"]
        self.items: tuple[Item, ...] = tuple(Item.from_record(record) for record in about["items"])
        self.failures: tuple[tuple[str, str], ...] = tuple((id, why) for id, why in about["failures"])
        self.digest: str = metadata["digest"]
        keys = self._file.keys()
        self.names: tuple[str, ...] = tuple(
            sorted(key.removesuffix(".values") for key in keys if key.endswith(".values"))
        )
        self._offsets = {name: self._file.get_tensor(f"{name}.offsets") for name in self.names}
        self._values: dict[str, Tensor] = {name: self._file.get_tensor(f"{name}.values") for name in self.names}
        self._bounds = {name: offsets.tolist() for name, offsets in self._offsets.items()}

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"<FeatureFile {self.path.name}: {len(self)} utterances, {', '.join(self.names)}, recipe {self.recipe}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return FeatureFile, (self.path,)  # a worker process maps the file itself

    def get(self, name: str, index: int) -> Tensor:
        """Features of one utterance, float32, shape (frames, …); a copy that may be changed."""
        import torch

        bounds = self._bounds[self._known(name)]
        if not 0 <= index < len(self.items):
            raise UsageError(f"{self.path} has utterances 0 to {len(self.items) - 1}; got {index}")
        return self._values[name][bounds[index] : bounds[index + 1]].to(torch.float32, copy=True)

    def lengths(self, name: str) -> Tensor:
        """Frames of every utterance, int64, shape (n,)."""
        return self._offsets[self._known(name)].diff()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape behind the frames: ``(40,)`` for 40 bands."""
        return tuple(self._values[self._known(name)].shape[1:])

    def statistics(self, name: str, indices: Sequence[int], eps: float = 1e-5) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation over all frames of ``indices`` (the training set), float32, shape (…).

        A deviation below ``eps`` becomes ``eps``, so that dividing by it is safe.
        """
        import torch

        total = torch.zeros(self.shape(name), dtype=torch.float64)
        squares, frames = torch.zeros_like(total), 0
        for index in indices:
            values = self.get(name, index).double()
            total += values.sum(0)
            squares += values.square().sum(0)
            frames += len(values)
        if not frames:
            raise UsageError("statistics need at least one utterance; the split's training set is empty")
        mean = total / frames
        deviation = (squares / frames - mean.square()).clamp_min(0).sqrt().clamp_min(eps)
        return mean.float(), deviation.float()

    def _known(self, name: str) -> str:
        if name not in self._values:
            raise UsageError(f"{self.path} has no features '{name}'; it has {', '.join(self.names)}")
        return name
