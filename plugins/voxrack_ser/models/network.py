"""What every recogniser's network shares: normalisation as part of the model, cutting rules, its own description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Normalise(nn.Module):
    """Subtracts a mean and divides by a standard deviation per band; both are stored with the weights.

    Parameters
    ----------
    bands : int
        Until :meth:`fit` is called nothing is changed (mean 0, deviation 1).
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("deviation", torch.ones(bands))

    def fit(self, sequences: Sequence[Tensor]) -> None:
        """Take the statistics of all frames of ``sequences``, each (frames, bands): the training clips, no others."""
        frames = sum(len(sequence) for sequence in sequences)
        mean = torch.stack([sequence.double().sum(0) for sequence in sequences]).sum(0) / frames
        square = torch.stack([(sequence.double() - mean).square().sum(0) for sequence in sequences]).sum(0) / frames
        self.mean.copy_(mean)
        self.deviation.copy_(square.sqrt().clamp_min(1e-5))

    def forward(self, x: Tensor) -> Tensor:
        """(B, frames, bands) to the same shape."""
        return (x - self.mean) / self.deviation

    def undone(self, x: Tensor) -> Tensor:
        """What :meth:`forward` was given, from what it made of it."""
        return x * self.deviation + self.mean


class Network(nn.Module):
    """A recogniser: features of an utterance, or of a piece of one, to one score per class.

    Subclasses pass every constructor argument on as ``options``, so that a stored model can be built again.

    Attributes
    ----------
    bands, classes : int
    frames : int
        Longest piece that :meth:`forward` takes, in frames; 0 takes any.
    combine : {"mean", "max"}
        How the class probabilities of an utterance's pieces become the utterance's.
    """

    combine: ClassVar[Literal["mean", "max"]] = "mean"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.options = {key: value for key, value in options.items() if key not in ("self", "__class__")}
        self.bands = int(self.options["bands"])
        self.classes = int(self.options["classes"])
        self.frames = int(self.options.get("frames", 0))
        self.normalise = Normalise(self.bands)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Network:
        """Build the network that a weight file's metadata describes; its tensors are loaded by the caller."""
        return cls(**metadata["options"])

    def cuts(self, frames: int) -> list[tuple[int, int]]:
        """Pieces (start, stop) into which an utterance of ``frames`` frames is cut when it is recognised.

        Where :attr:`frames` is 0, the whole of it; else consecutive pieces of that length, the last one
        aligned with the end.
        """
        if not self.frames or frames <= self.frames:
            return [(0, frames)]
        starts = [*range(0, frames - self.frames, self.frames), frames - self.frames]
        return [(start, start + self.frames) for start in starts]

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """Scores of a batch.

        Parameters
        ----------
        x : Tensor, shape (B, frames, bands)
            Features before normalisation; what lies behind an utterance's end is ignored.
        lengths : Tensor of int64, shape (B,), on the CPU
            Frames that each utterance really has, at least 1.

        Returns
        -------
        dict
            ``logits`` (B, classes) and ``embedding`` (B, size), what the last linear layer saw.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it recognises")


def valid(lengths: Tensor, frames: int, device: torch.device) -> Tensor:
    """Mask of shape (B, frames), True where a frame belongs to its utterance."""
    return torch.arange(frames, device=device) < lengths.to(device)[:, None]


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the valid frames: (B, frames, size), (B, frames) to (B, size)."""
    weight = mask.to(x.dtype).unsqueeze(-1)
    return (x * weight).sum(1) / weight.sum(1).clamp_min(1.0)


def recur(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """Outputs of an LSTM that stops at each utterance's end: (B, frames, bands) to (B, frames, size), zero behind it.

    The backward direction starts at the last valid frame, not in the padding.
    """
    frames = x.shape[1]
    if int(lengths.min()) == frames:
        return lstm(x)[0]
    if x.device.type == "cpu":
        return _recur_unpacked(lstm, x, lengths)
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=frames)[0]


def mirrored(lengths: Tensor, frames: int, device: torch.device) -> Tensor:
    """Places (B, frames, 1) that turn each utterance round within its own length and leave the padding."""
    place = torch.arange(frames, device=device)
    own = lengths.to(device)[:, None]
    return torch.where(place < own, own - 1 - place, place)[..., None]


def _recur_unpacked(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """The same without packing, which on a CPU keeps oneDNN's LSTM out and takes 4 to 10 times as long."""
    mask = valid(lengths, x.shape[1], x.device)[..., None]
    turn = mirrored(lengths, x.shape[1], x.device)
    start = x.new_zeros(1, len(x), lstm.hidden_size)
    directions = 1 + lstm.bidirectional
    weights = lstm.all_weights  # those of (layer 0, forwards), (layer 0, backwards), (layer 1, forwards) ...
    for layer in range(lstm.num_layers):
        if layer:
            x = functional.dropout(x, lstm.dropout, lstm.training)
        ways = []
        for direction, own in enumerate(weights[layer * directions : (layer + 1) * directions]):
            heard = x.gather(1, turn.expand_as(x)) if direction else x
            held: list[Tensor] = [*own]
            out = torch.lstm(heard, (start, start), held, lstm.bias, 1, 0.0, lstm.training, False, True)[0]
            ways.append(out.gather(1, turn.expand_as(out)) if direction else out)
        x = torch.cat(ways, -1) * mask
    return x
