"""``fx.reverb``: a feedback delay network whose every number can be heard, fitted and stored.

Six lines with frequency-dependent decay (``absorption``), mixed by an orthogonal matrix, read by two
outputs (``fdn``), then two bells and two shelves. DiffVox spec, sections 7 and 10: the real-time variant,
which at 44.1 kHz and size 1 is the published one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import coefficients, fdn, post_eq
from .absorption import absorption_filters, damped, half_length, line_lengths, peak_gain
from .glide import Glide

if TYPE_CHECKING:
    from voxrack.drawn import Curve

_LARGEST = 2.0  # upper bound of `size`
_TAIL_DB = 120.0


class Setting(NamedTuple):
    """All numbers the kernels read for one set of values; ``tail`` in samples."""

    network: fdn.Network
    bands: NDArray[np.float64]
    tail: int


def rotation_matrix(generators: ArrayLike) -> NDArray[np.float64]:
    """Orthogonal 6 × 6 matrix ``expm(T - T')`` from the 15 numbers of the strict upper triangle T, row by row.

    i (T - T') is Hermitian, so its eigenvectors give the exponential to rounding.
    """
    skew = np.zeros((fdn.LINES, fdn.LINES))
    skew[np.triu_indices(fdn.LINES, 1)] = np.asarray(generators, dtype=np.float64)
    skew -= skew.T
    angles, vectors = np.linalg.eigh(1j * skew)
    return np.real((vectors * np.exp(-1j * angles)) @ vectors.conj().T)


class Reverb:
    """Stereo in, stereo out, wet only. Changes crossfade over 30 ms."""

    latency = 0
    _rate = 0  # until prepare

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Any]) -> None:
        self.values = dict(values)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The feedback matrix U (6, 6) of the present rotation."""
        return rotation_matrix(self.values["rotation"])

    @property
    def tail(self) -> int:
        """Samples until the slowest frequency has fallen by 120 dB."""
        return self._glide.target.tail

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self._rate = sample_rate
        self._absorption: tuple[tuple[Any, ...], tuple[NDArray[np.int64], NDArray[np.float64]]] | None = None
        self._glide = Glide(self._setting, sample_rate)
        self._reach = int(line_lengths(sample_rate, _LARGEST).max()) + half_length(sample_rate) + 1
        self.reset()
        return 2

    def reset(self) -> None:
        self._glide.jump()
        self._lines = fdn.make_lines(self._reach)
        self._memory = post_eq.silence()
        self._left_over: int | None = None

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value
        if self._rate:  # before prepare there is nothing that could move
            self._glide.change()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = block.shape[1]
        out = np.empty((2, frames), np.float32)
        glide = self._glide
        if glide.resting:  # the usual case, with as little as possible around the kernels
            fdn.run_steady(self._lines, glide.now.network, self._reach, block, 0, frames, out)
            post_eq.equalise_steady(out, 0, frames, glide.now.bands, self._memory)
            return out
        for start, stop, position in glide.spans(frames):
            now, target = glide.now, glide.target
            course = (position, glide.length)
            if position < 0:
                fdn.run_steady(self._lines, now.network, self._reach, block, start, stop, out)
            else:
                fdn.run(self._lines, now.network, target.network, self._reach, block, start, stop, *course, out)
            post_eq.equalise(out, start, stop, now.bands, target.bands, *course, self._memory)
        return out

    def flush(self, frames: int) -> NDArray[np.float32]:
        left = self.tail if self._left_over is None else self._left_over
        frames = min(frames, left)
        self._left_over = left - frames
        return self.process(np.zeros((2, frames), np.float32))

    @staticmethod
    def curves(values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]:
        """The reverberation time over frequency, and the equaliser behind (see :mod:`voxrack.drawn`)."""
        from .drawing import decay, response

        return decay(values), response(post_eq.sections(values, sample_rate), sample_rate, "equaliser")

    def module(self, sample_rate: int, mode: str = "exact") -> Any:
        """The reverb as a torch module (B, 2, T) -> (B, 2, T): see :class:`voxrack_fx.diff.reverb.ReverbModule`."""
        from .diff.reverb import ReverbModule

        return ReverbModule(self.values, sample_rate, mode)

    def _setting(self) -> Setting:
        v = self.values
        lengths, filters = self._absorbing()
        half = half_length(self._rate)
        network = fdn.Network(
            lengths - half,
            filters.astype(np.float32),
            np.concatenate([v["input"], self.matrix], axis=1).astype(np.float32),
            np.ascontiguousarray(v["output"], dtype=np.float32),
        )
        bands = post_eq.sections(v, self._rate)
        slowest = np.max(_TAIL_DB * lengths / -20.0 / np.log10(np.maximum(peak_gain(filters), 1e-300)))
        tail = math.ceil(slowest) + int(lengths.max()) + coefficients.tail(bands, self._rate)
        return Setting(network, post_eq.pack(bands), tail)

    def _absorbing(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Line lengths and FIRs; kept, because they cost most and the other parameters do not move them."""
        v = self.values
        key = (v["size"], v["damping"], np.asarray(v["decay"]).tobytes())
        if self._absorption is None or self._absorption[0] != key:
            lengths = line_lengths(self._rate, v["size"])
            filters = absorption_filters(damped(v["decay"], v["damping"]), lengths, self._rate)
            self._absorption = (key, (lengths, filters))
        return self._absorption[1]
