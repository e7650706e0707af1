"""Following a run from elsewhere, and what progress tells."""

from __future__ import annotations

import math
import threading
from typing import Any

from loop_bench import after, go, same

from voxrack import weights
from voxrack.runs import Run, follow


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


def test_a_snapshot_is_a_model_of_the_moment_and_changes_nothing(features, straight, tmp_path):
    run = Run(tmp_path / "run")
    found = []

    def look():
        if run.snapshot_file.exists() and not run.snapshot_asked():
            made = weights.load(run.snapshot_file)
            found.append((made.metadata["training"]["epoch"], made.tensors))
            run.snapshot_file.unlink()
        if (run.folder / "config.json").exists():
            run.ask_for_snapshot()
        return False

    done = go(features, run.folder, stop=look)
    assert done.finished
    same(done, straight)  # which nobody asked for anything
    epochs = [epoch for epoch, _ in found]
    assert epochs[-1] == 2  # after each epoch but the last, at least
    final = weights.load(done.model_file).tensors
    assert found[0][1].keys() == final.keys()
    assert not all((found[0][1][key] == final[key]).all() for key in final)  # it had not yet learned all
    assert not run.snapshot_file.exists()  # the model itself serves now
    assert not run.snapshot_asked()


def test_a_run_that_is_stopped_gives_the_snapshot_first(features, tmp_path):
    run = Run(tmp_path / "run")
    stopped = go(features, run.folder, stop=after(2, lambda: run.ask_for_snapshot() or True))
    assert stopped.outcome["state"] == "stopped"
    assert weights.load(run.snapshot_file).metadata["training"]["why"] == "a snapshot, step 2 of epoch 1"
    assert go(features, run.folder).finished  # and the folder is still that of the run
