"""The controls' page side alone: the module controls.js in Chromium, wired to the real model, no Jupyter."""

from __future__ import annotations

from functools import partial

import pytest
from notebook_bench import make_rack

from voxrack.notebook.controls import Controls, ControlsModel

from .mounting import mount, tell

pytestmark = pytest.mark.browser


class Wired:
    """A rack, its controls on a page, and the road between them."""

    def __init__(self, page, rack):
        self.page, self.rack = page, rack
        self.changes: list[tuple] = []
        self.model = ControlsModel(rack, partial(tell, page), lambda *change: self.changes.append(change))
        mount(page, Controls)
        self.pump()

    def pump(self) -> list[dict]:
        """Deliver what the page has sent; returns it."""
        take = "() => new Promise((done) => requestAnimationFrame(() => done(sentToPython.splice(0))))"
        messages = self.page.evaluate(take)
        for message in messages:
            self.model.receive(message)
        return messages

    def row(self, address: str):
        return self.page.locator(f'[data-address="{address}"]')


@pytest.fixture
def wired(page) -> Wired:
    return Wired(page, make_rack(factor=2.0))


def test_every_address_has_a_row(wired):
    shown = wired.page.locator("[data-address]").evaluate_all("rows => rows.map((row) => row.dataset.address)")
    assert sorted(shown) == sorted(wired.rack.parameters())


def test_a_moved_slider_sets_the_rack_and_the_field_follows(wired):
    row = wired.row("scale.band.frequency")
    row.locator(".vx-slider").fill("0.5")
    wired.pump()
    assert wired.rack.get("scale.band.frequency") == pytest.approx(632.4555, rel=1e-4)
    assert row.locator(".vx-field").input_value() == "632.5 Hz"


def test_a_fast_hand_sends_the_newest_position_only(wired):
    move = """(row) => {
      const slider = row.querySelector(".vx-slider");
      for (let k = 1; k <= 60; k++) {
        slider.value = k / 100;
        slider.dispatchEvent(new Event("input"));
      }
    }"""
    wired.row("scale.factor").evaluate(move)
    messages = wired.pump()
    assert [(message["type"], message["unit"]) for message in messages] == [("position", 0.6)]
    assert wired.rack.get("scale.factor") == pytest.approx(6.0)


def test_an_overtaken_answer_does_not_pull_the_slider_back(wired):
    slider = wired.row("scale.factor").locator(".vx-slider")
    slider.fill("0.3")
    late = wired.page.evaluate("new Promise((done) => requestAnimationFrame(() => done(sentToPython.splice(0))))")
    slider.fill("0.7")
    for message in late:
        wired.model.receive(message)
    assert slider.input_value() == "0.7"
    wired.pump()
    assert slider.input_value() == "0.7"
    assert wired.rack.get("scale.factor") == pytest.approx(7.0)


def test_typed_units_and_refusals(wired):
    row = wired.row("scale.band.frequency")
    field = row.locator(".vx-field")
    field.fill("1.2 kHz")
    field.press("Enter")
    wired.pump()
    assert wired.rack.get("scale.band.frequency") == 1200.0
    field.fill("50 kHz")
    field.press("Enter")
    wired.pump()
    assert wired.rack.parameters()["scale.band.frequency"].range_text() in row.locator(".vx-refusal").inner_text()
    assert field.input_value() == "1.2 kHz"
    assert wired.rack.get("scale.band.frequency") == 1200.0
    field.fill("2 kHz")
    field.press("Enter")
    wired.pump()
    assert row.locator(".vx-refusal").inner_text() == ""
    assert wired.rack.get("scale.band.frequency") == 2000.0


def test_reset_choice_toggle_and_bypass(wired):
    reset = wired.row("scale.factor").locator(".vx-reset")
    assert reset.is_visible()  # 2 is not the default
    reset.click()
    wired.row("scale.shape").locator("select").select_option("saw")
    wired.row("scale.soft").locator(".vx-lamp").click()
    wired.row("scale.bypass").locator(".vx-lamp").click()
    wired.pump()
    values = wired.rack.values()
    assert (values["scale.factor"], values["scale.shape"], values["scale.soft"]) == (1.0, "saw", True)
    assert values["scale.bypass"] is True
    assert not reset.is_visible()
    assert wired.page.locator('[data-group="scale"].vx-bypassed').count() == 1


