"""Stopping politely: a signal is noted and obeyed when the step in hand is done; the second one is obeyed at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from .errors import Stopped

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Polite:
    """Context in which Ctrl-C, SIGTERM and SIGHUP set :attr:`number` instead of unwinding.

    Only in the main thread, and only for signals that are not ignored; elsewhere it changes nothing.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Polite:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            self.obey()
        self.number = number

    def obey(self) -> None:
        """Raise what the signal would have raised; nothing where none came."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number:
            raise Stopped(128 + self.number)
