"""The first notebook in JupyterLab in a real browser: run, play, move a slider, hear the spectrum change."""

from __future__ import annotations

import numpy as np
import pytest

from .lab import Notebook, lab_of, press_play, write_notebook

pytestmark = pytest.mark.browser
NAME = "01_rack.ipynb"
SLIDER = '[data-address="eq.low_pass.frequency"] .vx-slider'

# Levels (dB) heard in two bands, averaged in power over one turn of the loop and a little more.
LEVELS = """
async (bands) => {
  engine.analyser.smoothingTimeConstant = 0;
  const bins = new Float32Array(engine.analyser.frequencyBinCount);
  const width = engine.analyser.context.sampleRate / engine.analyser.fftSize;
  const sums = bands.map(() => 0);
  const end = performance.now() + 1000 * engine.state.duration * 1.2;
  let count = 0;
  while (performance.now() < end) {
    engine.analyser.getFloatFrequencyData(bins);
    bands.forEach(([low, high], k) => {
      for (let b = Math.ceil(low / width); b < high / width; b++) sums[k] += 10 ** (bins[b] / 10);
    });
    count += 1;
    await new Promise((done) => setTimeout(done, 20));
  }
  return sums.map((sum) => 10 * Math.log10(sum / count + 1e-20));
}
"""
LOW, HIGH = [100, 350], [3000, 9000]  # Hz


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    with lab_of(tmp_path_factory.mktemp("lab"), NAME) as server:
        yield server


@pytest.fixture(scope="module")
def opened(lab, browser, tmp_path_factory):
    """The notebook, run from top to bottom, its first player at hand as ``engine``."""
    notebook = Notebook(browser, lab, NAME)
    notebook.failures = notebook.run_all()
    notebook.screenshots = tmp_path_factory.mktemp("screenshots")
    find = "() => (window.engine = Object.values(window.__voxrack_players ?? {}).find((e) => e.takes.size === 2))"
    notebook.page.wait_for_function(find + " && document.querySelectorAll('.vx-strip').length > 0")
    yield notebook
    notebook.page.close()


@pytest.fixture
def playing(opened):
    """The notebook with its player playing the wet take as it is, not matched in loudness, the low-pass open."""
    page = opened.page
    page.evaluate("() => engine.match(false)")
    page.evaluate("() => engine.choose('wet')")
    press_play(page)
    page.wait_for_function("engine.playing && engine.position() > 0.1")
    move(opened, 1.0)
    return opened


def move(notebook: Notebook, position: float) -> None:
    """Put the slider at ``position`` and wait until the take that answers it plays."""
    page = notebook.page
    if float(page.locator(SLIDER).input_value()) == position:
        return
    swaps = page.evaluate("engine.swaps")
    page.locator(SLIDER).fill(str(position))
    page.wait_for_function("count => engine.swaps > count", arg=swaps)
    assert notebook.ask("live.wait(30)") is True
    page.wait_for_timeout(150)  # the crossfade and the analyser's window


def test_every_cell_runs(opened):
    assert opened.failures == []
    counts = opened.executed()
    assert counts == list(range(1, len(counts) + 1))


def test_the_widgets_are_there_and_nobody_complained(opened):
    page = opened.page
    assert page.locator(".vx-player").count() == 2
    assert page.locator(".vx-controls").count() == 1
    addresses = opened.ask("sorted(rack.parameters())")
    shown = page.locator("[data-address]").evaluate_all("rows => rows.map((row) => row.dataset.address)")
    assert sorted(shown) == addresses
    page.locator(".vx-player").first.scroll_into_view_if_needed()
    page.screenshot(path=str(opened.screenshots / "notebook.png"))
    assert opened.complaints == []


