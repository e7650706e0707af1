"""Timeline of a recogniser: bands of emotion over the waveform, a playhead, click to seek."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from ..errors import UsageError
from ..timeline import NO_SPEECH, UNSURE, Band, Timeline
from .emotion_colours import DOUBT, SILENT, colours
from .player import PlayerModel

if TYPE_CHECKING:
    from ..audio import Audio
    from ..device import Track

Send = Callable[[dict[str, Any], list[Any]], None]
TAKE = "recording"
FULL = 300.0  # s; a longer recording is played as mono at 16 kHz, to spare the browser
LONGEST = 1800.0  # s
_HERE = files("voxrack.notebook")
_MODULE = ("page.js", "engine.js", "pictures.js", "timeline.js")  # a widget has one module, so its files are joined


class TimelineModel:
    """What the timeline knows, without a browser.

    Parameters
    ----------
    send : callable
        Called with ``(content, buffers)`` for every message to the page: those of a player, and for each take
        ``timeline`` (its name, bands, colours, the trust in each window or null, and the probabilities as one binary
        buffer of float32, window after window).
    """

    def __init__(self, send: Send) -> None:
        self.send = send
        self.player = PlayerModel(send, matched=False, longest=LONGEST)
        self.timelines: dict[str, Timeline] = {}  # by the take's name
        self.position = 0.0
        self._lock = threading.RLock()

    @property
    def timeline(self) -> Timeline | None:
        """Of the take that is heard."""
        return self.timelines.get(self.player.active)

    def show(self, audio: Audio, timeline: Timeline) -> None:
        """Show another recording and its timeline, and nothing else."""
        with self._lock:
            for name in self.timelines.keys() - {TAKE}:
                self.player.remove(name)
            self.timelines, self.position = {}, 0.0
            self.player.set_region(None)
            self.put(TAKE, audio, timeline)

    def put(self, name: str, audio: Audio, timeline: Timeline) -> None:
        """Add a take, or replace the one of that name; the playhead stays."""
        with self._lock:
            self.player.put(name, playable(audio))
            self.timelines[name] = timeline
            self._send_timeline(name)

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page: ``sought`` (seconds), or one of the player's."""
        with self._lock:
            if content.get("type") == "sought":
                self.position = min(max(float(content["position"]), 0.0), self.player.duration)
                return
            self.player.receive(content)
            for name in self.timelines if content.get("type") == "ready" else ():
                self._send_timeline(name)

    def seek(self, seconds: float) -> None:
        """Move the playhead."""
        self.player.transport("seek", seconds)
        self.position = seconds

    def band(self, seconds: float) -> Band | None:
        """The band at a time; None beyond the end."""
        bands = self.timeline.bands() if self.timeline else ()
        return next((band for band in bands if band.start <= seconds < band.end), bands[-1] if bands else None)

    def _send_timeline(self, name: str) -> None:
        found = self.timelines[name]
        chances = np.ascontiguousarray(found.probabilities, dtype=np.float32)
        content = {
            "type": "timeline", "name": name, "labels": list(found.labels), "times": found.times.tolist(),
            "edges": found.cells().tolist(), "threshold": found.threshold, "duration": found.duration,
            "bands": [band.json() for band in found.bands()], "colours": colours(found.labels),
            "trust": None if found.trust is None else [None if np.isnan(c) else c for c in found.trust.tolist()],
            "unsure": {"label": UNSURE, "colour": DOUBT}, "silent": {"label": NO_SPEECH, "colour": SILENT},
        }  # fmt: skip
        self.send(content, [chances.data.cast("B")] if chances.size else [b""])


class EmotionTimeline(anywidget.AnyWidget):
    """A recording with what a recogniser heard in it: a colour for each emotion, unsure hatched, no speech grey.

    A recogniser that weighs the recording against what an enhancer made of it shows its trust as a line below: 1 where
    the recording is believed as it came, 0 where only the enhanced one is.

    Click the waveform (or a segment below it) to seek, drag over it to loop. Keys, with the timeline focused: space
    plays and pauses, arrows seek, ``[`` and ``]`` go to the segment before and after, L removes the loop. With
    :meth:`add`, a switch chooses what is heard and shown, at the same playhead (keys 1 … 9, and X for the one before).

    Parameters
    ----------
    source : Audio or path
        What was analysed.
    tracks : iterable of Track
        What ``voxrack.analyze`` returned for it.

    Raises
    ------
    UsageError
        Where the tracks are no recogniser's, or the recording is longer than half an hour.

    Examples
    --------
    >>> EmotionTimeline(voice, analyze(host.create("ser.best"), voice))  # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in _MODULE)
    _css = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in ("player.css", "timeline.css"))
    player_id = traitlets.Unicode().tag(sync=True)  # the page finds the player's engine by it

    def __init__(self, source: Audio | str | Path, tracks: Iterable[Track]) -> None:
        super().__init__(player_id=uuid.uuid4().hex)
        self.controller = TimelineModel(lambda content, buffers: self.send(content, buffers))
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))
        self.show(source, tracks)

    def show(self, source: Audio | str | Path, tracks: Iterable[Track]) -> None:
        """Show another recording in the same place."""
        self.controller.show(*_shown(source, tracks))

    def add(self, name: str, source: Audio | str | Path, tracks: Iterable[Track]) -> None:
        """Add the same recording in another state, say through an enhancer, with what was heard in that.

        Parameters
        ----------
        name : str
            On the switch; one of that name is replaced.
        """
        self.controller.put(name, *_shown(source, tracks))

    @property
    def names(self) -> tuple[str, ...]:
        """What the switch offers; the first is ``"recording"``."""
        return tuple(self.controller.timelines)

    @property
    def active(self) -> str:
        """What is heard and shown; set it to switch."""
        return self.controller.player.active

    @active.setter
    def active(self, name: str) -> None:
        self.controller.player.choose(name)

    @property
    def position(self) -> float:
        """Where the playhead was last put, in seconds."""
        return self.controller.position

    @property
    def band(self) -> Band | None:
        """The segment under the playhead, where it was last put."""
        return self.controller.band(self.controller.position)

    @property
    def bands(self) -> tuple[Band, ...]:
        """All segments of what is shown, in order."""
        return self.controller.timeline.bands() if self.controller.timeline else ()

    def play(self) -> None:
        """Start; a browser that has seen no click on the page yet may refuse to sound."""
        self.controller.player.transport("play")

    def pause(self) -> None:
        self.controller.player.transport("pause")

    def seek(self, seconds: float) -> None:
        self.controller.seek(float(seconds))


def _shown(source: Audio | str | Path, tracks: Iterable[Track]) -> tuple[Audio, Timeline]:
    from ..files import read

    timeline = Timeline.of(tuple(tracks))
    if timeline.duration > LONGEST:
        raise UsageError(
            f"the recording lasts {timeline.duration / 60:.0f} min; the timeline plays up to {LONGEST / 60:.0f}: "
            "cut it, e.g. read(path, start=…, frames=…), or draw it with voxrack.notebook.timeline_picture"
        )
    return (read(source) if isinstance(source, (str, Path)) else source), timeline


def playable(audio: Audio) -> Audio:
    """What is sent to the browser: the recording itself, or where it is long, mono at 16 kHz at the most."""
    if audio.duration <= FULL:
        return audio
    audio = audio.mono()
    return audio.resample(16_000) if audio.sample_rate > 16_000 else audio
