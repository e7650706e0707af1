"""What a fit shows as the last line of a cell: figures, and dry, wet and match to listen to."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from match.pairs import RATE, bright, dry, equaliser

from voxrack import Audio
from voxrack_match.fitting import fit

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def late():
    """A fit to a wet that comes 300 samples after the dry."""
    samples = np.pad(bright(1.0).samples, [(0, 0), (300, 0)])
    return fit(dry(1.0), Audio(samples, RATE), equaliser(), steps=2, start="neutral")


def delay(one: Audio, other: Audio) -> int:
    """Samples by which ``one`` comes after ``other``."""
    first, second = (np.fft.rfft(audio.mono().samples[0], 1 << 16) for audio in (one, other))
    found = int(np.fft.irfft(first * second.conj()).argmax())
    return found - (1 << 16 if found > 1 << 15 else 0)


def test_all_takes_lie_on_one_timeline(late):
    takes = late.takes()
    assert list(takes) == ["dry", "wet", "match"]
    for name in ("dry", "match"):
        assert abs(delay(takes[name], takes["wet"])) <= 3  # what a filter's phase does
    assert delay(dry(1.0), takes["wet"]) == pytest.approx(-300, abs=3)  # as it was given, it is early
    assert takes["dry"].peak == pytest.approx(dry(1.0).peak, rel=1e-3)
    assert np.array_equal(takes["match"].samples, late.render().samples)


def test_a_notebook_shows_the_figures_and_a_player_of_the_takes(late, monkeypatch):
    pytest.importorskip("anywidget", reason="needs the extra notebook")
    from ipywidgets.widgets.widget import _instances

    from voxrack.notebook import stacked
    from voxrack.notebook.player import ABPlayer

    assert late._repr_mimebundle_() == {}  # in a script nothing is rendered, and the table alone is shown
    monkeypatch.setattr(stacked, "in_kernel", lambda: True)
    bundle = late._repr_mimebundle_()
    table, player = _instances[bundle[VIEW]["model_id"]].children
    assert table.value == late._repr_html_() and "unprocessed" in table.value
    assert isinstance(player, ABPlayer) and player.names == ("dry", "wet", "match")


def test_without_the_extra_it_says_what_is_missing(late, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "voxrack.notebook.stacked", raising=False)
    monkeypatch.delitem(sys.modules, "voxrack.notebook.player", raising=False)
    shown = late._repr_mimebundle_()["text/html"]
    assert shown.startswith(late._repr_html_()) and "pip install 'voxrack[notebook]'" in shown


def test_it_stays_light_to_import():
    code = "import sys, voxrack_match.result; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "voxrack_match" in loaded
    assert not [name for name in ("torch", "anywidget", "ipywidgets", "matplotlib", "IPython") if f"'{name}'" in loaded]
