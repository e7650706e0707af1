"""The notebooks of emotion in JupyterLab in a real browser: a click on the timeline is known to Python, a switch
changes what is shown, curves are drawn of a run that was stopped and went on."""

from __future__ import annotations

import pytest
from random_recogniser import random_recogniser

from .lab import Notebook, lab_of, set_parameters, write_notebook

pytestmark = pytest.mark.browser
TIMELINE = "06_emotion_timeline.ipynb"
COLUMNS = """
() => {
  const canvas = document.querySelector(".vx-curves");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const columns = new Set();
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] > 120 && data[k + 2] > data[k] + 60) columns.add((k / 4) % width);
  }
  return columns.size;
}
"""  # how many pixels wide the first curve is


@pytest.fixture(scope="module")
def lab(tmp_path_factory, browser):
    """JupyterLab over a folder with copies of the notebooks; the timeline's takes weights that were made here, and a
    filter for an enhancer."""
    home = tmp_path_factory.mktemp("lab")
    with lab_of(home, "02_train.ipynb", TIMELINE) as server:
        given = {"WEIGHTS": str(random_recogniser(home / "random.safetensors")), "ENHANCER": "fx.high_pass"}
        set_parameters(server.folder / TIMELINE, given)
        yield server


def run(lab, browser, name: str) -> Notebook:
    notebook = Notebook(browser, lab, name, timeout=180)
    assert notebook.run_all() == []
    return notebook


def test_a_click_on_the_timeline_is_known_to_python(lab, browser, tmp_path):
    notebook = run(lab, browser, TIMELINE)
    page = notebook.page
    page.wait_for_selector(".vx-timeline .vx-segment")
    wave = page.locator(".vx-timeline .vx-wave").first
    wave.scroll_into_view_if_needed()
    wave.click(position={"x": wave.bounding_box()["width"] * 0.5, "y": 60})
    page.wait_for_timeout(500)
    duration = notebook.ask("voice.duration")
    assert notebook.ask("timeline.position") == pytest.approx(duration / 2, abs=0.05)
    last = page.locator(".vx-timeline").first.locator(".vx-segment").last
    last.click()
    page.wait_for_timeout(500)
    assert notebook.ask("timeline.position") == pytest.approx(notebook.ask("timeline.bands[-1].start"), abs=1e-3)
    assert last.get_attribute("data-emotion") == notebook.ask("timeline.band.label")
    page.screenshot(path=str(tmp_path / "timeline.png"))
    take = page.locator('.vx-timeline .vx-take[data-take="fx.high_pass"]')
    take.scroll_into_view_if_needed()
    take.click()
    page.wait_for_timeout(500)
    assert take.get_attribute("aria-checked") == "true"
    assert notebook.ask("[switch.active, timeline.active]") == ["fx.high_pass", "recording"]
    page.screenshot(path=str(tmp_path / "switch.png"))
    assert notebook.complaints == []
    page.close()


def test_the_curves_of_a_run_that_was_stopped_and_went_on(lab, browser, tmp_path):
    notebook = run(lab, browser, "02_train.ipynb")
    page = notebook.page
    live = page.locator(".vx-training")
    live.scroll_into_view_if_needed()
    page.screenshot(path=str(tmp_path / "training.png"))
    page.wait_for_function("() => document.querySelector('.vx-training').dataset.state === 'finished'")
    assert live.locator(".vx-state").inner_text() == "finished · epoch 40 of 40"
    names = live.locator("[data-curve]").evaluate_all("all => all.map((one) => one.dataset.curve)")
    assert "train loss" in names
    assert any(name.startswith("validation") for name in names)
    ink = page.evaluate(
        """() => {
          const canvas = document.querySelector(".vx-curves");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let blue = 0;
          for (let k = 0; k < data.length; k += 4) blue += data[k + 3] > 120 && data[k + 2] > data[k] + 60;
          return blue;
        }"""
    )
    assert ink > 100  # a curve was drawn
    assert notebook.ask("len(training.run.config()['sessions'])") == 2
    assert notebook.complaints == []
    page.close()


def test_curves_grow_while_a_run_trains_and_stop_stops_it(lab, browser):
    """With the features that the notebook has prepared."""
    if not (lab.folder / "out" / "ser.mfcc_cnn.safetensors").is_file():  # this test runs alone
        run(lab, browser, "02_train.ipynb").page.close()
    write_notebook(
        lab.folder / "growing.ipynb",
        "from voxrack.notebook import LiveTraining\n"
        "training = LiveTraining('out/growing', 'ser.mfcc_cnn', 'out/ser.mfcc_cnn.safetensors', epochs=400)\n"
        "training",
        "training.wait(epochs=1)\n"
        "watching = LiveTraining('out/growing')\n"  # as one does who has only the folder
        "watching",
    )
    notebook = run(lab, browser, "growing.ipynb")
    page = notebook.page
    reached = "() => Number(document.querySelector('.vx-state').textContent.match(/epoch (\\d+)/)?.[1] ?? 0)"
    page.wait_for_function(f"({reached})() >= 2")
    before, at = page.evaluate(COLUMNS), page.evaluate(reached)
    page.wait_for_function(f"({reached})() >= {at + 30}")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert page.evaluate(COLUMNS) > before
    page.locator(".vx-stop").first.click()
    stopped = "() => [...document.querySelectorAll('.vx-training')].every((one) => one.dataset.state === 'stopped')"
    page.wait_for_function(stopped)
    assert notebook.ask("training.state") == "stopped"
    epochs = notebook.ask("training.run.status()['epoch']")
    assert at + 30 <= epochs < 400
    assert page.locator(".vx-state").first.inner_text() == f"stopped · epoch {epochs} of 400"
    page.locator(".vx-resume").nth(1).click()
    last = reached.replace("document.querySelector('.vx-state')", "[...document.querySelectorAll('.vx-state')].at(-1)")
    page.wait_for_function(f"({last})() > {epochs}")
    page.locator(".vx-stop").nth(1).click()
    page.wait_for_function(stopped)
    assert notebook.complaints == []
    page.close()
