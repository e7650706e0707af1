"""Corpus jobs: one function over thousands of items, on Dask's workers, with one record per item.

A second run does what is missing. A worker that dies costs its item one attempt; an item that fails, or at which
several workers die, is recorded as failed with its traceback, and the rest is done. Whatever is killed, and when:
records are whole, what is recorded is not done again, and no two workers have one item in hand.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .corpus_crew import Crew, Local, Remote, Slurm
from .corpus_dispatch import through
from .corpus_folder import Item, Job, JobFolder
from .errors import UsageError
from .replace import write_text

__all__ = ["Crew", "Item", "Job", "JobFolder", "Local", "Remote", "Report", "Slurm", "State", "run"]

TRIES = 3


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
            for record in through(place, job, crew or Local(), session, waiting, (tries, timeout)) if waiting else ():
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
