"""The explorer's page side alone: the module pca.js in Chromium, no Jupyter."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from voxrack.notebook.pca import LIMIT, PcaExplorer

from .mounting import mount, tell

pytestmark = pytest.mark.browser
ACCENT = (0x3B, 0x82, 0xD6)


def coloured(page) -> tuple[float, float]:
    """Where the colour of the slider's track begins and ends, in standard deviations."""
    slider = page.locator('[data-component="1"] .vx-slider')
    shot = np.asarray(Image.open(io.BytesIO(slider.screenshot())).convert("RGB")).astype(int)
    line = np.abs(shot[shot.shape[0] // 2] - ACCENT).max(axis=1) < 12
    at = np.flatnonzero(line)
    ends = (np.array([at.min(), at.max()]) - 7) / (shot.shape[1] - 14) if len(at) else np.array([0.5, 0.5])
    return tuple((ends * 2 - 1) * LIMIT)


@pytest.mark.parametrize(("score", "begin", "end"), [(2.0, 0.0, 2.0), (-1.5, -1.5, 0.0)])
def test_the_track_is_filled_from_the_mean(page, score, begin, end):
    mount(page, PcaExplorer)
    slider = {"label": "PC 1", "share": "80 %", "words": ""}
    tell(page, {"type": "space", "sliders": [slider], "dots": [], "limit": LIMIT, "folder": "."})
    tell(page, {"type": "state", "scores": [score], "text": "", "start": "the mean", "serial": 0})
    thumb = 7 / (page.locator(".vx-slider").bounding_box()["width"] - 14) * 2 * LIMIT  # half of it, in the same unit
    assert coloured(page) == (pytest.approx(begin, abs=1.5 * thumb), pytest.approx(end, abs=1.5 * thumb))
    page.locator(".vx-slider").fill("0.5")  # dragged: the colour follows before Python has answered
    assert coloured(page) == (pytest.approx(0.0, abs=1.5 * thumb), pytest.approx(0.5, abs=1.5 * thumb))


def test_a_preset_of_the_map_is_loaded_from_the_keyboard_too(page):
    mount(page, PcaExplorer)
    dots = [{"row": 4, "name": "drawn-hall", "at": [0.5, -1.0]}, {"row": 7, "name": "drawn-<b>", "at": [0.0, 1.0]}]
    tell(page, {"type": "space", "sliders": [], "dots": dots, "limit": LIMIT, "folder": "."})
    page.evaluate("sentToPython.length = 0")
    page.locator("select").select_option(label="drawn-<b>")
    assert page.evaluate("sentToPython") == [{"type": "load", "row": 7}]
    tell(page, {"type": "space", "sliders": [], "dots": [], "limit": LIMIT, "folder": "."})
    assert page.locator("select").is_hidden()
