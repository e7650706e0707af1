"""What a device is: its specification and the protocols that its code fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .params import Param

if TYPE_CHECKING:
    import torch

API = 1  # the contract's version; a plugin built for a newer one is listed as failed
Block = NDArray[np.float32]
Progress = Callable[[float], None]  # called with the finished share, 0 … 1

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """Everything the host must know of a device before it imports the device's code.

    Parameters
    ----------
    id : str
        ``"fx.compressor"``: stable for ever; the part before the dot is the plugin's family.
    kind : {"processor", "analyzer"}
    factory : str
        ``"package.module:Class"``, imported at first use and called ``factory(values, needs, assets)``:
        ``values`` maps every parameter id to its checked plain value, ``needs`` maps each needed name
        to a created device, ``assets`` maps each asset parameter that is set to a ``pathlib.Path``.
    params : tuple of Param
    version : int
        Raised when a parameter changes meaning; then ``migrate`` (``"module:function"``, called with
        ``(values: dict, from_version: int)``, returning a dict) upgrades the values of old presets.
    role : str
        What others may ask for (``"enhancer"``).
    needs : mapping of str to str
        Name to role or kind of another device (``{"enhancer": "processor"}``): the host creates the
        first available device whose role is the name and hands it to the factory.
    weights, extra : str
        A weight file's name, an optional-dependency group: where missing, the device is listed as
        ``unavailable`` with the command that mends it. ``extra`` may be ``"group:module"`` to say which
        importable module stands for the group.
    streaming : bool
        False: the device is :class:`Whole` and wants the signal in one piece.
    length : {"same", "free"}
        ``"free"`` (a tempo change) only for whole-signal devices.
    rates, channels : tuple of int
        What it accepts; empty means any. The host resamples and folds around the device.
    transparent : mapping
        Values at which it passes a signal through, for the latency test.
    waivers : tuple of str
        Invariances it cannot keep, each ``"name: reason"``; ``check_device`` prints them.
    title, summary : str
    api : int
        Version of this contract it was written for.
    """

    id: str
    kind: Literal["processor", "analyzer"]
    factory: str
    params: tuple[Param, ...] = ()
    version: int = 1
    migrate: str = ""
    role: str = ""
    needs: Mapping[str, str] = field(default_factory=lambda: _NONE)
    weights: str = ""
    extra: str = ""
    streaming: bool = True
    length: Literal["same", "free"] = "same"
    rates: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    transparent: Mapping[str, object] = field(default_factory=lambda: _NONE)
    waivers: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    api: int = API

    def param(self, id: str) -> Param:
        """The parameter of that id (KeyError where there is none)."""
        for param in self.params:
            if param.id == id:
                return param
        raise KeyError(id)


@dataclass(frozen=True, slots=True)
class Track:
    """A curve over time that an analyzer read off a signal.

    Parameters
    ----------
    name : str
    times_s : ndarray, shape (n,)
        Centre of each frame, in seconds.
    values : ndarray, shape (n, k)
    labels : tuple of str
        One per column.
    unit : str
    summary : mapping
        Numbers and words about the whole signal; JSON-compatible.
    """

    name: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    labels: tuple[str, ...] = ()
    unit: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels[:6]) + (" …" if len(self.labels) > 6 else "")
        return f"<Track {self.name}: {len(self.times_s)} frames of {labels or 'values'} in {self.unit or 'no unit'}>"

    def _repr_html_(self) -> str:
        from .track_html import picture

        return picture(self)


class Processor(Protocol):
    """Audio in blocks. ``process`` returns as many frames as it gets; ``flush`` gives what follows.

    After ``prepare`` the state is that of silence. ``set`` is called between blocks; the device
    smooths the change over a fixed number of samples, so the result does not depend on block size;
    before the first block after ``prepare`` or ``reset`` a change takes effect at once.
    ``process`` leaves the block that it is given as it is, and returns a new array each time.
    ``flush(frames)`` is called after the last block, as often as the host likes; it returns at most
    ``frames`` frames, and fewer (or none) when it has nothing more: ``latency + tail`` frames in all.
    """

    latency: int  # samples; fixed between one prepare and the next
    tail: int | float  # samples after the input ends; math.inf allowed

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int: ...
    def process(self, block: Block) -> Block: ...
    def flush(self, frames: int) -> Block: ...
    def reset(self) -> None: ...
    def set(self, id: str, value: Any) -> None: ...


@runtime_checkable
class Whole(Protocol):
    """A processor that wants the signal in one piece (``streaming=False``)."""

    def convert(self, signal: Block, sample_rate: int, progress: Progress) -> Block: ...


class Analyzer(Protocol):
    """Audio in, tracks out."""

    def prepare(self, sample_rate: int, channels: int) -> None: ...
    def push(self, block: Block) -> None: ...
    def finish(self) -> tuple[Track, ...]: ...


@runtime_checkable
class Differentiable(Protocol):
    """A device that also hands out a torch module.

    ``module(sample_rate, mode)`` returns one whose ``forward(x, params)`` takes ``x`` (B, C, T) and a
    dict of tensors by parameter id, and returns (B, C', T): zero initial state, latency removed.
    """

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module: ...
