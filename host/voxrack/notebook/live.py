"""Live rendering: the latest setting wins, one render at a time, and nothing waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..errors import UsageError
from .takes import excerpt

if TYPE_CHECKING:
    from ..audio import Audio
    from ..rack import Rack
    from .player import ABPlayer

Result = TypeVar("Result")


class LatestWins(Generic[Result]):
    """Runs ``work`` on a thread of its own whenever asked; requests during a run become one more run.

    Parameters
    ----------
    work : callable
        Reads what it needs when it starts, so that the last run sees the newest values.
    done : callable
        Called on the worker thread with what ``work`` returned.
    failed : callable
        Called on the worker thread with the exception of a failed run; later runs go on.
    """

    def __init__(
        self, work: Callable[[], Result], done: Callable[[Result], object], failed: Callable[[Exception], object]
    ) -> None:
        self._work, self._done, self._failed = work, done, failed
        self._changed = threading.Condition()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self.runs = 0

    def request(self) -> None:
        """Ask for a run; returns at once."""
        with self._changed:
            self._wanted = True
            if self._thread is None:  # a thread that has nothing left to do ends, so that nothing lingers
                self._thread = threading.Thread(target=self._loop, name="voxrack-live", daemon=True)
                self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Until nothing is left to run; False where ``timeout`` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _loop(self) -> None:
        try:
            while self._take_up():
                try:
                    self._done(self._work())
                except Exception as error:  # isolates one run: the next one must still be heard
                    self._failed(error)
        finally:  # also where `failed` itself raised: a dead thread must not be waited for
            with self._changed:
                if self._thread is threading.current_thread():
                    self._thread = None
                    self._changed.notify_all()

    def _take_up(self) -> bool:
        """Whether there is a run to do; if not, the thread counts as ended from here on."""
        with self._changed:
            wanted, self._wanted = self._wanted, False
            if wanted:
                self.runs += 1
            else:
                self._thread = None
                self._changed.notify_all()
            return wanted


class Live:
    """Renders the rack again after each change and hands the take to the player.

    A burst of changes costs as many renders as there is time for; the last one always wins. The
    render runs on a copy of the rack, so moving a slider never waits and never meets a running render.

    Parameters
    ----------
    rack : Rack
        Read whenever a render begins.
    audio : Audio
        What is rendered; an excerpt of some seconds keeps the answer quick. Of a long recording the player's
        excerpt is rendered, no more.
    player : ABPlayer
        Gets the result as the take ``take``; failures show as a note under it.
    take : str
    tail : bool
        Append the tail; without it the take is as long as ``audio`` and loops in time.

    Attributes
    ----------
    error : Exception or None
        Of the latest render.

    Examples
    --------
    >>> live = Live(rack, voice, player)            # renders once at the start  # doctest: +SKIP
    >>> Controls(rack, on_change=live.request)      # doctest: +SKIP
    """

    def __init__(self, rack: Rack, audio: Audio, player: ABPlayer, take: str = "wet", *, tail: bool = False) -> None:
        if not take:
            raise UsageError("a take needs a name, such as 'wet'; got an empty one")
        self.rack, self.audio, self.player, self.take, self.tail = rack, excerpt(audio), player, take, tail
        self.error: Exception | None = None
        self._twin = rack.copy()
        self._worker: LatestWins[Audio] = LatestWins(self._render, self._show, self._fail)
        self.request()

    def request(self, *_: Any) -> None:
        """Render soon with the values the rack has then. Takes and ignores the arguments of ``on_change``."""
        self._worker.request()

    def wait(self, timeout: float | None = None) -> bool:
        """Until the newest values are in the player; False where ``timeout`` seconds were not enough."""
        return self._worker.wait(timeout)

    @property
    def renders(self) -> int:
        """How many renders have begun."""
        return self._worker.runs

    def _render(self) -> Audio:
        from ..rendering import render

        for address, value in self.rack.values().items():
            if not np.array_equal(value, self._twin.get(address)):
                self._twin.set(address, value)
        return render(self._twin, self.audio, tail=self.tail)

    def _show(self, audio: Audio) -> None:
        self.player[self.take] = audio
        if self.error is not None:
            self.error = None
            self.player.note("")

    def _fail(self, error: Exception) -> None:
        self.error = error
        self.player.note(f"{type(error).__name__}: {error}", "error")
