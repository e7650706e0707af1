"""Live rendering: latest value wins, one render in flight, failures surface and pass."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from notebook_bench import make_rack, voice

from voxrack.errors import UsageError
from voxrack.notebook.live import LatestWins, Live
from voxrack.notebook.player import ABPlayer
from voxrack.rendering import render

LONG = 30.0  # seconds until a test that hangs gives up


class Gate:
    """Work that stands still until it is let through, and counts how many are inside."""

    def __init__(self):
        self.value = None
        self.seen: list = []
        self.inside = self.most = 0
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.done: list = []
        self.failed: list = []
        self.worker = LatestWins(self.work, self.done.append, self.failed.append)

    def work(self):
        value = self.value
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.open.acquire(timeout=LONG)
        self.inside -= 1
        self.seen.append(value)
        if value == "bad":
            raise RuntimeError("bad value")
        return value

    def put(self, value):
        self.value = value
        self.worker.request()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    for _ in range(100):
        gate.open.release()
    assert gate.worker.wait(LONG)


def test_a_burst_of_sixty_becomes_two_runs_and_the_last_value_wins(gate):
    gate.put(0)
    assert gate.entered.acquire(timeout=LONG)  # the first run stands at the gate
    for value in range(1, 60):
        gate.put(value)
    gate.open.release()
    gate.open.release()
    assert gate.worker.wait(LONG)
    assert gate.done == [0, 59]
    assert (gate.worker.runs, gate.most) == (2, 1)


def test_a_failure_surfaces_and_the_next_run_is_heard(gate):
    gate.put("bad")
    assert gate.entered.acquire(timeout=LONG)
    gate.put("good")
    gate.open.release()
    gate.open.release()
    assert gate.worker.wait(LONG)
    assert [str(error) for error in gate.failed] == ["bad value"]
    assert gate.done == ["good"]


def test_a_request_after_the_rest_starts_anew(gate):
    for value in (1, 2, 3):
        gate.open.release()
        gate.put(value)
        assert gate.worker.wait(LONG)
    assert gate.done == [1, 2, 3]


def test_wait_says_when_there_was_not_time_enough(gate):
    gate.put(1)
    assert gate.worker.wait(0.01) is False
    gate.open.release()
    assert gate.worker.wait(LONG) is True


def test_a_handler_that_raises_does_not_leave_the_waiting_hanging(monkeypatch):
    crashes = []
    monkeypatch.setattr(threading, "excepthook", lambda crash: crashes.append(str(crash.exc_value)))

    def refuse(error: Exception) -> None:
        raise RuntimeError("no more") from error

    worker = LatestWins(lambda: 1 / 0, print, refuse)
    for runs in (1, 2):
        worker.request()
        assert worker.wait(LONG)
        assert worker.runs == runs
    for thread in threading.enumerate():  # the crash is reported after the waiting has ended
        if thread.name == "voxrack-live":
            thread.join(LONG)
    assert crashes == ["no more", "no more"]


def test_requests_from_many_threads_are_none_lost():
    box = {"value": 0}
    done = []
    worker = LatestWins(lambda: box["value"], done.append, done.append)
    lock = threading.Lock()

    def hammer() -> None:
        for _ in range(200):
            with lock:
                box["value"] += 1
            worker.request()

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.wait(LONG)
    assert done[-1] == 1600
    assert done == sorted(done)


# ---- with a rack and a player -----------------------------------------------------------------
@pytest.fixture
def player(monkeypatch):
    """A player whose messages to the page are kept."""
    sent = []
    monkeypatch.setattr(ABPlayer, "send", lambda self, content, buffers=None: sent.append(content))
    player = ABPlayer({"dry": voice()})
    player.sent_to_page = sent
    return player


def test_sixty_slider_events_settle_on_the_newest_value(player):
    rack = make_rack()
    live = Live(rack, voice(), player)
    for step in range(60):
        rack.set("scale.factor", 0.1 * (step + 1))
        live.request("scale.factor", 0.1 * (step + 1))
    assert live.wait(LONG)
    heard = player.controller.takes["wet"]
    np.testing.assert_array_equal(heard.samples, render(rack, voice(), tail=False).samples)
    assert rack.get("scale.factor") == 6.0
    assert live.renders <= 61
    assert [m["name"] for m in player.sent_to_page if m["type"] == "take"].count("wet") == live.renders


def test_without_the_tail_the_take_loops_in_time(player):
    live = Live(make_rack(), voice(), player, "echo")
    assert live.wait(LONG)
    assert player.controller.takes["echo"].duration == voice().duration


def test_a_failed_render_shows_under_the_player_and_a_later_one_clears_it(player):
    rack = make_rack(factor=2.0)
    live = Live(rack, voice(), player)
    assert live.wait(LONG)
    good = player.controller.takes["wet"].samples
    rack.set("scale.factor", 9.0)
    live.request()
    assert live.wait(LONG)
    assert "nine is too many" in str(live.error)
    note = player.sent_to_page[-1]
    assert (note["type"], note["level"]) == ("note", "error")
    assert "nine is too many" in note["text"]
    assert player.controller.takes["wet"].samples is good  # the last good take stays
    rack.set("scale.factor", 3.0)
    live.request()
    assert live.wait(LONG)
    assert live.error is None
    assert player.sent_to_page[-1] == {"type": "note", "text": "", "level": "info"}
    assert player.controller.takes["wet"].peak == pytest.approx(1.5 * np.abs(good).max(), rel=1e-6)


def test_moving_a_slider_never_touches_the_running_render(player):
    rack = make_rack()
    live = Live(rack, voice(), player)
    assert live.wait(LONG)
    assert live._twin is not rack
    assert all(live._twin.slots()[name].device is not slot.device for name, slot in rack.slots().items())


def test_a_take_needs_a_name(player):
    with pytest.raises(UsageError, match="needs a name"):
        Live(make_rack(), voice(), player, "")


def test_of_a_long_recording_the_players_excerpt_is_rendered(monkeypatch):
    from voxrack.notebook import live as module

    monkeypatch.setattr(module, "excerpt", lambda audio: audio[0.0:0.1])
    player = ABPlayer()
    live = Live(make_rack(), voice(0.25), player)
    assert live.wait(LONG)
    assert player.controller.takes["wet"].duration == pytest.approx(0.1)
