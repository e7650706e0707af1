"""Corpus jobs: one function over thousands of items, on Dask's workers, with one record per item.

A second run does what is missing. A worker that dies costs its item one attempt; an item that fails, or at which
several workers die, is recorded as failed with its traceback, and the rest is done. Whatever is killed, and when:
records are whole, what is recorded is not done again, and no two workers have one item in hand.
"""

from __future__ import annotations

import json
import queue
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .corpus_crew import Crew, Local, Remote, Slurm
from .corpus_folder import Item, Job, JobFolder
from .corpus_worker import BUSY, about, work
from .errors import UsageError, VoxrackError
from .replace import write_text

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["Crew", "Item", "Job", "JobFolder", "Local", "Remote", "Report", "Slurm", "State", "run"]

TRIES = 3
_TICK = 0.5  # seconds between looks at the crew while no item ends
_LOOK = 2.0  # seconds between counts of the workers
_GONE = 30.0  # seconds without a scheduler, or without one of our own workers, after which a job gives up
_AGAIN = 1.0  # seconds until an item that another process holds is asked for again


@dataclass
class State:
    """How far a job is; handed to ``watch`` after every item and twice a second.

    Attributes
    ----------
    items, skipped, done, failed : int
        Asked for; done by an earlier run; done and failed in this one.
    deaths : int
        Workers that died at an item.
    workers : int
        That there are now.
    seconds, busy : float
        Since the workers were asked for; that items took, summed.
    record : dict or None
        Of the item that has just ended.
    """

    items: int
    skipped: int = 0
    done: int = 0
    failed: int = 0
    deaths: int = 0
    workers: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    record: dict[str, Any] | None = None
    _first: float | None = field(default=None, repr=False)  # when the first worker was there
    _last: float = field(default=0.0, repr=False)  # when the last item ended

    @property
    def left(self) -> int:
        return self.items - self.skipped - self.done - self.failed

    @property
    def rate(self) -> float:
        """Items a second, from the first worker to the item that ended last."""
        since = self._last - (self._first or 0.0)
        return (self.done + self.failed) / since if since > 0 else 0.0

    @property
    def remaining(self) -> float:
        """Seconds, as far as can be told; infinite before the first item is done."""
        if not self.left or not self.rate:
            return float("inf") if self.left else 0.0
        return max(0.0, self.left / self.rate - (self.seconds - self._last))