def test_a_moved_low_pass_takes_the_heights_out_of_what_is_heard(playing):
    page = playing.page
    low_before, high_before = page.evaluate(LEVELS, [LOW, HIGH])
    move(playing, 0.45)
    assert playing.ask("rack.get('eq.low_pass.frequency')") < 500
    low_after, high_after = page.evaluate(LEVELS, [LOW, HIGH])
    page.locator(".vx-player").first.scroll_into_view_if_needed()
    page.screenshot(path=str(playing.screenshots / "low_pass.png"))
    assert high_before > -90  # there were heights to take
    assert high_before - high_after > 20
    assert abs(low_before - low_after) < 8  # the rest of the voice stays
    page.locator('.vx-take[data-take="dry"]').first.click()
    page.wait_for_timeout(150)
    assert page.evaluate(LEVELS, [LOW, HIGH])[1] > high_after + 15  # A/B: the dry take still has them
    assert playing.ask("player.active") == "dry"
    page.evaluate("() => engine.choose('wet')")
    move(playing, 1.0)
    assert page.evaluate(LEVELS, [LOW, HIGH])[1] == pytest.approx(high_before, abs=3)  # and they come back


BRIGHT = """
() => {
  const canvas = document.querySelector('.vx-spectrogram[data-take="wet"]');
  if (canvas.dataset.current !== "true") return null;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(Math.floor(width / 4), 0, width / 2, Math.floor(height / 3));
  return data.reduce((sum, value, k) => sum + (k % 4 < 3 ? value : 0), 0) / (data.length * 0.75);
}
"""  # the upper third of the wet take's spectrogram: beyond 2 kHz


def test_the_spectrogram_follows_the_slider(playing):
    page = playing.page
    page.wait_for_function(BRIGHT)  # the notebook opens with it
    before = page.evaluate(BRIGHT)
    move(playing, 0.45)
    page.wait_for_function(BRIGHT)
    page.wait_for_timeout(200)
    assert page.evaluate(BRIGHT) < 0.5 * before
    page.locator(".vx-player").first.scroll_into_view_if_needed()
    page.screenshot(path=str(playing.screenshots / "spectrogram.png"))
    move(playing, 1.0)
    page.wait_for_function(f"(value) => ({BRIGHT})() > value", arg=0.8 * before)


def test_the_playhead_goes_on_while_takes_are_swapped(playing):
    page = playing.page
    start = page.evaluate("engine.anchor.time")
    for position in (0.5, 0.8, 1.0):
        move(playing, position)
    assert page.evaluate("engine.anchor.time") == start  # playback was never started anew
    assert page.evaluate("engine.playing")


def test_a_burst_of_sixty_moves_settles_on_the_newest(playing):
    page = playing.page
    renders = playing.ask("live.renders")
    page.evaluate(
        """async (selector) => {
          const slider = document.querySelector(selector);
          for (let k = 1; k <= 60; k++) {
            slider.value = 1 - k / 120;
            slider.dispatchEvent(new Event("input"));
            await new Promise((done) => setTimeout(done, 5));
          }
        }""",
        SLIDER,
    )
    parameter = "rack.parameters()['eq.low_pass.frequency']"
    newest = playing.ask(f"{parameter}.from_unit(0.5)")
    page.wait_for_function("selector => document.querySelector(selector).value === '0.5'", arg=SLIDER)
    assert playing.ask("live.wait(30)") is True
    assert playing.ask("rack.get('eq.low_pass.frequency')") == pytest.approx(newest)
    same = "bool((live.player.controller.takes['wet'].samples == render(rack, voice, tail=False).samples).all())"
    assert playing.ask(same) is True  # what plays is the render of the newest value
    spent = playing.ask("live.renders") - renders
    print(f"\n60 slider events: {spent} renders")
    assert spent < 60


VOCAL = """
import numpy as np
from voxrack import Audio, Preset, default_host
from voxrack.clip import clip
from voxrack.notebook import ABPlayer, Controls, Live

short = clip()
voice = Audio(np.tile(short.samples, (1, 2))[:, : 10 * short.sample_rate], short.sample_rate)
rack = Preset.load(default_host().presets()["drawn-plain-room"]).rack()
player = ABPlayer({"dry": voice})
live = Live(rack, voice, player)
controls = Controls(rack, on_change=live.request)
display(player, controls)
assert live.wait(120)
"""


