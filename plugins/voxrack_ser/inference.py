"""Many utterances through a network: cut as the network says, padded in batches of like length, put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from voxrack.task import pad

from .models.network import Network


class Answers(NamedTuple):
    """What a network says of n utterances, on the CPU.

    Attributes
    ----------
    probabilities : Tensor (n, classes), float64
        Sum to 1.
    embeddings : Tensor (n, size), float32
        Mean over the pieces of an utterance.
    trust : Tensor (n,), float32, or None
        In the recording as it came, 0 … 1, of a network that weighs it against an enhanced one; mean over the pieces.
    """

    probabilities: Tensor
    embeddings: Tensor
    trust: Tensor | None = None


@torch.no_grad()
def answer(network: Network, sequences: Sequence[Tensor], *, batch: int = 64, temperature: float = 1.0) -> Answers:
    """Ask ``network`` (left in evaluation mode) about ``sequences``, each (frames, bands).

    Parameters
    ----------
    batch : int
        Pieces at a time.
    temperature : float
        What logits are divided by before the softmax.
    """
    network.eval()
    device = next(network.parameters()).device
    pieces = [(row, cut) for row, sequence in enumerate(sequences) for cut in network.cuts(len(sequence))]
    order = sorted(range(len(pieces)), key=lambda index: pieces[index][1][1] - pieces[index][1][0])
    logits: list[Tensor] = [torch.empty(0)] * len(pieces)
    out: dict[str, Tensor] = {}
    embeddings, trusts = list(logits), list(logits)
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        x, lengths = pad([sequences[pieces[row][0]][slice(*pieces[row][1])] for row in rows])
        out = network(x.to(device), lengths)
        for row, one, vector in zip(rows, out["logits"].double().cpu(), out["embedding"].float().cpu(), strict=True):
            logits[row], embeddings[row] = one, vector
        for row, number in zip(rows, out.get("trust", torch.empty(0)).float().cpu()):
            trusts[row] = number
    chances = torch.softmax(torch.stack(logits) / temperature, -1)
    owner = torch.tensor([row for row, _ in pieces])
    together, vectors, believed = [], [], []
    for row in range(len(sequences)):
        own = owner == row
        together.append(chances[own].amax(0) if network.combine == "max" else chances[own].mean(0))
        vectors.append(torch.stack([embeddings[int(i)] for i in own.nonzero()]).mean(0))
        believed.append(torch.stack([trusts[int(i)] for i in own.nonzero()]).mean(0))
    pooled = torch.stack(together)
    trust = torch.stack(believed) if "trust" in out else None
    return Answers(pooled / pooled.sum(1, keepdim=True), torch.stack(vectors), trust)
