"""Audio files in and out, through libsndfile alone. Reading and its checks are here, writing is in ``writer``."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .audio import MAX_CHANNELS, Audio, AudioWarning, check_rate, refuse_bad
from .errors import InputError, UsageError
from .replace import write_bytes, write_text
from .writer import FORMATS, Writer, encoded, reason, write

if TYPE_CHECKING:
    import soundfile

__all__ = [
    "FORMATS", "AudioWarning", "FileInfo", "Writer", "blocks", "info", "read", "write", "write_bytes", "write_text",
]  # fmt: skip

LOWEST_RATE = 1000  # Hz
MAX_SAMPLES = 2**31  # in one Audio, 8 GB of float32; what is longer is streamed
_CHUNK = 16_384  # frames per call into libsndfile: short calls seek too often
_PROMISED = 2**40  # frames; a header that says more does not know its length


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What a file's header says.

    Parameters
    ----------
    path : Path
    sample_rate : int
        Hz, 1000 … 768000.
    channels : int
        1 … 64.
    frames : int
        As the header says; for MP3 an estimate where the file is damaged.
    duration : float
        Seconds.
    format, subtype : str
        libsndfile's names: ``"WAV"``, ``"PCM_16"``.
    warnings : tuple of str
        Empty for a sound file; otherwise what is wrong with it, such as a cut end.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    duration: float
    format: str
    subtype: str
    warnings: tuple[str, ...] = ()


def info(path: str | os.PathLike[str]) -> FileInfo:
    """Read a file's header, with the same refusals as :func:`read` short of the samples themselves."""
    with _opened(path) as file:
        return _describe(Path(path), file)


def read(path: str | os.PathLike[str], *, start: int = 0, frames: int = -1) -> Audio:
    """Read a file, or a part of it, into memory.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF, CAF, AU, W64, RF64.
    start : int
        First frame.
    frames : int
        How many; -1 for all. Fewer come back where the file ends earlier.

    Returns
    -------
    Audio

    Raises
    ------
    InputError
        For anything missing, unreadable, damaged, empty, not finite, or outside 1000 … 768000 Hz, 1 … 64 channels.

    Warns
    -----
    AudioWarning
        Where the file ends before its header says: what is there is read.
    """
    parts: list[NDArray[np.float32]] = []
    total = 0
    with _opened(path) as file:
        rate = file.samplerate
        for block in _checked_blocks(Path(path), file, _CHUNK, start, frames):
            parts.append(block)
            total += block.size
            if total > MAX_SAMPLES:
                raise InputError(
                    f"{path}: more than {MAX_SAMPLES} samples do not go into memory in one piece; "
                    "render the file (voxrack.render_file streams it), or read a part with start= and frames="
                )
    return Audio(np.concatenate(parts, axis=1), rate)


def blocks(path: str | os.PathLike[str], frames: int = 4096) -> Iterator[NDArray[np.float32]]:
    """Read a file piece by piece, in constant memory, with the checks of :func:`read`.

    Yields
    ------
    ndarray, shape (channels, <= frames), float32, C-contiguous
        Only the last one is shorter. A damaged place raises when it is reached.
    """
    if frames < 1:
        raise UsageError(f"blocks of {frames} frames; it takes 1 or more")
    several = frames * max(1, _CHUNK // frames)
    with _opened(path) as file:
        for piece in _checked_blocks(Path(path), file, several, 0, -1):
            for first in range(0, piece.shape[1], frames):
                yield np.ascontiguousarray(piece[:, first : first + frames])


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[soundfile.SoundFile]:
    """The open file, after every check that needs no samples."""
    import soundfile

    path = Path(path)
    try:
        mode = path.stat()
        if not (stat.S_ISREG(mode.st_mode) or stat.S_ISDIR(mode.st_mode)):  # opening a pipe would wait for a writer
            raise InputError(f"{path}: it is not a plain file (a device or a pipe); save the audio to a file first")
        with path.open("rb"):
            pass  # only to hear from the system why not: libsndfile says "System error"
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file{_nearest_folder(path)}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: it is a folder; name a file in it, such as {path}/voice.wav") from None
    except PermissionError:
        raise InputError(f"{path}: you may not read it; change its permissions (chmod +r)") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: it cannot be opened: {error}; check the name") from None
    if mode.st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); export or copy it again")
    try:
        file = soundfile.SoundFile(encoded(path))
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:  # TypeError: headerless ".raw"
        raise InputError(
            f"{path}: not an audio file that can be read ({reason(error)}); "
            "it takes WAV, FLAC, OGG, Opus, MP3, AIFF, CAF, AU, W64: convert it to one of them"
        ) from None
    with file:
        try:
            check_rate(file.samplerate, LOWEST_RATE)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        if not 1 <= file.channels <= MAX_CHANNELS:
            raise InputError(f"{path}: {file.channels} channels; it takes 1 to {MAX_CHANNELS}: export fewer of them")
        if file.frames == 0:
            raise InputError(f"{path}: the file has a header but no audio (0 frames); export or copy it again")
        if file.frames > _PROMISED:
            raise InputError(
                f"{path}: its header does not say how long it is; write the file again with its length "
                "(for FLAC: flac --decode, then flac)"
            )
        yield file


