"""Locks that say who works on a folder: asking leaves no trace, and what is given back is free at once."""

from __future__ import annotations

import os
import threading

from voxrack.corpus_claim import Claim, holder_of, locked


def test_many_ask_at_once_and_none_is_taken_for_a_holder(tmp_path):
    lock, found, ready = tmp_path / "lock", set(), threading.Barrier(8)
    lock.touch()

    def ask() -> None:
        ready.wait(30)
        found.update(holder_of(lock) for _ in range(300))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {None}
    with locked(lock, "me"):
        assert holder_of(lock) == "me"
    assert holder_of(lock) is None


def test_nobody_holds_a_lock_that_is_not_there(tmp_path):
    assert holder_of(tmp_path / "lock") is None and not (tmp_path / "lock").exists()


def test_a_copy_of_the_open_file_does_not_keep_the_lock(tmp_path, monkeypatch):
    """A copy, as processes have that were forked meanwhile: pools, and programs that are about to be started."""
    opened, real = [], os.open

    def remembered(*args, **asked):
        opened.append(real(*args, **asked))
        return opened[-1]

    monkeypatch.setattr(os, "open", remembered)
    with locked(tmp_path / "lock", "me"):
        copies = [os.dup(opened[-1])]
        claim = Claim.take(tmp_path / "item", "session")
        assert claim is not None
        copies.append(os.dup(opened[-1]))
        claim.__exit__()
    try:
        assert holder_of(tmp_path / "lock") is None
        again = Claim.take(tmp_path / "item", "session")
        assert again is not None
        again.__exit__()
    finally:
        for copy in copies:
            os.close(copy)
