"""What a person sees of a corpus job: how far it is, on standard error, and the report at its end."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..pace import duration
from . import common

if TYPE_CHECKING:
    from ..corpus import Report, State

EVERY = 10.0  # seconds between lines where nobody watches a terminal
ROWS = 20  # failures that are shown


class Screen:
    """Progress on standard error: a live bar on a terminal, a line now and then elsewhere; failures as they come.

    Parameters
    ----------
    verb : str
    total : int
        Items asked for.
    emit : callable or None
        Gets each record as it comes (for ``--json``).
    """

    def __init__(self, verb: str, total: int, emit: Callable[[dict[str, Any]], Any] | None) -> None:
        self._bar = common.Bar(verb, max(1, total))
        self._emit = emit
        self._next = time.monotonic() + EVERY
        self.state: State | None = None

    def __enter__(self) -> Screen:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(None, None, None)

    def __call__(self, state: State) -> None:
        self.state = state
        record = state.record
        if record is not None:
            if record["status"] == "failed":
                common.say(f"voxrack: {title(record)}: {record['error']}")
            if self._emit is not None:
                self._emit(record)
        self._bar.to(state.items - state.left, line(state))
        if not common.stderr_is_terminal() and time.monotonic() >= self._next:
            common.say(line(state))
            self._next = time.monotonic() + EVERY


def title(record: Mapping[str, Any]) -> str:
    """``"pairs.csv, row 7 (name)"``."""
    return f"{record['origin']} ({record['name']})" if record["origin"] else record["name"]


def line(state: State) -> str:
    """``"120 of 500 · 3.1 items/s · 2 min 03 s left · 2 failed · 1 worker died"``."""
    parts = [f"{state.items - state.left} of {state.items}"]
    if not state.workers:
        parts.append("waiting for workers")
    elif state.rate:
        parts += [rate(state.rate), f"{duration(state.remaining)} left"]
    else:
        parts.append(f"{duration(state.seconds)} so far")
    if state.failed:
        parts.append(f"{state.failed} failed")
    if state.deaths:
        parts.append(deaths(state.deaths))
    return " · ".join(parts)


def rate(per_second: float) -> str:
    """Items a second, a minute or an hour, whichever gives a number above 1."""
    for factor, unit in ((1, "s"), (60, "min")):
        if per_second * factor >= 1:
            return f"{per_second * factor:.1f} items/{unit}"
    return f"{per_second * 3600:.1f} items/h"


def deaths(count: int) -> str:
    """In words."""
    return "1 worker died" if count == 1 else f"{count} workers died"


def show(report: Report, words: Iterable[str]) -> None:
    """The report at the end."""
    ran = report.done + report.failed
    parts = [f"{report.done} done", *([f"{report.skipped} were done before"] if report.skipped else []),
             *([f"{report.failed} failed"] if report.failed else []),
             *([f"{report.left} left"] if report.left else [])]  # fmt: skip
    common.write(f"{report.items} items: {', '.join(parts)}")
    if report.workers:
        crew = "1 worker" if report.workers == 1 else f"{report.workers} workers"
        text = f"{duration(report.seconds)}, {rate(ran / max(report.seconds, 1e-9))}, {crew}"
        common.write(text + (f"; {deaths(report.deaths)}" if report.deaths else ""))
    for word in words:
        common.write(word)
    if report.failures:
        rows = [(failure["origin"], failure["name"], failure["error"]) for failure in report.failures[:ROWS]]
        common.table(("asked for in", "name", "what went wrong"), rows)
        if len(report.failures) > ROWS:
            common.write(f"… and {len(report.failures) - ROWS} more")
        common.write(f"tracebacks are in {report.folder}/records; run the same again to try these again")


def fit_words(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The loss over all fits that are done."""
    results = [record["result"] for record in records if record["status"] == "done"]
    pairs = [(result["before"]["total"], result["after"]["total"]) for result in results]
    pairs = [pair for pair in pairs if all(isinstance(value, float) for value in pair)]
    if not pairs:
        return []
    before, after = (statistics.fmean(values) for values in zip(*pairs, strict=True))
    middle = statistics.median(pair[1] for pair in pairs)
    return [f"weighted total of {len(pairs)} fits: mean {after:.3f}, median {middle:.3f} (unprocessed {before:.3f})"]


def render_words(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The audio over all renderings that are done."""
    results = [record["result"] for record in records if record["status"] == "done"]
    audio = sum(result["frames_in"] / result["sample_rate"] for result in results)
    clipped = sum(result["clipped"] > 0 for result in results)
    return [f"{audio:.1f} s of audio" + (f"; {clipped} outputs are clipped" if clipped else "")] if results else []