def test_one_point_of_a_curve_is_drawn_typed_and_moved_by_key(wired):
    row = wired.row("scale.curve")
    canvas = row.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    wired.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 5)  # the third of five points, nearly to the top
    wired.pump()
    curve = wired.rack.get("scale.curve")
    assert list(curve[[0, 1, 3, 4]]) == [0.5] * 4
    assert 8.0 < curve[2] <= 10.0
    assert row.locator(".vx-where").inner_text() == "1 kHz"
    field = row.locator("input.vx-field")
    field.fill("800 ms")
    field.press("Enter")
    wired.pump()
    assert list(wired.rack.get("scale.curve")) == [0.5, 0.5, 0.8, 0.5, 0.5]
    canvas.focus()
    wired.page.keyboard.press("ArrowRight")
    wired.page.keyboard.press("ArrowUp")
    wired.pump()
    curve = wired.rack.get("scale.curve")
    assert curve[3] == pytest.approx(0.5 * 1000**0.02, rel=1e-6)  # 2 % of three decades
    assert curve[2] == 0.8


def test_a_stroke_over_a_curve_leaves_no_gaps(wired):
    canvas = wired.row("scale.curve").locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["y"] + box["height"] / 2
    wired.page.mouse.move(box["x"] + box["width"] * 0.1, middle)
    wired.page.mouse.down()
    wired.page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=1)  # from the first point to the last at once
    wired.page.mouse.up()
    wired.pump()
    assert wired.rack.get("scale.curve") == pytest.approx([0.01 * 1000**0.5] * 5, rel=0.1)


def test_the_second_line_of_a_matrix(wired):
    row = wired.row("scale.matrix")
    row.locator("select").select_option("1")
    field = row.locator("input.vx-field")
    field.fill("-0.5")
    field.press("Enter")
    wired.pump()
    assert wired.rack.get("scale.matrix").tolist() == [[0, -0.5], [0, 0], [0, 0]]


def test_a_missing_device_says_so(wired):
    strip = wired.page.locator('[data-group="gone"]')
    assert "its plugin is not installed" in strip.locator(".vx-missing").inner_text()


def vocal_rack():
    from voxrack import Bus, Rack, default_host

    create = default_host().create
    return Rack(
        [create("fx.peq", {"peak1.gain": -4.0, "high_shelf.gain": 3.0}), create("fx.compressor", threshold=-24.0)],
        [Bus("delay", [create("fx.delay")], {"reverb": -12.0}), Bus("reverb", [create("fx.reverb")])],
        {"delay": -18.0, "reverb": -15.0},
    )


# Where the first line of a picture is, per column: the topmost pixel of its colour, as a share of the height.
LINE = """
([group, name]) => {
  const canvas = document.querySelector(`[data-group="${group}"] [data-curve="${name}"]`);
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const blue = (k) => data[k + 3] > 200 && data[k + 2] > data[k] + 60;
  return Array.from({ length: width }, (_, x) => {
    for (let y = 0; y < height; y++) if (blue(4 * (y * width + x))) return y / height;
    return null;
  });
}
"""


def test_curves_follow_the_sliders(page):
    wired = Wired(page, vocal_rack())
    pictures = page.locator(".vx-shape canvas").evaluate_all("all => all.map((one) => one.dataset.curve)")
    assert pictures == ["response", "gain curve", "echoes", "decay", "equaliser"]
    label = page.locator('[data-curve="response"]').get_attribute("aria-label")
    assert label == "response: gain in dB over frequency in Hz"
    before = page.evaluate(LINE, ["peq", "response"])
    wired.row("peq.low_shelf.gain").locator(".vx-field").fill("11 dB")
    wired.row("peq.low_shelf.gain").locator(".vx-field").press("Enter")
    wired.pump()
    after = page.evaluate(LINE, ["peq", "response"])
    left, right = [k for k, y in enumerate(after) if y is not None][4], len(after) - 20
    assert after[left] < before[left] - 0.2  # the bass goes up
    assert after[right] == pytest.approx(before[right], abs=0.03)  # the heights stay
    bars = page.evaluate(LINE, ["delay", "echoes"])
    wired.row("delay.feedback").locator(".vx-field").fill("0")
    wired.row("delay.feedback").locator(".vx-field").press("Enter")
    wired.pump()
    one = page.evaluate(LINE, ["delay", "echoes"])
    assert sum(y is not None for y in one) < sum(y is not None for y in bars)


def test_the_look_of_a_vocal_rack(page, screenshots):
    rack = vocal_rack()
    wired = Wired(page, rack)
    wired.row("compressor.ratio").locator(".vx-field").fill("0.5")
    wired.row("compressor.ratio").locator(".vx-field").press("Enter")
    wired.pump()
    page.screenshot(path=str(screenshots / "controls.png"), full_page=True)
    page.set_viewport_size({"width": 420, "height": 800})
    page.screenshot(path=str(screenshots / "narrow.png"), full_page=True)
    wide = "[...document.querySelectorAll('.vx-strip')].every((strip) => strip.scrollWidth <= strip.clientWidth + 1)"
    assert page.evaluate(wide)  # nothing sticks out of a narrow column
    assert page.locator("[data-address]").count() == len(rack.parameters())
