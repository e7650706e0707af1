"""``python -m benchmarks.ser [FOLDER]``: features for recognisers, ours beside librosa's in the same run; with
``--hour`` how long an hour of audio takes ``ser.best``.

A batch of clips as long as those of a corpus (3 to 5 s, 22.05 kHz): the FOLDER's recordings, or synthetic voices.
Times are medians of several rounds in turns, on one thread and on all; see `benchmarks.ser_features`. The last lines
are the two ratios that count: processor time on one thread, which a busy machine disturbs little, and wall time on as
many threads as torch takes, which only an idle machine tells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from .ser_features import RATE, measure, recordings, synthetic
from .ser_hour import HOUR, one_hour
from .timing import write_json


def hour(device: str, weights: str, seconds: int) -> None:
    """Print and write what an hour takes."""
    found = one_hour(device, weights, seconds=seconds)
    console, share = Console(width=110), found["audio_seconds"] / HOUR
    table = Table("", "", title=f"{found['audio_seconds'] / 60:.0f} min of speech, {torch.get_num_threads()} threads")
    table.add_row("recogniser", f"{found['device']} ({found['weights']})")
    table.add_row(
        "an hour takes", f"{found['seconds'] / share:.1f} s ({found['processor_seconds'] / share:.0f} s of processor)"
    )
    table.add_row("times real time", f"{found['audio_seconds'] / found['seconds']:.0f}")
    table.add_row("windows with speech", f"{found['windows_with_speech']} of {found['windows']}")
    table.add_row("memory grown after the first minute", f"{found['grown_mb']:.0f} MB")
    console.print(table)
    console.print(f"written: {write_json('ser_hour', found | {'threads': torch.get_num_threads()})}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ser", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="recordings; synthetic voices without")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", help="1 and as many as torch takes by default")
    parser.add_argument("--hour", action="store_true", help="analyse an hour of speech instead")
    parser.add_argument("--device", default="ser.best", help="of --hour")
    parser.add_argument("--weights", default="", help="of --hour: a weight file; by default the shipped one")
    parser.add_argument("--seconds", type=int, default=HOUR, help="of --hour: how much to analyse")
    given = parser.parse_args()
    if given.hour:
        return hour(given.device, given.weights, given.seconds)
    clips = recordings(given.folder) if given.folder else synthetic()
    seconds = sum(map(len, clips)) / RATE
    console, everything = Console(width=120), {}
    for threads in sorted({1, torch.get_num_threads()} if given.threads is None else set(given.threads)):
        everything[str(threads)] = measured = measure(clips, given.rounds, threads)
        title = f"{len(clips)} clips, {seconds:.0f} s in all, threads: {threads}"
        table = Table(
            "", "ms", "ms of processor", "times librosa", "by processor", "from librosa", "from its float64",
            title=title,
        )  # fmt: skip
        for feature, contestants in measured.items():
            for who, found in contestants.items():
                far = [f"{found[key]:.1e}" if key in found else "" for key in ("from_librosa", "from_float64")]
                table.add_row(
                    f"{feature}: {who}", f"{1e3 * found['seconds']:.0f}", f"{1e3 * found['processor_seconds']:.0f}",
                    f"{found['times']:.1f}", f"{found['processor_times']:.1f}", *far,
                )  # fmt: skip
        console.print(table)
    for count, measured in everything.items():
        clock, key = ("processor", "processor_times") if count == "1" else ("wall", "times")
        said = ", ".join(f"{feature} {contestants['batch'][key]:.1f}" for feature, contestants in measured.items())
        console.print(f"batches, {clock} time, threads: {count}: times librosa's speed: {said}")
    written = {"clips": len(clips), "audio_seconds": seconds, "threads": everything}
    console.print(f"written: {write_json('ser', written)}")


if __name__ == "__main__":
    main()
