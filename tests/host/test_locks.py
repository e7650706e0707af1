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


def test_a_process_forked_meanwhile_does_not_keep_the_lock(tmp_path):
    """It has a copy of the open file, as pools that fork and programs about to be started have."""
    told, tell = os.pipe()
    with locked(tmp_path / "lock", "me"):
        claim = Claim.take(tmp_path / "item", "session")
        assert claim is not None
        child = os.posix_spawn("/bin/sh", ["sh", "-c", "read line"], os.environ, file_actions=[
            (os.POSIX_SPAWN_DUP2, told, 0), (os.POSIX_SPAWN_DUP2, _handle(tmp_path / "lock"), 8),
            (os.POSIX_SPAWN_DUP2, _handle(tmp_path / "item/claim"), 9),
        ])  # fmt: skip
        claim.__exit__()
    try:
        assert holder_of(tmp_path / "lock") is None
        again = Claim.take(tmp_path / "item", "session")
        assert again is not None
        again.__exit__()
    finally:
        os.write(tell, b"\n")
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)


def _handle(path) -> int:
    """The open file of this process that is ``path``."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.fstat(int(name)), path.stat()):
                return int(name)
        except OSError:
            continue
    raise AssertionError(f"{path} is not open")
