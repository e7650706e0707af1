"""Training to look at: a run in a process of its own, its curves as they grow, a button to stop and one to go on."""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget

from ..errors import UsageError, VoxrackError
from ..runs import Run
from .listening import Heard, Listener
from .live import LatestWins
from .player import ABPlayer

if TYPE_CHECKING:
    from ..audio import Audio

Send = Callable[[dict[str, Any], list[Any]], None]
BUSY = ("starting", "running", "ending")  # states that pass by themselves
EVERY = 0.5  # seconds between two looks at the run
AS_IT_CAME = "as it came"  # the take of the recording itself
KEPT = 4  # takes of epochs that the player holds at once
_HERE = files("voxrack.notebook")


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
    """

    def __init__(
        self,
        send: Send,
        folder: str | Path,
        command: Sequence[str] = (),
        listener: Listener | None = None,
        heard: Callable[[str, Audio], object] | None = None,
    ) -> None:
        self.send = send
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

    def start(self) -> None:
        """Train, or go on; nothing happens where it is being trained already or is finished."""
        with self._lock:
            if not self.command:
                raise UsageError(f"{self.run.folder} is only watched here; train it where it was begun")
            if self.state()["state"] in (*BUSY, "finished"):
                return
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
        elif code and code > 0 and state == "interrupted":
            state = "failed"
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
        elif kind == "start" and self.command:
            self.start()
        elif kind == "listen" and self.listener is not None:
            self.listen()

    def tell(self) -> None:
        """Send the page what is new."""
        with self._lock:
            now = {"type": "run", "trainable": bool(self.command), "audible": self.listener is not None, **self.state()}
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

    def _said(self) -> str:
        """The last line that the process wrote."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


class LiveTraining(anywidget.AnyWidget):
    """Train a recipe in the background and watch: losses and measures as they grow, *stop*, *go on*.

    The run belongs to a process of its own (``voxrack train``) and to its folder: it can be watched and stopped from
    elsewhere (``voxrack runs FOLDER``), and is stopped, with a checkpoint, when the kernel ends.

    Parameters
    ----------
    folder : str, Path or Run
        The run folder.
    recipe : str
        ``"ser.mfcc_cnn"``; empty: only watch a run that somebody trains.
    features : str or Path
        What ``voxrack prepare`` wrote.
    settings : mapping
        Options of the recipe.
    listen : Audio, optional
        A recording for the button *listen*: it goes through the weights of that moment. What a processor makes of it
        joins the others in :attr:`player`; what an analyzer hears in it stands beside the button.
    **options
        Options of ``voxrack train``: ``epochs=40, protocol="paper", fold=1, validation=2, seed=0``.

    Examples
    --------
    >>> LiveTraining("runs/cnn", "ser.mfcc_cnn", "features.safetensors", epochs=40)  # doctest: +SKIP
    >>> live = LiveTraining("runs/light", listen=noisy)  # another process trains it  # doctest: +SKIP
    >>> display(live, live.player)                       # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in ("page.js", "training.js"))
    _css = _HERE.joinpath("training.css").read_text(encoding="utf-8")

    def __init__(
        self, folder: str | Path | Run, recipe: str = "", features: str | Path = "",
        settings: Mapping[str, Any] | None = None, listen: Audio | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        folder = folder.folder if isinstance(folder, Run) else folder
        command = train_command(folder, recipe, features, settings or {}, options) if recipe else []
        self.player = None if listen is None else ABPlayer({AS_IT_CAME: listen})
        listener = None if listen is None else Listener(Run(folder), listen)
        self.controller = TrainingModel(
            lambda content, buffers: self.send(content, buffers), folder, command, listener, self._hear
        )
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))
        if recipe:
            self.controller.start()
        else:
            self.controller.run.config()  # says so where there is no run
            self.controller.watch()

    def _hear(self, name: str, audio: Audio) -> None:
        """Into the player, which keeps the recording and the latest few."""
        assert self.player is not None
        made = [take for take in self.player.names if take != AS_IT_CAME]
        for old in made[: max(0, len(made) - KEPT + 1)] if name not in made else ():
            del self.player[old]
        self.player[name] = audio

    def listen(self, timeout: float | None = None) -> str:
        """Send the recording through the weights of the moment, as the button does; returns what was heard."""
        self.controller.listen()
        return self.controller.listened(timeout)

    @property
    def run(self) -> Run:
        """The run, to read."""
        return self.controller.run

    @property
    def state(self) -> str:
        """starting, running, ending, stopped, finished, interrupted or failed."""
        return self.controller.state()["state"]

    def stop(self) -> None:
        """Have it save a checkpoint and end."""
        self.controller.stop()

    def resume(self) -> None:
        """Go on where it was stopped."""
        self.controller.start()

    def wait(self, timeout: float = 600.0, epochs: int = 0) -> str:
        """Wait until it ends, or has trained ``epochs`` epochs; returns the state."""
        return self.controller.wait(timeout, epochs)


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
