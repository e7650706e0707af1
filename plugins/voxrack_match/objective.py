"""The loss of a rack at a point, with its gradient: chunks are rendered a few at a time, so memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from .align import delayed
from .chunks import Chunk
from .coordinates import Coordinates
from .damping import damping_term, signed
from .optimiser import Evaluation, Vector
from .problem import Pair
from .rack_module import RackModule
from .reference import NAMES
from .scoring import total_loss
from .target import SHORTEST, Target

CACHED = 8  # chunks whose target spectra are kept in memory (about 70 MB each)
TOGETHER = 2  # chunks that are rendered as one batch; norms of the losses run over these


class Objective:
    """Callable: ``objective(point, step)``.

    Parameters
    ----------
    module : RackModule
    coordinates : Coordinates
    pair : Pair
    batch : int
        Chunks rendered at each step; all of them where there are fewer. The reference takes up to 35.
    seed : int
        Of the choice of chunks; the choice depends on seed and step only, so a resumed fit makes the same.
    device : str
    chunks : sequence of Chunk, optional
        What to score, instead of the pair's own chunks.
    scored : {"exact", "paper"}, optional
        Mode of the losses; by default that of the module.
    """

    def __init__(
        self,
        module: RackModule,
        coordinates: Coordinates,
        pair: Pair,
        *,
        batch: int,
        seed: int,
        device: str,
        chunks: Sequence[Chunk] | None = None,
        scored: Literal["exact", "paper"] | None = None,
    ) -> None:
        self.scored: Literal["exact", "paper"] = scored or module.mode
        self.module, self.coordinates, self.pair = module, coordinates, pair
        self.device, self.seed = torch.device(device), seed
        self.chunks = list(chunks) if chunks is not None else pair.chunks()
        self.batch = min(batch, len(self.chunks))
        self._groups = _alike(self.chunks)
        self.shift = 0
        self._targets: dict[int, Target] = {}
        self._inputs: dict[int, torch.Tensor] = {}

    def move(self, shift: int) -> None:
        """Delay the dry by ``shift`` samples more than the pair is aligned by (less where negative)."""
        if shift != self.shift:
            self.shift = shift
            self._inputs.clear()

    def judge_at(self, point: Vector, shift: int, most: int | None = None) -> float:
        """:meth:`judge` with the dry moved by ``shift``; it stays where it was."""
        before = self.shift
        self.move(shift)
        try:
            return self.judge(point, most)
        finally:
            self.move(before)

    @property
    def partial(self) -> bool:
        """Whether a step sees only some of the chunks."""
        return self.batch < len(self.chunks)

    def __call__(self, point: Vector, step: int) -> Evaluation:
        chosen = list(range(len(self.chunks)))
        if self.partial:
            chosen = list(np.random.default_rng((self.seed, step)).choice(len(self.chunks), self.batch, replace=False))
        vector = torch.tensor(point, dtype=torch.float64, device=self.device, requires_grad=True)
        terms = np.zeros(len(NAMES))
        for group in self._groups:
            members = [i for i in chosen if i in group]
            if not members:
                continue
            for first in range(0, len(members), TOGETHER):
                part = members[first : first + TOGETHER]
                share = len(part) / len(chosen)
                found = self._losses(self._tensors(vector), part)
                weighted = total_loss(dict(zip(NAMES, found)))
                if bool(torch.isfinite(weighted)):
                    (share * weighted).backward()
                terms += share * found.detach().cpu().numpy()
        self._settle(vector)
        gradient = vector.grad if vector.grad is not None else torch.full_like(vector, torch.nan)
        by_name: dict[str, float] = {name: float(term) for name, term in zip(NAMES, terms)}
        return Evaluation(float(total_loss(by_name)), by_name, gradient.detach().cpu().numpy())

    def judge(self, point: Vector, most: int | None = None) -> float:
        """The total over every chunk (or over ``most`` of them, evenly spread), without a gradient."""
        count = len(self.chunks)
        chosen = range(count) if most is None else sorted({round(i * (count - 1) / most) for i in range(most)})
        vector = torch.as_tensor(point, dtype=torch.float64, device=self.device)
        total = 0.0
        with torch.no_grad():
            tensors = self._tensors(vector)
            for index in chosen:
                terms = self._losses(tensors, [index])
                total += float(total_loss(dict(zip(NAMES, terms.tolist())))) / len(chosen)
        return total

    def _tensors(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        return signed(self.coordinates.tensors(vector), self.coordinates.extra)

    def _settle(self, vector: torch.Tensor) -> None:
        """Gradient of the damping's own term, which is not part of the total: it says nothing of the sound."""
        damped = [self._tensors(vector)[address] for address in self.coordinates.extra]
        if damped:
            torch.stack([damping_term(value) for value in damped]).sum().backward()

    def _losses(self, tensors: dict[str, torch.Tensor], members: Sequence[int]) -> torch.Tensor:
        chunk = self.chunks[members[0]]
        x = torch.stack([self._input(i) for i in members])
        out: Any = self.module(x, tensors)
        if out.shape[1] == 1:
            out = out.expand(-1, 2, -1)
        out = out[..., chunk.warm_up : chunk.warm_up + chunk.scored]
        return self._target(members).losses(_long_enough(out))

    def _input(self, index: int) -> torch.Tensor:
        if index not in self._inputs:
            dry = self.chunks[index].take(delayed(self.pair.dry, self.shift))
            self._inputs[index] = torch.as_tensor(dry.copy()).to(self.device)
        return self._inputs[index]

    def _target(self, members: Sequence[int]) -> Target:
        if len(members) == 1 and len(self.chunks) <= CACHED:
            index = members[0]
            if index not in self._targets:
                self._targets[index] = self._fresh([index], keep=True)
            return self._targets[index]
        return self._fresh(members, keep=False)

    def _fresh(self, members: Sequence[int], keep: bool) -> Target:
        wet = np.stack([self.chunks[i].target(self.pair.wet) for i in members])
        signal = _long_enough(torch.as_tensor(wet).to(self.device))
        return Target(signal, self.pair.sample_rate, mode=self.scored, keep=keep)


def _long_enough(x: torch.Tensor) -> torch.Tensor:
    """The losses need 1025 frames; what is shorter gets silence after it."""
    missing = SHORTEST - x.shape[-1]
    return torch.nn.functional.pad(x, (0, missing)) if missing > 0 else x


def _alike(chunks: Sequence[Chunk]) -> list[set[int]]:
    """Indices of chunks that can be rendered and scored as one batch."""
    groups: dict[tuple[int, int, int], set[int]] = {}
    for index, chunk in enumerate(chunks):
        groups.setdefault((chunk.length, chunk.warm_up, chunk.scored), set()).add(index)
    return list(groups.values())
