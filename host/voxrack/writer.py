"""Writing audio files: every format's limits, clipping counted, and the file whole or not at all."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .audio import MAX_CHANNELS, Audio, AudioWarning, check_rate, refuse_bad
from .errors import UsageError, VoxrackError
from .replace import Replacement, refusal

if TYPE_CHECKING:
    import soundfile

_CHUNK = 16_384  # frames per call into libsndfile: its Vorbis encoder crashes on very long ones


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    subtype: str
    channels: int = MAX_CHANNELS
    rates: tuple[int, ...] = ()  # empty: 1 … highest
    highest: int = 768_000


_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
FORMATS: dict[str, _Format] = {
    ".wav": _Format("WAV", "FLOAT"),
    ".flac": _Format("FLAC", "PCM_24", channels=8, highest=655_350),
    ".ogg": _Format("OGG", "VORBIS", highest=200_000),  # libvorbis crashes the process above
    ".opus": _Format("OGG", "OPUS", rates=(8000, 12000, 16000, 24000, 48000)),
    ".mp3": _Format("MP3", "MPEG_LAYER_III", channels=2, rates=_MPEG_RATES),
    ".aiff": _Format("AIFF", "FLOAT"),
    ".aif": _Format("AIFF", "FLOAT"),
    ".caf": _Format("CAF", "FLOAT"),
    ".au": _Format("AU", "FLOAT"),
    ".w64": _Format("W64", "FLOAT"),
    ".rf64": _Format("RF64", "FLOAT"),
}
_WAV_BYTES = 2**32 - 2**20  # of audio; a WAV counts its bytes in 32 bits
_BYTES = {"PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}


class Writer:
    """Write a file block by block; it takes its place only when it is whole.

    Use as a context manager. The samples go into a hidden file beside the target, which replaces the
    target on a clean exit; on any exception (Ctrl-C included) it is removed and the old target stays.
    A ``.wav`` that grows beyond 4 GB becomes an RF64, the same format with 64-bit lengths.

    Parameters
    ----------
    path : str or Path
        The suffix chooses the format: .wav .flac .ogg .opus .mp3 .aiff .caf .au .w64 .rf64.
    sample_rate : int
        Hz.
    channels : int
        1 … 64 (FLAC 8, MP3 2).
    subtype : str, optional
        libsndfile's name, such as ``"PCM_16"``. Default: ``FLOAT``, so that nothing clips; ``PCM_24`` for
        FLAC; the only one of a lossy format.

    Attributes
    ----------
    frames : int
        Written so far.
    clipped : int
        Samples beyond ±1 that the subtype cannot hold (always 0 for FLOAT and DOUBLE).

    Raises
    ------
    UsageError
        For a format, rate, channel count or subtype that does not go together.
    VoxrackError
        Where the target cannot be written: read-only, full, a folder.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate: int, channels: int, subtype: str | None = None
    ) -> None:
        self.path = Path(path)
        self.sample_rate = check_rate(sample_rate)
        self.channels = channels
        self._format, self.subtype = _choose(self.path, self.sample_rate, channels, subtype)
        self.frames = 0
        self.clipped = 0
        self._replacement = Replacement(self.path)
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> Writer:
        self._replacement.__enter__()
        try:
            self._file = self._open(self._format)
        except BaseException:
            self._replacement.discard()
            raise
        return self

    def write(self, block: NDArray[np.float32]) -> None:
        """Append a block of shape (channels, frames); the frames may be any number, 0 included."""
        if self._file is None:
            raise UsageError(f"{self.path}: the writer is not open; use `with Writer(…) as writer`")
        block = np.asarray(block, dtype=np.float32)
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise UsageError(f"{self.path}: block of shape {block.shape}; the file takes ({self.channels}, frames)")
        if block.shape[1] == 0:
            return
        refuse_bad(str(self.path), block, self.frames, self.sample_rate)
        if self.subtype not in ("FLOAT", "DOUBLE"):
            self.clipped += int(np.count_nonzero(np.abs(block) > 1.0))
        size = (self.frames + block.shape[1]) * self.channels * _BYTES.get(self.subtype, 0)
        if self._format == "WAV" and size > _WAV_BYTES:
            self._grow()
        for first in range(0, block.shape[1], _CHUNK):
            self._put(block[:, first : first + _CHUNK])
        self.frames += block.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._file is not None:
                self._close()
            if kind is None:
                self._check_whole()
        except OSError as failure:
            self._replacement.discard()
            raise refusal(self.path, failure) from failure
        except BaseException:
            self._replacement.discard()
            raise
        self._replacement.__exit__(kind, error, trace)

    def _open(self, format: str) -> soundfile.SoundFile:
        import soundfile

        try:
            return soundfile.SoundFile(
                encoded(self._replacement.temp), "w", self.sample_rate, self.channels, self.subtype, format=format
            )
        except soundfile.LibsndfileError as error:
            raise VoxrackError(f"cannot write {self.path} as {format} {self.subtype}: {reason(error)}") from None

    def _put(self, block: NDArray[np.float32]) -> None:
        import soundfile

        assert self._file is not None
        try:
            self._file.write(block.T)
        except (soundfile.LibsndfileError, AssertionError) as error:  # AssertionError: soundfile's own short write
            raise self._incomplete(reason(error)) from None

    def _close(self) -> None:
        assert self._file is not None
        file, self._file = self._file, None
        file.close()
        if self.subtype in ("FLOAT", "DOUBLE") and self._format in ("WAV", "AIFF"):
            _drop_timestamp(self._replacement.temp)

    def _check_whole(self) -> None:
        """libsndfile reports no error on closing, where the last bytes and the header are written."""
        import soundfile

        if self.frames == 0:
            raise UsageError(f"cannot write {self.path}: not one frame was given")
        try:
            there = soundfile.info(encoded(self._replacement.temp)).frames
        except soundfile.LibsndfileError as error:
            raise self._incomplete(reason(error)) from None
        if there != self.frames:
            raise self._incomplete(f"{there} of {self.frames} frames arrived")

    def _incomplete(self, why: str) -> VoxrackError:
        free = os.statvfs(self._replacement.temp.parent)
        left = free.f_bavail * free.f_frsize
        return VoxrackError(
            f"cannot write {self.path}: the file could not be completed ({why}; {left} bytes are free in "
            f"{self.path.parent}); free some space, or write to another folder. What was there before is untouched"
        )

    def _grow(self) -> None:
        """Go on as RF64: copy what was written so far behind a header with 64-bit lengths."""
        import soundfile

        assert self._file is not None
        self._file.close()
        short = self._replacement.temp.with_suffix(".part4g")
        os.replace(self._replacement.temp, short)
        try:
            self._format = "RF64"
            self._file = self._open("RF64")
            with soundfile.SoundFile(encoded(short)) as old:
                for piece in old.blocks(_CHUNK, dtype="float32", always_2d=True):
                    self._put(np.asarray(piece.T, dtype=np.float32))
        finally:
            short.unlink()


