"""How the benchmarks measure: contestants take turns, the best of several rounds counts."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def best_of(
    contestants: Mapping[str, Callable[[], Any]], rounds: int = 5, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Shortest time in seconds of each, by the wall clock or (``time.process_time``) of the processor; turns are
    interleaved so that a busy moment hits all alike."""
    best = dict.fromkeys(contestants, float("inf"))
    for run in contestants.values():
        run()  # compiled, cached, paged in
    for _ in range(rounds):
        for name, run in contestants.items():
            start = clock()
            run()
            best[name] = min(best[name], clock() - start)
    return best


def one_thread() -> None:
    """Hold every numerical library to one thread; call before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


def write_json(name: str, figures: Mapping[str, Any]) -> Path:
    """Figures with the machine they were measured on, into ``out/benchmarks``."""
    target = Path("out/benchmarks") / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    target.write_text(json.dumps({"machine": machine, **figures}, indent=2) + "\n")
    return target


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
