"""What every widget's page side does alike: told of a lost kernel, dark, narrow, without a network."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from notebook_bench import make_rack
from timelines import tracks

from voxrack.audio import Audio
from voxrack.notebook.controls import Controls, ControlsModel
from voxrack.notebook.heat_map import HeatMap
from voxrack.notebook.pca import PcaExplorer
from voxrack.notebook.player import ABPlayer
from voxrack.notebook.player_model import PlayerModel
from voxrack.notebook.timeline import EmotionTimeline, TimelineModel
from voxrack.notebook.training import LiveTraining
from voxrack.timeline import Timeline

from .mounting import mount, tell

pytestmark = pytest.mark.browser
WIDGETS = [ABPlayer, Controls, EmotionTimeline, HeatMap, LiveTraining, PcaExplorer]
DARK = """
document.documentElement.style.background = "#111";
for (const [name, colour] of Object.entries({
  "--jp-layout-color1": "#111111", "--jp-layout-color2": "#232323", "--jp-border-color1": "#484848",
  "--jp-ui-font-color1": "#ffffff", "--jp-ui-font-color2": "#b3b3b3",
})) document.documentElement.style.setProperty(name, colour);
"""
# Every text that is seen: its colour, and those behind it from the nearest to the page's own.
TEXTS = """
() => [...document.querySelectorAll("body *")].flatMap((node) => {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  const style = getComputedStyle(node);
  if (!own || !node.offsetWidth || node.disabled || style.visibility === "hidden") return [];
  if (style.backgroundImage !== "none") return []; // a scale of colours, with its own ink
  const behind = [];
  for (let at = node; at; at = at.parentElement) behind.push(getComputedStyle(at).backgroundColor);
  return [[node.textContent.trim().slice(0, 30), style.color, behind]];
})
"""


def fill(page, widget) -> None:
    """Show something in it, as Python would."""
    voice = Audio((0.2 * np.sin(np.arange(16_000) / 5)).astype(np.float32), 16_000)
    if widget is ABPlayer:
        model = PlayerModel(partial(tell, page))
        model.put("as it was", voice)
        model.put("after everything that was done to it", voice)
        model.note("the render failed", "error")
    elif widget is Controls:
        ControlsModel(make_rack(factor=2.0), partial(tell, page)).refresh()
    elif widget is EmotionTimeline:
        model = TimelineModel(partial(tell, page))
        model.show(voice, Timeline.of(tracks()))
        model.put("enhanced", voice, Timeline.of(tracks()))
    elif widget is HeatMap:
        columns = ["eq.gain", "eq.frequency", "reverb.size"]
        groups = [{"name": "eq", "start": 0, "stop": 2}, {"name": "reverb", "start": 2, "stop": 3}]
        content = {"type": "matrix", "method": "Spearman", "count": 3, "columns": columns, "groups": groups}
        tell(page, content, [np.eye(3, dtype=np.float32).tobytes()])
        axis = {"at": [0.0, 0.5, 1.0], "ticks": [[0.0, "20 Hz"], [1.0, "2 kHz"]]}
        scatter = {"row": 0, "column": 1, "first": "eq.gain", "second": "eq.frequency", "value": 0.4}
        tell(page, {"type": "scatter", **scatter, "x": axis, "y": axis, "names": ["a", "b", "c"]})
    elif widget is LiveTraining:
        lines = [{"epoch": k, "train": {"loss": 1 / k}, "validation": {"uar": 0.5}} for k in (1, 2, 3)]
        run = {"state": "running", "epoch": 3, "epochs": 9, "best": 2, "lines": lines, "why": ""}
        tell(page, {"type": "run", **run, "lacks": "", "audible": True})
    else:
        slider = {"label": "1", "share": "80 %", "words": "longer decay, darker, wider"}
        dots = [{"row": 0, "name": "drawn-hall", "at": [0.5, -1.0]}]
        tell(page, {"type": "space", "sliders": [slider] * 3, "dots": dots, "limit": 3.0, "folder": "out"})
        state = {"scores": [1.0, 0.0, -2.0], "text": "1.2 sd from the mean", "start": "the mean", "serial": 0}
        tell(page, {"type": "state", **state, "address": ""})


@pytest.fixture(params=WIDGETS, ids=lambda widget: widget.__name__)
def shown(page, request):
    """A page with one widget that has something to show."""
    widget = request.param
    mount(page, widget, sounding=widget in (ABPlayer, EmotionTimeline))
    fill(page, widget)
    return page


def colour(text: str) -> np.ndarray:
    """Red, green, blue and opacity, 0 … 1, of a computed colour: ``rgb(…)``, ``rgba(…)`` or ``color(srgb …)``."""
    inside = text[text.index("(") + 1 : -1].replace("/", " ").replace(",", " ").split()
    numbers = [float(part) for part in inside if part != "srgb"]
    scale = 1.0 if "srgb" in text else 255.0
    return np.array([*(part / scale for part in numbers[:3]), numbers[3] if len(numbers) > 3 else 1.0])


def paper(behind: list[str]) -> np.ndarray:
    """What is seen where translucent colours lie over each other."""
    seen = np.zeros(3)
    for layer in map(colour, reversed(behind)):
        seen = layer[3] * layer[:3] + (1 - layer[3]) * seen
    return seen


def luminance(rgb: np.ndarray) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_a_lost_kernel_a_narrow_column_and_a_dark_page(shown, screenshots):
    assert shown.locator(".vx-gone").inner_text() == ""
    shown.evaluate("trigger('comm_live_update')")
    assert "run the cell again" in shown.locator(".vx-gone").inner_text()
    shown.set_viewport_size({"width": 360, "height": 900})
    shown.wait_for_timeout(100)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    shown.screenshot(path=str(screenshots / "narrow.png"), full_page=True)
    shown.set_viewport_size({"width": 1100, "height": 900})
    shown.evaluate(DARK)
    shown.wait_for_timeout(100)
    shown.screenshot(path=str(screenshots / "dark.png"), full_page=True)
    for text, ink, behind in shown.evaluate(TEXTS):
        bright, dim = sorted([luminance(colour(ink)[:3]), luminance(paper(behind))], reverse=True)
        assert (bright + 0.05) / (dim + 0.05) > 3.0, (text, ink, behind)  # WCAG's least for interface text


def test_everything_that_acts_has_a_name_and_is_reached_by_tab(shown):
    names = shown.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=slider], [role=application]")]
          .filter((node) => node.offsetParent && !node.disabled && getComputedStyle(node).visibility !== "hidden")
          .map((node) => [node.getAttribute("aria-label") || node.title || node.textContent.trim() || node.placeholder,
                          node.tabIndex >= 0, node.className])"""
    )
    assert names
    assert [entry for entry in names if not entry[0] or not entry[1]] == []
