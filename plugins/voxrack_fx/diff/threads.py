"""Rows of a batch on several cores: compiled kernels release the interpreter."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="voxrack-rows")


def over_rows(work: Callable[[slice], None], rows: int) -> None:
    """Call ``work`` with slices that cover ``range(rows)``, on as many threads as torch uses."""
    threads = min(torch.get_num_threads(), rows)
    if threads <= 1:
        work(slice(0, rows))
        return
    edges = [rows * i // threads for i in range(threads + 1)]
    pool = _pool(threads, os.getpid())  # a forked process has none of its parent's threads
    jobs = [pool.submit(work, slice(a, b)) for a, b in itertools.pairwise(edges[1:])]
    work(slice(0, edges[1]))
    for job in jobs:
        job.result()
