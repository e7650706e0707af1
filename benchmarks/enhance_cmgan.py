"""``python -m benchmarks.enhance_cmgan``: what chunks do to ``enhance.cmgan``: joins, memory over length, cost.

Joins: the answer in overlapping chunks less the answer to the whole signal, about the joins and away from them, beside
chunks that are cut and put together plainly. Memory: the greatest that a process of its own needed for a signal, for
longer and longer ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from .timing import one_thread, write_json

one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from voxrack import default_host, weights  # noqa: E402
from voxrack.testing import noise, voice  # noqa: E402
from voxrack_enhance.cmgan.chunks import Chunks  # noqa: E402
from voxrack_enhance.cmgan.generator import Generator, enhance  # noqa: E402
from voxrack_enhance.cmgan.loading import load_generator  # noqa: E402

RATE = 16_000
Samples = NDArray[np.float32]


def noisy(seconds: float) -> Samples:
    return voice(seconds, RATE, 1).samples + noise(seconds, RATE, 2, level=-35.0).samples


def untrained(width: int, blocks: int, folder: Path) -> Path:
    """Weights of a generator that nobody trained."""
    torch.manual_seed(0)
    generator = Generator(width, blocks)
    path = folder / "untrained.safetensors"
    weights.save(path, generator.state_dict(), {"device": "enhance.cmgan", "options": generator.options})
    return path


def joins(generator: Generator, seconds: float, chunk: float, overlap: float) -> dict[str, float]:
    """Levels in dB under the output's, and steps from sample to sample, of what chunks change."""
    signal = noisy(seconds)
    length, shared = round(chunk * RATE), round(overlap * RATE) // 4 * 4

    def answer(part: Samples) -> Samples:
        return enhance(generator, torch.from_numpy(np.ascontiguousarray(part))).numpy()

    whole = answer(signal)[0]
    chunks = Chunks(answer, 1, 1, length, shared)
    faded = np.concatenate((chunks.push(signal), chunks.finish()), 1)[0] - whole
    cuts = range(0, signal.shape[1], length)
    plain = np.concatenate([answer(signal[:, at : at + length]) for at in cuts], 1)[0] - whole
    hop = length - shared
    places = {"faded": [at + shared // 2 for at in range(hop, signal.shape[1] - shared, hop)], "plain": [*cuts][1:]}
    scale = float(np.sqrt((whole**2).mean()))
    out = {}
    for name, error in (("faded", faded), ("plain", plain)):
        near = np.zeros(len(error), bool)
        for place in places[name]:
            near[max(0, place - 160) : place + 160] = True
        steps = np.abs(np.diff(error, prepend=error[0])) / scale
        out |= {
            f"{name}: 10 ms about the joins, dB": 20 * np.log10(np.sqrt((error[near] ** 2).mean()) / scale),
            f"{name}: away from them, dB": 20 * np.log10(np.sqrt((error[~near] ** 2).mean()) / scale),
            f"{name}: largest step at a join": float(max(steps[place - 1 : place + 2].max() for place in places[name])),
            f"{name}: 99.9 % of steps away below": float(np.quantile(steps[~near], 0.999)),
        }
    return {key: float(value) for key, value in out.items()}


def stream(values: dict[str, Any], seconds: float) -> tuple[float, float]:
    """CPU seconds of streaming so much, and this process's greatest memory in MB."""
    device = default_host().create("enhance.cmgan", values)
    rng = np.random.default_rng(0)
    device.prepare(RATE, 1, 4096)
    start = time.process_time()
    for _ in range(round(seconds * RATE) // 4096):
        device.process((0.1 * rng.normal(size=(1, 4096))).astype(np.float32))
    while device.flush(4096).shape[1]:
        pass
    return time.process_time() - start, greatest()


def greatest() -> float:
    """Of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="", help="a weight file or checkpoint; else an untrained network")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--chunk", type=float, default=4.0, help="seconds")
    parser.add_argument("--overlap", type=float, default=1.0, help="seconds")
    parser.add_argument("--whole", type=float, default=20.0, help="seconds that are answered whole, too; 0: none")
    parser.add_argument("--lengths", type=float, nargs="*", default=[30.0, 120.0, 600.0], help="seconds, ascending")
    asked = parser.parse_args()
    found: dict[str, Any] = {"width": asked.width, "blocks": asked.blocks, "memory": []}
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(asked.weights) if asked.weights else untrained(asked.width, asked.blocks, Path(folder))
        values = {"weights": str(path), "chunk": asked.chunk, "overlap": asked.overlap}
        table = Table("length", "greatest memory", "CPU-s per second")
        # Each in a process of its own, that gives back what it frees: else glibc keeps large blocks in its heap, whose
        # gaps make it grow once or twice, whatever the length.
        os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**18)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as alone:
            for seconds in asked.lengths:
                used, memory = alone.submit(stream, values, seconds).result()
                found["memory"].append({"seconds": seconds, "megabytes": memory, "cpu_per_second": used / seconds})
                table.add_row(f"{seconds:g} s", f"{memory:.0f} MB", f"{used / seconds:.3f}")
        console.print(table)
        if asked.whole:
            found["joins"] = joins(load_generator(path), asked.whole, asked.chunk, asked.overlap)
            table = Table("chunks less whole", "")
            for name, value in found["joins"].items():
                table.add_row(name, f"{value:.4g}")
            table.add_row("greatest memory after the whole", f"{greatest():.0f} MB")
            console.print(table)
    console.print(f"figures: {write_json('enhance_cmgan', found)}")


if __name__ == "__main__":
    main()
