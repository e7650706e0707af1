"""``voxrack atlas collect``: fits on disk as one set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common

from . import options


@common.verb("collect", short_help="Fits on disk as one .parquet file.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help=".parquet",
              callback=options.ends_in(".parquet"))  # fmt: skip
@click.option("--max-loss", default=4.0, show_default=True, help="Leave out what never came below; inf: take all.")
@click.option("--max-jitter", default=0.2, show_default=True, help="Leave out what jumps more, in the median step.")
@click.option("--converged/--any-end", default=True, show_default=True, help="Leave out what never got better.")
@click.option("--latest/--all-runs", default=True, show_default=True, help="Of fits to the same recordings, the last.")
@options.duplicates_option
@options.plot_option
def command(
    runs: tuple[Path, ...], output: Path, max_loss: float, max_jitter: float, converged: bool, latest: bool,
    duplicates: Any, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Gather the fits in RUNS that pass the rules with which DiffVox chose its presets, and write them as one set.

    RUNS are folders: what `voxrack batch fit` made, runs of `voxrack fit --run`, or presets, fitted or published.
    Whatever is left out is named, with the rule.

    \b
    Examples:
      voxrack atlas collect batch -o set.parquet
      voxrack atlas collect presets/internal -o internal.parquet
      voxrack atlas collect batch more --max-loss 2 --any-end -o set.parquet --json
    """
    from ..collecting import Rules, assemble, survey

    verdicts = survey(runs, Rules(max_loss, max_jitter, converged, latest))
    made = assemble(verdicts, duplicates)
    made.save(output)
    options.draw(lambda: _figure(verdicts, max_loss), plot)
    out = [{"name": v.run.name, "rule": v.rule, "told": v.told} for v in verdicts if v.rule]
    for remark in made.remarks:
        common.say(remark)
    if as_json:
        common.emit({"path": str(output), "presets": len(made), "names": made.names, "left_out": out})
    else:
        common.write(f"{len(made)} presets in {output}" + (f", {len(out)} left out" if out else ""))


def _figure(verdicts: Any, max_loss: float) -> Any:
    from ..pictures import losses_figure

    return losses_figure(verdicts, max_loss)
