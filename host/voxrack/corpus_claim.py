"""Claims: who holds an item, and how often a worker died at it.

A claim is a locked file. The system frees the lock when its process ends, however it ends; what stands in the file
stays, and so the next worker that takes the item knows of those that died at it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import UsageError, VoxrackError
from .replace import make_folder, refusal

_TRACE = 20_000  # characters of a crash report that are kept
_FILE = "corpus_worker.py"  # beyond whose frames a stack holds only Dask


class Claim:
    """The exclusive right to work on an item, made by :meth:`take`; a context manager that gives it back.

    Attributes
    ----------
    deaths : list of dict
        Attempts of this session that ended with their process: ``host``, ``pid``, ``began``, ``trace``.
    """

    def __init__(self, folder: Path, handle: int, session: str) -> None:
        self.folder, self.session = folder, session
        self._handle = handle
        attempts = self._attempts()
        if any(attempt["session"] != session for attempt in attempts):  # an earlier run was stopped: nobody's fault
            os.ftruncate(handle, 0)
            for old in folder.glob("trace-*.txt"):
                old.unlink()
            shutil.rmtree(folder / "kept", ignore_errors=True)  # by another version, perhaps
            attempts = []
        self.deaths = [
            {"host": attempt["host"], "pid": attempt["pid"], "began": attempt["began"], "trace": self._trace(number)}
            for number, attempt in enumerate(attempts, 1)
        ]

    @classmethod
    def take(cls, folder: Path, session: str) -> Claim | None:
        """Claim the item whose workplace is ``folder``; None where another process works on it."""
        while True:
            make_folder(folder)
            path = folder / "claim"
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # its last holder is just removing the folder
                continue
            except OSError as error:
                raise refusal(path, error) from error
            if not _try_lock(handle, path):
                os.close(handle)
                return None
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                return cls(folder, handle, session)
            os.close(handle)  # locked, but removed by its last holder in the meantime

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *error: Any) -> None:
        _give_back(self._handle)

    def begin(self) -> Path:
        """Note an attempt and empty the scratch folder; returns the file for a crash report."""
        line = {"session": self.session, "host": socket.gethostname(), "pid": os.getpid(),
                "began": datetime.now(UTC).isoformat(timespec="milliseconds")}  # fmt: skip
        os.lseek(self._handle, 0, os.SEEK_END)
        os.write(self._handle, json.dumps(line).encode() + b"\n")
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        make_folder(self.folder / "scratch")
        make_folder(self.folder / "kept")
        return self.folder / f"trace-{len(self.deaths) + 1}.txt"

    def finish(self) -> None:
        """Remove the workplace; to be called once the record is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _attempts(self) -> list[dict[str, Any]]:
        os.lseek(self._handle, 0, os.SEEK_SET)
        text = os.read(self._handle, 1 << 20).decode()
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def _trace(self, number: int) -> str:
        file = self.folder / f"trace-{number}.txt"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        return _shortened(text)[:_TRACE]


@contextmanager
def locked(path: Path, holder: str) -> Iterator[str | None]:
    """Hold a lock inside; yields None, or who holds it already (nothing is held then)."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise refusal(path, error) from error
    try:
        if _try_lock(handle, path):
            os.ftruncate(handle, 0)
            os.write(handle, os.fsencode(holder))
            yield None
        else:
            yield os.read(handle, 1000).decode(errors="replace") or "unknown"
    finally:
        _give_back(handle)


def holder_of(path: Path) -> str | None:
    """Who holds the lock, or None; any number may ask at once, and none of them is taken for a holder by another."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal(path, error) from error
    try:
        if _try_lock(handle, path, shared=True):
            return None
        return os.read(handle, 1000).decode(errors="replace") or "unknown"
    finally:
        _give_back(handle)


def _give_back(handle: int) -> None:
    """Unlock, then close: closing alone leaves the lock to a process that was forked meanwhile and holds a copy."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_UN)
    except ImportError:  # no POSIX: nothing was locked, and the caller is just being told so
        pass
    finally:
        os.close(handle)


def _shortened(trace: str) -> str:
    """What faulthandler wrote, without the threads and the frames that are not the item's."""
    head, _, rest = trace.strip().partition("\n")
    stacks = rest.split("\n\n")
    own = next((stack for stack in stacks if f'{_FILE}", line' in stack), stacks[0]).strip()
    lines = own.splitlines()
    last = max((at for at, line in enumerate(lines) if f'{_FILE}", line' in line), default=len(lines) - 1)
    return "\n".join([head, *lines[: last + 1]]).strip()


def _try_lock(handle: int, path: Path, shared: bool = False) -> bool:
    try:
        import fcntl
    except ImportError:
        raise UsageError("corpus jobs need a POSIX system (Linux, macOS), whose locks end with their process") from None
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise VoxrackError(
            f"{path} cannot be locked ({error.strerror}): this file system keeps no locks; put the folder on another"
        ) from error
    return True
