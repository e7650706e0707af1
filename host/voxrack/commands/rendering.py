"""``voxrack render``: one file, many, or a folder through a preset's rack."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..files import FORMATS
from . import common, complete, pool, work
from .targets import pair

ROWS = 100  # a longer table is not read; the line below it sums up


@common.verb("render", short_help="Render audio files through a preset.")
@click.argument("preset", shell_complete=complete.preset_names)
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--out", required=True, type=click.Path(), help="A file for one input, else a folder.")
@click.option("--set", "settings", metavar="ADDRESS=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a number of the rack; may be given again.")  # fmt: skip
@common.jobs_option
@click.option("--tail/--no-tail", default=True, help="Go on until reverb and delay have died away, or keep the length.")
@click.option("--format", "kind", type=click.Choice([suffix[1:] for suffix in FORMATS]),
              help="Of files in a folder. Default: the input's if lossless, else wav.")  # fmt: skip
@click.option("--subtype", help="Sample format, such as PCM_16. Default: float, or 24 bits for FLAC.")
@click.option("--block", type=click.IntRange(1, 1 << 20), default=4096, show_default=True, help="Frames per block.")
def render(
    preset: str, inputs: Sequence[str], out: str, settings: Sequence[str], jobs: int, tail: bool, kind: str | None,
    subtype: str | None, block: int, as_json: bool,
) -> int:  # fmt: skip
    """Render audio files through PRESET, which is a file or the name of a factory preset.

    A folder among IN is searched for audio files, and its tree is kept. An input is never overwritten;
    an output that exists is replaced once the new one is whole. A file that fails is reported, and the
    others are rendered (exit code 1); with a single input the code is that of its error.

    \b
    Examples:
      voxrack render podcast-voice talk.wav -o better.wav
      voxrack render my.json takes/ -o out/ --jobs 4 --format flac
      voxrack render telephone *.wav -o out/ --no-tail --json
      voxrack render my.json in.wav -o out.wav --set compressor.threshold=-24dB --set send.reverb=-18
    """
    from .racks import find_preset, ready_rack

    chosen = find_preset(preset)
    changes = tuple(common.split_settings(settings))
    for remark in chosen.check():
        common.say(f"voxrack: {preset}: {remark}")
    ready_rack(chosen, changes)  # before anything is written: what is wrong with the rack is wrong for every file
    pairs = pair(inputs, out, kind)
    path = str(chosen.path or "")
    todo = [work.RenderJob(chosen.text(), path, changes, s, t, block, tail, subtype) for s, t in pairs]
    if len(todo) == 1:
        return _render_one(todo[0], as_json)
    return _render_many(todo, common.workers(jobs), as_json)


def _render_one(job: work.RenderJob, as_json: bool) -> int:
    with common.Bar(job.source.name) as bar:
        report = work.render(job, bar.to)
    if as_json:
        common.emit(report)
    else:
        _print([report])
    return 0


def _render_many(todo: Sequence[work.RenderJob], jobs: int, as_json: bool) -> int:
    reports: dict[int, dict[str, Any]] = {}
    failed = 0
    started = time.monotonic()
    with common.Bar("rendering", len(todo)) as bar:
        for done, outcome in enumerate(pool.run(work.render, todo, jobs), 1):
            job = todo[outcome.index]
            if outcome.error:
                failed += 1
                common.say(f"voxrack: {naming(job.source, outcome.error)}")
                report = {"source": str(job.source), "target": None, "error": outcome.error}
            else:
                report = outcome.value
                reports[outcome.index] = report
            if as_json:
                common.emit(report)
            bar.to(done, f"{done} of {len(todo)}")
    if not as_json and reports:
        seconds = time.monotonic() - started
        _print([reports[index] for index in sorted(reports)])
        audio = sum(report["frames_in"] / report["sample_rate"] for report in reports.values())
        rate = f"{audio / max(seconds, 1e-9):.0f} × real time"
        common.write(f"{len(reports)} files rendered, {audio:.1f} s of audio in {seconds:.1f} s ({rate})")
    if failed:
        common.say(f"voxrack: {failed} of {len(todo)} files failed")
    return 1 if failed else 0


def naming(source: Path, error: str) -> str:
    """The error, with the file it is about in front where it does not say so itself."""
    return error if str(source) in error else f"{source}: {error}"


def _print(reports: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            report["target"],
            f"{report['frames_out'] / report['sample_rate']:.2f} s",
            f"{report['channels_in']} → {report['channels_out']}",
            common.decibel(report["peak_in"]),
            common.decibel(report["peak_out"]),
            f"{report['latency_ms']:.1f} ms",
            f"{report['tail_s']:.2f} s",
            f"{report['times_real_time']:.0f}×",
            f"{report['clipped']}",
        )
        for report in reports[:ROWS]
    ]
    columns = ("output", "length", "channels", "peak in", "peak out", "latency", "tail", "real time", "clipped")
    common.table(columns, rows, right=columns[1:])
    if len(reports) > ROWS:
        common.write(f"… and {len(reports) - ROWS} more")
    for note in dict.fromkeys(note for report in reports for note in report["notes"]):
        common.say(f"voxrack: {note}")
    if clipped := [report for report in reports if report["clipped"]]:
        remedy = "lower a level with --set, or write .wav, whose floats hold more than 0 dBFS"
        common.say(f"voxrack: {len(clipped)} of {len(reports)} outputs are clipped: {remedy}")


COMMANDS = (render,)
