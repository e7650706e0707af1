"""``voxrack batch``: fit, render or analyze a corpus with many workers; stop and go on at will."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError, UsageError
from . import common, complete
from .fronts import front_option
from .group import EXIT_CODES
from .targets import find_sources, refuse_empty

if TYPE_CHECKING:
    from ..corpus import Crew, Item, Job

_WORK = "voxrack.commands.batch_work"
_GOES_ON = """
    Whatever is stopped or killed: run the same again, and what is done is skipped. A worker that dies is replaced and
    its item taken up again; an item that fails, or that kills its workers, is recorded with its traceback in
    DIR/records and the others are done. What failed is tried again by the next run, unless --keep-failed.
    With --json, one line per item that ends, then {"report": ...}.
"""


@click.group("batch", short_help="Fit, render or analyze a corpus with many workers.", epilog=EXIT_CODES)
def batch() -> None:
    """Work through a corpus: on this machine, on a Dask scheduler's workers, or as SLURM jobs."""


def _verb(name: str, short_help: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A verb with what all of them take: the folder, the workers, what counts as failed."""
    options = (
        click.option("-o", "--out", required=True, type=click.Path(), metavar="DIR", help="Folder of the job."),
        click.option("--scheduler", metavar="tcp://HOST:PORT", help="Use the workers of this Dask scheduler."),
        click.option("--slurm", metavar="KEY=VALUE", multiple=True,
                     help="Submit SLURM jobs: partition, account, time, memory, cores, or any option of sbatch."),
        click.option("--workers", type=click.IntRange(1, 10_000), metavar="N",
                     help="Workers, one thread each. Default: one per core, per GPU, or all of the scheduler's."),
        click.option("--tries", type=click.IntRange(1, 100), default=3, show_default=True,
                     help="Workers that may die at an item."),
        click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                     help="End an item that takes longer; it counts as failed."),
        click.option("--keep-failed", is_flag=True, help="Do not try again what failed in an earlier run."),
    )  # fmt: skip

    def decorate(function: Callable[..., Any]) -> click.Command:
        function.__doc__ = (function.__doc__ or "").replace("GOES_ON", _GOES_ON.strip())
        for option in reversed(options):
            function = option(function)
        return common.verb(name, short_help=short_help)(function)

    return decorate


def _names(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


@_verb("fit", "Fit a rack to every pair of a table.")
@click.argument("pairs", type=click.Path())
@click.option("--rack", metavar="PRESET", help="Fit the rack of this preset. Default: the vocal rack.")
@click.option("--preset", "start", metavar="START", default="auto", show_default=True,
              help="Begin at this preset's numbers, or: auto, typical, neutral.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=0), help="At most. Default: as `voxrack fit`.")
@click.option("--time-budget", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="For each item.")
@click.option("--device", default="cpu", show_default=True, help="cpu, or cuda: one fit at a time on each GPU.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice of chunks.")
@click.option("--ablate", callback=_names, metavar="NAMES", help="Leave out buses or slots: delay,reverb.")
@click.option("--hold", callback=_names, metavar="ADDRESSES", help="Do not move these: compressor,peq.low_pass.")
def fit(
    pairs: str, rack: str | None, start: str, steps: int | None, time_budget: float | None, device: str, seed: int,
    ablate: tuple[str, ...], hold: tuple[str, ...], **common_options: Any,
) -> int:  # fmt: skip
    """Fit a rack to every pair of PAIRS, a CSV file with the columns dry, wet and name.

    \b
      dry,wet,name
      songs/one/dry.wav,songs/one/mix.wav,one
      songs/two/dry.wav,songs/two/mix.wav,singer/two

    Paths start at the table's folder; names are unique and may have slashes; further columns are kept in the records.
    DIR/presets/NAME.json is the preset, DIR/runs/NAME the log of its fit, DIR/records/NAME.json the losses.

    GOES_ON

    \b
    Examples:
      voxrack batch fit pairs.csv -o runs
      voxrack batch fit pairs.csv -o runs --device cuda
      voxrack batch fit pairs.csv -o runs --scheduler tcp://10.0.0.5:8786
      voxrack batch fit pairs.csv -o runs --workers 64 --slurm partition=cpu --slurm time=08:00:00 --slurm memory=8GB
    """
    from ..corpus_table import read_table
    from ..host import default_host
    from .batch_work import WORDS

    if device not in ("cpu", "cuda"):
        raise UsageError(f"device '{device}' is unknown; it takes cpu, or cuda for one fit at a time on each GPU")
    host = default_host()
    if "fit" not in host.services():
        host.service("fit")  # which says who might have offered it
    items = read_table(pairs, ("dry", "wet"))
    options = {
        "rack": _packed(rack) if rack else None, "start": start if start in WORDS else _packed(start), "steps": steps,
        "time_budget": time_budget, "seed": seed, "device": device, "ablate": list(ablate), "hold": list(hold),
    }  # fmt: skip
    return _run(_job("fit", options), items, gpu=device == "cuda", **common_options)


@_verb("render", "Render files or a table of them through a preset.")
@click.argument("preset", shell_complete=complete.preset_names)
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option("--set", "settings", metavar="ADDRESS=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a number of the rack; may be given again.")  # fmt: skip
@click.option("--tail/--no-tail", default=True, help="Go on until reverb and delay have died away, or keep the length.")
@click.option("--format", "kind", help="Of the outputs, such as wav, flac. Default: the input's if lossless, else wav.")
@click.option("--subtype", help="Sample format, such as PCM_16. Default: float, or 24 bits for FLAC.")
@click.option("--block", type=click.IntRange(1, 1 << 20), default=4096, show_default=True, help="Frames per block.")
def render(
    preset: str, inputs: Sequence[str], settings: Sequence[str], tail: bool, kind: str | None, subtype: str | None,
    block: int, **common_options: Any,
) -> int:  # fmt: skip
    """Render audio files through PRESET into DIR/audio.

    IN are audio files, folders (searched for audio, with the tree kept), or CSV files with the columns source and
    name. DIR/audio/NAME.wav is the rendering, DIR/records/NAME.json its report.

    GOES_ON

    \b
    Examples:
      voxrack batch render podcast-voice takes/ -o wet
      voxrack batch render my.json takes.csv -o wet --format flac --workers 4
    """
    from ..files import FORMATS
    from .racks import find_preset, ready_rack

    if kind is not None and f".{kind}" not in FORMATS:
        raise UsageError(f"--format {kind}; it takes {', '.join(suffix[1:] for suffix in FORMATS)}")
    changes = common.split_settings(settings)
    chosen = find_preset(preset)
    for remark in chosen.check():
        common.say(f"voxrack: {preset}: {remark}")
    ready_rack(chosen, changes)  # what is wrong with the rack is wrong for every file
    options = {
        "preset": {"text": chosen.text(), "path": _beside(chosen.path)}, "settings": [list(pair) for pair in changes],
        "tail": tail, "format": kind, "subtype": subtype, "block": block,
    }  # fmt: skip
    return _run(_job("render", options), _sources(inputs, common_options["out"]), **common_options)


@_verb("analyze", "Read files or a table of them with an analyzer.")
@click.argument("device", shell_complete=complete.analyzer_ids)
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a parameter of the analyzer; may be given again.")  # fmt: skip
@front_option
def analyze(
    device: str, inputs: Sequence[str], settings: Sequence[str], fronts: Sequence[str], **common_options: Any
) -> int:
    """Read audio files with the analyzer DEVICE.

    IN are audio files, folders (searched for audio, with the tree kept), or CSV files with the columns source and
    name. DIR/analyses/NAME.json holds what `analyze --json` prints, DIR/records/NAME.json its summary.

    GOES_ON

    \b
    Examples:
      voxrack batch analyze fx.loudness takes/ -o loudness
      voxrack batch analyze ser.best calls/ -o emotions --front enhance.light
    """
    from . import work

    job = work.check_analysis(device, settings, fronts)
    options: dict[str, Any] = {"device": device, "settings": [list(pair) for pair in job.values]}
    if job.fronts:
        options["fronts"] = [list(front) for front in job.fronts]
        options["front_settings"] = [list(pair) for pair in job.front_values]
    return _run(_job("analyze", options), _sources(inputs, common_options["out"]), **common_options)


# ---- what they share ------------------------------------------------------------------------
def _job(verb: str, options: Mapping[str, Any]) -> Job:
    from ..corpus_folder import Job

    return Job(verb, f"{_WORK}:{verb}", options)


def _packed(preset: str) -> dict[str, str]:
    """A preset as it travels to a worker: its text, and where its assets lie."""
    from .racks import find_preset

    found = find_preset(preset)
    return {"text": found.text(), "path": _beside(found.path)}


def _beside(path: Path | None) -> str:
    return "" if path is None else os.path.abspath(path)


def _sources(words: Sequence[str], out: str) -> list[Item]:
    """Items of audio files, folders and tables; a file's name is its path without the suffix."""
    from ..corpus_folder import Item
    from ..corpus_table import alike, bad_name, read_table

    items: list[Item] = []
    taken: dict[str, Item] = {}
    others = [word for word in words if Path(word).suffix.lower() != ".csv"]
    found = find_sources(others, leave_out=Path(refuse_empty(out, "the output")))
    for source, inside in found:
        items.append(Item(inside.with_suffix("").as_posix(), {"source": os.path.abspath(source)}, {}, str(source)))
    for word in words:
        if word not in others:
            items += read_table(word, ("source",))
    for item in items:
        if why := bad_name(item.name):
            raise InputError(f"{item.origin}: {why}; rename the file, or name it in a table")
        first = taken.setdefault(alike(item.name), item)
        if first is not item:
            raise UsageError(f"{first.origin} and {item.origin} would both be '{item.name}'; name them in a table")
    return items


def _crew(scheduler: str | None, slurm: Iterable[str], workers: int | None, gpu: bool) -> Crew:
    from ..corpus_crew import Local, Remote, Slurm

    settings = []
    for word in slurm:
        key, _, value = word.strip().lstrip("-").partition("=")
        if not key:
            raise UsageError(f"--slurm takes KEY=VALUE, for example partition=cpu; got '{word}'")
        settings.append((key.strip(), value.strip()))
    if scheduler is not None and settings:
        raise UsageError("--scheduler and --slurm exclude each other; leave one of them out")
    if scheduler is not None:
        return Remote(refuse_empty(scheduler, "--scheduler"), workers or 0, gpu)
    return Slurm(workers or 1, tuple(settings), gpu) if settings else Local(workers or 0, gpu)


def _run(
    job: Job, items: Sequence[Item], *, out: str, scheduler: str | None, slurm: Sequence[str], workers: int | None,
    tries: int, timeout: float | None, keep_failed: bool, as_json: bool, gpu: bool = False,
) -> int:  # fmt: skip
    from .. import corpus
    from ..corpus_crew import need_dask
    from . import batch_screen as screens

    need_dask()
    crew = _crew(scheduler, slurm, workers, gpu)
    folder = Path(refuse_empty(out, "the output"))
    with screens.Screen(job.verb, len(items), common.emit if as_json else None) as screen:
        try:
            report = corpus.run(
                folder, job, items, crew, tries=tries, timeout=timeout, keep_failed=keep_failed, watch=screen
            )
        except BaseException:
            if screen.state is not None:
                common.say(f"voxrack: {screens.line(screen.state)}; run the same again to go on")
            raise
    if as_json:
        common.emit({"report": report.as_dict()})
        return 1 if report.failed or report.left else 0
    summary = {"fit": screens.fit_words, "render": screens.render_words}.get(job.verb)
    wanted = {item.name for item in items}
    words = summary(r for r in corpus.JobFolder(folder).records() if r["name"] in wanted) if summary else ()
    screens.show(report, words)
    return 1 if report.failed or report.left else 0


for _command in (fit, render, analyze):
    batch.add_command(_command)
COMMANDS = (batch,)
