"""The notebooks of the atlas in JupyterLab in a real browser: a moved component is heard, *save* writes a preset, a
clicked cell shows its scatter."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack.preset import Preset

from .lab import Notebook, lab_of, press_play

pytestmark = pytest.mark.browser
SLIDER = '[data-component="1"] .vx-slider'

# Samples of the first channel of what sounds now: the buffer behind the open gain.
SOUNDING = "() => Array.from(engine.voices.get(engine.state.active).source.buffer.getChannelData(0))"

# A take that was rendered is on its way through the kernel's channel: wait until none has come for a second.
SETTLED = """
async () => {
  for (let seen = -1; seen !== engine.swaps; ) {
    seen = engine.swaps;
    await new Promise((done) => setTimeout(done, 1000));
  }
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    """JupyterLab over a folder with copies of the notebooks."""
    with lab_of(tmp_path_factory.mktemp("lab"), "04_atlas.ipynb", "05_pca.ipynb") as server:
        yield server


@pytest.fixture(scope="module")
def explorer(lab, browser, tmp_path_factory):
    """``05_pca``, run from top to bottom, playing what the sliders make; all components at their mean."""
    notebook = Notebook(browser, lab, "05_pca.ipynb")
    notebook.screenshots = tmp_path_factory.mktemp("screenshots")
    assert notebook.run_all() == []
    page = notebook.page
    find = "() => (window.engine = Object.values(window.__voxrack_players ?? {}).find((e) => e.takes.has('wet')))"
    page.wait_for_function(find + " && document.querySelectorAll('.vx-component').length > 0")
    page.wait_for_function("engine.takes.size === 3")  # what the last cells sent has arrived
    page.wait_for_timeout(1500)
    page.evaluate("() => engine.match(false)")
    page.evaluate("() => engine.choose('wet')")
    press_play(page)
    page.wait_for_function("engine.playing && engine.position() > 0.1")
    page.locator('.vx-pca [data-action="mean"]').click()
    page.wait_for_function("selector => document.querySelector(selector).value === '0'", arg=SLIDER)
    assert notebook.ask("live.wait(60)") is True
    page.evaluate(SETTLED)
    assert page.evaluate("engine.state.active") == "wet"
    yield notebook
    page.close()


def move(notebook, sd: float) -> None:
    """Put the first slider at ``sd`` and wait until the take that answers it plays."""
    page = notebook.page
    swaps = page.evaluate("engine.swaps")
    page.locator(SLIDER).fill(str(sd))
    page.wait_for_function("count => engine.swaps > count", arg=swaps)
    assert notebook.ask("live.wait(60)") is True
    page.evaluate(SETTLED)


def spectrum(page) -> np.ndarray:
    """Level (dB) of what sounds in 24 bands of equal width."""
    power = np.abs(np.fft.rfft(page.evaluate(SOUNDING))) ** 2
    return 10 * np.log10([band.sum() + 1e-20 for band in np.array_split(power, 24)])


def test_a_component_changes_what_sounds_and_comes_back(explorer):
    page = explorer.page
    mean = spectrum(page)
    start = page.evaluate("engine.anchor.time")
    move(explorer, 2.5)
    assert explorer.ask("explorer.scores[0]") == pytest.approx(2.5)
    moved = spectrum(page)
    assert page.locator('[data-component="1"] .vx-field').input_value() == "+2.50 sd"
    page.locator(".vx-pca").scroll_into_view_if_needed()
    page.screenshot(path=str(explorer.screenshots / "pca.png"))
    move(explorer, 0.0)
    back = spectrum(page)
    heard = mean > mean.max() - 60
    again, change = np.abs(back - mean)[heard].mean(), np.abs(moved - mean)[heard].mean()
    print(f"\nmean change of {heard.sum()} bands: moved {change:.1f} dB, back {again:.1f} dB")
    assert change > 1.5
    assert again < 0.01
    assert page.evaluate("engine.anchor.time") == start  # playback was never started anew


def test_save_writes_a_preset_that_renders_what_is_heard(explorer, lab):
    page = explorer.page
    move(explorer, -1.5)
    page.locator(".vx-name").fill("from the page")
    page.locator('.vx-pca [data-action="save"]').click()
    page.wait_for_function("() => document.querySelector('.vx-pca .vx-note').textContent.startsWith('saved as')")
    file = lab.folder / "out" / "from the page.json"
    preset = Preset.load(file)
    assert preset.check() == []
    assert preset.provenance["how"] == "pca"
    assert preset.document.about == "From the mean: component 1 -1.50 sd."
    same = (
        "bool((player.controller.takes['wet'].samples == "
        "render(Preset.load('out/from the page.json').rack(host), voice, tail=False).samples).all())"
    )
    assert explorer.ask(same) is True
    page.locator('.vx-pca [data-action="save"]').click()
    page.wait_for_function("() => document.querySelector('.vx-pca .vx-note').textContent.includes('already there')")


def test_nearest_and_a_click_on_the_map_load_real_presets(explorer):
    page = explorer.page
    page.locator('.vx-pca [data-action="snap"]').click()
    page.wait_for_function("() => document.querySelector('.vx-pca .vx-where').title.includes('Drawn:')")
    assert explorer.ask("live.wait(60)") is True
    assert explorer.ask("explorer.controller.walk.whereabouts().gap") == pytest.approx(0.0, abs=1e-6)
    row = explorer.ask("int(abs(explorer.controller.walk.cloud[:, :2]).max(axis=1).argmin())")  # well inside the map
    x, y = explorer.ask(f"explorer.controller.walk.cloud[{row}, :2].tolist()")
    box = page.locator(".vx-map").bounding_box()
    place = {"x": box["width"] * (0.5 + 0.15 * x), "y": box["height"] * (0.5 - 0.15 * y)}
    page.locator(".vx-map").click(position=place)
    wanted = explorer.ask(f"presets.preset({row}).name")
    page.wait_for_function("name => document.querySelector('.vx-pca .vx-where').title.includes(name)", arg=wanted)
    assert explorer.complaints == []


def test_a_click_on_the_heat_map_shows_the_pair(lab, browser, tmp_path):
    notebook = Notebook(browser, lab, "04_atlas.ipynb")
    assert notebook.run_all() == []
    page = notebook.page
    page.wait_for_selector(".vx-matrix")
    matrix = page.locator(".vx-matrix")
    matrix.scroll_into_view_if_needed()
    assert page.locator(".vx-pair").inner_text().startswith(" · ".join(notebook.ask("heat.pair")))
    box = matrix.bounding_box()
    edge = min(110, box["width"] * 0.24)
    side, size = box["width"] - edge - 4, notebook.ask("len(correlation.columns)")
    matrix.click(position={"x": edge + 3.5 * side / size, "y": 8.5 * side / size})
    columns = notebook.ask("[correlation.columns[8], correlation.columns[3]]")
    page.wait_for_function(
        "text => document.querySelector('.vx-pair').textContent.startsWith(text)", arg=" · ".join(columns)
    )
    assert notebook.ask("heat.pair") == columns
    matrix.focus()
    page.keyboard.press("ArrowDown")
    below = notebook.ask("correlation.columns[9]")
    page.wait_for_function("text => document.querySelector('.vx-pair').textContent.startsWith(text)", arg=below)
    ink = page.evaluate(
        """() => {
          const canvas = document.querySelector(".vx-scatter");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let blue = 0;
          for (let k = 0; k < data.length; k += 4) blue += data[k + 3] > 80 && data[k + 2] > data[k] + 60;
          return blue;
        }"""
    )
    assert ink > 300  # dots were drawn
    page.screenshot(path=str(tmp_path / "heat_map.png"))
    assert notebook.complaints == []
    page.close()
