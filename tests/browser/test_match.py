"""The notebook of the fit in JupyterLab in a real browser: the result's own player plays dry, wet and match."""

from __future__ import annotations

import pytest

from .lab import Notebook, lab_of, press_play

pytestmark = pytest.mark.browser
NAME = "03_match.ipynb"

# Root mean square of what is heard, over one turn of the loop and a little more.
LEVEL = """
async () => {
  const samples = new Float32Array(engine.analyser.fftSize);
  const end = performance.now() + 1000 * engine.state.duration * 1.2;
  let [sum, count] = [0, 0];
  while (performance.now() < end) {
    engine.analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) sum += sample * sample;
    count += samples.length;
    await new Promise((done) => setTimeout(done, 20));
  }
  return Math.sqrt(sum / count);
}
"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """The notebook, run from top to bottom; the player of the fit at hand as ``engine``."""
    with lab_of(tmp_path_factory.mktemp("lab"), NAME) as server:
        notebook = Notebook(browser, server, NAME)
        notebook.failures = notebook.run_all()
        notebook.screenshots = tmp_path_factory.mktemp("screenshots")
        find = "() => (window.engine = Object.values(window.__voxrack_players ?? {}).find((e) => e.takes.has('match')))"
        notebook.page.wait_for_function(find)
        yield notebook
        notebook.page.close()


def test_every_cell_runs_and_the_widgets_are_there(opened):
    assert opened.failures == []
    counts = opened.executed()
    assert counts == list(range(1, len(counts) + 1))
    page = opened.page
    page.wait_for_function("document.querySelectorAll('.vx-player').length === 2")
    table = page.locator(".jp-OutputArea-output:has(.vx-player) table")
    assert table.count() == 1  # the figures stand above the player of the fit, in one output
    assert "weighted total" in table.inner_text()
    assert opened.ask("len(view.lines)") == opened.ask("STEPS")  # the fit was watched
    assert opened.complaints == []


def test_the_player_of_the_result_plays_all_three_takes(opened):
    page = opened.page
    player = page.locator(".jp-OutputArea-output:has(table) .vx-player")
    player.scroll_into_view_if_needed()
    assert player.locator(".vx-take b").all_inner_texts() == ["dry", "wet", "match"]
    press_play(page, player=player)
    heard = {}
    for name in ("dry", "wet", "match"):
        player.locator(f'.vx-take[data-take="{name}"]').click()
        assert page.evaluate("engine.state.active") == name
        page.wait_for_timeout(150)  # the crossfade and the analyser's window
        heard[name] = page.evaluate(LEVEL)
    page.screenshot(path=str(opened.screenshots / "match.png"))
    assert page.evaluate("engine.playing")
    assert min(heard.values()) > 1e-3  # each is heard
    assert max(heard.values()) < 2 * min(heard.values())  # and equally loud
    assert opened.complaints == []


def test_what_the_console_says_is_heard(opened):
    """Last, as it leaves complaints: a check that could not fail would be none."""
    opened.page.evaluate("() => (console.error('said aloud'), setTimeout(() => { throw new Error('thrown'); }))")
    opened.page.wait_for_timeout(200)
    assert sorted(text.partition(" (")[0] for text in opened.complaints) == ["said aloud", "thrown"]
