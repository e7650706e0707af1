"""What the trainings do alike: crops in batches that are drawn when they are asked for, rates, precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile
from voxrack.optimising import bfloat16_is_fast, warm_cosine_schedule
from voxrack.weights import Weights, load

from ..material import EMOTION, MEL

WARM = 0.03  # share of the epochs with a rising learning rate
CHECKED = 64  # utterances that validation looks at, at most


class Drawn(Sequence[Any]):
    """Batches by position: ``make(position)`` is called when a batch is asked for."""

    def __init__(self, make: Callable[[int], Any], positions: Sequence[int]) -> None:
        self.make, self.positions = make, positions

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: Any) -> Any:
        return Drawn(self.make, self.positions[index]) if isinstance(index, slice) else self.make(self.positions[index])


def check(features: FeatureFile) -> None:
    """InputError where the file lacks what ``prepare`` writes."""
    missing = [name for name in (MEL, EMOTION) if name not in features.names]
    if missing:
        raise InputError(
            f"{features.path} holds no '{missing[0]}'; prepare it with `voxrack prepare evc.diffevc --data FOLDER`"
        )


def shares(lengths: Sequence[int], frames: int, crops: int) -> list[int]:
    """How often an epoch draws each utterance: ``crops`` times as often as crops of ``frames`` fit into it, at least
    once, so that a long reading is heard as much as many short sentences."""
    return [crops * max(1, round(length / frames)) for length in lengths]


def draws(counts: Sequence[int], generator: torch.Generator) -> tuple[list[int], list[float]]:
    """Utterance i ``counts[i]`` times, all in random order, and for each a place in it, 0 … 1."""
    every = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    order = every[torch.randperm(len(every), generator=generator)].tolist()
    return order, torch.rand(len(order), generator=generator).tolist()


def crop(frames: Tensor, place: float, length: int) -> Tensor:
    """``length`` frames of (frames, …) that begin at a share ``place`` of where they could; all where it is shorter."""
    start = int(place * (max(0, len(frames) - length) + 1))
    return frames[start : start + length]


def groups(order: Sequence[int], size: int) -> list[Sequence[int]]:
    """``order`` in groups of ``size``; a last one of fewer than 2 is left out, as vCLUB and normalisation need two."""
    made = [order[at : at + size] for at in range(0, len(order), size)]
    return [group for group in made if len(group) > 1]


def spectra(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Crops (frames, 80) as (B, 80, frames), zeros behind the shorter, and a mask, None where all are as long."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = int(lengths.max())
    out = sequences[0].new_zeros((len(sequences), longest, *sequences[0].shape[1:]))
    for row, sequence in enumerate(sequences):
        out[row, : len(sequence)] = sequence
    full = bool((lengths == longest).all())
    mask = None if full else (torch.arange(longest) < lengths[:, None]).float()
    return out.transpose(1, 2).contiguous(), mask


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on a CPU that multiplies it fast; elsewhere what the loop's own precision says."""
    enabled = device.type == "cpu" and bfloat16_is_fast()
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled)


def adam(modules: Sequence[nn.Module], rate: float) -> Adam:
    """Adam (DiffVC trains with it) over the weights of several modules."""
    return Adam([weight for module in modules for weight in module.parameters()], lr=rate)


def schedules(optimisers: Mapping[str, Optimizer], epochs: int) -> dict[str, Any]:
    """Up over the first 3 % of the epochs, then half a cosine down to 0."""
    return {name: warm_cosine_schedule(optimiser, epochs, WARM) for name, optimiser in optimisers.items()}


def trained(path: str, stage: str, option: str) -> Weights:
    """Weights of an earlier stage's run.

    Raises
    ------
    UsageError
        No run was named, or one of another stage; the message says how to make it.
    """
    how = f"voxrack train evc.diffevc --set stage={stage} --features FILE -o RUN, then --set {option}=RUN"
    if not path:
        raise UsageError(f"the decoder needs a trained {stage} encoder, and option '{option}' is empty: {how}")
    weights = load(Path(path))
    if weights.metadata.get("stage") != stage:
        raise UsageError(f"{path} is no run of stage={stage}: {how}")
    return weights
