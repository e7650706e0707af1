"""Items to workers and records back: every worker is supplied, and what was lost is taken up again."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .corpus_crew import Crew
from .corpus_folder import Item, Job, JobFolder
from .corpus_worker import BUSY, about, work
from .errors import VoxrackError

if TYPE_CHECKING:
    from distributed import Future

_TICK = 0.5  # seconds between looks at the crew while no item ends
_LOOK = 2.0  # seconds between counts of the workers
_GONE = 30.0  # seconds without a scheduler, or without one of our own workers, after which a job gives up
_AGAIN = 1.0  # seconds until an item that another process holds is asked for again


def through(
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
        """Items in hand at once: what is worked on, and a few that wait, so that nobody waits for us."""
        return self.crew.most or self.workers + self.workers // 4 + 1

    def _look(self) -> None:
        """Count the workers now and then; give up where there is nobody left to wait for."""
        now = time.monotonic()
        if now - self._looked < (_LOOK if self.workers else _TICK / 2):
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
