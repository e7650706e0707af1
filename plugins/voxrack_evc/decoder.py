"""The decoder: a U-Net that tells the score of a spectrum on its way between a voice and the average voice.

DiffVC's ``GradLogPEstimator`` (Popov et al. 2022, its decoder; DiffEVC, section 2.1.2), two additions of ours: the
conditions also enter every residual block, and the output is by default read as the velocity
(:meth:`~voxrack_evc.sde.Schedule.score_of_velocity`), with which a few thousand steps lead somewhere.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from voxrack.errors import UsageError

from .blocks import ConvBlock, LinearAttention, Mask, ResidualBlock, masked, time_features
from .reference_block import ReferenceBlock
from .sde import Schedule

LEVELS = (1, 2, 4)
MULTIPLE = 4
"""Frames come in multiples of this: two levels halve them."""
CONDITIONS = 256
"""Numbers that tell speaker and emotion, each projected to half of them."""


class Decoder(nn.Module):
    """Score of X_t given the average voice and the conditions.

    Parameters
    ----------
    width : int
        Channels of the first level, a multiple of 8. 64, 128 and 256 are the published sizes: 8.6, 30.7 and 117.8
        million weights with the reference block.
    condition : int
        Channels by which the conditions enter beside X_t and Xbar; published: 128.
    predicts : {"velocity", "score"}
    reference : bool
        Whether a reference's spectrum is heard, too (`reference_block`).
    """

    def __init__(
        self, width: int = 64, condition: int = 128, predicts: Literal["velocity", "score"] = "velocity",
        reference: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if width % 8 or width < 8:
            raise UsageError(f"a decoder of width {width}: it takes a multiple of 8")
        self.options = {"width": width, "condition": condition, "predicts": predicts, "reference": reference}
        self.width, self.predicts, self.schedule = width, predicts, Schedule()
        head = min(32, width // 2)  # the published 32 from width 64 on; narrower networks ask in less detail
        sizes = [2 + condition, *(width * factor for factor in LEVELS)]
        self.time = nn.Sequential(nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width))
        self.reference = ReferenceBlock(condition, width) if reference else None
        heard = width + CONDITIONS + (condition if reference else 0)
        self.conditions = nn.Sequential(nn.Linear(heard, 4 * condition), nn.Mish(), nn.Linear(4 * condition, condition))
        self.everywhere = nn.Linear(condition, width, bias=False)
        nn.init.zeros_(self.everywhere.weight)
        last = len(LEVELS) - 1
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (inputs, outputs) in enumerate(pairwise(sizes)):
            narrower = nn.Conv2d(outputs, outputs, 3, 2, 1) if level < last else nn.Identity()
            self.down.append(_Level(inputs, outputs, width, head, narrower))
        self.middle = _Level(sizes[-1], sizes[-1], width, head, nn.Identity(), between=True)
        for inputs, outputs in zip(sizes[:0:-1], sizes[-2:0:-1], strict=False):
            self.up.append(_Level(2 * inputs, outputs, width, head, nn.ConvTranspose2d(outputs, outputs, 4, 2, 1)))
        self.final = ConvBlock(width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(
        self, x: Tensor, average: Tensor, conditions: Tensor, t: Tensor, mask: Tensor | None = None,
        reference: Tensor | None = None, reference_mask: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Score of X_t.

        Parameters
        ----------
        x, average : Tensor (B, 80, frames)
            X_t and Xbar. Whatever stands where the mask is 0 is ignored.
        conditions : Tensor (B, 256)
            Projected speaker and emotion.
        t : Tensor (B,)
            0 … 1.
        mask : Tensor (B, frames), optional
            1 for signal, 0 for padding behind it.
        reference, reference_mask : Tensor (B, 80, any), (B, any), optional
            The reference's spectrum at time t without noise, for a decoder with a reference block.

        Returns
        -------
        Tensor (B, 80, frames), 0 where the mask is
        """
        frames = x.shape[-1]
        missing = -frames % MULTIPLE
        if missing and mask is None:
            mask = x.new_ones(x.shape[0], frames)
        whole = None if mask is None else pad(mask, (0, missing))[:, None, None]
        out = self._network(
            pad(torch.stack([average, x], 1), (0, missing)), conditions, t, whole, reference, reference_mask
        )[..., :frames].float()
        if self.predicts == "velocity":
            out = self.schedule.score_of_velocity(out, x, average, t)
        return out if mask is None else out * mask[:, None]

    def _network(
        self, pair: Tensor, conditions: Tensor, t: Tensor, mask: Mask, reference: Tensor | None,
        reference_mask: Tensor | None,
    ) -> Tensor:  # fmt: skip
        moment = time_features(t, self.width)
        vector = self.time(moment)
        heard = [moment, conditions]
        if self.reference is not None:
            if reference is None:
                raise UsageError("this decoder hears a reference's spectrum, and none was given")
            shown = None if reference_mask is None else reference_mask[:, None, None]
            heard.insert(1, self.reference(reference[:, None], shown, vector))
        condition = self.conditions(torch.cat(heard, -1))
        vector = vector + self.everywhere(condition)
        spread = condition[:, :, None, None].expand(-1, -1, *pair.shape[2:])
        x = torch.cat([pair, spread.to(pair.dtype)], 1)
        kept: list[tuple[Tensor, Mask]] = []
        for level in self.down:
            x = level(x, mask, vector)
            kept.append((x, mask))
            x = level.scale(masked(x, mask))  # pyright: ignore[reportCallIssue] - a ModuleList does not tell its type
            if len(kept) < len(LEVELS):
                mask = None if mask is None else mask[..., ::2]
        x = self.middle(x, mask, vector)
        for level in self.up:
            beside, mask = kept.pop()
            x = level(torch.cat([x, beside], 1), mask, vector)
            x = level.scale(masked(x, mask))  # pyright: ignore[reportCallIssue]
        mask = kept.pop()[1]
        return masked(self.out(masked(self.final(x, mask), mask)), mask)[:, 0]


class _Level(nn.Module):
    """Two residual blocks and attention (in the middle: between them), and the change of resolution after them."""

    def __init__(
        self, inputs: int, outputs: int, vector: int, head: int, scale: nn.Module, between: bool = False
    ) -> None:
        super().__init__()
        self.first = ResidualBlock(inputs, outputs, vector)
        self.second = ResidualBlock(outputs, outputs, vector)
        self.attention = LinearAttention(outputs, size=head)
        self.scale, self.between = scale, between

    def forward(self, x: Tensor, mask: Mask, vector: Tensor) -> Tensor:
        x = self.first(x, mask, vector)
        if self.between:
            return self.second(self.attention(x, mask), mask, vector)
        return self.attention(self.second(x, mask, vector), mask)
