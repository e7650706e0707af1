"""Items for corpus jobs, well-behaved and not: functions that workers import by name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxrack.corpus import Item, Job


def job(ledger: Path, seconds: float = 0.05) -> Job:
    """A job whose items write into ``ledger`` when they begin and when they end."""
    return Job("toy", "corpus_items:one", {"ledger": str(ledger), "seconds": seconds})


def items(count: int, **odd: str) -> list[Item]:
    """``count`` plain items; and one of each ``name=what`` that is odd."""
    plain = [Item(f"set/{number:03d}", {"what": "plain"}, {}, f"row {number}") for number in range(count)]
    return plain + [Item(name, {"what": what}, {}, f"row of {name}") for name, what in odd.items()]


def lines(ledger: Path) -> list[list[str]]:
    """``[["begin" or "end", name, pid, time, card], …]``."""
    return [line.split() for line in ledger.read_text().splitlines()] if ledger.exists() else []


def counts(ledger: Path, word: str) -> Counter[str]:
    """How often each item began, or ended."""
    return Counter(line[1] for line in lines(ledger) if line[0] == word)


def one(inputs: Mapping[str, str], options: Mapping[str, Any], place: Any) -> dict[str, Any]:
    """Sleep; or do what ``what`` says."""
    _note(options, "begin", place.name)
    time.sleep(options["seconds"])
    _misbehave(inputs["what"], place)
    print("a device that prints")
    (place.scratch / "out.txt").write_text(place.name)
    made = place.publish(place.scratch / "out.txt", "made", ".txt")
    _note(options, "end", place.name)
    threads = [os.environ.get(name) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")]
    return {"made": made, "threads": threads, "card": os.environ.get("CUDA_VISIBLE_DEVICES")}


def _misbehave(what: str, place: Any) -> None:
    first = place.kept / "was_here"
    if what == "raises":
        raise ValueError("this one is poisoned")
    if what == "leaves":
        sys.exit(3)
    if what == "crashes":
        ctypes.string_at(0)
    if what == "hangs":
        time.sleep(1000)
    if what == "killed" or (what == "killed_once" and not first.exists()):
        first.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)


def unfit(inputs: Mapping[str, str], options: Mapping[str, Any], place: Any) -> dict[str, Any]:
    """Returns what JSON cannot hold."""
    return {"nan": float("nan")}


def _note(options: Mapping[str, Any], word: str, name: str) -> None:
    handle = os.open(options["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    card = os.environ.get("CUDA_VISIBLE_DEVICES", "-")
    os.write(handle, f"{word} {name} {os.getpid()} {time.time()} {card}\n".encode())
    os.close(handle)
