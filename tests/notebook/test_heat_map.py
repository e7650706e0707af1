"""Correlation heat map: what the page gets, and what a click on a cell shows; without a browser."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from notebook_bench import make_rack

from voxrack.errors import UsageError
from voxrack.notebook.heat_map import HeatMap, HeatMapModel, groups

COLUMNS = ("scale.factor", "scale.band.frequency", "scale.curve[0]", "scale.curve[1]", "dry")


def table(rows: int = 7) -> Any:
    """Presets whose numbers run along their sliders together, but for a constant and a level that is off."""
    layout = make_rack().layout().fittable()
    names = tuple(layout.names())
    values = np.tile(layout.pack(make_rack().values()), (rows, 1))
    ramp = np.linspace(0.0, 1.0, rows)
    values[:, names.index("scale.factor")] = 10.0 * ramp
    values[:, names.index("scale.band.frequency")] = 20.0 * 1000.0 ** ramp[::-1]
    values[:, names.index("scale.curve[0]")] = 0.01 * 1000.0**ramp
    values[0, names.index("dry")] = -math.inf
    return SimpleNamespace(names=tuple(f"p{i}" for i in range(rows)), columns=names, values=values, layout=layout)


def correlations() -> Any:
    matrix = np.array([
        [1.0, -1.0, 0.9, np.nan, 0.3], [-1.0, 1.0, -0.9, np.nan, -0.4], [0.9, -0.9, 1.0, np.nan, 0.2],
        [np.nan] * 5, [0.3, -0.4, 0.2, np.nan, 1.0],
    ])  # fmt: skip
    return SimpleNamespace(method="spearman", columns=COLUMNS, matrix=matrix)


class Desk:
    def __init__(self):
        self.sent = []
        self.model = HeatMapModel(correlations(), table(), lambda *message: self.sent.append(message))

    def receive(self, **message):
        del self.sent[:]
        self.model.receive(message)
        return [(json.loads(json.dumps(content, allow_nan=False)), buffers) for content, buffers in self.sent]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_page_gets_the_matrix_as_floats_row_after_row(desk):
    (matrix, buffers), (scatter, _) = desk.receive(type="ready")
    np.testing.assert_array_equal(
        np.frombuffer(buffers[0], np.float32).reshape(5, 5), correlations().matrix.astype(np.float32)
    )
    assert matrix["columns"] == list(COLUMNS)
    assert (matrix["method"], matrix["count"]) == ("spearman", 7)
    assert scatter["type"] == "scatter"


def test_at_first_it_shows_the_strongest_pair_of_two_devices(desk):
    assert desk.model.pair == ("scale.band.frequency", "dry")


def test_a_click_shows_the_presets_behind_the_cell_on_their_sliders(desk):
    ((scatter, _),) = desk.receive(type="cell", row=0, column=1)
    assert desk.model.pair == ("scale.factor", "scale.band.frequency")
    assert scatter["value"] == -1.0
    assert scatter["names"] == [f"p{i}" for i in range(7)]
    np.testing.assert_allclose(scatter["x"]["at"], np.linspace(0, 1, 7), atol=1e-9)
    np.testing.assert_allclose(scatter["y"]["at"], np.linspace(1, 0, 7), atol=1e-9)  # logarithmic, so a straight line
    assert [text for _, text in scatter["y"]["ticks"]] == ["20 Hz", "112.5 Hz", "632.5 Hz", "3.557 kHz", "20 kHz"]


def test_arrays_and_levels_that_are_off_have_their_places(desk):
    ((scatter, _),) = desk.receive(type="cell", row=2, column=4)
    assert scatter["x"]["ticks"][0][1] == "0.01 s"
    assert scatter["y"]["ticks"][0][1] == "-inf dB"
    assert scatter["y"]["at"] == [0.0] + [1.0] * 6


def test_a_constant_has_no_correlation_and_stands_in_the_middle(desk):
    ((scatter, _),) = desk.receive(type="cell", row=3, column=0)
    assert scatter["value"] is None
    assert scatter["x"]["at"] == [0.5] * 7
    assert len(scatter["x"]["ticks"]) == 1


@pytest.mark.parametrize("message", [{"row": 5, "column": 0}, {"row": -1, "column": 2}, {}])
def test_a_cell_that_is_not_there_changes_nothing(desk, message):
    before = desk.model.pair
    assert desk.receive(type="cell", **message) == []
    assert desk.model.pair == before


def test_names_are_checked(desk):
    with pytest.raises(UsageError, match=r"no 'scale.facto'.*scale.factor"):
        desk.model.show("scale.facto", "dry")
    elsewhere: Any = SimpleNamespace(columns=("elsewhere",))
    with pytest.raises(UsageError, match="'elsewhere'"):
        HeatMapModel(elsewhere, table(), print)


def test_groups_are_slots_bands_and_arrays():
    found = groups(("a.b.gain", "a.b.q", "a.level", "a.m[0,0]", "a.m[0,1]", "dry"))
    assert [(group["name"], group["start"], group["stop"]) for group in found] == [
        ("a.b", 0, 2), ("a", 2, 3), ("a.m", 3, 5), ("dry", 5, 6)
    ]  # fmt: skip


def test_the_widget_hears_the_page_and_python(monkeypatch):
    sent = []
    monkeypatch.setattr(HeatMap, "send", lambda self, content, buffers=None: sent.append(content["type"]))
    heat = HeatMap(correlations(), table())
    heat._handle_custom_msg({"type": "cell", "row": 0, "column": 4}, [])
    assert heat.pair == ("scale.factor", "dry")
    heat.pair = ("dry", "scale.factor")
    assert heat.pair == ("dry", "scale.factor")
    assert sent == ["scatter", "scatter"]