def _checked_blocks(
    path: Path, file: soundfile.SoundFile, size: int, start: int, frames: int
) -> Iterator[NDArray[np.float32]]:
    import soundfile

    about = _describe(path, file)
    if not 0 <= start < about.frames:
        raise InputError(f"{path}: start at frame {start}; the file has frames 0 to {about.frames - 1}")
    if frames == 0 or frames < -1:
        raise UsageError(f"{path}: {frames} frames asked for; it takes 1 or more, or -1 for all")
    for text in about.warnings:
        warnings.warn(f"{path}: {text}", AudioWarning, stacklevel=3)
    wanted = about.frames - start if frames == -1 else min(frames, about.frames - start)
    got = 0
    try:
        if start:
            file.seek(start)
        # never more than one block is asked for, whatever length the header claims
        while got < wanted:
            piece = file.read(min(size, wanted - got), dtype="float32", always_2d=True)
            if not len(piece):
                break
            block = np.ascontiguousarray(piece.T, dtype=np.float32)
            refuse_bad(str(path), block, start + got, about.sample_rate)
            got += len(piece)
            yield block
    except soundfile.LibsndfileError as error:
        where = start + got
        raise InputError(
            f"{path}: damaged or cut off after frame {where} ({where / about.sample_rate:.3f} s) of {about.frames} "
            f"({reason(error)}); copy or export the file again"
        ) from None
    if got == 0:
        raise InputError(f"{path}: no audio could be decoded from frame {start} on; copy or export the file again")
    if got < wanted:
        text = _cut_text(start + got, about.frames, about.sample_rate)
        warnings.warn(f"{path}: {text}", AudioWarning, stacklevel=3)


def _describe(path: Path, file: soundfile.SoundFile) -> FileInfo:
    return FileInfo(
        path, file.samplerate, file.channels, file.frames, file.frames / file.samplerate, file.format, file.subtype,
        _header_warnings(file),
    )  # fmt: skip


def _header_warnings(file: soundfile.SoundFile) -> tuple[str, ...]:
    # libsndfile repairs a chunk that is longer than the file and says so only in its log
    for line in file.extra_info.splitlines():
        name, _, sizes = line.partition(":")
        if name.strip() in ("data", "SSND", "Data Size", "riff") and "(should be" in sizes:  # "riff" is W64's
            promised, there = (int("".join(filter(str.isdigit, size))) for size in sizes.split("(should be"))
            if promised > there:
                return (
                    f"cut off, or never finished: its header promises {promised} bytes of audio, {there} are there; "
                    "what is there is used",
                )
        if "lacks an end-of-stream" in line:
            return ("cut off: the last page of the Ogg stream is missing; what is there is used",)
    return ()


def _cut_text(got: int, promised: int, rate: int) -> str:
    return (
        f"cut off: its header promises {promised} frames ({promised / rate:.3f} s), {got} ({got / rate:.3f} s) "
        "are there; what is there is used"
    )


def _nearest_folder(path: Path) -> str:
    folder = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
    missing = folder is not None and folder != path.absolute().parent
    return f"; the last folder of that path that exists is {folder}" if missing else "; check the name"
