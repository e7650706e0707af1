"""The page side of live training alone: the module training.js in Chromium, told of runs by hand."""

from __future__ import annotations

import pytest

from voxrack.notebook.training import LiveTraining

from .mounting import mount, tell

pytestmark = pytest.mark.browser
INK = """
(title) => {
  const canvas = document.querySelector(`[data-curves="${title}"]`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const columns = new Set();
  for (let k = 0; k < data.length; k += 4) {
    const blue = data[k + 3] > 120 && data[k + 2] > data[k] + 60; // the first curve's colour
    if (blue) columns.add((k / 4) % canvas.width);
  }
  return columns.size / canvas.width;
}
"""


def line(epoch: int) -> dict:
    return {
        "epoch": epoch, "train": {"loss": 2.0 / epoch, "accuracy": 1 - 0.9 / epoch},
        "validation": {"validation_uar": 1 - 0.95 / epoch, "validation_nll": 2.2 / epoch},
    }  # fmt: skip


def told(
    state: str, epoch: int, epochs: int = 20, lacks: str = "", why: str = "", audible: bool = False
) -> dict:
    lines = [line(k) for k in range(1, epoch + 1)]
    run = {"type": "run", "state": state, "epoch": epoch, "epochs": epochs, "best": epoch or None, "lines": lines}
    return run | {"lacks": lacks, "why": why, "audible": audible}


@pytest.fixture
def shown(page):
    mount(page, LiveTraining)
    assert page.evaluate("sentToPython.splice(0)") == [{"type": "ready"}]
    return page


def test_curves_grow_with_the_run(shown, screenshots):
    tell(shown, told("running", 3))
    narrow = shown.evaluate(INK, "loss")
    tell(shown, told("running", 15))
    wide = shown.evaluate(INK, "loss")
    assert 0.03 < narrow < 0.2
    assert wide > 3 * narrow
    assert shown.evaluate(INK, "measures") > 3 * narrow
    names = shown.locator("[data-curve]").evaluate_all("all => all.map((one) => one.dataset.curve)")
    assert sorted(names) == ["train accuracy", "train loss", "validation nll", "validation uar"]
    assert shown.locator(".vx-state").inner_text() == "running · epoch 15 of 20"
    shown.screenshot(path=str(screenshots / "training.png"))


def test_buttons_are_open_when_they_have_something_to_do(shown):
    stop, resume = shown.locator(".vx-stop"), shown.locator(".vx-resume")
    for state, may_stop, may_resume in (
        ("starting", False, False), ("running", True, False), ("ending", False, False), ("stopped", False, True),
        ("failed", False, True), ("finished", False, False),
    ):  # fmt: skip
        tell(shown, told(state, 2))
        assert (stop.is_enabled(), resume.is_enabled()) == (may_stop, may_resume), state
    tell(shown, told("stopped", 2, lacks="it needs its <b>feature</b> file"))
    assert not resume.is_enabled()
    assert shown.locator(".vx-lacks").inner_text() == "It cannot go on from here: it needs its <b>feature</b> file."
    tell(shown, told("running", 2))
    stop.click()
    tell(shown, told("stopped", 2))
    assert shown.locator(".vx-lacks").is_hidden()
    resume.click()
    assert shown.evaluate("sentToPython.splice(0)") == [{"type": "stop"}, {"type": "start"}]


def test_a_run_without_epochs_and_one_that_failed_are_shown_as_text(shown):
    tell(shown, told("starting", 0, 0))
    assert shown.locator(".vx-state").inner_text() == "starting"
    tell(shown, told("failed", 1, why="<b id=x>loss became NaN</b>"))
    assert shown.locator("#x").count() == 0
    assert "loss became NaN" in shown.locator(".vx-why").inner_text()


def test_listen_asks_and_what_was_heard_stands_there(shown):
    listen = shown.locator(".vx-listen")
    tell(shown, told("running", 2))
    assert listen.is_hidden()  # there is no recording to send through
    tell(shown, told("starting", 0, 0, audible=True))
    assert listen.is_visible()
    assert not listen.is_enabled()
    tell(shown, told("running", 2, audible=True))
    listen.click()
    assert shown.evaluate("sentToPython.splice(0)") == [{"type": "listen"}]
    tell(shown, {"type": "sample", "text": "after epoch 2: <i>happy</i>, 0.62 sure", "failed": False})
    assert shown.locator(".vx-sample").inner_text() == "♪ after epoch 2: <i>happy</i>, 0.62 sure"
    tell(shown, {"type": "sample", "text": "no weights yet", "failed": True})
    assert shown.locator(".vx-sample.vx-error").is_visible()
