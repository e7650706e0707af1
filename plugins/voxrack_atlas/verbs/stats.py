"""``voxrack atlas stats``: what each parameter of a set is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common

from . import options

_SHOWN = ("unit", "mean", "sd", "q05", "median", "q95", "at_low", "at_high", "off", "normal_p")


@common.verb("stats", short_help="Mean, spread and quantiles of every parameter.")
@options.set_argument
@click.option(
    "--space", type=click.Choice(["raw", "perceptual", "logit"]), help="Of the coordinates in a space. Default: units."
)
@options.duplicates_option
@options.plot_option
def command(collection: Path, space: Any, duplicates: Any, plot: Path | None, as_json: bool) -> None:
    """What each parameter of SET is like: mean, standard deviation, quantiles, how often it is at an end of its
    slider or off, and the p-value of normality.

    \b
    Examples:
      voxrack atlas stats internal.parquet
      voxrack atlas stats presets/internal --json --plot stats.png
    """
    from ..statistics import stats

    held = options.load(collection, duplicates)
    found = stats(held, space=space)
    options.draw(lambda: _figure(held, found), plot)
    if as_json:
        common.emit({"presets": len(held), "parameters": options.records(found)})
        return
    moving = found.loc[~found["constant"].to_numpy(dtype=bool)]
    rows = [[name, *(_text(key, row[key]) for key in _SHOWN)] for name, row in moving.iterrows()]
    common.table(("parameter", *_SHOWN), rows, title=f"{len(held)} presets", right=_SHOWN[1:])
    options.say_constant(tuple(found.index[found["constant"].to_numpy(dtype=bool)]))


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if key in ("at_low", "at_high", "off"):
        return ("<1 %" if value < 0.005 else f"{100 * value:.0f} %") if value else ""
    if value != value:
        return "?"
    return (f"{value:.0f}" if 1e4 <= abs(value) < 1e6 else f"{value:.4g}").replace("-", "−")


def _figure(held: Any, found: Any) -> Any:
    from ..pictures import stats_figure

    return stats_figure(held, found)
