"""Many jobs, each on its own: in this process, or in workers of which one may die without harm to the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ..errors import Stopped, VoxrackError
from .group import debugging

_PATIENCE = 5.0  # seconds a worker gets to remove its temporary file before it is killed
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What became of the job at position ``index``: a value, or an error text with its exit code."""

    index: int
    value: Any = None
    error: str = ""
    exit_code: int = 0


def attempt(index: int, function: Callable[[Any], Any], job: Any) -> Outcome:
    """Run one job; what it raises becomes its outcome, except what is meant for the whole command."""
    try:
        return Outcome(index, function(job))
    except VoxrackError as error:
        return Outcome(index, None, str(error), error.exit_code)
    except OSError as error:
        return Outcome(index, None, f"{error.filename or 'the file'}: {error.strerror or error}", 1)
    except Exception as error:  # one file's misfortune, of whatever kind, must not stop the others
        if debugging():
            traceback.print_exc()
        return Outcome(index, None, f"unexpected {type(error).__name__}: {' '.join(str(error).split())}", 1)


def run(function: Callable[[Any], Any], jobs: Sequence[Any], workers: int) -> Iterator[Outcome]:
    """Run ``function`` over ``jobs`` and yield each outcome when it is there (with workers: in any order).

    Parameters
    ----------
    function : callable
        Importable by name, as are the jobs: workers are started afresh (spawn) with one thread each.
    workers : int
        1 runs in this process. A worker that crashes fails its own job only; another takes its place.
    """
    if workers <= 1 or len(jobs) <= 1:
        for index, job in enumerate(jobs):
            yield attempt(index, function, job)
        return
    yield from _Pool(function, jobs, min(workers, len(jobs))).run()


class _Pool:
    def __init__(self, function: Callable[[Any], Any], jobs: Sequence[Any], workers: int) -> None:
        self.function = function
        self.waiting = list(enumerate(jobs))[::-1]
        self.workers = workers
        self.busy: dict[Connection, tuple[BaseProcess, int]] = {}

    def run(self) -> Iterator[Outcome]:
        try:
            for _ in range(self.workers):
                self._start()
            while self.busy:
                for link in wait(list(self.busy)):
                    assert isinstance(link, Connection)
                    yield self._collect(link)
        finally:
            self._stop()

    def _start(self) -> None:
        """One more worker, with its first job."""
        if not self.waiting:
            return
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.function), daemon=True)
        with _quiet_children():
            process.start()
        theirs.close()
        self._give(ours, process)

    def _give(self, link: Connection, process: BaseProcess) -> None:
        index, job = self.waiting.pop()
        self.busy[link] = (process, index)
        # Where it has died already, the link reads as ended, and the job is counted as crashed.
        with suppress(BrokenPipeError, ConnectionResetError):
            link.send((index, job))

    def _collect(self, link: Connection) -> Outcome:
        process, index = self.busy.pop(link)
        try:
            outcome: Outcome = link.recv()
        except (EOFError, ConnectionResetError):
            link.close()
            process.join(_PATIENCE)
            self._start()
            return Outcome(index, None, f"the worker crashed ({_death(process.exitcode)})", 1)
        if self.waiting:
            self._give(link, process)
        else:
            link.close()  # the worker reads the end and leaves
            process.join(_PATIENCE)
        return outcome

    def _stop(self) -> None:
        """Ask what still runs to stop, so that it removes its temporary files; then insist."""
        for process, _ in self.busy.values():
            process.terminate()
        for link, (process, _) in self.busy.items():
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
            link.close()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _quiet_children() -> Iterator[None]:
    """Processes started inside use one thread each and leave Ctrl-C to their parent."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave(number: int, frame: Any) -> None:
    raise Stopped(128 + number)


def _serve(link: Connection, function: Callable[[Any], Any]) -> None:
    """A worker's life: take a job, send its outcome, until the link ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with suppress(EOFError, BrokenPipeError, Stopped):
        while True:
            index, job = link.recv()
            link.send(attempt(index, function, job))
