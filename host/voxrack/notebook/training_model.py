"""What live training does without a browser: the run in a process of its own, told to the page as it grows."""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, VoxrackError
from ..runs import Run
from .listening import Heard, Listener
from .live import LatestWins

if TYPE_CHECKING:
    from ..audio import Audio

Send = Callable[[dict[str, Any], list[Any]], None]
BUSY = ("starting", "running", "ending")  # states that pass by themselves
REFUSALS = (2, 3)  # what voxrack ends with where it was asked wrongly, or given something unusable
EVERY = 0.5  # seconds between two looks at the run


class TrainingModel:
    """What the widget does, without a browser.

    Parameters
    ----------
    send : callable
        Called with ``(content, buffers)``: ``run`` (state, epoch, epochs, lines of measures, why it ended), ``sample``
        (what was heard).
    folder : str or Path
        The run folder.
    command : sequence of str
        Trains it, and goes on where it stands; empty: the run is only watched.
    listener : Listener, optional
        What the page's *listen* sends through the weights of the moment.
    heard : callable, optional
        Called with ``(name, audio)`` when a processor has made something to be heard.
    lacks : callable, optional
        Says what the run lacks for ``command`` to go on; empty where it lacks nothing.
    """

    def __init__(
        self,
        send: Send,
        folder: str | Path,
        command: Sequence[str] = (),
        listener: Listener | None = None,
        heard: Callable[[str, Audio], object] | None = None,
        lacks: Callable[[], str] | None = None,
    ) -> None:
        self.send = send
        self._lacks = lacks
        self.run = Run(folder)
        self.listener, self.heard = listener, heard
        self._listening = LatestWins(self._listen, self._tell_heard, self._tell_deaf)
        self._sample = {"type": "sample", "text": "", "failed": False}
        self.command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.run.folder.with_name(self.run.folder.name + ".log")
        self._began = False  # whether the process was seen to train
        self._watcher: threading.Thread | None = None
        self._lock = threading.RLock()
        self._sent: dict[str, Any] = {}

    def lacking(self) -> str:
        """What it lacks to go on, in words; empty where it lacks nothing."""
        if not self.command:
            return "it is only watched here; train it where it was begun"
        return self._lacks() if self._lacks is not None else ""

    def start(self) -> None:
        """Train, or go on; nothing happens where it is being trained already or is finished.

        Raises
        ------
        UsageError
            What it lacks.
        """
        with self._lock:
            if self.state()["state"] in (*BUSY, "finished"):
                self.watch()  # somebody else may have taken it up since the last look
                return
            if lack := self.lacking():
                raise UsageError(f"{self.run.folder} cannot go on from here: {lack}")
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._began = False
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT)
            atexit.register(self.stop)
            self.watch()

    def stop(self) -> None:
        """Have it save a checkpoint and end; it can go on later."""
        state = self.state()["state"]
        if state == "running":
            if self.listener is not None:  # so that there is something to listen to while it stands still
                self.run.ask_for_snapshot()
            self.run.ask_to_stop()
        elif state == "starting" and self._process is not None:
            self._process.terminate()  # voxrack train takes that as a wish to stop, too

    def wait(self, timeout: float = 600.0, epochs: int = 0) -> str:
        """Wait until the run ends, or has trained ``epochs`` epochs; returns its state.

        Raises
        ------
        VoxrackError
            Where it failed, with what it said; after ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            now = self.state()
            if now["state"] == "failed":
                raise VoxrackError(f"the training in {self.run.folder} failed: {now['why']}")
            if now["state"] not in BUSY or (epochs and now["epoch"] >= epochs):
                self.tell()
                return now["state"]
            time.sleep(0.1)
        raise VoxrackError(f"after {timeout:g} s the run in {self.run.folder} is still going on (wait(timeout=…))")

    def state(self) -> dict[str, Any]:
        """How it stands; ``starting`` until the process has written its first line."""
        process = self._process
        code = process.poll() if process is not None else None
        alive = process is not None and code is None
        if not (self.run.folder / "config.json").exists():
            state = "starting" if alive else "failed" if code else "new"
            return {"state": state, "epoch": 0, "epochs": 0, "why": self._said() if code else "", "lines": []}
        found = self.run.status()
        state = found["state"]
        if alive and state == "running":
            self._began = True
        elif alive:
            state = "ending" if self._began else "starting"
        elif code and self._refused(code, state):
            state, found["why"] = "failed", ""
        why = found["why"] or (self._said() if state == "failed" else "")
        epochs = {"epoch": found["epoch"], "epochs": found["epochs"], "best": found["best"]}
        return {"state": state, **epochs, "why": why, "lines": self.run.metrics()}

    def listen(self) -> None:
        """Send the listener's recording through the weights of the moment; soon, and one at a time."""
        if self.listener is None:
            raise UsageError("there is nothing to listen to; give a recording as listen=")
        self._say({"type": "sample", "text": "asking for the weights of this moment …", "failed": False})
        self._listening.request()

    def listened(self, timeout: float | None = None) -> str:
        """Wait for what was asked for; returns what was heard."""
        self._listening.wait(timeout)
        return str(self._sample["text"])

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page: ``ready``, ``stop``, ``start``, ``listen``."""
        kind = content.get("type")
        if kind == "ready":
            self._sent = {}
            self.tell()
            if self.listener is not None:
                self.send(self._sample, [])
        elif kind == "stop":
            self.stop()
        elif kind == "start" and not self.lacking():
            self.start()
        elif kind == "listen" and self.listener is not None:
            self.listen()

    def tell(self) -> None:
        """Send the page what is new."""
        with self._lock:
            now = {"type": "run", "audible": self.listener is not None, **self.state()}
            now["lacks"] = "" if now["state"] in (*BUSY, "finished") else self.lacking()
            if now != self._sent:
                self._sent = now
                self.send(now, [])

    def watch(self) -> None:
        """Look at the run from time to time, in a thread, until it ends."""
        with self._lock:
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._look, name="voxrack-training", daemon=True)
                self._watcher.start()

    def _look(self) -> None:
        while True:
            self.tell()
            if self._sent.get("state") not in BUSY:
                return
            time.sleep(EVERY)

    def _listen(self) -> Heard:
        assert self.listener is not None
        return self.listener.listen()

    def _tell_heard(self, heard: Heard) -> None:
        if heard.audio is not None and self.heard is not None:
            self.heard(f"epoch {heard.epoch}", heard.audio)
        self._say({"type": "sample", "text": heard.text, "failed": False})

    def _tell_deaf(self, error: Exception) -> None:
        self._say({"type": "sample", "text": str(error), "failed": True})

    def _say(self, sample: dict[str, Any]) -> None:
        self._sample = sample
        self.send(sample, [])

    def _refused(self, code: int, state: str) -> bool:
        """Whether the process that has ended failed, or would not even begin to go on."""
        return code > 0 and (
            state == "interrupted" or (state in ("stopped", "failed") and not self._began and code in REFUSALS)
        )

    def _said(self) -> str:
        """The last line that the process wrote."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def train_command(
    folder: str | Path, recipe: str, features: str | Path, settings: Mapping[str, Any], options: Mapping[str, Any]
) -> list[str]:
    """``voxrack train …`` with this Python."""
    words = [sys.executable, "-m", "voxrack", "train", recipe, "--features", str(features), "-o", str(folder)]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    return words


def resume_command(folder: str | Path, features: str | Path) -> list[str]:
    """``voxrack runs FOLDER --resume …`` with this Python."""
    words = [sys.executable, "-m", "voxrack", "runs", str(folder), "--resume"]
    return [*words, "--features", str(features)] if features else words


def lacking_here(run: Run, features: str | Path) -> str:
    """What a run lacks to go on with the recipes that are installed; see :func:`voxrack.resuming.lacking`."""
    from ..host import default_host
    from ..resuming import lacking

    return lacking(run, default_host().recipes(), features)
