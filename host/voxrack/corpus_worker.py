"""What a worker does with an item: claim it, do it, write its record. Nothing of an item is ever raised.

Also a preload module of Dask's workers (``dask worker --preload voxrack.corpus_worker``): leaves Ctrl-C to the
process that drives the job and keeps its standard output clean.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .corpus_claim import Claim
from .corpus_folder import Item, Job, JobFolder, now
from .errors import UsageError, VoxrackError

BUSY = "busy"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SILENT = "no trace was left: it was killed from outside (kill -9, out of memory), or ended itself"
_one_item = threading.Lock()  # a foreign worker may have several threads


@dataclass(frozen=True)
class Place:
    """Where an item's function may write.

    Attributes
    ----------
    name : str
        The item's.
    scratch : Path
        An empty folder, removed afterwards.
    kept : Path
        A folder that outlives the worker: what is in it is there when the same run takes the item up again.
    """

    job: JobFolder
    name: str
    scratch: Path
    kept: Path

    def publish(self, file: Path, kind: str, suffix: str) -> str:
        """Move a whole file from ``scratch`` to ``KIND/NAME + SUFFIX`` in the job's folder; returns that path."""
        inside = f"{kind}/{self.name}{suffix}"
        self.job.place(file, inside)
        return inside


def work(folder: str, session: str, item: Item, tries: int, timeout: float | None) -> dict[str, Any]:
    """Do an item, unless it is done; returns its record.

    Parameters
    ----------
    folder : str
        The job's.
    session : str
        Tells this run of the job from others: an attempt that an earlier run left is no fault of the item.
    item : Item
    tries : int
        Workers that may die at it.
    timeout : float or None
        Seconds after which the worker is ended and the item counts as failed.

    Returns
    -------
    dict
        The record; with ``found`` set where it was there already; ``{"name", "status": "busy"}`` where another
        process has the item in hand.

    Raises
    ------
    VoxrackError
        Where this worker can do no item at all: it does not see the folder, or has another voxrack.
    """
    place = JobFolder(folder)
    job = _job(folder, session)
    with _one_item:
        claim = Claim.take(place.workplace(item.name), session)
        if claim is None:
            return {"name": item.name, "status": BUSY}
        with claim:
            found = place.record(item.name)
            if found is not None and (found["status"] == "done" or found["session"] == session):
                claim.finish()
                return {**found, "found": True}
            record = _given_up(claim, tries) or _attempt(place, job, item, claim, timeout)
            record = about(item, job.verb, session) | record | {"deaths": claim.deaths}
            place.write(record)
            claim.finish()
    return record


def about(item: Item, verb: str, session: str) -> dict[str, Any]:
    """The part of a record that is known beforehand."""
    return {
        "name": item.name, "verb": verb, "inputs": dict(item.inputs), "about": dict(item.about), "origin": item.origin,
        "session": session, "host": socket.gethostname(), "pid": os.getpid(), "finished": now(),
    }  # fmt: skip


def _given_up(claim: Claim, tries: int) -> dict[str, Any] | None:
    """A failure, where enough workers died at it."""
    if not claim.deaths:
        return None
    last = claim.deaths[-1]["trace"]
    first = last.partition("\n")[0]
    if first.startswith("Timeout"):
        error = f"took longer than the time allowed ({first.removeprefix('Timeout').strip(' ()!')}) and was ended"
    elif len(claim.deaths) >= tries:
        error = f"{len(claim.deaths)} workers died at it, the last with: {first or _SILENT}"
    else:
        return None
    return {"status": "failed", "seconds": 0.0, "error": error, "traceback": last or _SILENT}


def _attempt(place: JobFolder, job: Job, item: Item, claim: Claim, timeout: float | None) -> dict[str, Any]:
    trace = claim.begin()
    where = Place(place, item.name, claim.folder / "scratch", claim.folder / "kept")
    began = time.perf_counter()
    try:
        with _watched(trace, timeout), redirect_stdout(sys.stderr):
            function = _function(job.function)
            _one_thread()
            result = dict(function(item.inputs, job.options, where))
            json.dumps(result, allow_nan=False)
        outcome = {"status": "done", "result": result}
    except (Exception, SystemExit) as error:  # this item's misfortune, of whatever kind, must not stop the others
        outcome = {"status": "failed", "error": _told(error), "traceback": traceback.format_exc()}
    return {**outcome, "seconds": time.perf_counter() - began}


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, VoxrackError):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}"
    return f"unexpected {type(error).__name__}: {text}"


@contextmanager
def _watched(trace: Path, timeout: float | None) -> Iterator[None]:
    """A crash in native code writes where it happened into ``trace``; so does running out of time, which ends us."""
    before = faulthandler.is_enabled()
    with trace.open("w", encoding="utf-8") as file:
        faulthandler.enable(file, all_threads=False)
        if timeout is not None:
            faulthandler.dump_traceback_later(timeout, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
            if before and sys.__stderr__ is not None:
                faulthandler.enable(sys.__stderr__)


@lru_cache(maxsize=4)
def _job(folder: str, session: str) -> Job:
    """The job, read once a session; whether this worker can do it at all."""
    place = JobFolder(folder)
    if not place.job_file.exists():
        raise UsageError(
            f"the worker on {socket.gethostname()} does not see {folder}: "
            "workers need the same file system, under the same paths"
        )
    wanted = session.partition("@")[2]
    if wanted and wanted != version("voxrack"):
        raise UsageError(
            f"the worker on {socket.gethostname()} has voxrack {version('voxrack')}, the job comes from {wanted}: "
            "install the same on both"
        )
    return place.job()


@lru_cache(maxsize=4)
def _function(where: str) -> Callable[[Mapping[str, str], Mapping[str, Any], Place], Mapping[str, Any]]:
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)


def _one_thread() -> None:
    """One thread per worker, whatever was imported since; the environment says so to what comes later."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    for name in ("torch", "numba"):
        if name in sys.modules:
            sys.modules[name].set_num_threads(1)


def dask_setup(worker: Any) -> None:
    """Called by Dask when a worker starts."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # what native code prints belongs into no JSON
