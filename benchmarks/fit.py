"""``python -m benchmarks.fit --songs DIR``: fits of the public excerpts beside the paper's own renderings.

DIR holds a folder a song with ``dry``, ``wet`` and, where there is one, ``diffvox`` (the paper's rendering). Every
song's figures are kept under ``out/benchmarks/fit/TAG``, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from voxrack import read
from voxrack.errors import VoxrackError
from voxrack_match import compare

from .timing import write_json

TERMS = ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "total")
EVERY = 10  # steps between looks at whether the paper's total is reached
GOAL = 1.20


def main() -> None:
    options = _options()
    folder = Path("out/benchmarks/fit") / options.tag
    folder.mkdir(parents=True, exist_ok=True)
    songs = sorted(
        path for path in options.songs.iterdir() if (path / "wet.mp3").exists() or (path / "wet.wav").exists()
    )
    if options.song:
        songs = [song for song in songs if any(word in song.name for word in options.song)]
    songs = songs[options.first : None if options.limit is None else options.first + options.limit]
    console = Console(width=150)
    done: dict[str, dict[str, Any]] = {}
    for song in songs:
        done[song.name] = figures = _figures(song, folder / f"{song.name}.json", options)
        console.print(
            f"{song.name}: paper {figures['paper']['total']:.3f}, ours {figures['ours']['total']:.3f}, "
            f"{figures['steps']} steps in {figures['seconds']:.0f} s"
        )
    if done:
        figures = _summary(done)
        _print(console, done, figures)
        if options.baseline:
            figures["reference_step"] = _baseline(songs[0], console)
        write_json(f"fit-{options.tag}", {"songs": done, **figures})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, required=True, help="folder of songs")
    parser.add_argument("--song", action="append", help="only songs whose name has this in it")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--time-budget", type=float, help="seconds a song")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--start", default="auto")
    parser.add_argument("--tag", default="default", help="name of the folder of results")
    parser.add_argument("--again", action="store_true", help="do not take kept results")
    parser.add_argument("--halves", action="store_true", help="also fit the first half and judge on the second")
    parser.add_argument("--baseline", action="store_true", help="also time one step of the reference composition")
    return parser.parse_args()


def _figures(song: Path, cache: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What is asked for of a song: what was kept of it, and what is still missing, kept as it comes."""
    if not cache.exists() or options.again:
        cache.write_text(json.dumps(_one(song, options)) + "\n")
    figures = json.loads(cache.read_text())
    for name, measure in (("exact", _unwrapped), ("halves", _halves)):
        if name not in figures and (name == "exact" or options.halves):
            figures[name] = measure(song, figures["parameters"], options)
            cache.write_text(json.dumps(figures) + "\n")
    return figures


def _one(song: Path, options: argparse.Namespace) -> dict[str, Any]:
    from voxrack_match import fit
    from voxrack_match.result import render_preset

    dry, wet, paper = (read(_file(song, name)) for name in ("dry", "wet", "diffvox"))
    theirs = compare(paper, wet)
    reached: list[float] = []

    def watch(now: Any) -> None:
        near = not reached and now.step % EVERY == 0 and now.best <= theirs["total"] * 1.02
        if near and compare(render_preset(now.preset(), dry), wet)["total"] <= theirs["total"]:
            reached.append(time.perf_counter() - began)  # alignment and coarse search included

    began = time.perf_counter()
    result = fit(dry, wet, callback=watch, name=song.name, **_given(options))
    figures = {
        "dry": dict(result.before), "paper": dict(theirs), "ours": dict(result.after), "steps": result.steps,
        "seconds": time.perf_counter() - began, "to_paper": reached[0] if reached else None,
        "totals": [line["total"] for line in result.history], "parameters": _plain(result.preset.parameters),
        "notes": list(result.notes),
    }  # fmt: skip
    return figures


def _unwrapped(song: Path, parameters: dict[str, Any], _: argparse.Namespace) -> dict[str, float]:
    """Totals without the reference's row wrap, which is what a fit minimises."""
    from voxrack import Preset
    from voxrack_match import vocal_rack
    from voxrack_match.levelled import levelled
    from voxrack_match.result import render_preset

    dry, wet, paper = (read(_file(song, name)) for name in ("dry", "wet", "diffvox"))
    rack = levelled(vocal_rack()).rack
    for address, value in parameters.items():
        if address != "input":
            rack.set(address, value)
    match = render_preset(Preset.of(rack, name=song.name), dry)
    return {name: compare(audio, wet, "exact")["total"] for name, audio in (("ours", match), ("paper", paper))}


