"""``python -m benchmarks.render``: times real time of our vocal rack, pedalboard's chain and plain NumPy/SciPy."""

from __future__ import annotations

from .timing import best_of, one_thread, write_json

one_thread()

import importlib  # noqa: E402
import math  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from voxrack import Bus, DeviceSpec, Rack, default_host  # noqa: E402
from voxrack.clip import clip  # noqa: E402
from voxrack.instance import Device  # noqa: E402

from . import plain  # noqa: E402

RATE = 44_100
SECONDS = 30
WHOLE = 10**9
BLOCKS = {"512": 512, "4096": 4096, "whole file": WHOLE}
PEDALBOARD = "pedalboard's chain"
FRACTIONAL = 2.5  # ms; 110.25 samples: the 706-tap interpolator runs, as in fitted presets


def vocal_rack(look_ahead: float = 0.0) -> Rack:
    """Six-band EQ, compressor, panned direct, ping-pong delay into reverb: the DiffVox desk."""
    host = default_host()
    peq = {"peak1.gain": -3.0, "peak1.frequency": 300.0, "peak2.gain": 2.5, "peak2.frequency": 3500.0,
           "low_shelf.gain": 1.5, "high_shelf.gain": 3.0,
           "low_pass.frequency": 16_000.0, "high_pass.frequency": 80.0}  # fmt: skip
    compressor = {
        "threshold": -24.0,
        "ratio": 4.0,
        "attack": 5.0,
        "release": 80.0,
        "make_up": 4.0,
        "look_ahead": look_ahead,
    }
    delay = {"time": 320.0, "feedback": 0.35, "level": -12.0, "low_pass.frequency": 5000.0}
    return Rack(
        [host.create("fx.peq", peq), host.create("fx.compressor", compressor)],
        [
            Bus("direct", [host.create("fx.pan")]),
            Bus("delay", [host.create("fx.delay", delay)], sends={"reverb": -6.0}),
            Bus("reverb", [host.create("fx.reverb")]),
        ],
        sends={"direct": 0.0, "delay": 0.0, "reverb": 0.0},
        dry=-math.inf,
    )


