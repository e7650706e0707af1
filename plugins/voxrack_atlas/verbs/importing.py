"""``voxrack atlas import``: published preset sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.commands.group import EXIT_CODES
from voxrack.errors import UsageError

from . import options


@click.group("import", short_help="Turn published preset sets into presets.", epilog=EXIT_CODES)
def command() -> None:
    """Turn published preset sets into presets."""


@common.verb("diffvox", short_help="The rows of DiffVox's raw_params.npy.")
@click.argument("raw_params", type=click.Path(path_type=Path))
@click.argument("info", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--rows", help="Only these rows: 0,4,10-19.")
@click.option("--index", type=click.Path(path_type=Path), help="Only the rows in this .npy file (train_index.npy).")
@click.option("--rate", default=44100, show_default=True, help="Sample rate at which they were fitted, in Hz.")
@options.plot_option
def diffvox(
    raw_params: Path, info: Path | None, output: Path, rows: str | None, index: Path | None, rate: int,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write each row of RAW_PARAMS (raw_params.npy of DiffVox) as a preset in plain units; INFO (info.json) names them.

    \b
    Examples:
      voxrack atlas import diffvox internal/raw_params.npy internal/info.json -o presets/internal
      voxrack atlas import diffvox raw_params.npy info.json --index train_index.npy -o train
      voxrack atlas import diffvox raw_params.npy info.json --rows 0,4,10-19 -o some --json
    """
    from ..published import import_diffvox, read_index

    if rows is not None and index is not None:
        raise UsageError("--rows and --index both choose rows; give one of them")
    chosen = read_index(index) if index is not None else _rows(rows) if rows is not None else None
    with common.Bar("importing presets") as bar:
        made = import_diffvox(
            raw_params, info, output, rows=chosen, sample_rate=rate,
            progress=lambda done, total: bar.to(done / total, f"preset {done} of {total}"),
        )  # fmt: skip
    options.draw(lambda: _figure(made), plot)
    if as_json:
        common.emit([{"row": item.row, "name": item.name, "path": str(item.path)} for item in made], indent=2)
    else:
        common.write(f"{len(made)} presets in {output}")


def _figure(made: Any) -> Any:
    from voxrack import Preset

    from ..collection import Collection
    from ..pictures import stats_figure
    from ..statistics import stats

    held = Collection.of([Preset.load(item.path) for item in made])
    return stats_figure(held, stats(held))


def _rows(text: str) -> list[int]:
    """``"0,4,10-19"`` as row numbers."""
    out: list[int] = []
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--rows takes row numbers and ranges, for example 0,4,10-19; got '{text}'")
        out += range(int(first), int(last if dash else first) + 1)
    return out


command.add_command(diffvox)