def write(path: str | os.PathLike[str], audio: Audio, subtype: str | None = None) -> None:
    """Write ``audio`` to a file, whole or not at all; see :class:`Writer` for formats and errors.

    Warns
    -----
    AudioWarning
        Where samples beyond ±1 were clipped because the subtype cannot hold them.
    """
    with Writer(path, audio.sample_rate, audio.channels, subtype) as writer:
        writer.write(audio.samples)
    if writer.clipped:
        warnings.warn(
            f"{path}: {writer.clipped} samples beyond ±1 were clipped by {writer.subtype}; "
            "lower the level, or write a .wav (float)", AudioWarning, stacklevel=2,
        )  # fmt: skip


def _choose(path: Path, rate: int, channels: Any, subtype: str | None) -> tuple[str, str]:
    known = ", ".join(FORMATS)
    chosen = FORMATS.get(path.suffix.lower())
    if chosen is None:
        raise UsageError(f"cannot write {path}: the suffix '{path.suffix}' names no format; it takes {known}")
    if isinstance(channels, bool) or not isinstance(channels, int) or not 1 <= channels <= chosen.channels:
        raise UsageError(
            f"cannot write {path}: {channels!r} channels; {chosen.name} takes 1 to {chosen.channels}: "
            "use another format, or fewer channels"
        )
    if rate > chosen.highest or (chosen.rates and rate not in chosen.rates):
        takes = ", ".join(map(str, chosen.rates)) if chosen.rates else f"up to {chosen.highest}"
        raise UsageError(f"cannot write {path}: {rate} Hz; {chosen.name} takes {takes} Hz: use .wav, or resample first")
    import soundfile

    name = (subtype or chosen.subtype).upper()
    allowed = [key for key in soundfile.available_subtypes(chosen.name) if key != "MS_ADPCM"]
    if chosen.name == "OGG":
        allowed = [chosen.subtype]
    if name not in allowed:
        raise UsageError(f"cannot write {path}: subtype '{subtype}'; {chosen.name} takes {', '.join(allowed)}")
    return chosen.name, name


def _drop_timestamp(path: Path) -> None:
    """Zero the second of writing in the PEAK chunk: equal audio gives equal bytes."""
    with path.open("r+b") as file:
        found = file.read(256).find(b"PEAK")
        if found >= 0:
            file.seek(found + 12)
            file.write(bytes(4))


def reason(error: BaseException) -> str:
    """libsndfile's own words, without its decoration."""
    import soundfile

    text = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    return text.strip().removeprefix("Error : ").rstrip(".") or "unknown error of libsndfile"


def encoded(path: Path) -> Any:
    """The path as bytes, which soundfile takes as well: it cannot encode a name that is not UTF-8 by itself."""
    return str(path) if os.name == "nt" else os.fsencode(path)
