"""``voxrack analyze``: files through an analyzer, as tables, JSON lines or pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from . import common, complete, pool, work
from .rendering import naming
from .targets import find_sources


@common.verb("analyze", short_help="Read audio files with an analyzer.")
@click.argument("device", shell_complete=complete.analyzer_ids)
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a parameter of the analyzer; may be given again.")  # fmt: skip
@common.jobs_option
@click.option("--plot", metavar="PICTURE", type=click.Path(), help="Draw the curves (.png, .svg, .pdf); for one input.")
def analyze(
    device: str, inputs: Sequence[str], settings: Sequence[str], jobs: int, plot: str | None, as_json: bool
) -> int:
    """Read audio files with the analyzer DEVICE (`voxrack devices --kind analyzer` lists them).

    A folder among IN is searched for audio files. --json prints one object a line,
    {"file", "device", "summary", "tracks": [{"name", "unit", "labels", "times_s", "values"}]};
    of a file that failed, {"file", "device", "error"}.

    \b
    Examples:
      voxrack analyze fx.loudness talk.wav
      voxrack analyze fx.loudness takes/ --json | jq .summary
      voxrack analyze fx.loudness talk.wav --plot loudness.png
    """
    from ..host import default_host

    host = default_host()
    spec = host.spec(device)
    if spec.kind != "analyzer":
        known = ", ".join(entry.spec.id for entry in host.devices("analyzer")) or "none is installed"
        raise UsageError(f"'{device}' is a {spec.kind}; analyze takes an analyzer: {known}")
    values = tuple(common.split_settings(settings))
    host.create(device, work.typed(spec, values))  # what is wrong with the settings is wrong for every file
    sources = [source for source, _ in find_sources(inputs)]
    if plot and len(sources) != 1:
        raise UsageError(f"--plot draws one file; {len(sources)} were given")
    todo = [work.AnalyzeJob(device, values, source) for source in sources]
    return _one(todo[0], plot, as_json) if len(todo) == 1 else _many(todo, common.workers(jobs), as_json)


def _one(job: work.AnalyzeJob, plot: str | None, as_json: bool) -> int:
    with common.Bar(job.source.name) as bar:
        result = work.analyze(job, bar.to)
    if plot:
        common.need("matplotlib", "--plot", "notebook")
        from ..device import Track
        from ..notebook.plots import curves

        tracks = [Track(**track) for track in result["tracks"]]
        curves(tracks, plot, title=f"{job.source.name} · {job.device}")
    if as_json:
        common.emit(result)
    else:
        show(result)
    return 0


def _many(todo: Sequence[work.AnalyzeJob], jobs: int, as_json: bool) -> int:
    failed = 0
    with common.Bar("analysing", len(todo)) as bar:
        for done, outcome in enumerate(pool.run(work.analyze, todo, jobs), 1):
            job = todo[outcome.index]
            if outcome.error:
                failed += 1
                common.say(f"voxrack: {naming(job.source, outcome.error)}")
                if as_json:
                    common.emit({"file": str(job.source), "device": job.device, "error": outcome.error})
            elif as_json:
                common.emit(outcome.value)
            else:
                show(outcome.value)
            bar.to(done, f"{done} of {len(todo)}")
    if failed:
        common.say(f"voxrack: {failed} of {len(todo)} files failed")
    return 1 if failed else 0


def show(result: Mapping[str, Any]) -> None:
    """The summary as lines, the tracks as one line each."""
    common.write(Path(result["file"]).name if len(result["file"]) > 100 else result["file"])
    width = max((len(key) for key in result["summary"]), default=0)
    for key, value in result["summary"].items():
        if value in ({}, [], (), ""):
            continue
        common.write(f"  {key:<{width}}  {_text(value)}")
    for track in result["tracks"]:
        values = track["values"]
        labels = ", ".join(track["labels"])
        unit = f" ({track['unit']})" if track["unit"] else ""
        common.write(f"  track {track['name']}{unit}: {len(values)} frames of {labels or values.shape[1]}")
    for note in result.get("notes", ()):
        common.say(f"voxrack: {note}")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value[:8]) + (" …" if len(value) > 8 else "")
    return str(value)


COMMANDS = (analyze,)