def _given(options: argparse.Namespace) -> dict[str, Any]:
    given = {"steps": options.steps, "time_budget": options.time_budget, "start": options.start}
    return given if options.rate is None else {**given, "rate": options.rate}


def _halves(song: Path, _: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """A fit on the first half, judged on the second (rendered from the beginning, then cut)."""
    from voxrack import Audio
    from voxrack_match import fit
    from voxrack_match.result import render_preset

    dry, wet, paper = (read(_file(song, name)) for name in ("dry", "wet", "diffvox"))
    middle = min(dry.duration, wet.duration) / 2
    result = fit(dry, wet, span=(0.0, middle), **_given(options))
    frame = round(middle * wet.sample_rate)
    match = render_preset(result.preset, dry)
    late = [Audio(audio.samples[:, frame:], wet.sample_rate) for audio in (match, paper, dry, wet)]
    return {name: compare(audio, late[3]) for name, audio in zip(("ours", "paper", "dry"), late)}


def _file(song: Path, name: str) -> Path:
    for suffix in (".wav", ".flac", ".mp3"):
        if (song / (name + suffix)).exists():
            return song / (name + suffix)
    raise VoxrackError(f"{song} has no {name}.wav, .flac or .mp3")


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if isinstance(value, (int, float, str, list))}


def _summary(done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    means = {
        who: {term: statistics.mean(song[who][term] for song in done.values()) for term in TERMS}
        for who in ("dry", "paper", "ours")
    }
    times = [song["to_paper"] if song["to_paper"] is not None else float("inf") for song in done.values()]
    short = [name for name, song in done.items() if song["ours"]["total"] > song["paper"]["total"]]
    out: dict[str, Any] = {"means": means, "short": short, "songs_measured": len(done)}
    out["median_seconds_to_paper"] = statistics.median(times)
    exact = [song["exact"] for song in done.values() if "exact" in song]
    if exact:
        out["exact"] = {who: statistics.mean(totals[who] for totals in exact) for who in ("ours", "paper")}
    halves = [song["halves"] for song in done.values() if "halves" in song]
    if halves:
        out["second_half"] = {
            who: {term: statistics.mean(half[who][term] for half in halves) for term in TERMS}
            for who in ("dry", "paper", "ours")
        }
    return out


def _print(console: Console, done: dict[str, dict[str, Any]], figures: dict[str, Any]) -> None:
    grid = Table(title="weighted total and terms: the paper's rendering / ours")
    for column in ("song", "dry", "total", "MSS l/r", "MSS m/s", "MLDR l/r", "MLDR m/s", "s", "s to paper's"):
        grid.add_column(column, justify="left" if column == "song" else "right")
    order = ("total", "mss_lr", "mss_ms", "mldr_lr", "mldr_ms")

    def cells(record: dict[str, Any]) -> list[str]:
        return [f"{record['paper'][t]:.2f} / {record['ours'][t]:.2f}" for t in order]

    for name, song in done.items():
        reached = "never" if song["to_paper"] is None else f"{song['to_paper']:.0f}"
        grid.add_row(name, f"{song['dry']['total']:.2f}", *cells(song), f"{song['seconds']:.0f}", reached)
    grid.add_section()
    means = figures["means"]
    grid.add_row(
        "mean", f"{means['dry']['total']:.2f}", *cells(means), "", f"{figures['median_seconds_to_paper']:.0f} (median)"
    )
    if "second_half" in figures:
        half = figures["second_half"]
        grid.add_row("fit on 1st half, judged on 2nd", f"{half['dry']['total']:.2f}", *cells(half), "", "")
    console.print(grid)
    for name in figures["short"]:
        console.print(f"falls short of the paper's rendering: {name}")
    ours, paper = means["ours"], means["paper"]
    below = all(ours[term] < paper[term] for term in TERMS)
    console.print(
        f"mean total {ours['total']:.3f} (goal {GOAL}); every term below the paper's: {'yes' if below else 'no'}"
    )
    if "exact" in figures:
        exact = figures["exact"]
        console.print(f"without the reference's row wrap: {exact['ours']:.3f} (paper's rendering {exact['paper']:.3f})")


def _baseline(song: Path, console: Console) -> dict[str, Any]:
    """One training step of the reference composition and one of ours, in turns, on the same excerpt."""
    from .fit_step import measure

    figures = measure(read(_file(song, "dry")), read(_file(song, "wet")))
    console.print(
        f"a step of the reference composition {figures['reference']['total']:.2f} s, of ours {figures['ours']:.2f} s: "
        f"{figures['times']:.1f} times cheaper; its 2000 steps take {figures['reference']['total'] * 2000 / 3600:.1f} h"
    )
    return figures


if __name__ == "__main__":
    main()
