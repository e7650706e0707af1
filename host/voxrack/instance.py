"""Created devices: the specification's code behind guards.

Whatever a device does wrong (a wrong shape, NaN out of finite input, a crash) becomes a
:class:`DeviceError` that names it; whatever a caller does wrong never reaches the device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .device import Block, DeviceSpec, Progress, Track
from .errors import DeviceError, InputError, RoutingError, UsageError, VoxrackError
from .limits import CHANNELS, check_format, described, negative, whole
from .params import check_values, read_value, suggest

_FLOAT32 = np.dtype(np.float32)  # numpy keeps one object of it: identity is the cheapest test


class Device:
    """A created processor: checked values, guarded calls.

    Parameters
    ----------
    spec : DeviceSpec
    values : mapping, optional
        Plain values by parameter id; the rest are defaults.
    needs : mapping of str to Device, optional
        The devices it asked for.

    Raises
    ------
    ParamError
        For an unknown parameter or a value out of range.
    """

    def __init__(
        self, spec: DeviceSpec, values: Mapping[str, Any] | None = None, *, needs: Mapping[str, Any] | None = None
    ) -> None:
        self.spec = spec
        self.values = check_values(spec.params, values or {}, f"device '{spec.id}'")
        self.needs = dict(needs or {})
        self.latency = 0
        self.tail: int | float = 0
        self._processor: Any = None
        self._channels = (0, 0)
        self._max_frames = 0
        self._stale = False

    # ---- values -------------------------------------------------------------------------------
    def get(self, id: str) -> Any:
        """Plain value of a parameter."""
        if id not in self.values:
            raise UsageError(f"device '{self.spec.id}' has no parameter '{id}'{suggest(id, self.values)}")
        return self.values[id]

    def set(self, id: str, value: Any) -> None:
        """Change a parameter, also between blocks. Text is read with its unit (``"-18 dB"``)."""
        self.get(id)
        param = self.spec.param(id)
        try:
            checked = read_value(param, value)
        except UsageError as error:
            raise type(error)(f"device '{self.spec.id}': {error}") from None
        told = self._processor is not None and param.kind != "asset" and (param.structural or self.spec.streaming)
        if told:
            self._guarded("set", id, checked)
        self.values[id] = checked  # after the device took it: where it fails, what is shown is what is heard
        if self._processor is None:
            return
        if not told:
            self._processor = None  # built anew at the next use: its factory reads assets and values
        if param.kind == "asset" or param.structural:
            self._stale = self._max_frames > 0 or param.kind == "asset"

    @property
    def assets(self) -> dict[str, Path]:
        """The files that asset parameters point to."""
        return {p.id: Path(self.values[p.id]) for p in self.spec.params if p.kind == "asset" and self.values[p.id]}

    @property
    def processor(self) -> Any:
        """The device's own object, built on first use."""
        if self._processor is None:
            self._processor = load_factory(self.spec)(dict(self.values), self.needs, self.assets)
        return self._processor

    # ---- audio --------------------------------------------------------------------------------
    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        """Make ready for blocks of at most ``max_frames``; returns the number of output channels."""
        name = f"device '{self.spec.id}'"
        check_format(sample_rate, channels, name)
        if max_frames < 1:
            raise UsageError(f"{name}: max_frames is {max_frames}; it takes 1 or more")
        if not self.spec.streaming:
            raise RoutingError(f"{name} wants the whole signal and cannot run in blocks; use render, not stream")
        if self.spec.rates and sample_rate not in self.spec.rates:
            raise RoutingError(
                f"{name} works at {_listed(self.spec.rates)} Hz, not {sample_rate}; a Rack resamples for it"
            )
        if self.spec.channels and channels not in self.spec.channels:
            raise RoutingError(
                f"{name} takes {_listed(self.spec.channels)} channels, not {channels}; "
                "a Rack folds mono and stereo for it"
            )
        out = self._read_declaration(self._guarded("prepare", int(sample_rate), int(channels), int(max_frames)))
        self._channels, self._max_frames, self._stale = (channels, out), max_frames, False
        return out

    def process(self, block: Block) -> Block:
        """(channels, frames) to (output channels, frames); finite in, finite out."""
        shape = block.shape
        if len(shape) != 2 or shape[0] != self._channels[0] or shape[1] > self._max_frames or self._stale:
            self._refuse(block)
        if block.dtype is not _FLOAT32 or not block.flags.c_contiguous:
            block = np.ascontiguousarray(block, dtype=np.float32)
        try:
            out = self._processor.process(block)
        except VoxrackError:
            raise
        except (Exception, SystemExit) as error:  # a device must not end the host
            raise self._crashed("process", error) from error
        if not isinstance(out, np.ndarray) or out.shape != (self._channels[1], shape[1]) or out.dtype != _FLOAT32:
            raise DeviceError(
                f"device '{self.spec.id}' returned {described(out)} for a block of {shape}; "
                f"the contract is float32 {(self._channels[1], shape[1])}"
            )
        # one pass: the energy is finite only where every sample is (and none is absurdly large)
        if not math.isfinite(np.vdot(out, out)):
            self._refuse_output(block, out)
        return out

    def flush(self, frames: int) -> Block:
        """At most ``frames`` frames of what is still to come; fewer when it is over."""
        out = self._guarded("flush", int(frames))
        fits = isinstance(out, np.ndarray) and out.ndim == 2 and out.shape[0] == self._channels[1]
        if not fits or out.shape[1] > frames or out.dtype != _FLOAT32:
            raise DeviceError(
                f"device '{self.spec.id}' flushed {described(out)} when asked for {frames} frames; "
                f"the contract is float32 ({self._channels[1]}, at most {frames})"
            )
        if not np.isfinite(out).all():
            raise DeviceError(f"device '{self.spec.id}' flushed NaN or infinity")
        return out

    def reset(self) -> None:
        """Back to silence."""
        self._guarded("reset")

    def convert(self, signal: Block, sample_rate: int, progress: Progress = lambda share: None) -> Block:
        """The whole signal in, the whole signal out (``streaming=False`` only)."""
        if self.spec.streaming:
            raise UsageError(f"device '{self.spec.id}' runs in blocks; use prepare and process, or render")
        check_format(sample_rate, signal.shape[0], f"device '{self.spec.id}'")
        out = self._guarded("convert", np.ascontiguousarray(signal, np.float32), sample_rate, progress)
        fits = isinstance(out, np.ndarray) and out.ndim == 2 and out.dtype.kind == "f" and out.shape[0] <= CHANNELS
        if not fits or (self.spec.length == "same" and out.shape[1] != signal.shape[1]) or not np.isfinite(out).all():
            raise DeviceError(
                f"device '{self.spec.id}' converted {signal.shape} to {described(out)}, or not to finite samples"
            )
        return np.ascontiguousarray(out, dtype=np.float32)

    # ---- guards -------------------------------------------------------------------------------
    def _read_declaration(self, channels: Any) -> int:
        """Take over latency and tail after prepare(), which returned ``channels``."""
        processor = self.processor
        latency: Any = getattr(processor, "latency", None)
        tail: Any = getattr(processor, "tail", None)
        if whole(latency) < 0 or negative(tail) or not 1 <= whole(channels) <= CHANNELS:
            raise DeviceError(
                f"device '{self.spec.id}' declared latency {latency!r}, tail {tail!r} and {channels!r} channels; the "
                "contract is a whole number of samples, 0 or more samples (math.inf allowed), and what prepare() "
                f"returns, 1 to {CHANNELS}"
            )
        self.latency, self.tail = whole(latency), tail
        return int(channels)

    def _guarded(self, call: str, *arguments: Any) -> Any:
        try:
            return getattr(self.processor, call)(*arguments)
        except VoxrackError:
            raise
        except (Exception, SystemExit) as error:
            raise self._crashed(call, error) from error

    def _crashed(self, call: str, error: BaseException) -> DeviceError:
        return DeviceError(f"device '{self.spec.id}' failed in {call}(): {type(error).__name__}: {error}")

    def _refuse(self, block: Block) -> None:
        name = f"device '{self.spec.id}'"
        if self._stale:
            raise UsageError(f"{name}: a structural parameter changed; call prepare again")
        if self._max_frames == 0:
            raise UsageError(f"{name}: call prepare(sample_rate, channels, max_frames) before process")
        raise UsageError(
            f"{name} was prepared for ({self._channels[0]}, up to {self._max_frames}) blocks, (channels, frames); "
            f"got {block.shape}"
        )

    def _refuse_output(self, block: Block, out: Block) -> None:
        if not np.isfinite(block).all():
            raise InputError(f"the input of device '{self.spec.id}' holds NaN or infinity")
        raise DeviceError(
            f"device '{self.spec.id}' turned finite audio into NaN, infinity or a runaway level "
            f"(peak {float(np.abs(np.nan_to_num(out)).max()):.3g}); its settings: {self._settings()}"
        )

    def _settings(self) -> str:
        shown = (f"{p.id}={p.to_text(self.values[p.id])}" for p in self.spec.params)
        return ", ".join(shown)

    def __repr__(self) -> str:
        changed = {
            p.id: p.to_text(self.values[p.id])
            for p in self.spec.params
            if not np.array_equal(self.values[p.id], p.check(p.default))
        }
        return f"<{self.spec.id}{''.join(f' {k}={v!r}' for k, v in changed.items())}>"