def audio() -> np.ndarray:
    """The bundled clip, repeated to 30 s, stereo (the right channel late by 7 ms), 44.1 kHz."""
    mono = clip().resample(RATE).mono().samples[0]
    mono = np.tile(mono, -(-SECONDS * RATE // mono.size))[: SECONDS * RATE]
    return np.ascontiguousarray(np.stack([mono, np.roll(mono, 309)]))


def in_blocks(processor: Any, x: np.ndarray, frames: int) -> Iterator[np.ndarray]:
    """What the renderer's inner loop does, nothing else."""
    step = min(frames, 16_384)
    processor.prepare(RATE, x.shape[0], step)
    for start in range(0, x.shape[1], step):
        yield processor.process(x[:, start : start + step])


def run_in_blocks(processor: Any, x: np.ndarray, frames: int) -> None:
    """The same, the output dropped as it comes: so does the loop around pedalboard."""
    for _ in in_blocks(processor, x, frames):
        pass


def pedalboard_chain() -> Any:
    """Six EQ bands, compressor, delay and reverb of pedalboard."""
    pb: Any = importlib.import_module("pedalboard")

    return pb.Pedalboard([
        pb.PeakFilter(300, -3), pb.PeakFilter(3500, 2.5), pb.LowShelfFilter(115, 1.5), pb.HighShelfFilter(6000, 3),
        pb.LowpassFilter(16_000), pb.HighpassFilter(80), pb.Compressor(-24, 4, 5, 80),
        pb.Delay(0.32, 0.35, 0.2), pb.Reverb(),
    ])  # fmt: skip


def pedalboard_in_blocks(x: np.ndarray, frames: int) -> None:
    board = pedalboard_chain()
    step = min(frames, x.shape[1])
    for i in range(0, x.shape[1], step):
        board.process(x[:, i : i + step], RATE, reset=False)


class _Wire:
    """A device that does nothing, for weighing the host."""

    latency = tail = 0

    def __init__(self, *_: Any) -> None: ...
    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        return channels

    def process(self, block: np.ndarray) -> np.ndarray:
        return block


def host_overhead() -> dict[str, float]:
    """Microseconds a 512-sample stereo block costs in the host alone, for nine slots that do nothing."""
    spec = DeviceSpec("bench.wire", "processor", f"{__name__}:_Wire")
    wires = lambda n: [Device(spec) for _ in range(n)]  # noqa: E731
    buses = [Bus("a", wires(2), {"c": -6.0}), Bus("b", wires(2)), Bus("c", wires(2))]
    racks = {
        "nine inserts": Rack(wires(9)),
        "nine slots, three buses": Rack(wires(3), buses, {"a": 0.0, "b": 0.0, "c": 0.0}, dry=-3.0),
    }
    block = np.full((2, 512), 0.1, np.float32)
    for rack in racks.values():
        rack.prepare(RATE, 2, 512)
    runs = {name: lambda rack=rack: [rack.process(block) for _ in range(1000)] for name, rack in racks.items()}
    return {name: seconds * 1e3 for name, seconds in best_of(runs).items()}


def start_up() -> dict[str, float]:
    """Seconds from start to exit of the command line, beside an interpreter that does nothing."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "voxrack --help": ["-m", "voxrack", "--help"],
        "voxrack plugins": ["-m", "voxrack", "plugins"],
    }
    return best_of(
        {
            n: lambda c=c: subprocess.run([sys.executable, *c], capture_output=True, check=True)
            for n, c in commands.items()
        },
        5,
    )


def agreement(x: np.ndarray) -> float:
    """Level of the difference between our rack and the plain version, in dB below the plain version."""
    rack = vocal_rack()
    heard = np.concatenate(list(in_blocks(rack, np.pad(x, ((0, 0), (0, 16_384))), 4096)), axis=1)
    ours = heard[:, rack.latency :][:, : x.shape[1]]
    reference = plain.vocal_rack(x.astype(np.float64), RATE, rack.values())
    return 10 * math.log10(np.sum((ours - reference) ** 2) / np.sum(reference**2))


def devices(x: np.ndarray) -> dict[str, float]:
    """Times real time of each device of the rack alone, in 4096-sample blocks: where the time goes."""
    racks = {slot.name: slot.device for slot in vocal_rack().slots().values()}
    racks["compressor, fractional look-ahead"] = vocal_rack(FRACTIONAL).slots()["compressor"].device
    runs = {name: lambda d=d: run_in_blocks(Rack([d]), x, 4096) for name, d in racks.items()}
    return {name: SECONDS / seconds for name, seconds in best_of(runs).items()}


def main() -> None:
    x = audio()
    runs: dict[str, Any] = {}
    for name, frames in BLOCKS.items():
        rack, fractional = vocal_rack(), vocal_rack(FRACTIONAL)
        runs[f"voxrack|{name}"] = lambda r=rack, n=frames: run_in_blocks(r, x, n)
        runs[f"voxrack, fractional look-ahead|{name}"] = lambda r=fractional, n=frames: run_in_blocks(r, x, n)
        try:
            pedalboard_chain()
            runs[f"{PEDALBOARD}|{name}"] = lambda n=frames: pedalboard_in_blocks(x, n)
        except ImportError:
            print(
                "pedalboard is not installed (pip install 'voxrack[pedalboard]'): its rows are left out",
                file=sys.stderr,
            )
    speed = {name: SECONDS / seconds for name, seconds in best_of(runs).items()}
    short = x[:, : 3 * RATE]
    slow = best_of({"plain": lambda: plain.vocal_rack(short.astype(np.float64), RATE, vocal_rack().values())}, 2)
    speed["plain NumPy/SciPy|whole file"] = 3 / slow["plain"]

    console = Console()
    table = Table(
        "chain, stereo 44.1 kHz, one thread",
        *[f"{name}" for name in BLOCKS],
        title="times real time (ratio to pedalboard)",
    )
    for chain in dict.fromkeys(name.split("|")[0] for name in speed):
        cells = []
        for block in BLOCKS:
            value, peer = speed.get(f"{chain}|{block}"), speed.get(f"{PEDALBOARD}|{block}")
            cells.append(
                ""
                if value is None
                else f"{value:.0f}" + (f" ({value / peer:.2f})" if peer and chain != PEDALBOARD else "")
            )
        table.add_row(chain, *cells)
    console.print(table)
    alone, overhead, starts, difference = devices(x), host_overhead(), start_up(), agreement(short)
    detail = Table("measure", "figure", title="where the time goes, and the rest")
    for name, value in alone.items():
        detail.add_row(f"{name} alone, 4096", f"{value:.0f} × real time")
    for name, value in overhead.items():
        detail.add_row(f"host, {name}, 512-sample block", f"{value:.1f} µs")
    for name, value in starts.items():
        detail.add_row(f"start-up, {name}", f"{value:.2f} s")
    detail.add_row("difference to plain NumPy/SciPy", f"{difference:.1f} dB")
    console.print(detail)
    figures = {
        "times_real_time": speed,
        "devices": alone,
        "host_us_per_block": overhead,
        "start_up_s": starts,
        "difference_db": difference,
    }
    console.print(f"written: {write_json('render', figures)}")


if __name__ == "__main__":
    main()
