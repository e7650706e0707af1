"""``python -m benchmarks.batch``: what a corpus job costs per item, and what it loses when it is killed.

Overhead: items that sleep for two seconds on two workers, against the time that they sleep. Kills: 500 items; at a
random moment everything, the main process alone, or a worker is killed with SIGKILL, and the same is run again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from voxrack.corpus import Item, Job, JobFolder, Local, State, run

from .timing import write_json

WORKERS = 2
VICTIMS = ("all", "main", "worker")


def item(inputs: Mapping[str, str], options: Mapping[str, Any], place: Any) -> dict[str, Any]:
    """Sleep, and note when."""
    _note(options["ledger"], f"begin {place.name} {os.getpid()}")
    time.sleep(options["seconds"])
    _note(options["ledger"], f"end {place.name} {os.getpid()}")
    return {}


def _note(ledger: str, text: str) -> None:
    handle = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{time.time()} {text}\n".encode())
    os.close(handle)


def main() -> None:
    options = _options()
    if options.drive:
        _drive(Path(options.drive), options.items, options.item_seconds)
        return
    console = Console(width=120)
    figures: dict[str, Any] = {"overhead": [], "kills": []}
    with tempfile.TemporaryDirectory() as folder:
        for count, seconds in ((options.long, 2.0), (300, 0.0)):
            figures["overhead"].append(_overhead(Path(folder) / f"{count}", count, seconds))
        _print_overhead(console, figures["overhead"])
        for number in range(options.kills):
            place = Path(folder) / f"kill{number}"
            figures["kills"].append(_kill(place, options, VICTIMS[number % 3], random.Random(options.seed + number)))
            shutil.rmtree(place)
        _print_kills(console, figures["kills"])
    write_json("batch", figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=20, help="items of two seconds")
    parser.add_argument("--kills", type=int, default=3, help="how many jobs are killed")
    parser.add_argument("--items", type=int, default=500, help="of a job that is killed")
    parser.add_argument("--item-seconds", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    return parser.parse_args()


def _items(count: int) -> list[Item]:
    return [Item(f"{number:04d}", {}) for number in range(count)]


def _job(folder: Path, seconds: float) -> Job:
    return Job("sleep", "benchmarks.batch:item", {"ledger": str(folder / "ledger"), "seconds": seconds})


def _drive(folder: Path, count: int, seconds: float, watch: Any = None) -> Any:
    return run(folder / "job", _job(folder, seconds), _items(count), Local(WORKERS), watch=watch)


# ---- overhead -----------------------------------------------------------------------------------
def _overhead(folder: Path, count: int, seconds: float) -> dict[str, float]:
    """What passes on a worker from one item's beginning to the next's, beyond what it slept."""
    folder.mkdir()
    spent = [0.0]

    def watch(state: State) -> None:
        if state.record is not None:
            spent[0] = spent[0] or time.process_time()

    began = time.time()
    _drive(folder, count, seconds, watch)
    cpu = time.process_time() - spent[0]
    starts: dict[str, list[float]] = {}
    for line in (folder / "ledger").read_text().splitlines():
        moment, word, _, pid = line.split()
        if word == "begin":
            starts.setdefault(pid, []).append(float(moment))
    per_item = sum(own[-1] - own[0] for own in starts.values()) / (count - len(starts)) - seconds
    first = min(own[0] for own in starts.values())
    return {"items": count, "seconds": seconds, "start": first - began, "overhead": per_item,
            "main_cpu": cpu / count, "most_on_a_worker": max(map(len, starts.values()))}  # fmt: skip


def _print_overhead(console: Console, rows: list[dict[str, float]]) -> None:
    table = Table(title=f"{WORKERS} workers", title_justify="left")
    for column in (
        "items",
        "of",
        "overhead per item",
        "share of 2 s",
        "main process, CPU per item",
        "start, once",
        "most on a worker",
    ):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            f"{row['items']}", f"{row['seconds']:.0f} s", f"{1000 * row['overhead']:.1f} ms",
            f"{100 * row['overhead'] / 2:.2f} %", f"{1000 * row['main_cpu']:.1f} ms", f"{row['start']:.1f} s",
            f"{row['most_on_a_worker']}",
        )  # fmt: skip
    console.print(table)


# ---- kills --------------------------------------------------------------------------------------
def _kill(folder: Path, options: argparse.Namespace, victim: str, chance: random.Random) -> dict[str, Any]:
    """Kill a job once, run it again, and count."""
    folder.mkdir()
    expected = options.items * options.item_seconds / WORKERS
    command = [sys.executable, "-m", "benchmarks.batch", "--drive", str(folder), "--items", str(options.items),
               "--item-seconds", str(options.item_seconds)]  # fmt: skip
    main = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while not (folder / "ledger").exists():
        time.sleep(0.01)
    moment = chance.uniform(0.0, expected)
    time.sleep(moment)
    if victim == "all":
        os.killpg(main.pid, signal.SIGKILL)
    elif victim == "main":
        os.kill(main.pid, signal.SIGKILL)
    else:
        os.kill(int((folder / "ledger").read_text().splitlines()[-1].split()[3]), signal.SIGKILL)
    main.wait()
    place = JobFolder(folder / "job")
    before = {record["name"]: _mark(place, record["name"]) for record in place.records()}
    report = _drive(folder, options.items, options.item_seconds)
    after = {record["name"]: _mark(place, record["name"]) for record in place.records() if record["status"] == "done"}
    begun = Counter(line.split()[2] for line in (folder / "ledger").read_text().splitlines() if " begin " in line)
    return {
        "victim": victim, "moment": moment, "recorded_before": len(before), "skipped": report.skipped,
        "lost": options.items - len(after), "done_twice": sum(after.get(name) != mark for name, mark in before.items()),
        "begun_twice": sum(count > 1 for count in begun.values()),
    }  # fmt: skip


def _mark(place: JobFolder, name: str) -> tuple[int, int]:
    stat = place.record_file(name).stat()
    return stat.st_ino, stat.st_mtime_ns


def _print_kills(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="kill -9 at a random moment, then the same again", title_justify="left")
    columns = ("killed", "after", "recorded then", "lost", "done twice", "in hand at the kill: begun twice")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["victim"], f"{row['moment']:.1f} s", f"{row['recorded_before']}", f"{row['lost']}",
            f"{row['done_twice']}", f"{row['begun_twice']}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
