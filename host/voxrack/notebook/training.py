"""Training to look at: a run in a process of its own, its curves as they grow, a button to stop and one to go on."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget

from ..errors import UsageError
from ..runs import Run
from .listening import Listener
from .player import ABPlayer
from .training_model import TrainingModel, lacking_here, resume_command, train_command

if TYPE_CHECKING:
    from ..audio import Audio

AS_IT_CAME = "as it came"  # the take of the recording itself
KEPT = 4  # takes of epochs that the player holds at once
_HERE = files("voxrack.notebook")
_MODULE = ("page.js", "shapes.js", "training.js")  # a widget has one module, so its files are joined


class LiveTraining(anywidget.AnyWidget):
    """Train a recipe in the background and watch: losses and measures as they grow, *stop*, *go on*.

    The run belongs to a process of its own (``voxrack train``) and to its folder: it can be watched, stopped and
    resumed from elsewhere (``voxrack runs FOLDER``), and is stopped, with a checkpoint, when the kernel that trains it
    ends.

    Parameters
    ----------
    folder : str, Path or Run
        The run folder.
    recipe : str
        ``"ser.mfcc_cnn"``; empty: the run is there, somebody else's perhaps. It is watched, and *go on* takes it up
        with what its folder says was asked of it.
    features : str or Path
        What ``voxrack prepare`` wrote. Of a run that is there it is known from the folder, unless the file was moved or
        an older voxrack began the run: then the page says that it needs it.
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
    >>> live = LiveTraining("runs/light", listen=noisy)  # begun in another process  # doctest: +SKIP
    >>> display(live, live.player)                       # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in _MODULE)
    _css = _HERE.joinpath("training.css").read_text(encoding="utf-8")

    def __init__(
        self, folder: str | Path | Run, recipe: str = "", features: str | Path = "",
        settings: Mapping[str, Any] | None = None, listen: Audio | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        folder = folder.folder if isinstance(folder, Run) else folder
        if not recipe and (settings or options):
            given = ", ".join([*options, *(settings or {})])
            raise UsageError(f"what was asked of {folder} stands in it; leave {given} out, or name the recipe to begin")
        if recipe:
            command, lacks = train_command(folder, recipe, features, settings or {}, options), None
        else:
            command, lacks = resume_command(folder, features), lambda: lacking_here(Run(folder), features)
        self.player = None if listen is None else ABPlayer({AS_IT_CAME: listen})
        listener = None if listen is None else Listener(Run(folder), listen)
        self.controller = TrainingModel(
            lambda content, buffers: self.send(content, buffers), folder, command, listener, self._hear, lacks
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