class Missing(Device):
    """Stands where a preset names a device that is not available: passes audio, keeps the block verbatim.

    Parameters
    ----------
    id : str
    block : mapping
        What the preset held about the device, kept for saving.
    reason : str
    """

    def __init__(self, id: str, block: Mapping[str, Any], reason: str) -> None:
        super().__init__(DeviceSpec(id, "processor", factory="", title=f"{id} (missing)"))
        self.block = dict(block)
        self.reason = reason
        self._processor = _Wire()


class _Wire:
    latency = 0
    tail = 0

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self.channels = channels
        return channels

    def process(self, block: Block) -> Block:
        return block

    def flush(self, frames: int) -> Block:
        return np.zeros((self.channels, 0), np.float32)

    def reset(self) -> None:
        """A wire has no state."""

    def set(self, id: str, value: Any) -> None:
        raise UsageError("a missing device has no parameters")


class AnalyzerDevice(Device):
    """A created analyzer: the host folds and resamples in front of it."""

    def prepare(self, sample_rate: int, channels: int, max_frames: int = 0) -> int:
        """Make ready for a signal of this format."""
        from .channels import fold_for_analyzer
        from .resample import Resampler, nearest_rate

        check_format(sample_rate, channels, f"analyzer '{self.spec.id}'")
        rate = nearest_rate(self.spec.rates, sample_rate)
        self._fold = fold_for_analyzer(channels, self.spec.channels, self.spec.id)
        width = self._fold(np.zeros((channels, 1), np.float32)).shape[0]
        self._resampler = Resampler(sample_rate, rate, width) if rate != sample_rate else None
        self._guarded("prepare", rate, width)
        return channels

    def push(self, block: Block) -> None:
        """Hand over the next (channels, frames) block."""
        block = self._fold(block)
        if self._resampler is not None:
            block = self._resampler.process(block)
        if block.shape[1]:
            self._guarded("push", np.ascontiguousarray(block, dtype=np.float32))

    def hear(self, block: Block) -> None:
        """:meth:`push` of a copy: of a signal that goes on elsewhere, while an analyzer may keep what it gets."""
        self.push(block.copy())

    def finish(self) -> tuple[Track, ...]:
        """The signal has ended: what was found in it."""
        if self._resampler is not None:
            rest = self._resampler.finish()
            if rest.shape[1]:
                self._guarded("push", rest)
        tracks = self._guarded("finish")
        if not isinstance(tracks, (tuple, list)) or not all(isinstance(track, Track) for track in tracks):
            raise DeviceError(f"analyzer '{self.spec.id}' found {described(tracks)}; the contract is a tuple of Track")
        return tuple(tracks)


def build(
    spec: DeviceSpec, values: Mapping[str, Any] | None = None, *, needs: Mapping[str, Any] | None = None
) -> Device | AnalyzerDevice:
    """Create a device of a specification. ``Host.create`` is the usual way."""
    return (AnalyzerDevice if spec.kind == "analyzer" else Device)(spec, values, needs=needs)


def load_factory(spec: DeviceSpec) -> Any:
    """Import ``"package.module:Class"``."""
    module, _, name = spec.factory.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DeviceError(f"device '{spec.id}': its code '{spec.factory}' cannot be imported: {error}") from error


def _listed(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, numbers))
