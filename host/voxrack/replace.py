"""Files that appear whole or not at all: written beside the target under a hidden name, then renamed over it."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from types import TracebackType

from .errors import VoxrackError


class Replacement:
    """A temporary file in the target's folder that takes the target's place on a clean exit.

    On any exception (Ctrl-C included) the temporary file is removed and the old target stays as it was.
    A symbolic link keeps pointing where it did: the file behind it is replaced.

    Parameters
    ----------
    path : str or Path
        The target. Its folder must exist; an existing target must be a plain, writable file.

    Raises
    ------
    VoxrackError
        Where the target cannot be written, with the reason; nothing has been created then.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.target = Path(path)
        self._real = Path(os.path.realpath(self.target))
        _check_target(self.target, self._real)
        # a name of its own: the target's may already be as long as the file system allows
        self.temp = self._real.parent / f".voxrack-{secrets.token_hex(6)}.part{self.target.suffix[:16]}"

    def __enter__(self) -> Replacement:
        try:
            os.close(os.open(self.temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except OSError as error:
            raise refusal(self.target, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
        except OSError as failure:
            raise refusal(self.target, failure) from failure
        finally:
            self.discard()  # after the rename there is nothing left under this name

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        self.temp.unlink(missing_ok=True)

    def _commit(self) -> None:
        handle = os.open(self.temp, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if self._real.exists():
            os.chmod(self.temp, self._real.stat().st_mode & 0o7777)
        os.replace(self.temp, self._real)


def refusal(target: Path, error: OSError) -> VoxrackError:
    """The error a person reads when ``target`` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why = f"no space is left in {target.parent}; free some, or write to another folder"
    elif error.errno == errno.EFBIG:
        why = "it is larger than this system lets a file be (ulimit -f); raise the limit, or write to another folder"
    elif error.errno == errno.EROFS:
        why = f"{target.parent} is on a read-only file system; write to another folder"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why = f"you may not write into {target.parent}; change its permissions, or write to another folder"
    elif error.errno == errno.ENAMETOOLONG:
        why = "the name is longer than this file system allows; choose a shorter one"
    elif error.errno in (errno.EEXIST, errno.ENOTDIR):
        file = next((path for path in (target, *target.parents) if path.is_file()), target)
        why = f"{file} is a file, not a folder; give another name"
    else:
        why = f"{error.strerror or error}; check the folder, or write to another one"
    return VoxrackError(f"cannot write {target}: {why}. What was there before is untouched")


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, where they are not there yet; VoxrackError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(folder, error) from error


def _check_target(shown: Path, real: Path) -> None:
    if not real.parent.is_dir():
        raise VoxrackError(f"cannot write {shown}: the folder {real.parent} does not exist; create it first")
    if real.is_dir():
        raise VoxrackError(f"cannot write {shown}: it is a folder; give the name of a file in it")
    if not real.exists():
        return
    if not real.is_file():
        raise VoxrackError(f"cannot write {shown}: it is not a plain file (a device or a pipe); give another name")
    # replacing needs no write bit on the old file, but whoever removed that bit meant to keep it
    if not os.access(real, os.W_OK) or real.stat().st_mode & 0o222 == 0:
        raise VoxrackError(f"cannot write {shown}: it is write-protected; remove the protection, or give another name")


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write bytes to a file, whole or not at all."""
    with Replacement(path) as replacement:
        try:
            replacement.temp.write_bytes(data)
        except OSError as error:
            raise refusal(replacement.target, error) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text (UTF-8, line ends as given) to a file, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))
