"""Correlation heat map: every pair of parameters as a cell; click one, see the presets behind it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

import anywidget
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..params import suggest
from .faces import element

if TYPE_CHECKING:
    from ..layout import Layout
    from ..params import Param

Send = Callable[[dict[str, Any], list[Any]], None]
MOST_DOTS = 3000  # of a scatter
TICKS = 5
_HERE = files("voxrack.notebook")


class Correlations(Protocol):
    """A number for each two of d columns."""

    @property
    def method(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...  # d
    @property
    def matrix(self) -> NDArray[np.float64]: ...  # (d, d), -1 … 1; NaN where there is none


class Table(Protocol):
    """Presets as rows of plain values."""

    @property
    def names(self) -> tuple[str, ...]: ...  # n
    @property
    def columns(self) -> tuple[str, ...]: ...  # k, among them all of the correlations
    @property
    def values(self) -> NDArray[np.float64]: ...  # (n, k)
    @property
    def layout(self) -> Layout: ...  # what the columns are


class HeatMapModel:
    """What the heat map does, without a browser.

    Parameters
    ----------
    correlation : Correlations
    table : Table
    send : callable
        Called with ``(content, buffers)`` for each message to the page: ``matrix`` (float32, row after row, as one
        binary buffer), ``scatter``.

    Attributes
    ----------
    pair : tuple of str
        The columns of the cell that is shown; at first the strongest pair of two different devices' numbers.
    """

    def __init__(self, correlation: Correlations, table: Table, send: Send) -> None:
        missing = [column for column in correlation.columns if column not in table.columns]
        if missing:
            raise UsageError(f"the presets have no '{missing[0]}', which the correlations tell of: not of one rack")
        self.correlation, self.table, self.send = correlation, table, send
        self._params = dict(zip(table.layout.names(), _single(table.layout), strict=True))
        self._lock = threading.RLock()
        self.pair = self._strongest()

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page: ``ready``, ``cell`` (row and column)."""
        with self._lock:
            if content.get("type") == "ready":
                return self.refresh()
            columns, cell = self.correlation.columns, (content.get("row", -1), content.get("column", -1))
            if content.get("type") == "cell" and all(0 <= place < len(columns) for place in cell):
                self.show(columns[cell[0]], columns[cell[1]])

    def show(self, first: str, second: str) -> None:
        """Show the presets over two columns.

        Raises
        ------
        UsageError
            For a column that is not there, with the nearest one.
        """
        for column in (first, second):
            if column not in self.correlation.columns:
                raise UsageError(f"the heat map has no '{column}'{suggest(column, self.correlation.columns)}")
        with self._lock:
            self.pair = (first, second)
            self.send(self.scatter(), [])

    def refresh(self) -> None:
        """Show everything anew."""
        found = self.correlation
        cells = np.ascontiguousarray(found.matrix, dtype=np.float32)
        content = {"type": "matrix", "method": found.method, "count": len(self.table.names)}
        self.send(content | {"columns": list(found.columns), "groups": groups(found.columns)}, [cells.data.cast("B")])
        self.send(self.scatter(), [])

    def scatter(self) -> dict[str, Any]:
        """The pair as the page shows it: places 0 … 1 on each axis, and texts of ticks."""
        first, second = self.pair
        at = [self.correlation.columns.index(column) for column in self.pair]
        value = float(self.correlation.matrix[at[0], at[1]])
        shown = np.linspace(0, len(self.table.names) - 1, min(len(self.table.names), MOST_DOTS)).astype(int)
        axes = [self._axis(column, shown) for column in self.pair]
        return {
            "type": "scatter", "row": at[0], "column": at[1], "first": first, "second": second,
            "value": None if math.isnan(value) else value, "x": axes[0], "y": axes[1],
            "names": [self.table.names[row] for row in shown],
        }  # fmt: skip

    def _axis(self, column: str, rows: NDArray[np.int_]) -> dict[str, Any]:
        """Values along their slider, from the least to the greatest there is."""
        param = self._params[column]
        places = np.asarray(param.to_unit(self.table.values[rows, self.table.columns.index(column)]), dtype=float)
        low, high = float(places.min()), float(places.max())
        span = high - low
        inside = (places - low) / span if span > 0 else np.full(len(places), 0.5)
        ticks = np.linspace(0.0, 1.0, TICKS) if span > 0 else np.array([0.5])
        texts = [param.to_text(param.from_unit(low + tick * span)) for tick in ticks]
        return {"at": inside.tolist(), "ticks": [[float(t), text] for t, text in zip(ticks, texts, strict=True)]}

    def _strongest(self) -> tuple[str, str]:
        columns = self.correlation.columns
        strength = np.nan_to_num(np.abs(np.asarray(self.correlation.matrix, dtype=float)))
        heads = np.array([column.partition(".")[0] for column in columns])
        strength[heads[:, None] == heads[None]] *= 1e-3  # those inside one device, where there is no other
        strength[np.arange(len(columns)), np.arange(len(columns))] = -1.0
        one, other = np.unravel_index(int(strength.argmax()), strength.shape)
        return columns[min(one, other)], columns[max(one, other)]


class HeatMap(anywidget.AnyWidget):
    """Correlations of a set of presets as a picture to click on.

    Red cells move together, blue ones against each other. A click, the arrows, or the two lists choose a pair, and
    its presets appear beside it, each value where it stands on its slider.

    Parameters
    ----------
    correlation : Correlations
        With ``columns``, ``matrix`` and ``method``.
    table : Table
        The presets: ``names``, ``columns``, ``values`` in plain units and their ``layout``.

    Examples
    --------
    >>> HeatMap(correlate(collection), collection)  # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in ("page.js", "heat_map.js"))
    _css = _HERE.joinpath("heat_map.css").read_text(encoding="utf-8")

    def __init__(self, correlation: Correlations, table: Table) -> None:
        super().__init__()
        self.controller = HeatMapModel(correlation, table, lambda content, buffers: self.send(content, buffers))
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))

    @property
    def pair(self) -> tuple[str, str]:
        """The two columns that are shown; set it to show others."""
        return self.controller.pair

    @pair.setter
    def pair(self, pair: tuple[str, str]) -> None:
        self.controller.show(*pair)


def groups(columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """Runs of columns of one slot, or of one array of it: name, first, one past the last."""
    heads = [column.partition("[")[0] if "[" in column else column.rpartition(".")[0] or column for column in columns]
    out: list[dict[str, Any]] = []
    for place, head in enumerate(heads):
        if out and out[-1]["name"] == head:
            out[-1]["stop"] = place + 1
        else:
            out.append({"name": head, "start": place, "stop": place + 1})
    return out


def _single(layout: Layout) -> list[Param]:
    """A parameter for each number."""
    numeric = [param for _, param in layout.entries if param.kind in ("float", "int", "array")]
    return [element(param) if param.kind == "array" else param for param in numeric for _ in range(param.size)]
