"""Rows of an evaluation, one JSON object a line, each added when it is there: a stopped evaluation goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import VoxrackError

Row = dict[str, Any]


class RowFile:
    """A file of rows, each known by what ``key`` makes of it.

    Parameters
    ----------
    path : Path
        Ends in ``.jsonl``; need not exist.
    key : callable
        A row to what no two rows share; of two lines with the same key the later counts.
    """

    def __init__(self, path: Path, key: Callable[[Mapping[str, Any]], Hashable]) -> None:
        self.path, self.key = path, key

    def rows(self) -> dict[Hashable, Row]:
        """The rows by their key. A line that is not whole, as a crash may leave the last, is passed over."""
        return {self.key(row): row for row in self._lines()}

    def measure(
        self, function: Callable[[Any], Sequence[Row]], jobs: Sequence[Any], *, name: Callable[[Any], str],
        before: int = 0, workers: int = 1, progress: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        """Run ``function`` over ``jobs`` and add the rows that it gives, those of a job at once.

        Parameters
        ----------
        function : callable
            Importable by name, where there are workers.
        name : callable
            A job to what it is called where it fails.
        before : int
            Jobs that were done in an earlier call, for ``progress``.
        workers : int
            Processes.
        progress : callable, optional
            Called with the finished share and a text.

        Raises
        ------
        VoxrackError
            Jobs that failed altogether, when all others are done; the first is told.
        """
        from .commands import pool
        from .commands.common import json_ready

        failed = []
        self._mend()
        with self.path.open("a", encoding="utf-8") as out:
            for done, outcome in enumerate(pool.run(function, jobs, workers), 1):
                if outcome.error:
                    failed.append(f"{name(jobs[outcome.index])}: {outcome.error}")
                for row in outcome.value or ():
                    out.write(json.dumps(json_ready(row), ensure_ascii=False) + "\n")
                out.flush()
                if progress is not None:
                    progress(done / len(jobs), f"{before + done} of {before + len(jobs)}")
        if failed:
            more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
            raise VoxrackError(f"{failed[0]}{more}; what was measured stays in {self.path.parent}")

    def _lines(self) -> Iterator[Row]:
        lines: Iterable[str] = ()
        if self.path.is_file():
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def _mend(self) -> None:
        """End a torn last line, so that the next one stands alone."""
        if self.path.is_file() and (held := self.path.read_bytes()) and not held.endswith(b"\n"):
            with self.path.open("ab") as out:
                out.write(b"\n")
