"""The player's page side alone: the module player.js in Chromium, fed by the real model, no Jupyter."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from voxrack.audio import Audio
from voxrack.notebook.player import ABPlayer
from voxrack.notebook.player_model import PlayerModel

from .mounting import mount, tell

pytestmark = pytest.mark.browser
RATE = 48_000


@pytest.fixture
def player(page):
    """The model wired to a page that shows the player; ``player.page`` runs scripts in it."""
    mount(page, ABPlayer, sounding=True)
    model = PlayerModel(partial(tell, page), matched=False)
    model.volume = 1.0  # heard samples are the takes' own
    model.page = page
    return model


def constant(level: float, seconds: float = 2.0) -> Audio:
    return Audio(np.full((1, round(seconds * RATE)), level, np.float32), RATE)


def ramp(seconds: float, rate: int = RATE) -> Audio:
    """A straight line from 0 to 0.8: the sample value tells the position."""
    return Audio(np.linspace(0, 0.8, round(seconds * rate), endpoint=False, dtype=np.float32)[None], rate)


def test_switching_takes_is_one_linear_crossfade_of_20_ms(player):
    player.put("a", constant(0.2))
    player.put("b", constant(0.6))
    heard = np.array(
        player.page.evaluate(
            """async () => {
              await engine.play();
              engine.analyser.fftSize = 32768;
              await heard(0.5);
              engine.choose("b");
              return heard(0.2);
            }"""
        )
    )
    rate = player.page.evaluate("engine.output().context.sampleRate")
    assert heard[-1] == pytest.approx(0.6, abs=1e-4)
    ramp = np.flatnonzero((heard > 0.2001) & (heard < 0.5999))
    before = heard[ramp[0] - 2000 : ramp[0]]
    assert before == pytest.approx(0.2, abs=1e-4)  # nothing but the first take until the switch
    assert np.all(np.diff(ramp) == 1)  # one stretch of change
    assert len(ramp) / rate == pytest.approx(0.020, abs=0.001)
    steps = np.diff(heard[ramp])
    assert steps == pytest.approx(np.full(len(steps), 0.4 / (0.02 * rate)), abs=2e-5)  # a straight line, no step
    sent = [one for one in player.page.evaluate("sentToPython") if one["type"] != "playhead"]
    assert sent == [{"type": "choose", "name": "b"}]


def test_what_is_heard_next_of_a_replaced_take_sounds_ahead_of_the_rest(player):
    player.put("a", constant(0.2, 12.0))
    position = player.page.evaluate(
        """async () => {
          await engine.play();
          engine.analyser.fftSize = 32768;
          await heard(0.3);
          held = [];
          return engine.position();
        }"""
    )
    told = [sent for sent in player.page.evaluate("sentToPython") if sent["type"] == "playhead"]
    assert told == [{"type": "playhead", "position": 0, "playing": True}]
    player.receive({"type": "playhead", "position": position, "playing": True})
    player.put("a", constant(0.6, 12.0))
    ahead, whole, rest, end = player.page.evaluate(
        """async () => {
          const [piece, take] = held;
          held = null;
          const kinds = [piece[0].type, take[0].type].join();
          fromPython(...piece);
          const ahead = await heard(0.3);
          const rest = engine.takes.get("a").channels[0].at(-1);
          fromPython(...take);
          return [[kinds, ahead], await heard(0.3), rest, engine.takes.get("a").channels[0].at(-1)];
        }"""
    )
    assert ahead[0] == "piece,take"
    assert ahead[1][-1] == pytest.approx(0.6, abs=1e-4)  # before the take came
    whole = np.array(whole)
    since = np.flatnonzero(whole > 0.5999)[0]  # fading a sound into itself changes nothing, up or down
    assert len(whole) - since > 2000 and whole[since:] == pytest.approx(0.6, abs=5e-4)
    assert (rest, end) == pytest.approx((0.2, 0.6))  # what no piece told of stayed as it was


@pytest.mark.parametrize("first", [0, 400_000])
def test_a_piece_that_the_playhead_is_not_in_waits_for_the_take(player, first):
    player.put("a", constant(0.2, 12.0))
    swaps = player.page.evaluate(
        """async (first) => {
          await engine.play();
          await new Promise((done) => setTimeout(done, 300));
          const data = btoa("\\0".repeat(4 * 4800));
          fromPython({ type: "piece", name: "a", sample_rate: 48000, channels: 1, frames: 576000, first, length: 4800,
                       state: engine.state }, data);
          return engine.swaps;
        }""",
        first,
    )
    assert swaps == 0


def test_an_interrupted_crossfade_turns_back_without_a_step(player):
    player.put("a", constant(0.2))
    player.put("b", constant(0.6))
    heard = np.array(
        player.page.evaluate(
            """async () => {
              await engine.play();
              engine.analyser.fftSize = 32768;
              await heard(0.4);
              engine.choose("b");
              await new Promise((done) => setTimeout(done, 8));
              engine.choose("a");
              return heard(0.2);
            }"""
        )
    )
    rate = player.page.evaluate("engine.output().context.sampleRate")
    live = heard[np.flatnonzero(heard > 0.1999)[0] :]
    assert live[-1] == pytest.approx(0.2, abs=1e-4)
    assert live.max() > 0.21  # it had begun
    # both gains move at once, at most one full ramp each way
    assert np.abs(np.diff(live)).max() < 0.4 / (0.02 * rate) * 1.5


def test_the_playhead_goes_on_when_the_heard_take_is_replaced(player):
    # the sample value tells the position: a straight line from 0 to 0.8 over 8 s, longer than a busy machine dawdles
    line = ramp(8.0)
    player.put("a", line)
    player.page.evaluate("held = []")
    player.put("a", Audio(np.vstack([line.samples, line.samples]), RATE))  # another buffer, the same positions
    heard, since, rate = player.page.evaluate(
        """async () => {
          await engine.play();
          engine.analyser.fftSize = 32768;
          await heard(0.9);
          const [[message, data]] = held;
          held = null;
          fromPython(message, data);
          const samples = await heard(0.3);
          const context = engine.output().context;
          return [samples, context.currentTime - engine.swap.when, context.sampleRate];
        }"""
    )
    heard = np.array(heard)
    assert 0 < since < len(heard) / rate  # the swap lies within the window
    slope = np.polyfit(np.arange(len(heard)), heard, 1)[0] * rate
    assert slope == pytest.approx(0.1, rel=1e-3)
    residual = heard - np.polyval(np.polyfit(np.arange(len(heard)), heard, 1), np.arange(len(heard)))
    assert np.abs(residual).max() < 4e-4  # 4 ms of playhead at most, where a restart would be 0.9 s


def test_replacing_another_take_is_not_heard(player):
    player.put("a", constant(0.3))
    player.put("b", constant(0.6))
    player.page.evaluate("async () => { await engine.play(); engine.analyser.fftSize = 32768; await heard(0.5); }")
    player.put("b", constant(0.8))
    heard = np.array(player.page.evaluate("heard(0.3)"))
    assert heard == pytest.approx(np.full(len(heard), 0.3), abs=1e-4)
    player.page.evaluate("engine.choose('b')")
    assert player.page.evaluate("heard(0.2)")[-1] == pytest.approx(0.8, abs=1e-4)


def test_takes_of_other_rates_and_lengths_keep_one_playhead(player):
    player.put("48", ramp(2.0))
    player.put("44.1", ramp(2.0, 44_100))
    player.put("short", constant(0.5, 0.25))
    player.page.evaluate("async () => { await engine.play(); await heard(0.6); }")
    for name in ("48", "44.1"):
        player.page.evaluate("name => engine.choose(name)", name)
        position, sample = player.page.evaluate(
            "async () => { const s = await heard(0.1); return [engine.position(), s.at(-1)]; }"
        )
        assert sample == pytest.approx(0.4 * position, abs=0.03)  # the analyser lags by a few blocks
    player.page.evaluate("name => engine.choose(name)", "short")
    assert player.page.evaluate("heard(0.1)")[-1] == pytest.approx(0.0, abs=1e-4)  # past its end: silence, not a loop


def test_a_loop_region_stays_inside_and_python_hears_of_it(player):
    player.put("a", ramp(2.0))
    player.page.evaluate("async () => { await engine.play(); engine.loop([0.5, 0.8]); }")
    player.page.evaluate("engine.analyser.fftSize = 32768")
    heard = np.array(player.page.evaluate("heard(0.9)"))  # the window spans several turns
    rate = player.page.evaluate("engine.output().context.sampleRate")
    assert 0.2 - 1e-3 < heard.min() < 0.21
    assert 0.31 < heard.max() < 0.32 + 1e-3
    turns = np.flatnonzero(np.diff(heard) < -0.1)
    assert len(turns) >= 2
    assert np.diff(turns) / rate == pytest.approx(np.full(len(turns) - 1, 0.3), abs=0.001)
    sent = [one for one in player.page.evaluate("sentToPython") if one["type"] != "playhead"]
    assert sent == [{"type": "region", "region": [0.5, 0.8]}]


def test_loudness_match_applies_the_gain_that_python_computed(player):
    time = np.arange(2 * RATE) / RATE
    quiet, loud = (Audio((g * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)[None], RATE) for g in (0.1, 0.4))
    player.put("quiet", quiet)
    player.put("loud", loud)
    player.page.evaluate("async () => { await engine.play(); engine.choose('loud'); }")
    assert np.max(player.page.evaluate("heard(0.3)")) == pytest.approx(0.4, rel=0.01)
    player.page.evaluate("engine.match(true)")
    assert np.max(player.page.evaluate("heard(0.3)")) == pytest.approx(0.1, rel=0.01)


def test_mouse_and_keys(player, screenshots):
    time = np.arange(4 * RATE) / RATE
    voice = np.sin(2 * np.pi * 220 * time) * np.abs(np.sin(2 * np.pi * 1.3 * time)) * 0.5
    player.put("dry", Audio(voice.astype(np.float32)[None], RATE))
    player.put("wet", Audio((0.4 * voice).astype(np.float32)[None], RATE))
    page = player.page
    wave = page.locator(".vx-wave")
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.5, "y": 40})
    assert page.evaluate("engine.position()") == pytest.approx(2.0, abs=0.02)
    assert not page.evaluate("engine.playing")
    page.locator(".vx-play").click()
    page.wait_for_function("engine.playing && engine.position() > 2.2")
    page.screenshot(path=str(screenshots / "player.png"))
    page.locator(".vx-player").focus()
    page.keyboard.press("2")
    assert page.evaluate("engine.state.active") == "wet"
    assert page.locator('.vx-take[data-take="wet"]').get_attribute("aria-checked") == "true"
    page.keyboard.press("x")
    assert page.evaluate("engine.state.active") == "dry"
    page.keyboard.press("Home")
    assert page.evaluate("engine.position()") < 0.5
    page.keyboard.press(" ")
    assert not page.evaluate("engine.playing")
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40, steps=4)
    page.mouse.up()
    assert page.evaluate("engine.state.region") == pytest.approx([1.0, 3.0], abs=0.03)
    page.screenshot(path=str(screenshots / "loop.png"))
    page.locator(".vx-player").focus()
    page.keyboard.press("l")
    assert page.evaluate("engine.state.region") is None
    for message in page.evaluate("sentToPython"):
        player.receive(message)
    assert (player.active, player.region) == ("dry", None)


def test_names_are_shown_as_text_and_notes_appear(player):
    player.put("<b id=x>bold</b>", constant(0.1))
    player.note("the render failed: <i>no</i>", "error")
    assert player.page.locator("#x").count() == 0
    assert player.page.locator(".vx-take b").inner_text() == "<b id=x>bold</b>"
    assert player.page.locator(".vx-note.vx-error").inner_text() == "the render failed: <i>no</i>"


def test_the_average_spectrum_of_a_take_stays_a_number(player):
    # the first frame after a start is silence, which an analyser reads as minus infinity
    time = np.arange(RATE) / RATE
    player.put("a", Audio((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)[None], RATE))
    player.page.evaluate("async () => { await engine.play(); await heard(0.8); }")
    mean = np.array(player.page.evaluate("Array.from(engine.takes.get('a').mean)"), dtype=float)
    assert np.isfinite(mean).all()
    width = player.page.evaluate("engine.output().context.sampleRate / engine.analyser.fftSize")
    assert np.argmax(mean) * width == pytest.approx(1000, abs=2 * width)


def test_a_take_over_full_scale_is_turned_down_and_it_is_said(player):
    player.put("loud", constant(4.0))
    player.page.evaluate("async () => { await engine.play(); await heard(0.3); }")
    assert player.page.evaluate("heard(0.1)")[-1] == pytest.approx(10 ** (-1 / 20), abs=1e-4)  # -1 dBFS, undistorted
    assert player.page.locator(".vx-note").inner_text() == "turned down 13.0 dB, so that nothing clips"
    player.page.evaluate("engine.volume(0.1)")
    assert player.page.evaluate("heard(0.3)")[-1] == pytest.approx(0.4, abs=1e-4)  # at this volume it fits
    assert player.page.locator(".vx-note").inner_text() == ""


def test_it_starts_at_half_volume(page):
    mount(page, ABPlayer, sounding=True)
    model = PlayerModel(partial(tell, page), matched=False)
    model.put("a", constant(0.8))
    page.evaluate("engine.play()")
    assert page.evaluate("heard(0.4)")[-1] == pytest.approx(0.4, abs=1e-4)


def test_several_players_together_stay_below_full_scale(player):
    player.put("a", constant(0.8))
    out = player.page.evaluate(
        """async () => {
          await engine.play();
          const { context } = engine.analyser;
          const [other, ear] = [context.createConstantSource(), context.createAnalyser()];
          const measure = async (offset) => {
            other.offset.value = offset;
            await new Promise((done) => setTimeout(done, 200));
            const samples = new Float32Array(ear.fftSize);
            ear.getFloatTimeDomainData(samples);
            return samples.at(-1);
          };
          const { input, output } = window.__voxrack_bus;
          output.connect(ear);
          other.connect(input);
          other.start();
          return [await measure(0), await measure(0.2), await measure(5)];
        }"""
    )
    assert out[0] == pytest.approx(0.8, abs=1e-3)  # one player below the bend comes out as it is
    assert 0.9 < out[1] < out[2] < 1.0


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("constructor() { throw new Error('none here'); }", "no audio output (none here)"),
        ("state = 'suspended'; resume() { return new Promise(() => {}); }", "did not open an audio output"),
    ],
    ids=["none", "asleep"],
)
def test_without_an_audio_output_it_says_so_and_plays_nothing(player, broken, said):
    player.put("a", constant(0.5))
    player.put("b", constant(0.5))
    page = player.page
    page.evaluate(f"() => void (window.AudioContext = class {{ {broken} }})")
    page.locator(".vx-play").click()
    page.wait_for_function("document.querySelector('.vx-note.vx-error')")
    assert said in page.locator(".vx-note").inner_text()
    assert not page.evaluate("engine.playing")
    page.keyboard.press("2")  # all the rest works on
    player.remove("a")
    assert page.locator(".vx-take").count() == 1


def test_a_loop_is_set_from_the_keyboard_and_space_presses_the_button_that_has_the_focus(player):
    player.put("a", ramp(4.0))
    page = player.page
    page.locator(".vx-player").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("i")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    assert page.evaluate("engine.state.region") == pytest.approx([1.0, 3.0], abs=1e-3)
    match = page.locator(".vx-match")
    match.focus()
    page.keyboard.press(" ")
    assert match.get_attribute("aria-pressed") == "true"
    assert not page.evaluate("engine.playing")


def test_every_control_can_be_reached_and_has_a_name(player):
    player.put("a", constant(0.1))
    page = player.page
    names = []
    page.locator("body").click(position={"x": 1, "y": 1})
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(page.evaluate("(e => e.getAttribute('aria-label') || e.textContent)(document.activeElement)"))
    assert names[0].startswith("A/B player")
    assert names[1] == "play or pause"
    assert names[2].startswith("a")
    assert names[3] == "match loudness"
    assert names[4:6] == ["spectrogram", "volume"]