@pytest.fixture(scope="module")
def vocal(lab, browser):
    """The published vocal rack (equaliser, compressor, echo, reverberation) over a loop of 10 s."""
    write_notebook(lab.folder / "vocal.ipynb", VOCAL)
    notebook = Notebook(browser, lab, "vocal.ipynb")
    assert notebook.run_all() == []
    page = notebook.page
    page.wait_for_function("(window.engine = Object.values(window.__voxrack_players ?? {})[0])?.takes.size === 2")
    press_play(page)
    page.wait_for_function("engine.playing && engine.position() > 0.2")
    page.evaluate("() => engine.choose('wet')")
    yield notebook
    page.close()


def test_from_slider_to_sound_is_measured(vocal):
    page = vocal.page
    assert vocal.ask("voice.duration") == 10.0
    assert {"peq", "compressor", "pan", "delay", "reverb"} <= set(vocal.ask("list(rack.slots())"))
    slider = '[data-address="peq.peak1.gain"] .vx-slider'
    page.locator(slider).wait_for()
    spent = vocal.ask("__import__('time').process_time()")
    spans = []
    for k in range(15):
        spans.append(
            page.evaluate(
                """async ([selector, position]) => {
                  const [slider, swaps] = [document.querySelector(selector), engine.swaps];
                  const start = performance.now();
                  slider.value = position;
                  slider.dispatchEvent(new Event("input"));
                  while (engine.swaps === swaps) await new Promise((done) => setTimeout(done, 1));
                  const swap = engine.swap;
                  const context = engine.analyser.context;
                  return swap.at - start + 1000 * Math.max(0, swap.when - context.currentTime);
                }""",
                [slider, 0.5 + 0.03 * (k % 2) + 0.001 * k],
            )
        )
        page.wait_for_timeout(100)
    spent = (vocal.ask("__import__('time').process_time()") - spent) / len(spans)
    print(
        f"\nslider to sound, vocal rack, loop of 10 s: median {np.median(spans):.0f} ms, {min(spans):.0f} to "
        f"{max(spans):.0f} ms; {1000 * spent:.0f} ms of the kernel's processor a move"
    )
    assert len(spans) == 15
    assert min(spans) > 0
    assert vocal.ask("live.wait(30)") is True
    moved = "rack.parameters()['peq.peak1.gain'].to_unit(rack.get('peq.peak1.gain'))"
    assert vocal.ask(moved) == pytest.approx(0.514, abs=0.01)  # and what sounds is the last of them


def test_a_restarted_kernel_is_told_and_what_the_page_holds_still_plays(vocal):
    page = vocal.page
    assert page.locator(".vx-gone").evaluate_all("all => all.map((one) => one.textContent)") == ["", ""]
    page.evaluate("() => panel.sessionContext.session.kernel.restart()")
    told = "(one) => one.textContent.includes('run the cell again')"
    page.wait_for_function(f"[...document.querySelectorAll('.vx-gone')].every({told})")
    assert page.evaluate("engine.playing")
    page.evaluate("() => engine.choose('dry')")
    page.wait_for_timeout(300)
    peak = """
    () => {
      const samples = new Float32Array(engine.analyser.fftSize);
      engine.analyser.getFloatTimeDomainData(samples);
      return Math.max(...samples.map(Math.abs));
    }
    """
    assert max(page.evaluate(peak) for _ in range(20)) > 1e-3
    assert vocal.complaints == []


def test_a_closed_widget_is_gone_and_python_goes_on(vocal):
    """After the restart the cell is run again: a new player, which is closed while it plays."""
    page = vocal.page
    assert vocal.run_all() == []
    players = "Object.values(window.__voxrack_players)"
    page.wait_for_function(f"{players}.some((one) => (window.engine = one).takes.size === 2 && !one.playing)")
    page.wait_for_function("document.querySelectorAll('.vx-player').length === 1")
    press_play(page)
    page.wait_for_function("engine.playing")
    assert vocal.ask("player.close() or (live.request() or live.wait(60)) and live.error is None") is True
    page.wait_for_function("document.querySelectorAll('.vx-player').length === 0")
    assert not page.evaluate("engine.playing")
    assert vocal.complaints == []
