"""The timeline's page side alone: the module timeline.js in Chromium, fed by the real model, no Jupyter."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from timelines import ROWS, TRUST, tracks

from voxrack.audio import Audio
from voxrack.device import Track
from voxrack.notebook.emotion_colours import SILENT, colours
from voxrack.notebook.timeline import EmotionTimeline, TimelineModel
from voxrack.timeline import Timeline

from .mounting import mount, tell

pytestmark = pytest.mark.browser
RATE = 16_000
# Colour in the middle of a canvas' column, `share` of its width from the left and `down` of its height from the top.
PIXEL = """
([selector, share, down]) => {
  const canvas = document.querySelector(selector);
  const pen = canvas.getContext("2d");
  return Array.from(pen.getImageData(Math.floor(canvas.width * share), Math.floor(canvas.height * down), 1, 1).data);
}
"""


def rgb(text: str) -> list[int]:
    return [int(text[k : k + 2], 16) for k in (1, 3, 5)]


class Shown:
    """The model wired to a page that shows the timeline of 4 s of a voice."""

    def __init__(self, page) -> None:
        self.page = page
        mount(page, EmotionTimeline, sounding=True)
        self.model = TimelineModel(partial(tell, page))
        time = np.arange(4 * RATE) / RATE
        voice = 0.2 * np.sin(2 * np.pi * 220 * time) * np.abs(np.sin(2 * np.pi * 1.1 * time))
        self.show(Audio(voice.astype(np.float32)[None], RATE))

    def show(self, audio: Audio, rows=ROWS, trust=None, further=()) -> None:
        self.model.show(audio, Timeline.of(tracks(rows, trust=trust)), further)

    def pump(self) -> None:
        """Deliver what the page has sent."""
        for message in self.page.evaluate("sentToPython.splice(0)"):
            self.model.receive(message)


@pytest.fixture
def shown(page) -> Shown:
    return Shown(page)


def test_a_click_on_the_waveform_seeks_and_python_hears_of_it(shown, screenshots):
    wave = shown.page.locator(".vx-wave")
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.375, "y": 60})
    assert shown.page.evaluate("engine.position()") == pytest.approx(1.5, abs=0.02)
    shown.pump()
    assert shown.model.position == pytest.approx(1.5, abs=0.02)
    assert shown.model.band(shown.model.position).label == "angry"
    assert shown.page.locator(".vx-word").inner_text() == "angry 0.70"
    shown.page.screenshot(path=str(screenshots / "timeline.png"))
    chances = shown.page.locator(".vx-chances")
    chances.click(position={"x": chances.bounding_box()["width"] * 0.7, "y": 20})
    assert shown.page.locator(".vx-word").inner_text() == "happy 0.90"


def test_the_bands_have_the_colours_of_their_emotions(shown):
    paints = colours(("neutral", "happy", "angry")) | {"no speech": SILENT}
    bands = Timeline.of(tracks()).bands()
    for band in bands:
        if band.label == "unsure":
            continue
        middle = (band.start + band.end) / 2 / 4.0
        pixel = shown.page.evaluate(PIXEL, [".vx-wave", middle, 0.82])
        assert pixel[:3] == pytest.approx(rgb(paints[band.label]), abs=3), band
        assert pixel[3] == pytest.approx(0.6 * 255, abs=3), band
    # hatched: in the stretch of "unsure" some pixels are drawn and some are not
    unsure = next(band for band in bands if band.label == "unsure")
    row = [
        shown.page.evaluate(PIXEL, [".vx-wave", (unsure.start + k * (unsure.end - unsure.start) / 40) / 4.0, 0.82])[3]
        for k in range(1, 40)
    ]
    assert min(row) == 0
    assert max(row) > 60


def test_segments_and_brackets_go_from_band_to_band(shown):
    page = shown.page
    labels = page.locator(".vx-segment").evaluate_all("all => all.map((one) => one.dataset.emotion)")
    assert labels == ["no speech", "angry", "unsure", "happy", "no speech"]
    page.locator('.vx-segment[data-emotion="happy"]').click()
    assert page.evaluate("engine.position()") == pytest.approx(2.5, abs=1e-6)
    assert page.locator('.vx-segment[aria-current="true"]').get_attribute("data-emotion") == "happy"
    page.locator(".vx-timeline").focus()
    page.keyboard.press("[")
    assert page.evaluate("engine.position()") == pytest.approx(2.0, abs=1e-6)
    page.keyboard.press("]")
    page.keyboard.press("]")
    assert page.evaluate("engine.position()") == pytest.approx(3.0, abs=1e-6)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("engine.position()") == pytest.approx(4.0, abs=2e-3)  # and no further
    page.keyboard.press("Home")
    assert page.evaluate("engine.position()") == 0.0
    shown.pump()
    assert shown.model.position == 0.0


def test_the_playhead_runs_and_the_word_follows(shown):
    page = shown.page
    page.locator(".vx-segment").nth(1).click()
    page.locator(".vx-play").click()
    page.wait_for_function("engine.playing && document.querySelector('.vx-word').textContent === 'unsure'")
    page.locator(".vx-timeline").focus()
    page.keyboard.press(" ")
    assert not page.evaluate("engine.playing")


def test_the_trust_is_a_line_between_0_and_1_where_the_recogniser_tells_it(shown, screenshots):
    page = shown.page
    assert page.locator(".vx-trust").is_hidden()
    shown.show(Audio(np.full((1, 4 * RATE), 0.1, np.float32), RATE), trust=TRUST)
    line = page.locator(".vx-trust")
    assert line.is_visible()
    box = line.bounding_box()
    for time, value in ((1.25, 0.9), (1.75, 0.6), (2.25, 0.2)):  # centres of windows
        down = ((1 - value) * (box["height"] - 10) + 5) / box["height"]
        on, off = (page.evaluate(PIXEL, [".vx-trust", time / 4.0, at]) for at in (down, down - 0.15))
        assert on[3] > 200, (time, value)
        assert off[3] < 200, (time, value)
    line.click(position={"x": box["width"] * 2.25 / 4.0, "y": 30})
    assert page.locator(".vx-word").inner_text() == "unsure · trust 0.20"
    page.locator(".vx-segment").first.click()
    assert page.locator(".vx-word").inner_text() == "no speech"
    page.screenshot(path=str(screenshots / "trust.png"))


def test_a_drag_loops_and_l_ends_it(shown):
    page = shown.page
    box = page.locator(".vx-wave").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50, steps=3)
    page.mouse.up()
    assert page.evaluate("engine.state.region") == pytest.approx([1.0, 2.0], abs=0.03)
    page.keyboard.press("l")
    assert page.evaluate("engine.state.region") is None


def test_a_switch_changes_what_is_heard_and_shown_and_the_playhead_stays(shown, screenshots):
    page = shown.page
    switch = page.locator(".vx-takes")
    assert switch.is_hidden()  # one take: nothing to choose
    time = np.arange(4 * RATE) / RATE
    other = Audio((0.1 * np.sin(2 * np.pi * 900 * time)).astype(np.float32)[None], RATE)
    shown.model.put("enhanced", other, Timeline.of(tracks([(0.9, 0.05, 0.05)] * 6, trust=TRUST)))
    assert switch.is_visible()
    page.locator(".vx-segment").nth(1).click()
    page.locator(".vx-play").click()
    page.wait_for_function("engine.playing && engine.position() > 1.05")
    start = page.evaluate("engine.anchor.time")
    before = np.abs(np.fft.rfft(page.evaluate("heard(0.3)")))
    page.locator('.vx-take[data-take="enhanced"]').click()
    after = np.abs(np.fft.rfft(page.evaluate("heard(0.3)")))
    step = page.evaluate("engine.analyser.context.sampleRate / engine.analyser.fftSize")
    assert before.argmax() * step == pytest.approx(220, abs=20)
    assert after.argmax() * step == pytest.approx(900, abs=20)
    assert page.evaluate("engine.anchor.time") == start  # playback was never started anew
    assert page.locator(".vx-segment").count() == 1
    assert page.locator(".vx-trust").is_visible()
    assert page.locator(".vx-word").inner_text().startswith("neutral 0.90")
    page.screenshot(path=str(screenshots / "switch.png"))
    shown.pump()
    assert shown.model.player.active == "enhanced"
    page.locator(".vx-timeline").focus()
    page.keyboard.press("x")
    assert page.locator(".vx-segment").count() == 5
    page.keyboard.press("2")
    assert page.locator(".vx-segment").count() == 1
    shown.show(Audio(np.full((1, 4 * RATE), 0.1, np.float32), RATE))
    assert switch.is_hidden()
    assert page.locator(".vx-segment").count() == 5


def test_another_recording_takes_the_place(shown):
    rows = ((0.9, 0.05, 0.05), (0.9, 0.05, 0.05))
    shown.show(Audio(np.full((1, 2 * RATE), 0.1, np.float32), RATE), rows)
    page = shown.page
    named = page.locator(".vx-segment").evaluate_all("all => all.map((one) => one.textContent)")
    assert named == ["0:00.0–0:02.0 neutral"]
    assert page.evaluate("engine.state.duration") == pytest.approx(2.0)
    heard = page.locator(".vx-legend .vx-heard").evaluate_all("all => all.map((one) => one.textContent)")
    assert heard == ["neutral"]


def test_loudness_stands_below_and_a_click_on_it_seeks(shown, screenshots):
    page = shown.page
    assert page.locator(".vx-track").count() == 0
    times = np.arange(0.2, 4.0, 0.1)
    levels = np.where(times < 2.0, -30.0, -18.0)
    loudness = Track("loudness", times, np.stack([levels, levels - 1], axis=1), ("momentary", "short-term"), "LUFS")
    shown.show(Audio(np.full((1, 4 * RATE), 0.1, np.float32), RATE), further=[loudness])
    assert page.locator(".vx-track figcaption").inner_text() == "loudness (LUFS): momentary bold, short-term thin"
    canvas = page.locator('[data-track="loudness"]')
    canvas.click(position={"x": canvas.bounding_box()["width"] * 0.25, "y": 20})
    assert page.evaluate("engine.position()") == pytest.approx(1.0, abs=0.02)
    top, foot = (page.evaluate(PIXEL, ['[data-track="loudness"]', 0.75, down])[3] for down in (8.5 / 74, 60 / 74))
    assert top > 150  # the louder half's line is at the top
    assert foot < 60
    page.screenshot(path=str(screenshots / "loudness.png"))
    shown.show(Audio(np.full((1, 4 * RATE), 0.1, np.float32), RATE))
    assert page.locator(".vx-track").count() == 0


def test_before_and_after_stand_under_each_other(shown, screenshots):
    page = shown.page
    strips = page.locator(".vx-strips")
    assert strips.is_hidden()
    quieter = Audio(np.full((1, 4 * RATE), 0.05, np.float32), RATE)
    shown.model.put("enhanced", quieter, Timeline.of(tracks([(0.9, 0.05, 0.05)] * 6)))
    assert strips.is_visible()
    paints = colours(("neutral", "happy", "angry"))
    upper, lower = (page.evaluate(PIXEL, [".vx-strips", 0.4, down])[:3] for down in (0.25, 0.75))
    assert upper == pytest.approx(rgb(paints["angry"]), abs=3)  # before
    assert lower == pytest.approx(rgb(paints["neutral"]), abs=3)  # after
    page.screenshot(path=str(screenshots / "overlay.png"))
    strips.click(position={"x": strips.bounding_box()["width"] * 0.7, "y": 5})
    shown.pump()
    assert shown.model.position == pytest.approx(2.8, abs=0.02)
