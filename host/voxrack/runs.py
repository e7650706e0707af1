"""The folder of a training run: what was asked, a line of measures an epoch, how it ended. To be read while it grows.

``config.json`` (what was asked, and the machines it ran on), ``metrics.jsonl`` (a line an epoch), ``checkpoints/``
(until it is finished), ``model.safetensors`` and ``outcome.json`` (at the end). A file ``STOP`` stops it; a file
``SNAPSHOT`` has it write its present weights to ``snapshot.safetensors``.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .corpus_claim import holder_of, locked
from .errors import InputError, UsageError, VoxrackError
from .replace import make_folder, refusal, write_text

FORMAT = "voxrack.run"
VERSION = 1


class Run:
    """A run folder, for reading and for asking it to stop; the loop writes it.

    Parameters
    ----------
    folder : str or Path

    Attributes
    ----------
    folder : Path
    checkpoints, model_file, snapshot_file : Path
        Where they lie, or will lie.
    leading : bool
        False in the further processes of a training on several devices, which leave speaking to the first.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        self.leading = True
        self.checkpoints = self.folder / "checkpoints"
        self.model_file = self.folder / "model.safetensors"
        self.snapshot_file = self.folder / "snapshot.safetensors"
        self._config_file = self.folder / "config.json"
        self._metrics_file = self.folder / "metrics.jsonl"
        self._outcome_file = self.folder / "outcome.json"
        self._stop_file = self.folder / "STOP"
        self._wish_file = self.folder / "SNAPSHOT"
        self._lock_file = self.folder / "lock"

    def __repr__(self) -> str:
        return f"<Run {self.folder}: {self.status()['state']}>"

    # ---- reading ------------------------------------------------------------------------------
    def config(self) -> dict[str, Any]:
        """What was asked, and ``sessions``: when, where and on what it ran."""
        if not self._config_file.is_file():
            raise InputError(f"{self.folder} holds no run (there is no config.json); voxrack train makes one")
        tree = _read(self._config_file)
        if tree.get("format") != FORMAT:
            raise InputError(f"{self._config_file} is no {FORMAT}; name the folder of a run")
        if tree.get("version") != VERSION:
            raise InputError(
                f"{self.folder} is of version {tree.get('version')}, this voxrack knows {VERSION}: upgrade"
            )
        return tree

    def metrics(self) -> list[dict[str, Any]]:
        """One dict an epoch: ``epoch`` (from 1), ``steps``, ``seconds``, ``train`` and ``validation`` (means of what
        the task gave), ``learning_rate`` by optimiser, ``best`` (whether it is the best epoch so far)."""
        return list(_lines(self._metrics_file.read_bytes() if self._metrics_file.exists() else b""))

    @property
    def outcome(self) -> dict[str, Any]:
        """How it ended: ``state`` (finished, stopped, failed), ``why``, ``epoch`` …; empty while it runs."""
        return _read(self._outcome_file) if self._outcome_file.exists() else {}

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.model_file.is_file() and self.outcome.get("state") == "finished"

    def status(self) -> dict[str, Any]:
        """``state``: running, finished, stopped, failed, or interrupted (it was killed); with epoch and best epoch."""
        config, lines = self.config(), self.metrics()
        outcome = self.outcome
        holder = holder_of(self._lock_file)
        state = "running" if holder is not None else outcome.get("state", "interrupted")
        best = [line["epoch"] for line in lines if line.get("best")]
        return {
            "folder": str(self.folder),
            "state": state,
            "holder": holder or "",
            "why": outcome.get("why", "") if holder is None else "",
            "epoch": lines[-1]["epoch"] if lines else 0,
            "epochs": config["asked"]["epochs"],
            "best": best[-1] if best else None,
            "last": lines[-1] if lines else {},
        }

    def follow(self, *, every: float = 1.0, stop: Callable[[], bool] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the lines that are there, then each new one as it comes, until the run ends (or ``stop()``).

        A run that is taken up again after being killed may drop its last lines and write them anew: they come again.
        """
        given: list[dict[str, Any]] = []
        while True:
            running = self.status()["state"] == "running"  # asked first: its last line may come while we read
            lines = self.metrics()
            same = 0
            while same < min(len(given), len(lines)) and given[same] == lines[same]:
                same += 1
            given = lines
            yield from lines[same:]
            if not running or (stop is not None and stop()):
                return
            time.sleep(every)

    def ask_to_stop(self) -> None:
        """Have the process that trains it save a checkpoint and end."""
        self.config()
        write_text(self._stop_file, "stop\n")

    def ask_for_snapshot(self) -> None:
        """Have the process that trains it write its present weights, as a model of their own, within moments."""
        self.config()
        write_text(self._wish_file, "snapshot\n")

    # ---- for the loop -------------------------------------------------------------------------
    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one process trains a run; UsageError where another does. The system frees it when a process dies."""
        make_folder(self.folder)
        for _ in range(20):  # whoever asks for the status shares the lock for an instant
            with locked(self._lock_file, f"{socket.gethostname()}, process {os.getpid()}") as holder:
                if holder is None:
                    yield
                    return
            time.sleep(0.05)
        raise UsageError(
            f"{self.folder} is being trained by another voxrack ({holder}); watch it with "
            f"`voxrack runs {self.folder} --follow`, stop it, or name another folder"
        )

    def begin(self, asked: Mapping[str, Any], session: Mapping[str, Any], resume: bool) -> None:
        """Write down what is asked, or see that it is what was asked before; note the session, unless it is finished.

        Raises
        ------
        UsageError
            The folder holds another run (the message names what differs), or other things; or ``resume`` is off.
        """
        for part in self.folder.glob(".voxrack-*.part*"):  # of a run that was killed while writing
            part.unlink(missing_ok=True)
        wanted = json.loads(_text(asked))
        sessions = []
        if self._config_file.exists():
            stored = self.config()
            said = differences(stored["asked"], wanted)
            if said:
                raise UsageError(f"{self.folder} holds another run ({said}); give the same options, or another folder")
            if not resume:
                raise UsageError(f"{self.folder} holds a run already; go on with it (resume), or name another folder")
            sessions = stored["sessions"]
            made = stored["made"]
        else:
            known = ("lock", "STOP", "SNAPSHOT")
            strange = sorted(path.name for path in self.folder.iterdir() if path.name not in known)
            if strange:
                raise UsageError(
                    f"{self.folder} holds other things ({', '.join(strange[:3])}{' …' if strange[3:] else ''}) and no "
                    "run; name a new or an empty folder"
                )
            made = _now()
        self._stop_file.unlink(missing_ok=True)
        if self.finished:
            return
        sessions = [*sessions, {"began": _now(), "host": socket.gethostname(), **session}]
        head = {"format": FORMAT, "version": VERSION, "made": made}
        write_text(self._config_file, _text({**head, "asked": wanted, "sessions": sessions}, indent=1))
        self._outcome_file.unlink(missing_ok=True)

    def heal(self, epoch: int) -> list[dict[str, Any]]:
        """Drop what lies beyond ``epoch`` and a line that was cut by a kill; returns the lines that stay."""
        data = self._metrics_file.read_bytes() if self._metrics_file.exists() else b""
        kept = [line for line in _lines(data) if line["epoch"] <= epoch]
        text = "".join(_text(line) for line in kept)
        if text.encode() != data:
            write_text(self._metrics_file, text)
        return kept

    def append(self, line: Mapping[str, Any]) -> None:
        """One more line of measures."""
        try:
            with self._metrics_file.open("ab") as file:
                file.write(_text(line).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise refusal(self._metrics_file, error) from error

    def stop_asked(self) -> bool:
        """Whether there is a file STOP."""
        return self._stop_file.exists()

    def snapshot_asked(self) -> bool:
        """Whether there is a file SNAPSHOT."""
        return self._wish_file.exists()

    def snapshot_given(self) -> None:
        """The snapshot is written: whoever asked for it may read it."""
        self._wish_file.unlink(missing_ok=True)

    def end(self, outcome: Mapping[str, Any]) -> None:
        """Write down how it ended."""
        self._stop_file.unlink(missing_ok=True)
        write_text(self._outcome_file, _text({**outcome, "ended": _now()}, indent=1))


def follow(folder: str | os.PathLike[str], *, every: float = 1.0) -> Iterator[dict[str, Any]]:
    """Metric lines of the run in ``folder`` as they come; see :meth:`Run.follow`."""
    return Run(folder).follow(every=every)


def differences(there: Any, now: Any, path: str = "") -> str:
    """``"options.n_fft: 4096 there, 2048 now"``: the first values that differ, by name; empty where none does."""
    if isinstance(there, Mapping) and isinstance(now, Mapping):
        said = [differences(there.get(key), now.get(key), f"{path}.{key}" if path else key) for key in {**there, **now}]
        return "; ".join([text for text in said if text][:3])
    if there == now:
        return ""
    pair = f"{json.dumps(there)} there, {json.dumps(now)} now"
    return f"{path}: {pair}" if len(pair) < 100 else f"{path} differs"


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    """Whole lines in a row of epochs; the first that is cut or out of order ends them."""
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            tree = json.loads(line)
        except ValueError:
            return
        if not isinstance(tree, dict) or tree.get("epoch") != number:
            return
        yield tree


def _text(tree: Mapping[str, Any], indent: int | None = None) -> str:
    try:
        return json.dumps(tree, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"
    except (TypeError, ValueError) as error:
        raise UsageError(f"a run's files are JSON, which cannot hold all of {dict(tree)}: {error}") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); name another folder") from None
    if not isinstance(tree, dict):
        raise VoxrackError(f"{file} is not what voxrack writes; name another folder")
    return tree


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
