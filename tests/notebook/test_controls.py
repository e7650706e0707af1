"""Controls: what the page shows of a rack, and what a message does to it, without a browser."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from notebook_bench import make_rack

from voxrack.notebook.controls import Controls, ControlsModel


class Desk:
    """A model with what it sent and what it reported."""

    def __init__(self, **values):
        self.rack = make_rack(**values)
        self.sent: list[dict] = []
        self.changes: list[tuple] = []
        self.model = ControlsModel(self.rack, self.sent.append, lambda *change: self.changes.append(change))

    def receive(self, **message) -> list[dict]:
        """What the page gets in answer, besides curves; everything must survive JSON."""
        del self.sent[:]
        self.model.receive(message)
        sent = json.loads(json.dumps(self.sent, allow_nan=False))
        return [message for message in sent if message["type"] != "curves"]

    def curves(self) -> list[tuple[str, list]]:
        """The curves that the page got: strip, and its pictures."""
        sent = json.loads(json.dumps(self.sent, allow_nan=False))
        return [(message["group"], message["curves"]) for message in sent if message["type"] == "curves"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ---- what is shown ----------------------------------------------------------------------------
def test_every_address_is_shown_exactly_once(desk):
    shown = desk.receive(type="ready")[0]
    rows = [row for group in shown["groups"] for section in group["sections"] for row in section["rows"]]
    rows += [group[key] for group in shown["groups"] for key in ("mix", "bypass") if group[key]]
    assert sorted(rows) == sorted(desk.rack.parameters())
    assert set(shown["values"]) == set(shown["parameters"]) == set(desk.rack.parameters())


def test_groups_follow_the_signal_and_bands_stand_together(desk):
    groups = desk.receive(type="ready")[0]["groups"]
    assert [group["id"] for group in groups] == ["scale", "gone", "master.scale", "desk"]
    assert [section["title"] for section in groups[0]["sections"]] == ["", "band"]
    assert groups[0]["sections"][1]["rows"] == ["scale.band.frequency", "scale.band.gain"]
    assert groups[0]["device"] == "Scale"
    assert "not installed" in groups[1]["note"]
    assert groups[1]["mix"] == ""


def test_labels_of_the_desk(desk):
    shown = desk.receive(type="ready")[0]["parameters"]
    desk_rows = [address for address in shown if address.partition(".")[0] in ("send", "bus", "dry")]
    labels = {address: shown[address]["label"] for address in desk_rows}
    assert labels == {
        "send.delay": "send → delay", "send.delay.reverb": "delay → reverb",
        "bus.delay.level": "delay level", "bus.reverb.level": "reverb level", "dry": "dry",
    }  # fmt: skip


def test_positions_run_as_the_parameter_asks():
    desk = Desk(**{"band.frequency": 632.4555, "band.gain": -math.inf, "skew": 25.0})
    values = desk.receive(type="ready")[0]["values"]
    assert values["scale.band.frequency"]["unit"] == pytest.approx(0.5, abs=1e-6)  # middle of 20 Hz … 20 kHz
    assert values["scale.skew"]["unit"] == pytest.approx(0.5)  # sqrt(25 / 100)
    assert values["scale.band.gain"] == {"unit": 0.0, "text": "-inf dB", "default": False}
    assert values["scale.soft"]["on"] is False
    assert values["scale.shape"]["text"] == "round"


def test_a_curve_runs_along_the_longest_axis(desk):
    fixed = desk.receive(type="ready")[0]["parameters"]
    curve, matrix = fixed["scale.curve"], fixed["scale.matrix"]
    assert curve["lines"] == [[0, 1, 2, 3, 4]]
    assert curve["points"] == ["0 Hz", "250 Hz", "1 kHz", "4 kHz", "16 kHz"]
    assert matrix["lines"] == [[0, 2, 4], [1, 3, 5]]  # flat indices of a 3 × 2 matrix, column by column
    assert matrix["line_names"] == ["channel 1", "channel 2"]
    assert matrix["points"] == ["line 1", "line 2", "line 3"]


# ---- what a message does ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "unit", "plain"),
    [
        ("scale.band.frequency", 0.5, 632.4555),
        ("scale.skew", 0.5, 25.0),
        ("scale.steps", 0.5, 8),
        ("scale.grid", 0.463, 4.5),
        ("scale.band.gain", 0.0, -math.inf),
        ("scale.mix", 0.25, 0.25),
        ("master.scale.factor", 1.0, 10.0),
        ("send.delay.reverb", 0.0, -math.inf),
        ("bus.reverb.level", 1.0, 24.0),
        ("dry", 1.0, 24.0),
    ],
)
def test_a_moved_slider_sets_the_rack_and_answers_with_its_text(desk, address, unit, plain):
    (answer,) = desk.receive(type="position", address=address, unit=unit, serial=7)
    assert desk.rack.get(address) == pytest.approx(plain, rel=1e-4)
    assert answer["type"] == "value"
    assert (answer["address"], answer["serial"]) == (address, 7)
    assert answer["text"] == desk.rack.parameters()[address].to_text(desk.rack.get(address))
    assert desk.changes == [(address, desk.rack.get(address))]


@pytest.mark.parametrize(
    ("address", "text", "plain"),
    [
        ("scale.band.frequency", "1.2 kHz", 1200.0),
        ("scale.band.gain", "-18dB", -18.0),
        ("scale.band.gain", "-inf", -math.inf),
        ("scale.steps", "7", 7),
        ("scale.shape", "saw", "saw"),
        ("scale.label", "my take", "my take"),
        ("send.delay", "-3", -3.0),
        ("offset", "0.02 s", 20.0),
    ],
)
def test_typed_text_is_read_with_its_unit(desk, address, text, plain):
    (answer,) = desk.receive(type="text", address=address, text=text)
    assert desk.rack.get(address) == plain
    assert answer["type"] == "value"


@pytest.mark.parametrize(
    ("address", "text", "said"),
    [
        ("scale.band.frequency", "50 kHz", "it takes 20 to 2"),
        ("scale.band.frequency", "3 dB", "not a unit"),
        ("scale.band.gain", "loud", "-inf (off) to 24 dB"),
        ("scale.steps", "2.5", "whole number"),
        ("scale.shape", "triangle", "round, square, saw"),
        ("dry", "25", "-inf (off) to 24 dB"),
    ],
)
def test_a_refused_text_is_said_and_the_old_value_stays(desk, address, text, said):
    old = desk.rack.get(address)
    error, value = desk.receive(type="text", address=address, text=text, serial=3)
    assert error["type"] == "error"
    assert error["address"] == address
    assert said in error["message"]
    assert value["type"] == "value"  # the field goes back to what the rack holds
    assert value["text"] == desk.rack.parameters()[address].to_text(old)
    assert desk.rack.get(address) == old
    assert desk.changes == []


def test_toggle_and_bypass(desk):
    assert desk.receive(type="toggle", address="scale.soft", on=True)[0]["on"] is True
    desk.receive(type="toggle", address="scale.bypass", on=True)
    assert desk.rack.get("scale.soft") is True
    assert desk.rack.slots()["scale"].bypass is True


def test_reset_brings_the_default_back_and_says_that_it_is_one():
    desk = Desk(factor=3.0, curve=2.0)
    assert desk.receive(type="ready")[0]["values"]["scale.factor"]["default"] is False
    assert desk.receive(type="reset", address="scale.factor")[0]["default"] is True
    assert desk.rack.get("scale.factor") == 1.0
    assert desk.receive(type="reset", address="scale.curve")[0]["default"] is True
    np.testing.assert_array_equal(desk.rack.get("scale.curve"), np.full(5, 0.5))


# ---- arrays -----------------------------------------------------------------------------------
def test_drawing_moves_the_points_under_the_pen_and_no_other(desk):
    desk.receive(type="points", address="scale.matrix", indices=[2, 5], units=[1.0, 0.25])
    np.testing.assert_allclose(desk.rack.get("scale.matrix"), [[0, 0], [1, 0], [0, -0.5]])
    assert len(desk.changes) == 1


def test_a_drawn_point_keeps_the_scale(desk):
    (answer,) = desk.receive(type="points", address="scale.curve", indices=[1], units=[0.5])
    assert desk.rack.get("scale.curve")[1] == pytest.approx(math.sqrt(0.01 * 10.0))  # middle of a logarithmic range
    assert answer["units"][1] == pytest.approx(0.5)
    assert answer["texts"][1] == "0.3162 s"
    assert answer["texts"][0] == "0.5 s"


def test_a_typed_point(desk):
    desk.receive(type="text", address="scale.curve", text="800 ms", indices=[4])
    np.testing.assert_allclose(desk.rack.get("scale.curve"), [0.5, 0.5, 0.5, 0.5, 0.8])
    error, _ = desk.receive(type="text", address="scale.curve", text="11 s", indices=[4])
    assert "0.01 to 10 s" in error["message"]
    assert desk.rack.get("scale.curve")[4] == 0.8


# ---- stale pages, refresh, the widget ---------------------------------------------------------
def test_an_address_that_is_not_there_is_refused_without_a_value(desk):
    (error,) = desk.receive(type="position", address="gone.away", unit=0.5)
    assert error["type"] == "error"
    assert "no address 'gone.away'" in error["message"]


def test_a_message_that_does_not_fit_the_parameter_changes_nothing(desk):
    before = desk.rack.values()
    error = desk.receive(type="position", address="scale.label", unit=0.5)[0]
    assert error["type"] == "error"
    assert desk.receive(type="points", address="scale.factor", indices=[0], units=[0.5])[0]["type"] == "error"
    assert str(desk.rack.values()) == str(before)


def test_refresh_shows_what_python_set(desk):
    desk.rack.set("scale.factor", 5.0)
    del desk.sent[:]
    desk.model.refresh()
    assert desk.sent[0]["values"]["scale.factor"]["unit"] == 0.5


def test_the_widget_hears_the_page(monkeypatch):
    sent = []
    monkeypatch.setattr(Controls, "send", lambda self, content, buffers=None: sent.append(content["type"]))
    changes = []
    rack = make_rack()
    controls = Controls(rack, on_change=lambda *change: changes.append(change))
    controls._handle_custom_msg({"type": "position", "address": "scale.factor", "unit": 0.3, "serial": 1}, [])
    assert changes == [("scale.factor", 3.0)]
    assert controls.rack.get("scale.factor") == 3.0
    controls.refresh()
    assert sent == ["value", "curves", "rack", "curves", "curves"]


def test_what_runs_both_ways_fills_from_its_zero(desk):
    fixed = desk.receive(type="ready")[0]["parameters"]
    assert fixed["scale.matrix"]["origin"] == 0.5  # -1 … 1
    assert fixed["offset"]["origin"] == 0.5
    assert fixed["scale.factor"]["origin"] == 0.0
    assert fixed["dry"]["origin"] == 0.0  # from -inf: a fader, filled from the left


# ---- curves -------------------------------------------------------------------------------------
def test_every_device_that_can_be_drawn_is(desk):
    desk.receive(type="ready")
    assert [group for group, _ in desk.curves()] == ["scale", "master.scale"]
    ((curve,),) = [curves for group, curves in desk.curves() if group == "scale"]
    assert curve["lines"] == {"out": [0.0, desk.rack.get("scale.factor")], "gap": [None, 48_000.0]}


def test_a_moved_slider_moves_the_curve_after_it_was_heard(desk):
    heard_first = []
    desk.model.on_change = lambda *_: heard_first.append(not desk.curves())
    desk.receive(type="text", address="scale.factor", text="3", serial=1)
    assert heard_first == [True]
    ((group, (curve,)),) = desk.curves()
    assert (group, curve["lines"]["out"]) == ("scale", [0.0, 3.0])


def test_a_send_moves_no_curve(desk):
    desk.receive(type="text", address="send.delay", text="-3 dB", serial=1)
    assert desk.curves() == []


def test_a_device_that_cannot_be_drawn_says_so_and_is_heard_all_the_same(desk):
    desk.receive(type="text", address="scale.factor", text="8", serial=1)
    assert desk.rack.get("scale.factor") == 8.0
    assert desk.changes[-1] == ("scale.factor", 8.0)
    (error,) = [message for message in desk.sent if message["type"] == "error"]
    assert "eight cannot be drawn" in error["message"]
