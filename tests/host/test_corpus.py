"""Corpus jobs on real schedulers and workers: whatever dies, and when, every item is accounted for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus_items
import pytest

from voxrack import corpus
from voxrack.corpus import Item, Job, JobFolder, Local, State, run
from voxrack.corpus_claim import Claim
from voxrack.errors import UsageError, VoxrackError

pytest.importorskip("distributed", reason="distributed is not installed: pip install 'voxrack[corpus]'")

DRIVER = """
import sys, corpus_items
from pathlib import Path
from voxrack.corpus import Local, run
if __name__ == "__main__":
    folder, count, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    run(folder / "job", corpus_items.job(folder / "ledger", seconds), corpus_items.items(count), Local(2))
"""


def drive(folder: Path, count: int, seconds: float) -> subprocess.Popen[bytes]:
    """A job in a process of its own, with two workers."""
    script = folder / "driver.py"
    script.write_text(DRIVER)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    words = [sys.executable, str(script), str(folder), str(count), str(seconds)]
    return subprocess.Popen(words, env=env, stderr=subprocess.PIPE, start_new_session=True)


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_every_item_is_done_once_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    ledger, todo = tmp_path / "ledger", corpus_items.items(30)
    seen: list[tuple[int, str | None]] = []

    def watch(state: State) -> None:
        seen.append((state.left, state.record and state.record["name"]))

    report = run(tmp_path / "job", corpus_items.job(ledger), todo, Local(2), watch=watch)
    assert (report.items, report.done, report.failed, report.left, report.deaths) == (30, 30, 0, 0, 0)
    names = {item.name for item in todo}
    assert corpus_items.counts(ledger, "end") == dict.fromkeys(names, 1)
    assert {name for _, name in seen if name} == names and seen[-1][0] == 0
    assert len({line[2] for line in corpus_items.lines(ledger)}) == 2  # two processes, neither of them this one
    assert str(os.getpid()) not in {line[2] for line in corpus_items.lines(ledger)}
    for record in JobFolder(tmp_path / "job").records():
        assert record["status"] == "done" and record["result"]["threads"] == ["1", "1"]
        assert (tmp_path / "job" / record["result"]["made"]).read_text() == record["name"]
    assert json.loads((tmp_path / "job/report.json").read_text())["done"] == 30
    there = {path.name for path in (tmp_path / "job").iterdir()}
    assert there == {"job.json", "lock", "made", "records", "report.json"}
    before = ledger.read_bytes()
    again = run(tmp_path / "job", corpus_items.job(ledger), todo, Local(2))
    assert (again.skipped, again.done, again.workers) == (30, 0, 0) and ledger.read_bytes() == before
    more = run(tmp_path / "job", corpus_items.job(ledger), [*todo, Item("later", {"what": "plain"})], Local(1))
    assert (more.skipped, more.done) == (30, 1)


def test_poisoned_items_are_recorded_with_their_traceback_and_the_rest_is_done(tmp_path: Path) -> None:
    odd = {"bad": "raises", "quits": "leaves", "native": "crashes", "shot": "killed", "stuck": "hangs"}
    todo = corpus_items.items(12, **odd, once="killed_once")
    job = corpus_items.job(tmp_path / "ledger")
    report = run(tmp_path / "job", job, todo, Local(2), tries=2, timeout=4.0)
    assert (report.done, report.failed, report.left) == (13, 5, 0)
    assert report.deaths == 2 + 2 + 1 + 1  # native and shot twice, stuck and once one time each
    records = {record["name"]: record for record in JobFolder(tmp_path / "job").records()}
    assert len(records) == 18
    assert {failure["name"] for failure in report.failures} == set(odd)
    for name, words, trace in [
        ("bad", "ValueError: this one is poisoned", 'raise ValueError("this one is poisoned")'),
        ("quits", "SystemExit: 3", "sys.exit(3)"),
        ("native", "2 workers died at it, the last with: Fatal Python error: Segmentation fault", "in _misbehave"),
        ("shot", "2 workers died at it", "killed from outside"),
        ("stuck", "took longer than the time allowed (0:00:04)", "in _misbehave"),
    ]:
        assert words in records[name]["error"] and trace in records[name]["traceback"], records[name]
    assert records["once"]["status"] == "done" and len(records["once"]["deaths"]) == 1
    begun = corpus_items.counts(tmp_path / "ledger", "begin")
    assert begun["once"] == begun["native"] == begun["shot"] == 2 and begun["bad"] == begun["stuck"] == 1
    kept = run(tmp_path / "job", job, todo, Local(1), keep_failed=True)
    assert (kept.skipped, kept.failed, kept.workers) == (13, 5, 0)
    assert corpus_items.counts(tmp_path / "ledger", "begin") == begun


def test_what_failed_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    todo = [Item("a", {})]
    first = run(tmp_path / "job", Job("toy", "corpus_items:unfit"), todo, Local(1))
    assert first.failed == 1 and "not JSON compliant" in first.failures[0]["error"]
    session = JobFolder(tmp_path / "job").record("a")["session"]
    again = run(tmp_path / "job", Job("toy", "corpus_items:unfit"), todo, Local(1))
    assert again.failed == 1 and JobFolder(tmp_path / "job").record("a")["session"] != session


def test_a_worker_killed_mid_run_costs_its_item_once(tmp_path: Path) -> None:
    ledger, victims = tmp_path / "ledger", []

    def watch(state: State) -> None:
        if state.done == 8 and not victims:
            names = corpus_items.counts(ledger, "begin") - corpus_items.counts(ledger, "end")
            pid = next(int(line[2]) for line in corpus_items.lines(ledger) if line[1] in names and line[0] == "begin")
            victims.append(pid)
            os.kill(pid, signal.SIGKILL)

    todo = corpus_items.items(40)
    report = run(tmp_path / "job", corpus_items.job(ledger, 0.2), todo, Local(2), watch=watch)
    assert victims and (report.done, report.failed, report.left, report.deaths) == (40, 0, 0, 1)
    assert corpus_items.counts(ledger, "end") == {item.name: 1 for item in todo}
    twice = [name for name, count in corpus_items.counts(ledger, "begin").items() if count == 2]
    record = JobFolder(tmp_path / "job").record(twice[0])
    assert len(twice) == 1 and [death["pid"] for death in record["deaths"]] == victims


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_after_the_main_process_is_stopped_a_second_run_does_what_is_missing(tmp_path: Path, how: int) -> None:
    ledger, place = tmp_path / "ledger", JobFolder(tmp_path / "job")
    main = drive(tmp_path, 40, 0.15)
    until(lambda: corpus_items.counts(ledger, "end").total() >= 9)
    if how == signal.SIGINT:
        os.killpg(main.pid, how)  # as a terminal does
    else:
        os.kill(main.pid, how)
    assert main.wait(30) != 0
    workers = {int(line[2]) for line in corpus_items.lines(ledger)}
    until(lambda: all(map(gone, workers)))  # nobody works on for a job that nobody drives
    done = {record["name"]: place.record_file(record["name"]).stat() for record in place.records()}
    assert 9 <= len(done) < 40
    report = run(tmp_path / "job", corpus_items.job(ledger, 0.15), corpus_items.items(40), Local(2))
    assert (report.skipped, report.done, report.left) == (len(done), 40 - len(done), 0)
    for name, stat in done.items():  # not touched
        assert os.path.samestat(place.record_file(name).stat(), stat)
        assert place.record_file(name).stat().st_mtime_ns == stat.st_mtime_ns
    begun = corpus_items.counts(ledger, "begin")
    assert sorted(begun) == [item.name for item in corpus_items.items(40)]
    assert sum(count - 1 for count in begun.values()) <= 2  # what the two workers had in hand
    assert not list((tmp_path / "job").rglob(".voxrack-*")) and not (tmp_path / "job/work").exists()


def test_an_item_that_another_process_has_in_hand_is_waited_for(tmp_path: Path) -> None:
    place, ledger = JobFolder(tmp_path / "job"), tmp_path / "ledger"
    todo = corpus_items.items(3)
    place.begin(corpus_items.job(ledger))
    claim = Claim.take(place.workplace(todo[0].name), "other")
    assert claim is not None and Claim.take(place.workplace(todo[0].name), "mine") is None
    released: list[float] = []

    def release() -> None:
        released.append(time.time())
        claim.__exit__()

    def watch(state: State) -> None:
        if state.done == 2 and not released and not timer.is_alive():
            timer.start()

    timer = threading.Timer(1.5, release)
    report = run(tmp_path / "job", corpus_items.job(ledger), todo, Local(1), watch=watch)
    assert report.done == 3
    late = [float(line[3]) for line in corpus_items.lines(ledger) if line[:2] == ["begin", todo[0].name]]
    assert len(late) == 1 and late[0] > released[0]


def test_a_claim_remembers_who_died_at_it_in_this_run_only(tmp_path: Path) -> None:
    for number in range(2):
        claim = Claim.take(tmp_path / "item", "now")
        assert claim is not None and len(claim.deaths) == number
        claim.begin().write_text("Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  x\n")
        (claim.folder / "kept/state").write_text("")
        assert not list((claim.folder / "scratch").iterdir())
        (claim.folder / "scratch/half").write_text("")
        claim.__exit__()  # as the end of its process does
    claim = Claim.take(tmp_path / "item", "now")
    assert claim is not None and claim.deaths[1]["trace"].startswith("Fatal Python error: Aborted")
    assert (claim.folder / "kept/state").exists()
    claim.__exit__()
    later = Claim.take(tmp_path / "item", "another run")
    assert later is not None and not later.deaths and not (later.folder / "kept").exists()
    later.finish()
    later.__exit__()
    assert not (tmp_path / "item").exists()


def test_a_folder_belongs_to_one_job_and_to_one_process(tmp_path: Path) -> None:
    job, todo = corpus_items.job(tmp_path / "ledger"), [Item("a", {"what": "plain"})]
    run(tmp_path / "job", job, todo, Local(1))
    with pytest.raises(UsageError, match=r"holds another job \(seconds: 0.05 there, 3 now\)"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger", 3), todo)
    with pytest.raises(UsageError, match="verb: toy there, render now"):
        run(tmp_path / "job", Job("render", job.function, job.options), todo)
    with pytest.raises(UsageError, match="record of an item of that name with other inputs"):
        run(tmp_path / "job", job, [Item("a", {"what": "other"})])
    with pytest.raises(UsageError, match="row 2 \\(a\\): row 1 \\(a\\) has that name already"):
        run(tmp_path / "job", job, [Item("a", {"what": "plain"}, {}, f"row {row}") for row in (1, 2)])
    with (
        JobFolder(tmp_path / "job").held(),
        pytest.raises(UsageError, match=f"by another voxrack .*process {os.getpid()}"),
    ):
        run(tmp_path / "job", job, todo)
    (tmp_path / "song").mkdir()
    (tmp_path / "song/take.wav").write_text("")
    with pytest.raises(UsageError, match=r"holds other things \(take.wav\) and no job"):
        run(tmp_path / "song", job, todo)
    JobFolder(tmp_path / "job").record_file("a").write_text("{")
    with pytest.raises(VoxrackError, match=r"a.json cannot be read .* remove it, and the item is done again"):
        run(tmp_path / "job", job, todo)


def test_workers_that_cannot_import_the_function_fail_the_item_and_name_it(tmp_path: Path) -> None:
    report = run(tmp_path / "job", Job("toy", "nowhere_to_be_found:one"), [Item("a", {})], Local(1))
    assert report.failed == 1 and "nowhere_to_be_found" in report.failures[0]["error"]


def test_a_full_or_lost_folder_ends_the_job_and_does_not_count_as_the_items_fault(tmp_path: Path) -> None:
    todo = corpus_items.items(50)

    def watch(state: State) -> None:
        if state.record is not None and state.done == 2:
            (tmp_path / "job/records/set").rename(tmp_path / "job/records/old")
            (tmp_path / "job/records/set").write_text("a file in the way")

    with pytest.raises(VoxrackError, match=r"cannot write .*records/set is a file, not a folder"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), todo, Local(1), watch=watch)


def test_without_the_extra_the_command_that_mends_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"'distributed', which is not installed: pip install 'voxrack\[corpus\]'"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(1))


def test_names_of_the_module_are_there() -> None:
    for name in corpus.__all__:
        assert getattr(corpus, name) is not None
