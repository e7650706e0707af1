"""Following a run from elsewhere, and what progress tells."""

from __future__ import annotations

import math
import threading
from typing import Any

from loop_bench import go

from voxrack.runs import follow


def test_follow_gives_each_line_as_it_comes_and_ends_with_the_run(features, tmp_path):
    folder, seen, waiting = tmp_path / "run", [], threading.Event()

    def watch() -> None:
        for line in follow(folder, every=0.01):
            seen.append(line)
            waiting.set()

    thread = threading.Thread(target=watch)

    def wait(state: Any) -> None:
        if state.line and state.epoch == 1:
            thread.start()
            assert waiting.wait(60)  # the first line arrives while the run is in hand

    run = go(features, folder, progress=wait)
    thread.join(60)
    assert seen == run.metrics() and not thread.is_alive()


def test_progress_tells_rate_remaining_and_loss(features, tmp_path, monkeypatch):
    from voxrack import pace

    monkeypatch.setattr(pace, "_LOOK", 0.0)
    seen = []
    go(features, tmp_path / "run", progress=seen.append)
    assert [state.epoch for state in seen if state.line] == [1, 2, 3]
    middle = next(state for state in seen if state.epoch == 1 and state.step == 2)
    assert middle.rate > 0 and middle.remaining > 0 and math.isfinite(middle.loss) and 0 < middle.share < 1
    assert middle.text().startswith("epoch 2 of 3 · step 2") and "left" in middle.text()
