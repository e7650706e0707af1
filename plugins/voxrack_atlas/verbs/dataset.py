"""``voxrack atlas dataset``: dry vocals through drawn presets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from voxrack.commands import common
from voxrack.errors import VoxrackError


@common.verb("dataset", short_help="Render dry vocals through drawn presets: training pairs.")
@click.argument("dry", metavar="DRY_FOLDER", type=click.Path(path_type=Path))
@click.option("-n", "--count", type=click.IntRange(min=1), required=True, help="Pairs that the folder shall hold.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--prior", "source", metavar="FILE", type=click.Path(path_type=Path),
              help="As `atlas prior` writes it. Default: of vocal presets, ships with voxrack.")  # fmt: skip
@click.option("--spread", type=click.FloatRange(0.0, 10.0), default=1.0, show_default=True,
              help="Below 1: nearer to the centre; above: rarer.")  # fmt: skip
@click.option("--length", type=click.FloatRange(min=0.0, min_open=True), help="Seconds of an excerpt. Default: all.")
@click.option("--level", default=-18.0, show_default=True, help="Loudness of the dry recordings, in LUFS.")
@common.jobs_option
def command(
    dry: Path, count: int, output: Path, seed: int, source: Path | None, spread: float, length: float | None,
    level: float, jobs: int, as_json: bool,
) -> None:  # fmt: skip
    """Render the recordings of DRY_FOLDER through presets drawn from a prior, into pairs with their parameters.
    The same seed gives the same pairs. What is there is kept: the same command goes on after a stop, or to a higher
    count.

    \b
    Examples:
      voxrack atlas dataset vocals -n 1000 -o pairs --length 10 -j 0
      voxrack atlas dataset vocals -n 200 -o pairs --seed 4 --prior mine.safetensors
    """
    from ..dataset import dataset
    from ..prior import load_prior

    with common.Bar("rendering pairs", count) as bar:
        report = dataset(
            dry, output, count, prior=None if source is None else load_prior(source), seed=seed, spread=spread,
            length=length, level=level, jobs=common.workers(jobs),
            progress=lambda done, total: bar.to(done, f"pair {done} of {total}"),
        )  # fmt: skip
    if as_json:
        common.emit(asdict(report))
    else:
        common.write(
            f"{count - len(report.failed)} pairs in {output} ({report.made} made, {report.kept} were there), "
            f"{report.seconds:.0f} s of audio"
        )
    for number, why in report.failed.items():
        common.say(f"pair {number}: {why}")
    if report.failed:
        raise VoxrackError(f"{len(report.failed)} of {count} pairs failed; the same command tries them again")
