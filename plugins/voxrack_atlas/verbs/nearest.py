"""``voxrack atlas nearest``: what in a set is like a preset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common

from . import options


@common.verb("nearest", short_help="The presets of a set that are nearest to one.")
@options.set_argument
@click.argument("preset")
@click.option("-n", "--count", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--metric", type=click.Choice(["mahalanobis", "standardised", "euclidean"]), default="mahalanobis",
    show_default=True, help="Distance with the set's covariance, in standard deviations, or as the space has it.",
)  # fmt: skip
@options.space_option
@options.duplicates_option
@options.plot_option
def command(
    collection: Path, preset: str, count: int, metric: Any, space: Any, duplicates: Any, plot: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Presets of SET nearest to PRESET, a file (.json) or a name or row of SET.

    \b
    Examples:
      voxrack atlas nearest internal.parquet mine.json
      voxrack atlas nearest presets/internal internal-007 -n 10 --metric standardised --json
    """
    from voxrack import Preset

    from ..nearest import nearest

    held = options.load(collection, duplicates)
    one = Preset.load(preset) if preset.endswith(".json") and preset not in held.names else preset
    found = nearest(held, one, count, space=space, metric=metric)
    options.draw(lambda: _figure(found, preset), plot)
    if as_json:
        common.emit({"preset": preset, "metric": metric, "nearest": options.records(found)})
        return
    rows = [[row["name"], row["row"], f"{row['distance']:.2f}", row["differs"]] for row in options.records(found)]
    columns = ("name", "row", "distance", "differs most in")
    common.table(columns, rows, title=f"near {preset}", right=columns[1:3])


def _figure(found: Any, title: str) -> Any:
    from ..maps_pictures import nearest_figure

    return nearest_figure(found, title)
