"""``voxrack analyze``: files through an analyzer, as tables, JSON lines, CSV or pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from . import common, complete, pool, work
from .analyzing_text import Csv, Screen
from .fronts import front_option
from .rendering import naming
from .targets import find_sources

__all__ = ["COMMANDS", "analyze"]


@common.verb("analyze", short_help="Read audio files with an analyzer.")
@click.argument("device", shell_complete=complete.analyzer_ids)
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a parameter of the analyzer; may be given again.")  # fmt: skip
@front_option
@common.jobs_option
@click.option(
    "--plot",
    metavar="PICTURE",
    type=click.Path(),
    help="Draw the curves, or a recogniser's timeline (.png, .svg, .pdf); for several inputs, a folder.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Rows of a table on standard output: one for each frame.")
@click.option("--summary", is_flag=True, help="No tracks: with --csv one row for each file.")
@click.option("--only", metavar="TRACK", multiple=True, help="Print this track alone; may be given again.")
def analyze(
    device: str, inputs: Sequence[str], settings: Sequence[str], fronts: Sequence[str], jobs: int, plot: str | None,
    as_csv: bool, summary: bool, only: Sequence[str], as_json: bool,
) -> int:  # fmt: skip
    """Read audio files with the analyzer DEVICE (`voxrack devices --kind analyzer` lists them).

    A folder among IN is searched for audio files. --json prints one object a line,
    {"file", "device", "summary", "tracks": [{"name", "unit", "labels", "times_s", "values"}]};
    of a file that failed, {"file", "device", "error"}. With --front, also "front": a list of names.

    \b
    Examples:
      voxrack analyze fx.loudness talk.wav
      voxrack analyze fx.loudness takes/ --json | jq .summary
      voxrack analyze ser.best call.wav --plot timeline.png
      voxrack analyze ser.best noisy.wav --front enhance.light
      voxrack analyze ser.best calls/ --csv --summary > emotions.csv
    """
    if as_csv and as_json:
        raise UsageError("--csv and --json both want standard output; leave one of them out")
    if summary and only:
        raise UsageError("--summary prints no tracks, and --only asks for one; leave one of them out")
    job = work.check_analysis(device, settings, fronts)
    sources = find_sources(inputs)
    pictures = _pictures(sources, plot)
    if plot:
        common.need("matplotlib", "--plot", "notebook")
    keep = None if not (summary or only) else tuple(only)
    todo = [
        Reading(replace(job, source=source), picture, keep)
        for (source, _), picture in zip(sources, pictures, strict=True)
    ]
    out = _Json() if as_json else Csv(summary) if as_csv else Screen(len(todo) > 1)
    return _one(todo[0], out) if len(todo) == 1 else _many(todo, common.workers(jobs), out)


@dataclass(frozen=True)
class Reading:
    """One file to read: what with, the picture to draw, and the tracks to keep (None: all of them)."""

    job: work.AnalyzeJob
    picture: Path | None = None
    keep: tuple[str, ...] | None = None


class _Json:
    """One object a line."""

    def show(self, result: dict[str, Any]) -> None:
        common.emit(result)

    def failed(self, job: work.AnalyzeJob, error: str) -> None:
        common.emit({"file": str(job.source), "device": job.device, "error": error})

    def close(self) -> None:
        """Nothing is kept back."""


def read(reading: Reading, progress: work.Progress | None = None) -> dict[str, Any]:
    """Read one file and draw its picture; the object that ``--json`` prints."""
    result = work.analyze(reading.job, progress)
    if reading.keep:
        named = [track["name"] for track in result["tracks"]]
        missing = [name for name in reading.keep if name not in named]
        if missing:
            raise UsageError(f"{reading.job.device} has no track '{missing[0]}'; it has: {', '.join(named)}")
    if reading.picture is not None:
        _draw(reading.job, result, reading.picture)
    if reading.keep is not None:
        result["tracks"] = [track for track in result["tracks"] if track["name"] in reading.keep]
    return result


def _one(reading: Reading, out: _Json | Csv | Screen) -> int:
    with common.Bar(reading.job.source.name) as bar:
        result = read(reading, bar.to)
    out.show(result)
    out.close()
    return 0


def _many(todo: Sequence[Reading], jobs: int, out: _Json | Csv | Screen) -> int:
    failed = 0
    with common.Bar("analysing", len(todo)) as bar:
        for done, outcome in enumerate(pool.run(read, todo, jobs), 1):
            job = todo[outcome.index].job
            if outcome.error:
                failed += 1
                common.say(f"voxrack: {naming(job.source, outcome.error)}")
                out.failed(job, outcome.error)
            else:
                out.show(outcome.value)
            bar.to(done, f"{done} of {len(todo)}")
    out.close()
    if failed:
        common.say(f"voxrack: {failed} of {len(todo)} files failed")
    return 1 if failed else 0


# ---- pictures -------------------------------------------------------------------------------
PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp", ".eps", ".ps", ".tif", ".tiff")


def _pictures(sources: Sequence[tuple[Path, Path]], plot: str | None) -> list[Path | None]:
    """Where each picture goes: the file named for one input, else a file of its own below the folder named."""
    if plot is None:
        return [None] * len(sources)
    if not plot.strip():
        raise UsageError("--plot is an empty name; give a picture's name, or for several inputs a folder")
    target = Path(plot)
    folder = os.path.isdir(target)
    if not folder and (len(sources) == 1 or target.suffix.lower() in PICTURES):
        if len(sources) != 1:
            raise UsageError(f"--plot {plot} is one picture, and {len(sources)} files were given; name a folder")
        return [target]
    pictures = [target / inside.with_name(inside.name + ".png") for _, inside in sources]
    taken: dict[Path, Path] = {}
    for picture, (source, _) in zip(pictures, sources, strict=True):
        if taken.setdefault(picture, source) is not source:
            raise UsageError(f"{taken[picture]} and {source} would both be drawn as {picture}; draw them one by one")
    return list(pictures)


def _draw(job: work.AnalyzeJob, result: dict[str, Any], picture: Path) -> None:
    """The timeline of a recogniser over the waveform; the curves of any other analyzer."""
    from ..device import Track
    from ..notebook.plots import curves
    from ..notebook.timeline_plot import timeline_picture
    from ..replace import make_folder
    from ..timeline import Timeline, is_timeline

    make_folder(picture.parent)
    title = f"{job.source.name} · {job.said()}"
    if is_timeline(result["tracks"], result["summary"]):
        found = Timeline.of(result["tracks"], result["summary"])
        timeline_picture(found, job.source, picture, title=title)
    else:
        curves([Track(**track) for track in result["tracks"]], picture, title=title)


COMMANDS = (analyze,)
