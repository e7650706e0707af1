"""``voxrack atlas map``: a set on a plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError

from . import options


@common.verb("map", short_help="Place presets on a plane, like beside like (t-SNE or UMAP).")
@options.set_argument
@click.option("--method", type=click.Choice(["tsne", "umap"]), default="tsne", show_default=True)
@click.option("--neighbours", type=click.IntRange(min=2), default=15, show_default=True, help="That count as near.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--as-is", is_flag=True, help="Do not divide columns by their standard deviation.")
@click.option("--colour", metavar="NAME", help="A parameter or something known of the presets, for the picture.")
@options.space_option
@options.duplicates_option
@options.plot_option
def command(
    collection: Path, method: Any, neighbours: int, seed: int, as_is: bool, colour: str | None, space: Any,
    duplicates: Any, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Place the presets of SET on a plane so that neighbours stay neighbours; distances between groups mean little.

    \b
    Examples:
      voxrack atlas map internal.parquet --plot map.png --colour compressor.ratio
      voxrack atlas map runs.parquet --method umap --json > map.json
    """
    from ..embedding_map import embedding_map

    held = options.load(collection, duplicates)
    if colour is not None and colour not in held.columns and colour not in held.meta:
        from voxrack.params import suggest

        raise UsageError(f"the set knows no '{colour}'{suggest(colour, [*held.columns, *map(str, held.meta.columns)])}")
    found = embedding_map(held, method, space=space, neighbours=neighbours, standardise=not as_is, seed=seed)
    options.draw(lambda: _figure(found, held, colour, method), plot)
    if as_json:
        common.emit({"method": method, "kept": found["kept"].mean(), "presets": options.records(found)})
        return
    rows = [
        [row["name"], f"{row['x']:.2f}", f"{row['y']:.2f}", f"{100 * row['kept']:.0f} %"]
        for row in options.records(found)
    ]
    common.table(("name", "x", "y", "neighbours kept"), rows, right=("x", "y", "neighbours kept"))
    common.write(f"{len(held)} presets; {100 * found['kept'].mean():.0f} % of the neighbours are neighbours on the map")


def _figure(found: Any, held: Any, colour: str | None, method: str) -> Any:
    from ..maps_pictures import map_figure

    return map_figure(found, held, colour, method)
