"""``voxrack atlas prior``: a probability density of presets, chosen by how well it explains held-out ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common

from . import options


@common.verb("prior", short_help="Fit a prior to a set; the kind is chosen by held-out likelihood.")
@options.set_argument
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=".safetensors",
              callback=options.ends_in(".safetensors"))  # fmt: skip
@click.option(
    "--kind", type=click.Choice(["auto", "gaussian", "shrunk", "mixture", "flow"]), default="auto", show_default=True
)
@click.option("--group", metavar="COLUMN", help="Hold out presets together that agree in this: song, singer, …")
@click.option("--folds", default=5, show_default=True, help="Parts that are held out in turn.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--name", default="", help="What draws say they come from. Default: the name of FILE.")
@click.option("--judge", is_flag=True, help="Also compare draws of each kind with the held-out presets.")
@options.space_option
@options.duplicates_option
@options.plot_option
def command(
    collection: Path, output: Path | None, kind: Any, group: str | None, folds: int, seed: int, name: str,
    judge: bool, space: Any, duplicates: Any, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fit a prior to SET for `atlas sample`. Of the kinds, the one with the highest log-likelihood of presets that
    it has not seen is taken.

    \b
    Examples:
      voxrack atlas prior internal.parquet -o vocal.safetensors
      voxrack atlas prior runs.parquet --group song --judge
      voxrack atlas prior runs.parquet --kind gaussian -o plain.safetensors --json
    """
    from ..choosing import fit_prior
    from ..quality import cross_judged

    held = options.load(collection, duplicates)
    chosen = fit_prior(
        held, kind, space=space, groups=group, folds=folds, seed=seed, name=name or (output.stem if output else "")
    )
    judged = None
    if judge:
        kinds = sorted({str(row).partition("-")[0] for row in chosen.table.loc[chosen.table["note"] == "", "kind"]})
        judged = cross_judged(held, kinds, space=space, groups=group, folds=folds, seed=seed)
    options.draw(lambda: _figure(chosen), plot)
    if output is not None:
        chosen.prior.save(output)
    if as_json:
        common.emit({
            "prior": {"kind": chosen.prior.kind, "name": chosen.prior.name, "space": chosen.prior.space,
                      "columns": len(chosen.prior.columns), "sha256": chosen.prior.sha256,
                      "path": None if output is None else str(output)},
            "presets": len(held), "kinds": options.records(chosen.table), "constant": chosen.constant,
            "judged": None if judged is None else options.records(judged),
        })  # fmt: skip
        return
    _show(chosen, judged, len(held), output)


def _show(chosen: Any, judged: Any, presets: int, output: Path | None) -> None:
    rows = [
        [row.kind, *_numbers(row.log_likelihood, row.standard_error, row.behind, row.behind_error), row.note]
        for row in chosen.table.itertuples()
    ]
    columns = ("kind", "log-likelihood", "±", "behind", "± ", "note")
    title = f"{presets} presets, held-out log-likelihood in nats a preset (space {chosen.prior.space})"
    common.table(columns, rows, title=title, right=columns[1:5])
    if judged is not None:
        rows = [[kind, *(f"{value:.3f}" for value in row[1:])] for kind, row in zip(judged.index, judged.to_numpy())]
        columns = ("kind", *map(str, judged.columns[1:]))
        common.table(columns, rows, title="draws beside held-out presets", right=columns[1:])
    options.say_constant(chosen.constant)
    if output is not None:
        common.write(f"{chosen.prior.kind} written to {output}")


def _numbers(*values: float) -> list[str]:
    return [f"{value:.1f}".replace("-", "−") for value in values]


def _figure(chosen: Any) -> Any:
    from ..maps_pictures import prior_figure

    return prior_figure(chosen)
