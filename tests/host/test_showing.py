"""What tracks and racks show of themselves as the last line of a cell."""

from __future__ import annotations

import re

import numpy as np
import pytest
from notebook_bench import make_rack

from voxrack.device import Track


def points(html: str) -> list[np.ndarray]:
    found = re.findall(r'<polyline points="([^"]+)"', html)
    return [np.array([pair.split(",") for pair in one.split()], dtype=float) for one in found]


def test_a_track_draws_a_line_for_each_column_and_says_unit_ends_and_summary():
    times = np.linspace(0.5, 9.5, 10)
    values = np.stack([np.linspace(0, 9, 10), np.full(10, 4.5)], axis=1)
    html = Track("short_term", times, values, ("level", "mean <1>"), "LUFS", {"integrated": -18.25})._repr_html_()
    rising, level = points(html)
    assert np.all(np.diff(rising[:, 1]) < 0)  # upwards, in pixels
    assert np.ptp(level[:, 1]) == 0
    assert rising[:, 0] == pytest.approx(np.linspace(4, 636, 10), abs=0.1)
    for told in ("short term", "(LUFS)", "10 frames", "0.5 s", "9.5 s", "mean &lt;1&gt;", "integrated <b>-18.25</b>"):
        assert told in html


def test_gaps_break_the_line_and_a_lone_value_is_a_dot():
    values = np.array([1.0, 2.0, np.nan, 3.0, -np.inf, 1.0, 2.0])[:, None]
    html = Track("t", np.arange(7.0), values)._repr_html_()
    assert [len(line) for line in points(html)] == [2, 2]
    assert html.count("<circle") == 1


@pytest.mark.parametrize(
    ("times", "values"), [([], np.zeros((0, 2))), ([0.0], [[np.nan]]), ([0.0, 1.0], [[-np.inf], [-np.inf]])]
)
def test_a_track_without_a_number_says_so(times, values):
    html = Track("silence", np.array(times), np.array(values))._repr_html_()
    assert "nothing to draw" in html
    assert "nan" not in html


def test_of_many_columns_the_first_are_drawn_and_it_is_said():
    track = Track("embedding", np.arange(5.0), np.random.default_rng(0).normal(size=(5, 64)))
    assert "64 columns, the first 6 drawn" in track._repr_html_()
    assert len(points(track._repr_html_())) == 6
    assert repr(track) == "<Track embedding: 5 frames of values in no unit>"


def test_a_long_track_stays_small():
    track = Track("level", np.arange(1e6), np.zeros((10**6, 1)), ("level",), "dB")
    assert len(track._repr_html_()) < 20_000
    assert repr(track) == "<Track level: 1000000 frames of level in dB>"


def test_a_rack_shows_its_route_and_what_was_changed():
    rack = make_rack(factor=2.0)
    rack.set("scale.bypass", True)
    html = rack._repr_html_()
    rows = re.findall(r"<tr>.*?</tr>", html)
    texts = [re.sub(r"<[^>]+>", " ", row) for row in rows]
    assert [text.split()[0] for text in texts] == ["scale", "gone", "master.scale", "desk"]
    assert "(bypassed)" in texts[0] and "factor  2" in texts[0]
    assert "(missing)" in texts[1]
    assert "as it comes" in texts[2]
    assert "send.delay  -6 dB" in texts[3]
    assert "nan" not in html
