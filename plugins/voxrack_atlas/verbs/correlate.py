"""``voxrack atlas correlate``: which parameters move together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common

from . import options


@common.verb("correlate", short_help="Which parameters and effects move together.")
@options.set_argument
@click.option("--with", "other", metavar="SET", type=click.Path(path_type=Path), help="The same pairs in another set.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many pairs.")
@click.option("--method", type=click.Choice(["spearman", "pearson", "kendall"]), default="spearman", show_default=True)
@click.option("--within-arrays", is_flag=True, help="Also pairs inside one array, such as two decay times.")
@options.space_option
@options.duplicates_option
@options.plot_option
def command(
    collection: Path, other: Path | None, top: int, method: Any, within_arrays: bool, space: Any, duplicates: Any,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The strongest correlations of SET, pair by pair, and their mean strength between effects.

    \b
    Examples:
      voxrack atlas correlate internal.parquet --with medleydb.parquet
      voxrack atlas correlate presets/internal --plot correlation.png
      voxrack atlas correlate runs.parquet --method pearson --space perceptual --top 30
    """
    from ..correlation import correlate, effect_matrix

    held = options.load(collection, duplicates)
    found = correlate(held, space=space, method=method)
    pairs, names = found.pairs(within_arrays=within_arrays).head(top), [collection.stem]
    if other is not None:
        second = correlate(options.load(other, duplicates), space=found.space, method=method)  # pyright: ignore
        pairs, names = _beside(pairs, second), [collection.stem, other.stem]
    effects = effect_matrix(found, held)
    options.draw(lambda: _figure(found, effects), plot)
    if as_json:
        common.emit({
            "presets": len(held), "space": found.space, "method": method, "pairs": options.records(pairs),
            "effects": list(effects.index), "effect_matrix": effects.to_numpy(), "constant": found.constant,
        })  # fmt: skip
        return
    common.table(
        ("parameter", "parameter", *names), [_pair(row) for row in pairs.itertuples(index=False)],
        title=f"{method}, {len(held)} presets, space {found.space}", right=names, keys=2,
    )  # fmt: skip
    rows = [[name, *(_text(value) for value in row)] for name, row in zip(effects.index, effects.to_numpy())]
    common.write("")
    common.table(("", *effects.columns), rows, title="mean strength between effects", right=list(effects.columns))
    options.say_constant(found.constant)


def _beside(pairs: Any, second: Any) -> Any:
    """The correlations of the same pairs in another set."""
    from voxrack.errors import InputError

    table = second.frame()
    for name in {*pairs["first"], *pairs["second"]} - set(table.columns):
        raise InputError(f"the second set has no parameter '{name}'; both hold presets of one rack")
    values = [table.loc[one, two] for one, two in zip(pairs["first"], pairs["second"])]
    return pairs.assign(other=values)


def _pair(row: tuple[Any, ...]) -> list[str]:
    return [row[0], row[1], *(_text(value, 2) for value in row[2:])]


def _text(value: float, digits: int = 3) -> str:
    return "" if value != value else f"{value:.{digits}f}".replace("-", "−")


def _figure(found: Any, effects: Any) -> Any:
    from ..pictures import correlation_figure

    return correlation_figure(found, effects)
