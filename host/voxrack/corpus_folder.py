"""The folder of a job: what is asked, one record per item, what was made. A job goes on from it.

``job.json`` (verb and options), ``records/NAME.json`` (one per item, done or failed), ``work/`` (items in hand),
``report.json``, and beside them what the items made (``presets/NAME.json``, ``audio/NAME.wav``). Each file is
replaced whole; an item counts as done when its record is there, so a job may be stopped at any moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .corpus_claim import locked
from .errors import InputError, UsageError, VoxrackError
from .replace import make_folder, refusal, write_text

JOB = "voxrack.job"
RECORD = "voxrack.record"
VERSION = 1


@dataclass(frozen=True)
class Job:
    """What is done with every item.

    Attributes
    ----------
    verb : str
        In one word, for people: ``"fit"``.
    function : str
        ``"module:function"``, importable where the workers run; called with the item's ``inputs``, the job's
        ``options`` and a :class:`voxrack.corpus_worker.Place`; returns a mapping that JSON can hold.
    options : mapping
        The same for all items; what JSON can hold.
    """

    verb: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One thing to do.

    Attributes
    ----------
    name : str
        Unique in its job; with ``/`` it lies in a folder: ``"singer/song"``.
    inputs : mapping of str to str
        What the function gets. An item of the same name and other inputs is refused, not skipped.
    about : mapping of str to str
        What else is known of it; kept in its record.
    origin : str
        Where it was asked for, for messages: ``"pairs.csv, row 7"``.
    """

    name: str
    inputs: Mapping[str, str]
    about: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def title(self) -> str:
        """Origin and name, as messages name it."""
        return f"{self.origin} ({self.name})" if self.origin else self.name


class JobFolder:
    """The folder of one job.

    Parameters
    ----------
    path : Path
        Made by :meth:`begin` where it does not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()

    @property
    def job_file(self) -> Path:
        return self.path / "job.json"

    def record_file(self, name: str) -> Path:
        return self.path / "records" / f"{name}.json"

    def workplace(self, name: str) -> Path:
        """Where a worker keeps what belongs to the item in hand; flat, whatever the name."""
        return self.path / "work" / hashlib.sha256(os.fsencode(name)).hexdigest()[:20]

    # ---- the job ------------------------------------------------------------------------------
    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one process drives a job; UsageError where another does. The system frees it when a process dies."""
        make_folder(self.path)
        with locked(self.path / "lock", f"{socket.gethostname()}, process {os.getpid()}") as holder:
            if holder is not None:
                raise UsageError(
                    f"{self.path} is being worked on by another voxrack ({holder}); wait for it, stop it, "
                    "or name another folder"
                )
            yield

    def begin(self, job: Job) -> None:
        """Write down what is asked, or see that it is what was asked before.

        Raises
        ------
        UsageError
            Where the folder holds another job, or other things.
        """
        make_folder(self.path)
        for part in self.path.glob(".voxrack-*.part*"):  # of a run that was killed while writing
            part.unlink()
        wanted = {"verb": job.verb, "function": job.function, "options": dict(job.options)}
        if self.job_file.exists():
            stored = self.job()
            there = {"verb": stored.verb, "function": stored.function, "options": dict(stored.options)}
            if (said := _differences(there, json.loads(_text(wanted)))) != "":
                raise UsageError(f"{self.path} holds another job ({said}); give the same options, or another folder")
            return
        strange = sorted(path.name for path in self.path.iterdir() if path.name not in ("lock", "slurm"))
        if strange:
            raise UsageError(
                f"{self.path} holds other things ({', '.join(strange[:3])}{' …' if strange[3:] else ''}) and no job; "
                "name a new or an empty folder"
            )
        made = {"format": JOB, "version": VERSION, "made": now(), "voxrack": version("voxrack")}
        write_text(self.job_file, _text({**made, **wanted}, indent=1))

    def job(self) -> Job:
        """The job as it stands on disk."""
        tree = _read(self.job_file, JOB, "name another folder")
        return Job(tree["verb"], tree["function"], tree["options"])

    # ---- records ------------------------------------------------------------------------------
    def record(self, name: str) -> dict[str, Any] | None:
        """The record of an item; None where there is none yet."""
        file = self.record_file(name)
        return _read(file, RECORD, "remove it, and the item is done again") if file.exists() else None

    def write(self, record: Mapping[str, Any]) -> None:
        """Keep a record, whole or not at all. From here on the item counts as done, or as failed."""
        draft = self.workplace(record["name"]) / "record.json"  # where a part of it is no litter if we die now
        make_folder(draft.parent)
        write_text(draft, _text({"format": RECORD, "version": VERSION, **record}, indent=1))
        self.place(draft, f"records/{record['name']}.json")

    def place(self, file: Path, inside: str) -> None:
        """Move a whole file to its place in this folder."""
        target = self.path / inside
        make_folder(target.parent)
        try:
            os.replace(file, target)
        except OSError as error:
            raise refusal(target, error) from error

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record, sorted by name."""
        for root, folders, files in os.walk(self.path / "records"):
            folders.sort()
            for file in sorted(files):
                if file.endswith(".json") and not file.startswith("."):
                    yield _read(Path(root, file), RECORD, "remove it, and the item is done again")

    # ---- tidying ------------------------------------------------------------------------------
    def tidy(self, names: Iterable[str]) -> None:
        """Remove what these finished items left in ``work`` when their worker died right after the record."""
        work = self.path / "work"
        there = {path.name for path in work.iterdir()} if work.is_dir() else set()
        for name in names if there else ():
            if self.workplace(name).name in there:
                shutil.rmtree(self.workplace(name), ignore_errors=True)
        if work.is_dir() and not any(work.iterdir()):
            work.rmdir()


def now() -> str:
    """The time, as records bear it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _text(tree: Mapping[str, Any], indent: int | None = None) -> str:
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"


def _read(file: Path, format: str, remedy: str) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); {remedy}") from None
    if not isinstance(tree, dict) or tree.get("format") != format:
        raise InputError(f"{file} is no {format}; {remedy}")
    if tree.get("version") != VERSION:
        raise VoxrackError(f"{file} is of version {tree.get('version')}, this voxrack knows {VERSION}: upgrade voxrack")
    return tree


def _differences(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """``"steps: 600 there, 2 now"``: what differs, a long value only by its name."""
    said = []
    for key in ("verb", "function"):
        if there[key] != wanted[key]:
            said.append(f"{key}: {there[key]} there, {wanted[key]} now")
    old, new = there["options"], wanted["options"]
    for key in sorted({*old, *new}) if not said else ():
        if old.get(key) != new.get(key):
            pair = f"{old.get(key)} there, {new.get(key)} now"
            said.append(f"{key}: {pair}" if len(pair) < 100 else f"{key} differs")
    return "; ".join(said)
