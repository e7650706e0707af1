"""Parameters that change while the sound goes on, without clicks and without regard to block sizes.

Two ways, each over 20 ms counted in samples from where the change was made:

- *steps*: a stateful effect gets intermediate values every few samples, evenly spaced on the slider;
- *fade*: from the effect as it is to a new one with the new values, sample by sample. It is exact for
  effects without memory, and the only way for a choice.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from voxrack.device import Block, DeviceSpec
from voxrack.ramps import GLIDE_S

from .native import Effect


class Gliding:
    """One effect on a signal of several channels.

    Parameters
    ----------
    spec : DeviceSpec
    values : dict
        Plain values by parameter id; :meth:`set` changes them.
    sample_rate, channels : int
    linked : bool
        True: pedalboard gets all channels together, with more frames than channels at a time (the caller
        sees to it). False: an object for each channel.
    step : int
        Frames between two steps.
    primed : bool
        False: the caller hands over pieces of one length only.
    fade : bool
        Always fade, never step.
    jumps : collection of str
        Parameters that take effect at once.
    """

    def __init__(
        self, spec: DeviceSpec, values: dict[str, Any], sample_rate: int, channels: int, *,
        linked: bool = False, step: int = 8, primed: bool = True, fade: bool = False, jumps: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._spec, self._rate, self._channels = spec, sample_rate, channels
        self._linked, self._step, self._primed, self._fade, self._jumps = linked, step, primed, fade, jumps
        self._length = math.ceil(GLIDE_S * sample_rate / step) * step
        self.values = dict(values)
        self.reset()

    def reset(self) -> None:
        """Back to silence, with the values set last."""
        self._effects: list[Effect] | None = None  # made with the first block: until then a change holds at once
        self._target = dict(self.values)
        self._now = dict(self.values)
        self._moving: dict[str, tuple[float, float]] = {}  # id: from, to, on the slider
        self._at = 0  # frames into the glide
        self._next: list[Effect] | None = None  # what is faded to

    def set(self, id: str, value: Any) -> None:
        """From here on, ``value``."""
        self.values[id] = value

    def process(self, x: Block) -> Block:
        """(channels, frames) to the same shape, or to fewer frames where the effect holds some back."""
        if self._effects is None:
            self.reset()
            self._effects = self._made()
        if self._next is None and not self._moving and self.values == self._target:
            return self._run(self._effects, x)
        out, start, frames = [], 0, x.shape[1]
        while start < frames:
            if self._next is None and self.values != self._target:
                self._begin()
            part = x[:, start : start + self._until(frames - start)]
            out.append(self._moved(part))
            start += part.shape[1]
        return np.concatenate(out, axis=1)

    # ---- a change -----------------------------------------------------------------------------
    def _begin(self) -> None:
        changed = [id for id, value in self.values.items() if value != self._target[id]]
        self._target, self._at = dict(self.values), 0
        if self._fade or any(self._spec.param(id).kind in ("choice", "bool") for id in changed):
            self._now, self._moving, self._next = dict(self._target), {}, self._made()
            return
        for id in changed:
            if id in self._jumps:
                self._apply(id, self._target[id])
        for id in {*changed, *self._moving} - set(self._jumps):
            param = self._spec.param(id)
            self._moving[id] = (param.to_unit(self._now[id]), param.to_unit(self._target[id]))

    def _until(self, frames: int) -> int:
        """How many of the next frames are worked on in one piece."""
        if self._next is not None:
            return min(frames, self._length - self._at)
        return min(frames, self._step - self._at % self._step) if self._moving else frames

    def _moved(self, x: Block) -> Block:
        assert self._effects is not None
        frames = x.shape[1]
        if self._next is not None:
            share = np.arange(self._at + 1, self._at + frames + 1, dtype=np.float32) / np.float32(self._length)
            old, new = self._run(self._effects, x), self._run(self._next, x)
            self._at += frames
            if self._at == self._length:
                self._effects, self._next = self._next, None
            return (old + share * (new - old)).astype(np.float32, copy=False)
        if self._moving and self._at % self._step == 0:
            self._advance()
        out = self._run(self._effects, x)
        self._at += frames
        if self._at >= self._length:
            self._moving = {}
        return out

    def _advance(self) -> None:
        share = (self._at + self._step) / self._length
        for id, (start, end) in self._moving.items():
            last = share >= 1.0
            self._apply(id, self._target[id] if last else self._spec.param(id).from_unit(start + share * (end - start)))

    def _apply(self, id: str, value: Any) -> None:
        self._now[id] = value
        for effect in self._effects or ():
            effect.set(id, value)

    # ---- the effects --------------------------------------------------------------------------
    def _made(self) -> list[Effect]:
        each = self._channels if self._linked else 1
        width = each if self._primed else 0
        return [Effect(self._spec, self._target, self._rate, width) for _ in range(self._channels // each)]

    def _run(self, effects: list[Effect], x: Block) -> Block:
        if len(effects) == 1:
            return effects[0](x)
        out = np.empty_like(x)
        for channel, effect in enumerate(effects):
            out[channel] = effect(x[channel : channel + 1])[0]
        return out
