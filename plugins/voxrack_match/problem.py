"""A dry and a wet recording made ready to be fitted: one rate, one length, aligned, at -18 LUFS (spec section 9)."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, read
from voxrack.errors import InputError, UsageError

from .align import delayed, find_lag
from .chunks import Chunk, audible, cut

LOUDNESS = -18.0  # LUFS
BLOCK = 0.4  # s: the shortest signal that BS.1770 gives a loudness for
SHORTEST = 0.05  # s
ALIKE = 0.05  # correlation below which a lag means nothing
CLIPPED = 0.9999
SIDE = -10.0  # dB
MOST_GAIN = 60.0  # dB that the first gain of the preset can give


@dataclass(frozen=True)
class Pair:
    """A pair ready to be fitted.

    Attributes
    ----------
    dry : float32 (1, frames)
        Mono, aligned to the wet, at -18 LUFS.
    wet : float32 (2, frames)
        At -18 LUFS.
    sample_rate : int
    offset : int
        Samples by which the dry was delayed to lie under the wet.
    dry_gain, wet_gain : float
        dB that brought each to -18 LUFS.
    source : Audio
        The dry recording as it was given, at ``sample_rate``.
    original : Audio
        The wet recording as it was given, in two channels, as long as ``source`` where that is shorter.
    mono : bool
        Whether the wet recording has one channel.
    notes : tuple of str
        What a person should know of the recordings.
    sources : tuple
        Paths of the recordings, where they came from files.
    """

    dry: NDArray[np.float32]
    wet: NDArray[np.float32]
    sample_rate: int
    offset: int
    dry_gain: float
    wet_gain: float
    source: Audio
    original: Audio
    mono: bool
    notes: tuple[str, ...]
    sources: tuple[Path, ...] = ()

    @property
    def frames(self) -> int:
        return self.wet.shape[1]

    @property
    def offset_ms(self) -> float:
        return 1000.0 * self.offset / self.sample_rate

    def chunks(self) -> list[Chunk]:
        """The chunks to be scored, silent ones left out."""
        found = audible(cut(self.frames, self.sample_rate), self.wet)
        if not found:
            raise InputError("the wet recording is silent where it would be scored: every chunk peaks below -60 dBFS")
        return found


def prepare(dry: Any, wet: Any, *, span: tuple[float, float] | None = None) -> Pair:
    """Make a pair ready.

    Parameters
    ----------
    dry, wet : Audio or path
        A stereo dry is averaged to mono; a mono wet is duplicated; where the rates differ, the dry is resampled.
    span : (float, float), optional
        Seconds of both recordings to use.

    Raises
    ------
    InputError
        For a recording that is silent, too short or not readable.
    """
    notes: list[str] = []
    source, target = _load(dry, "dry"), _load(wet, "wet")
    paths = tuple(Path(x) for x in (dry, wet) if not isinstance(x, Audio))
    if span is not None:
        source, target = _part(source, span), _part(target, span)
    if source.sample_rate != target.sample_rate:
        notes.append(f"the dry recording was resampled from {source.sample_rate} to {target.sample_rate} Hz, the wet's")
        source = source.resample(target.sample_rate)
    rate = target.sample_rate
    frames = min(source.frames, target.frames)
    if frames < SHORTEST * rate:
        raise InputError(
            f"{frames / rate:.3g} s is too short to fit anything; the shorter recording needs {SHORTEST} s"
        )
    if source.frames != target.frames:
        longer = "dry" if source.frames > target.frames else "wet"
        notes.append(
            f"the recordings differ in length ({source.duration:.2f} s dry, {target.duration:.2f} s wet): "
            f"the end of the {longer} is not used"
        )
    notes += _remarks(source, target)
    x = source.samples[:, :frames].mean(axis=0, dtype=np.float64)
    y = target.samples[:2, :frames].astype(np.float64)
    if target.channels > 2:
        notes.append(f"the wet recording has {target.channels} channels: the first two are fitted")
    if y.shape[0] == 1:
        notes.append("the wet recording is mono: it is fitted as left and right alike")
        y = np.repeat(y, 2, axis=0)
    original = Audio(y.astype(np.float32), rate)
    for name, signal in (("dry", x), ("wet", y)):
        if float(np.max(np.abs(signal))) < 1e-6:
            raise InputError(f"the {name} recording is silent (below -120 dBFS); nothing can be fitted to it")
    lag = find_lag(x, y.mean(axis=0), rate)
    samples = lag.samples
    if abs(lag.similarity) < ALIKE:
        samples = 0
        notes.append("dry and wet are hardly correlated: they are left where they lie; is it the same take?")
    elif lag.similarity < 0:
        notes.append("the wet recording has reversed polarity; the fit does not, which is not heard")
    if abs(samples) > frames // 2:
        raise InputError(
            f"the wet recording lies {samples / rate:.2f} s from the dry one, more than half of what both cover "
            f"({frames / rate:.2f} s); trim them so that they begin together"
        )
    x = delayed(x, samples)
    dry_gain, wet_gain = _to_level(x[None], rate, "dry", notes), _to_level(y, rate, "wet", notes)
    return Pair(
        np.ascontiguousarray(x[None] * 10 ** (dry_gain / 20), dtype=np.float32),
        np.ascontiguousarray(y * 10 ** (wet_gain / 20), dtype=np.float32),
        rate, samples, dry_gain, wet_gain, source, original, target.channels == 1,
        tuple(notes), paths if len(paths) == 2 else (),
    )  # fmt: skip


def gain_to_level(samples: NDArray[np.floating], rate: int) -> tuple[float, bool]:
    """dB that bring (channels, frames) to -18 LUFS, and whether that is BS.1770 (else it is plain RMS).

    Where a signal is shorter than 0.4 s or falls below the gate as a whole, its power stands for its loudness.
    """
    import warnings

    if samples.shape[1] >= BLOCK * rate:
        import pyloudnorm

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            measured = float(pyloudnorm.Meter(rate).integrated_loudness(np.asarray(samples, dtype=np.float64).T))
        if math.isfinite(measured):
            return LOUDNESS - measured, True
    power = float(np.sum(np.mean(np.square(samples, dtype=np.float64), axis=1)))
    return LOUDNESS - (10 * math.log10(power) - 0.691), False


def _to_level(samples: NDArray[np.floating], rate: int, name: str, notes: list[str]) -> float:
    gain, standard = gain_to_level(samples, rate)
    if gain > MOST_GAIN:
        notes.append(f"the {name} recording is very soft: it was raised by {MOST_GAIN:g} dB only, not to -18 LUFS")
        return MOST_GAIN
    if not standard:
        notes.append(f"the {name} recording is too short or too soft for a loudness in LUFS; its power was used")
    return gain


def _load(thing: Any, name: str) -> Audio:
    if isinstance(thing, Audio):
        return thing
    if isinstance(thing, (str, os.PathLike)):
        return read(thing)
    raise UsageError(f"the {name} recording is an Audio or the path of a file; got {type(thing).__name__}")


def _part(audio: Audio, span: tuple[float, float]) -> Audio:
    first, last = (round(second * audio.sample_rate) for second in span)
    if not 0 <= first < min(last, audio.frames):
        raise UsageError(f"span {span} s lies outside the recording, which lasts {audio.duration:.2f} s")
    return Audio(audio.samples[:, first:last], audio.sample_rate)


def _remarks(dry: Audio, wet: Audio) -> Sequence[str]:
    out = []
    if dry.channels > 1:
        side = dry.samples - dry.samples.mean(axis=0)
        peak, width = float(np.max(np.abs(dry.samples))), float(np.max(np.abs(side)))
        wide = peak > 0 and width > 10 ** (SIDE / 20) * peak
        out.append(
            f"the dry recording has {dry.channels} channels: their mean is fitted"
            + ("; they differ much, so it may not be a dry vocal" if wide else "")
        )
    for name, audio in (("dry", dry), ("wet", wet)):
        flat = np.abs(audio.samples) >= CLIPPED * max(1.0, float(np.max(np.abs(audio.samples))))
        runs = int(np.sum(flat[:, 1:] & flat[:, :-1]))
        if runs >= 3:
            out.append(
                f"the {name} recording is clipped ({int(flat.sum())} samples at full scale); a rack cannot do that"
            )
    return out
