"""Pictures of a collection's statistics, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack.errors import UsageError
from voxrack.files import write_bytes

if TYPE_CHECKING:
    import pandas

    from .collection import Collection
    from .correlation import Correlation
    from .projection import Projection

COLOURS = {"first": "#00798c", "second": "#d1495b", "quiet": "#888888"}
_LOADINGS = 12  # numbers that a component's panel names


def check(path: Path) -> None:
    """Refuse a name that no picture is written under, before any work is done."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"a picture is written as .png, .svg or .pdf; got {path.name!r}")


def sheet(rows: int, columns: int, width: float = 5.0, height: float = 3.4) -> tuple[Any, np.ndarray]:
    """A figure and its axes, (rows, columns).

    Raises
    ------
    UsageError
        Where matplotlib is not installed.
    """
    try:
        from voxrack.notebook.plots import Picture
    except ImportError:
        raise UsageError("a picture needs matplotlib: pip install 'voxrack[notebook]'") from None
    figure = Picture(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def save(figure: Any, path: Path) -> None:
    """Write a figure, whole or not at all; its format follows the suffix."""
    check(path)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lower().lstrip("."), dpi=110)
    write_bytes(path, data.getvalue())


def stats_figure(collection: Collection, table: pandas.DataFrame) -> Any:
    """Quantiles of every parameter that moves, as places on its slider; ends are where fits pile up."""
    from .spaces import space_of

    params = dict(zip(collection.columns, (p for _, p in collection.layout.entries for _ in range(p.size))))
    moving = [
        name for name in table.index[~table["constant"].to_numpy(dtype=bool)] if name in params and "[" not in str(name)
    ]
    columns = [collection.columns.index(name) for name in moving]
    space = space_of(collection.template, "logit")
    places = 1.0 / (1.0 + np.exp(-space.forward(collection.values)[:, columns]))
    figure, grid = sheet(1, 1, 9.0, max(3.0, 0.24 * len(moving) + 1.0))
    axes = grid[0, 0]
    quantiles = np.quantile(places, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    rows = np.arange(len(moving))[::-1]
    axes.hlines(rows, quantiles[0], quantiles[4], color=COLOURS["quiet"], linewidth=1)
    axes.hlines(rows, quantiles[1], quantiles[3], color=COLOURS["first"], linewidth=5)
    axes.plot(quantiles[2], rows, "o", color=COLOURS["second"], markersize=4)
    axes.set_yticks(rows, moving, fontsize="small")
    axes.set(xlim=(0, 1), xlabel="place on the slider: median, quartiles, 5 and 95 %",
             title=f"{len(collection)} presets")  # fmt: skip
    axes.grid(alpha=0.25, axis="x")
    return figure


def correlation_figure(correlation: Correlation, effects: pandas.DataFrame) -> Any:
    """The matrix of parameters, and that of effects."""
    figure, grid = sheet(1, 2, 7.5, 6.5)
    left, right = grid[0]
    drawn = left.imshow(correlation.matrix, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    places, labels = _groups(correlation.columns)
    left.set_xticks(places, labels, rotation=90, fontsize="small")
    left.set_yticks(places, labels, fontsize="small")
    left.set_title(f"{correlation.method}, {correlation.count} presets")
    figure.colorbar(drawn, ax=left, shrink=0.8)
    values = effects.to_numpy()
    drawn = right.imshow(values, cmap="viridis", vmin=0)
    ticks = np.arange(len(effects))
    right.set_xticks(ticks, effects.columns, rotation=45, ha="right")
    right.set_yticks(ticks, effects.index)
    right.set_title("mean strength between effects")
    middle = np.nanmax(values) / 2 if np.isfinite(values).any() else 0.5
    for row, column in np.ndindex(*values.shape):
        if np.isfinite(values[row, column]):
            colour = "white" if values[row, column] < middle else "black"
            right.text(column, row, f"{values[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(drawn, ax=right, shrink=0.8)
    return figure


def pca_figure(projection: Projection, collection: Collection, other: Collection | None = None) -> Any:
    """Explained variance, presets over the first two components, what the first four are made of."""
    figure, grid = sheet(2, 3, 5.2, 4.0)
    curve, cloud, *panels = grid.ravel()
    count = len(projection.ratios)
    curve.plot(np.arange(1, count + 1) / count, projection.cumulative, color=COLOURS["first"], label="this set")
    space = collection.space(projection.space)  # pyright: ignore[reportArgumentType] - a name of a space
    scores = projection.scores(collection.points(space), whiten=True)
    cloud.scatter(*_two(scores), s=9, color=COLOURS["first"], alpha=0.6, label="this set")
    if other is not None:
        points = other.points(space)
        curve.plot(np.arange(1, count + 1) / count, np.cumsum(projection.spectrum(points)), color=COLOURS["second"],
                   label="projected set")  # fmt: skip
        cloud.scatter(*_two(projection.scores(points, whiten=True)), s=9, color=COLOURS["second"], alpha=0.7,
                      label="projected set")  # fmt: skip
    curve.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="share of the components", title="explained variance")
    cloud.set(xlabel="component 1, in standard deviations", ylabel="component 2", title=f"space {projection.space}")
    for axes in (curve, cloud):
        axes.grid(alpha=0.25)
        axes.legend(fontsize="small")
    for number, axes in enumerate(panels):
        if number < count:
            _loadings(axes, projection, number)
        else:
            axes.set_axis_off()
    return figure


def _two(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return scores[:, 0], scores[:, 1] if scores.shape[1] > 1 else np.zeros(len(scores))


def _loadings(axes: Any, projection: Projection, number: int) -> None:
    row = projection.components[number]
    order = np.abs(row).argsort()[::-1][:_LOADINGS][::-1]
    colours = [COLOURS["first"] if row[i] > 0 else COLOURS["second"] for i in order]
    axes.barh(np.arange(len(order)), row[order], color=colours)
    axes.set_yticks(np.arange(len(order)), [projection.columns[i] for i in order], fontsize=7)
    axes.set_title(f"component {number + 1}: {100 * projection.ratios[number]:.1f} %")
    axes.grid(alpha=0.25, axis="x")


def _groups(columns: tuple[str, ...]) -> tuple[list[float], list[str]]:
    """Middle and name of each run of columns with the same first word."""
    heads = [column.partition("[")[0] if "[" in column else column.partition(".")[0] for column in columns]
    places, labels, start = [], [], 0
    for i in range(1, len(heads) + 1):
        if i == len(heads) or heads[i] != heads[start]:
            places.append((start + i - 1) / 2)
            labels.append(heads[start])
            start = i
    return places, labels


def losses_figure(verdicts: list[Any], max_loss: float) -> Any:
    """Lowest total of every fit, sorted; those that were left out in another colour."""
    figure, grid = sheet(1, 1, 8.0, 4.0)
    axes = grid[0, 0]
    known = sorted((v for v in verdicts if np.isfinite(v.run.best)), key=lambda v: v.run.best)
    for out, colour, label in ((False, "first", "taken"), (True, "second", "left out")):
        places = [i for i, v in enumerate(known) if bool(v.rule) is out]
        axes.bar(places, [known[i].run.best for i in places], width=1.0, color=COLOURS[colour], label=label)
    if np.isfinite(max_loss):
        axes.axhline(max_loss, color=COLOURS["quiet"], linewidth=1)
    axes.set(xlabel="fits, best first", ylabel="lowest weighted total",
             title=f"{len(verdicts)} fits, {len(known)} with a loss")  # fmt: skip
    axes.legend(fontsize="small")
    return figure
