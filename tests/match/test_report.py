"""The picture of a fit."""

from __future__ import annotations

import pytest
from match.pairs import bright, dry, equaliser, stereo

from voxrack.errors import UsageError
from voxrack_match.fitting import fit
from voxrack_match.report import figure


def _titles(result):
    return [axes.get_title() for axes in figure(result).axes if axes.get_title()]


def test_the_picture_shows_what_the_rack_has(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    result = fit(dry(1.0), bright(1.0), equaliser(), steps=1, start="neutral")
    titles = _titles(result)
    assert titles[0].startswith("long-term spectra") and "peq: equaliser" in titles and "losses" in titles
    assert result.picture(tmp_path / "fit.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in result.picture(tmp_path / "fit.svg").read_text()


def test_the_vocal_rack_shows_compressor_echoes_and_decay():
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    result = fit(dry(1.0), stereo(bright(1.0)), steps=1, start="neutral")
    titles = " ".join(_titles(result))
    for word in ("compressor: attack", "echoes every", "reverberation time"):
        assert word in titles
    without = fit(dry(1.0), stereo(bright(1.0)), steps=1, start="neutral", ablate=("delay",))
    assert "echoes" not in " ".join(_titles(without))


def test_another_suffix_is_refused(tmp_path):
    result = fit(dry(1.0), bright(1.0), equaliser(), steps=0, start="neutral")
    with pytest.raises(UsageError, match=r"png, \.svg or \.pdf"):
        result.picture(tmp_path / "fit.bmp")