@dataclass(frozen=True)
class Report:
    """What became of a job.

    Attributes
    ----------
    verb, folder : str
    items : int
        Asked for; the sum of ``skipped`` (done by an earlier run), ``done``, ``failed`` and ``left``.
    skipped, done, failed, left : int
    deaths : int
        Workers that died at an item, each of which was taken up again or recorded as failed.
    seconds, busy : float
        Of this run; of its items, summed.
    workers : int
        The most there were.
    failures : tuple of dict
        ``name``, ``origin``, ``error`` of each failed item; the traceback is in its record.
    """

    verb: str
    folder: str
    items: int
    skipped: int
    done: int
    failed: int
    left: int
    deaths: int
    seconds: float
    busy: float
    workers: int
    failures: tuple[dict[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """In plain JSON, as ``report.json`` holds it."""
        return asdict(self)


def run(
    folder: str | Path,
    job: Job,
    items: Sequence[Item],
    crew: Crew | None = None,
    *,
    tries: int = TRIES,
    timeout: float | None = None,
    keep_failed: bool = False,
    watch: Callable[[State], Any] | None = None,
) -> Report:
    """Do every item that is not done yet.

    Parameters
    ----------
    folder : path
        The job's; made where it does not exist. The same call on the same folder goes on where it was.
    job : Job
    items : sequence of Item
        More may be added later; names are unique.
    crew : Local, Remote or Slurm, optional
        By default one worker per core of this machine.
    tries : int
        Workers that may die at an item before it counts as failed.
    timeout : float, optional
        Seconds per item; what takes longer is ended and recorded as failed.
    keep_failed : bool
        Leave items alone that failed in an earlier run. By default they are tried again.
    watch : callable, optional
        Called with a :class:`State`.

    Returns
    -------
    Report
        Also in ``report.json``.

    Raises
    ------
    UsageError
        Where the folder is in use or holds another job, or two items have one name.
    VoxrackError
        Where no item can be done at all: no space, no scheduler, workers without voxrack.
    """
    place = JobFolder(folder)
    with place.held():
        place.begin(job)
        state = State(len(items))
        waiting, failures = _missing(place, items, state, keep_failed)
        place.tidy({item.name for item in items} - {item.name for item in waiting})
        session = f"{secrets.token_hex(8)}@{version('voxrack')}"
        began, most = time.monotonic(), 0
        try:
            for record in _through(place, job, crew or Local(), session, waiting, (tries, timeout)) if waiting else ():
                state.seconds = time.monotonic() - began
                if isinstance(record, int):
                    state.workers, most, state.record = record, max(most, record), None
                    if record and state._first is None:
                        state._first = state.seconds
                else:
                    _count(state, record, failures)
                if watch is not None:
                    watch(state)
            place.tidy([])
        finally:
            state.seconds = time.monotonic() - began
            report = Report(
                job.verb, str(place.path), state.items, state.skipped, state.done, state.failed, state.left,
                state.deaths, state.seconds, state.busy, most, tuple(failures),
            )  # fmt: skip
            write_text(place.path / "report.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n")
    return report


def _missing(
    place: JobFolder, items: Sequence[Item], state: State, keep_failed: bool
) -> tuple[list[Item], list[dict[str, str]]]:
    """The items that are to be done; counts the others."""
    waiting: list[Item] = []
    failures: list[dict[str, str]] = []
    seen: dict[str, Item] = {}
    for item in items:
        first = seen.setdefault(item.name, item)
        if first is not item:
            raise UsageError(f"{item.title}: {first.title} has that name already; names are unique")
        record = place.record(item.name)
        if record is None:
            waiting.append(item)
        elif record["inputs"] != dict(item.inputs):
            raise UsageError(
                f"{item.title}: {place.record_file(item.name)} is the record of an item of that name with other "
                "inputs; give it another name, or remove that record to do it again"
            )
        elif record["status"] == "done":
            state.skipped += 1
        elif keep_failed:
            state.failed += 1
            failures.append(_failure(record))
        else:
            waiting.append(item)
    return waiting, failures


def _count(state: State, record: dict[str, Any], failures: list[dict[str, str]]) -> None:
    state.record, state._last = record, state.seconds
    state.busy += record["seconds"]
    state.deaths += len(record["deaths"])
    if record["status"] == "done":
        state.done += 1
    else:
        state.failed += 1
        failures.append(_failure(record))


def _failure(record: dict[str, Any]) -> dict[str, str]:
    return {"name": record["name"], "origin": record["origin"], "error": record["error"]}


def _through(
    place: JobFolder, job: Job, crew: Crew, session: str, items: list[Item], limits: tuple[int, float | None]
) -> Iterator[dict[str, Any] | int]:
    """Yield records as items end and, now and then, the number of workers."""
    yield 0
    with crew.connect(place.path) as client:
        yield from _Dispatcher(client, crew, place, job, session, limits).run(items)


class _Dispatcher:
    """Keeps every worker supplied with little more than it needs, and takes up again what was lost."""

    def __init__(
        self, client: Any, crew: Crew, place: JobFolder, job: Job, session: str, limits: tuple[int, float | None]
    ) -> None:
        self.client, self.crew, self.place, self.job, self.session = client, crew, place, job, session
        self.tries, self.timeout = limits
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.pending: dict[Any, tuple[Item, Future]] = {}
        self.later: deque[tuple[float, Item]] = deque()
        self.lost: dict[str, int] = {}  # how often a scheduler gave up an item
        self.sent = 0
        self.workers = 0
        self._looked = self._seen = -_GONE
        self._began = time.monotonic()

    def run(self, items: Sequence[Item]) -> Iterator[dict[str, Any] | int]:
        waiting = deque(items)
        while waiting or self.pending or self.later:
            self._look()
            yield self.workers
            now = time.monotonic()
            while self.later and self.later[0][0] <= now:
                waiting.appendleft(self.later.popleft()[1])
            while waiting and len(self.pending) < self._ahead():
                self._send(waiting.popleft())
            yield from self._collect()

    def _ahead(self) -> int:
        """Items in hand at once: one waits while another is worked on."""
        return self.crew.most or 2 * self.workers + 2

    def _look(self) -> None:
        """Count the workers now and then; give up where there is nobody left to wait for."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if self.client.status == "running":
            self.crew.tend(self.client)
            self.workers = len(self.client.nthreads())
            if self.workers or not self.crew.own:
                self._seen = now
        if now - max(self._seen, self._began) > _GONE:
            raise VoxrackError(
                "the scheduler or its workers are gone, and nothing came back for half a minute; what is recorded "
                "stays: run the same again to go on"
            )

    def _send(self, item: Item) -> None:
        self.sent += 1
        future = self.client.submit(
            work, str(self.place.path), self.session, item, self.tries, self.timeout,
            key=f"voxrack-{self.session}-{self.sent}", pure=False, resources=dict(self.crew.resources) or None,
        )  # fmt: skip
        self.pending[future.key] = (item, future)
        future.add_done_callback(self.ended.put)

    def _collect(self) -> Iterator[dict[str, Any]]:
        """What has ended until now; waits for a moment where nothing has."""
        wait = _TICK
        while True:
            try:
                future = self.ended.get(timeout=wait)
            except queue.Empty:
                return
            wait = 0.0
            item, _ = self.pending.pop(future.key)
            record = self._outcome(item, future)
            if record is not None:
                yield record

    def _outcome(self, item: Item, future: Any) -> dict[str, Any] | None:
        """The record, or None where the item is to be taken up again."""
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            record: dict[str, Any] = future.result()
            if record["status"] != BUSY:
                return record
            self.later.append((time.monotonic() + _AGAIN, item))
            return None
        if error is not None and not isinstance(error, KilledWorker):
            if isinstance(error, VoxrackError):
                raise error
            raise VoxrackError(f"a worker could not take up {item.title}: {type(error).__name__}: {error}; workers "
                               "need voxrack, with the plugins that this job uses") from error  # fmt: skip
        return self._lose(item)

    def _lose(self, item: Item) -> dict[str, Any] | None:
        """Dask has given the item up, since workers died while it was assigned to them; our records know better."""
        self.lost[item.name] = self.lost.get(item.name, 0) + 1
        if self.lost[item.name] <= 10 * self.tries:
            self.later.append((time.monotonic() + _AGAIN, item))
            return None
        why = f"workers died {self.lost[item.name]} times before one took it up; see the logs of the workers"
        record = about(item, self.job.verb, self.session) | {
            "status": "failed", "seconds": 0.0, "error": why, "traceback": why, "deaths": [],
        }  # fmt: skip
        self.place.write(record)
        return record
