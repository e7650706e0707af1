"""The player's spectrograms alone: right in frequency and level, on one scale, and they follow the takes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from voxrack.audio import Audio
from voxrack.notebook.player import ABPlayer
from voxrack.notebook.player_model import PlayerModel

from .mounting import mount, tell

pytestmark = pytest.mark.browser
RATE = 32_000
BASS, TOP = 40.0, 16_000.0  # Hz at the lower and the upper edge
READY = """
(names) => {
  const seen = [...document.querySelectorAll(".vx-spectrogram")].filter((canvas) => !canvas.hidden);
  return seen.map((canvas) => canvas.dataset.take).join() === names && seen.every((c) => c.dataset.current === "true");
}
"""
# Mean brightness of every row of pixels, without what is written at the sides and the playhead.
ROWS = """
(name) => {
  const canvas = document.querySelector(`.vx-spectrogram[data-take="${name}"]`);
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: height }, (_, y) => {
    let sum = 0;
    for (let x = Math.floor(0.2 * width); x < 0.8 * width; x++) {
      for (let c = 0; c < 3; c++) sum += data[4 * (y * width + x) + c];
    }
    return sum / (0.6 * width * 3);
  });
}
"""


@pytest.fixture
def player(page):
    mount(page, ABPlayer, sounding=True)
    model = PlayerModel(partial(tell, page), matched=False)
    model.page = page
    return model


def sine(frequency: float, level: float = 0.5, seconds: float = 2.0, channels: int = 1) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    return Audio(np.tile(level * np.sin(2 * np.pi * frequency * time), (channels, 1)).astype(np.float32), RATE)


def loudest(rows: list[float]) -> float:
    """Frequency of the brightest row, Hz."""
    return BASS * (TOP / BASS) ** (1 - (int(np.argmax(rows)) + 0.5) / len(rows))


def test_they_show_the_frequency_and_follow_a_take_that_is_replaced(player, screenshots):
    page = player.page
    player.put("dry", sine(1000.0))
    player.put("wet", sine(4000.0, channels=2))
    assert page.locator(".vx-spectrograms").is_hidden()
    page.locator(".vx-sight").click()
    assert page.evaluate("sentToPython") == [{"type": "spectrogram", "on": True}]
    page.wait_for_function(READY, arg="dry,wet")
    assert loudest(page.evaluate(ROWS, "dry")) == pytest.approx(1000, rel=0.06)
    assert loudest(page.evaluate(ROWS, "wet")) == pytest.approx(4000, rel=0.06)
    page.screenshot(path=str(screenshots / "spectrogram.png"))
    player.put("wet", sine(300.0))
    shown = page.evaluate("document.querySelector('.vx-spectrogram[data-take=\"wet\"]').dataset.current")
    assert shown == "false"  # the old one stays until the new is whole
    page.wait_for_function(READY, arg="dry,wet")
    assert loudest(page.evaluate(ROWS, "wet")) == pytest.approx(300, rel=0.1)
    assert loudest(page.evaluate(ROWS, "dry")) == pytest.approx(1000, rel=0.06)


def test_both_are_on_one_scale_as_they_are_heard(player):
    page = player.page
    player.put("dry", sine(1000.0, 0.5))
    player.put("wet", sine(1000.0, 0.05))  # 20 dB softer
    player.set_spectrogram(True)
    page.wait_for_function(READY, arg="dry,wet")
    loud, soft = (max(page.evaluate(ROWS, name)) for name in ("dry", "wet"))
    assert loud > 1.3 * soft
    player.set_matched(True)
    page.wait_for_timeout(100)
    assert max(page.evaluate(ROWS, "wet")) == pytest.approx(max(page.evaluate(ROWS, "dry")), rel=0.03)


def test_the_pair_is_the_first_take_and_the_other_that_was_heard_last(player):
    page = player.page
    player.put("dry", sine(1000.0))
    player.set_spectrogram(True)
    page.wait_for_function(READY, arg="dry")
    player.put("wet", sine(2000.0, seconds=1.0))  # shorter than the first: the rest is dark
    player.put("match", sine(3000.0))
    page.wait_for_function(READY, arg="dry,wet")
    page.evaluate("() => engine.choose('match')")
    page.wait_for_function(READY, arg="dry,match")
    page.evaluate("() => engine.choose('dry')")
    page.wait_for_function(READY, arg="dry,match")
    player.remove("match")
    page.wait_for_function(READY, arg="dry,wet")
    page.locator(".vx-player").press("s")
    assert page.locator(".vx-spectrograms").is_hidden()


def test_a_click_on_one_seeks(player):
    page = player.page
    player.put("dry", sine(1000.0))
    player.set_spectrogram(True)
    page.wait_for_function(READY, arg="dry")
    box = page.locator(".vx-spectrogram").first.bounding_box()
    page.locator(".vx-spectrogram").first.click(position={"x": 0.25 * box["width"], "y": 40})
    assert page.evaluate("engine.position()") == pytest.approx(0.5, abs=0.01)


def test_silence_has_a_dark_one(player):
    page = player.page
    player.put("none", Audio(np.zeros((1, RATE), np.float32), RATE))
    player.set_spectrogram(True)
    page.wait_for_function(READY, arg="none")
    assert max(page.evaluate(ROWS, "none")) < 5
