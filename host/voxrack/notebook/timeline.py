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
OWN = ("emotion", "voiced", "trust")  # tracks that have a place of their own
MOST_POINTS = 4000  # of a further track; the page is not that wide
MOST_LINES = 6  # of a further track; more columns (an embedding) are no curves
_HERE = files("voxrack.notebook")
_MODULE = (  # a widget has one module, so its files are joined
    "page.js", "engine.js", "pictures.js", "shapes.js", "timeline_tracks.js", "timeline.js"
)  # fmt: skip


class TimelineModel:
    """What the timeline knows, without a browser.

    Parameters
    ----------
    send : callable
        Called with ``(content, buffers)`` for every message to the page: those of a player, and for each take
        ``timeline`` (its name, bands, colours, the trust in each window or null, curves of further analyzers, and the
        probabilities as one binary buffer of float32, window after window).
    """

    def __init__(self, send: Send) -> None:
        self.send = send
        self.player = PlayerModel(send, matched=False, longest=LONGEST)
        self.timelines: dict[str, Timeline] = {}  # by the take's name
        self.tracks: dict[str, tuple[Track, ...]] = {}  # of further analyzers, by the take's name
        self.position = 0.0
        self._lock = threading.RLock()

    @property
    def timeline(self) -> Timeline | None:
        """Of the take that is heard."""
        return self.timelines.get(self.player.active)

    def show(self, audio: Audio, timeline: Timeline, tracks: Iterable[Track] = ()) -> None:
        """Show another recording and its timeline, and nothing else."""
        with self._lock:
            for name in self.timelines.keys() - {TAKE}:
                self.player.remove(name)
            self.timelines, self.tracks, self.position = {}, {}, 0.0
            self.player.set_region(None)
            self.put(TAKE, audio, timeline, tracks)

    def put(self, name: str, audio: Audio, timeline: Timeline, tracks: Iterable[Track] = ()) -> None:
        """Add a take, or replace the one of that name; the playhead stays.

        Of ``tracks`` those of further analyzers are drawn: they have a unit, and no more than six columns.
        """
        with self._lock:
            self.player.put(name, playable(audio))
            self.timelines[name] = timeline
            self.tracks[name] = tuple(
                track for track in tracks
                if track.name not in OWN and track.unit and len(track.times_s) and track.values.shape[1] <= MOST_LINES
            )  # fmt: skip
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
            "tracks": [_curves(track) for track in self.tracks[name]], "alone": len(self.timelines) == 1,
        }  # fmt: skip
        self.send(content, [chances.data.cast("B")] if chances.size else [b""])


class EmotionTimeline(anywidget.AnyWidget):
    """A recording with what a recogniser heard in it: a colour for each emotion, unsure hatched, no speech grey.

    A recogniser that weighs the recording against what an enhancer made of it shows its trust as a line below: 1 where
    the recording is believed as it came, 0 where only the enhanced one is.

    Curves of further analyzers (``fx.loudness``) stand below, where their tracks are among ``tracks``.

    Click the waveform (or a segment below it) to seek, drag over it to loop. Keys, with the timeline focused: space
    plays and pauses, arrows seek, ``[`` and ``]`` go to the segment before and after, I and O set a loop's ends, L
    removes it. With :meth:`add`, a switch chooses what is heard and shown, at the same playhead (keys 1 … 9, and X for
    the one before); the segments of all takes stand under each other, and waveform and curves of those that are not
    heard show behind.

    Parameters
    ----------
    source : Audio or path
        What was analysed.
    tracks : iterable of Track
        What ``voxrack.analyze`` returned for it: a recogniser's, and, if you like, those of further analyzers.

    Raises
    ------
    UsageError
        Where the tracks are no recogniser's, or the recording is longer than half an hour.

    Examples
    --------
    >>> heard = analyze(host.create("ser.best"), voice)  # doctest: +SKIP
    >>> EmotionTimeline(voice, [*heard, *analyze(host.create("fx.loudness"), voice)])  # doctest: +SKIP
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


def _shown(source: Audio | str | Path, tracks: Iterable[Track]) -> tuple[Audio, Timeline, tuple[Track, ...]]:
    from ..files import read

    tracks = tuple(tracks)
    timeline = Timeline.of(tracks)
    if timeline.duration > LONGEST:
        raise UsageError(
            f"the recording lasts {timeline.duration / 60:.0f} min; the timeline plays up to {LONGEST / 60:.0f}: "
            "cut it, e.g. read(path, start=…, frames=…), or draw it with voxrack.notebook.timeline_picture"
        )
    return (read(source) if isinstance(source, (str, Path)) else source), timeline, tracks


def _curves(track: Track) -> dict[str, Any]:
    """A track as the page draws it; gaps (silence has no loudness) are null."""
    labels = list(track.labels) or [str(column + 1) for column in range(track.values.shape[1])]
    step = -(-len(track.times_s) // MOST_POINTS)
    rows = [[float(f"{v:.4g}") if np.isfinite(v) else None for v in row] for row in track.values[::step].tolist()]
    times = track.times_s[::step].tolist()
    return {"name": track.name, "unit": track.unit, "labels": labels, "times": times, "values": rows}


def playable(audio: Audio) -> Audio:
    """What is sent to the browser: the recording itself, or where it is long, mono at 16 kHz at the most."""
    if audio.duration <= FULL:
        return audio
    audio = audio.mono()
    return audio.resample(16_000) if audio.sample_rate > 16_000 else audio
