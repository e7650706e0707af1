"""What the verbs share: options, JSON on stdout, tables, messages and progress on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..errors import UsageError, VoxrackError
from ..report import decibel as to_decibel
from ..report import signed
from .group import EXIT_CODES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

PLAIN_WIDTH = 200  # of a table that goes to a file or a pipe
SHOW_AFTER = 2.0  # seconds before a progress bar appears


def verb(name: str | None = None, **named: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with ``--json`` (argument ``as_json``), ``--debug`` and the exit codes at the end of its help."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
        debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
        return click.command(name, epilog=EXIT_CODES, **named)(debug(as_json(function)))

    return decorate


jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(0, 256), default=1, show_default=True, help="Processes; 0 is one per core."
)


# ---- standard output ------------------------------------------------------------------------
def json_ready(value: Any) -> Any:
    """``value`` with arrays as lists; infinities become ``"inf"`` and ``"-inf"`` as in presets, NaN becomes null."""
    if isinstance(value, np.ndarray):
        return json_ready(value.tolist())
    if isinstance(value, np.generic):
        return json_ready(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_ready(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def emit(value: Any, *, indent: int | None = None) -> None:
    """Print ``value`` as JSON: one line, or indented."""
    ready = json_ready(value)
    text = json.dumps(ready, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # a file name that is no text, or a terminal that is not UTF-8
        text = json.dumps(ready, ensure_ascii=True, allow_nan=False, indent=indent)
    write(text)


def write(text: str) -> None:
    """Print a line on standard output at once, so that a reader sees each item when it is done."""
    stdout = sys.stdout
    if stdout is None:
        raise VoxrackError("standard output is closed; nothing can be printed on it")
    stdout.write(text + "\n")
    stdout.flush()


def console() -> Console:
    """Rich's console on standard output: brackets are no markup, a pipe gets wide plain lines."""
    from rich.console import Console

    if sys.stdout is None:
        raise VoxrackError("standard output is closed; nothing can be printed on it")
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(markup=False, emoji=False, highlight=False, width=width)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Iterable[str] = (), keys: int = 1
) -> None:
    """Print a table; the columns named in ``right`` are set flush right and never broken.

    What is too wide for the screen goes on below, behind the first ``keys`` columns again, and where those alone are
    too wide every row becomes a paragraph; see :func:`voxrack.commands.columns.split`.
    """
    from rich import box
    from rich.table import Table

    from .columns import paragraphs, split

    names, cells, flush = [str(name) for name in columns], [[str(cell) for cell in row] for row in rows], set(right)
    numbers = {at for at, name in enumerate(names) if name in flush}
    screen = console()
    parts = split(names, cells, screen.width, numbers=numbers, keys=keys)
    if not parts:
        write("\n".join([*([title, ""] if title else []), *paragraphs(names, cells, keys)]))
        return
    drawings = []
    for part in parts:
        first = title if part is parts[0] else ""
        grid = Table(title=first or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
                     pad_edge=False, collapse_padding=part.close)  # fmt: skip
        for at, width in zip(part.columns, part.widths, strict=True):
            grid.add_column(names[at], justify="right" if at in numbers else "left", overflow="fold", width=width)
        for row in cells:
            grid.add_row(*[row[at] for at in part.columns])
        with screen.capture() as drawn:
            screen.print(grid)
        drawings.append("\n".join(line.rstrip() for line in drawn.get().splitlines()).strip("\n"))
    write("\n\n".join(drawings))


# ---- standard error -------------------------------------------------------------------------
def say(message: str) -> None:
    """A remark, on standard error."""
    click.echo(message, err=True)


def stderr_is_terminal() -> bool:
    """Whether a person may be watching."""
    return sys.stderr is not None and sys.stderr.isatty()


class Bar:
    """Progress on standard error: only on a terminal, and only when the work takes more than two seconds.

    Parameters
    ----------
    text : str
        What is being done.
    total : float
        Full length; :meth:`to` takes positions from 0 to ``total``.
    """

    def __init__(self, text: str, total: float = 1.0) -> None:
        self.text = text
        self.total = total
        self._started = time.monotonic()
        self._wanted = stderr_is_terminal()
        self._rich: RichProgress | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._rich is not None:
            self._rich.stop()

    def to(self, position: float, text: str = "") -> None:
        """The work has come to ``position``."""
        self.text = text or self.text
        if not self._wanted or (self._rich is None and time.monotonic() - self._started < SHOW_AFTER):
            return
        if self._rich is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            words, share = TextColumn("{task.description}", markup=False), TextColumn("{task.percentage:3.0f} %")
            self._rich = Progress(
                words, BarColumn(), share, TimeRemainingColumn(), console=Console(stderr=True), transient=True
            )
            self._rich.add_task(self.text, total=self.total)
            self._rich.start()
        self._rich.update(self._rich.task_ids[0], completed=position, description=self.text)


# ---- words the verbs take -------------------------------------------------------------------
def split_settings(words: Iterable[str]) -> list[tuple[str, str]]:
    """``ADDRESS=VALUE`` words as pairs; UsageError for one without ``=``."""
    pairs = []
    for word in words:
        address, equals, value = word.partition("=")
        if not equals or not address.strip() or not value.strip():
            raise UsageError(f"--set takes ADDRESS=VALUE, for example compressor.threshold=-24dB; got '{word}'")
        pairs.append((address.strip(), value.strip()))
    return pairs


def decibel(linear: float) -> str:
    """A linear peak as text."""
    return f"{signed(to_decibel(linear))} dB"


def workers(jobs: int) -> int:
    """``--jobs``: 0 is one per core that this process may use."""
    if jobs:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def need(module: str, what: str, extra: str) -> None:
    """Refuse ``what`` where the optional ``module`` is not installed, with the command that mends it."""
    from ..availability import importable

    if not importable(module):
        raise UsageError(f"{what} needs '{module}', which is not installed: pip install 'voxrack[{extra}]'")
