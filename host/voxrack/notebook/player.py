"""A/B player: several takes of one performance under one playhead, matched in loudness, one heard at a time."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ..errors import UsageError
from .takes import LONGEST, Take, make_take, matched_gains, measured

if TYPE_CHECKING:
    from ..audio import Audio

Send = Callable[[dict[str, Any], list[Any]], None]
SHORTEST_LOOP = 0.05  # seconds; shorter regions buzz at the repeat rate and hide the take
_HERE = files("voxrack.notebook")
_MODULE = ("page.js", "engine.js", "pictures.js", "spectrogram.js", "player.js")  # a widget has one module: all joined


class PlayerModel:
    """What the player knows, without a browser: takes, gains, what is heard, the loop.

    Parameters
    ----------
    send : callable
        Called with ``(content, buffers)`` for every message to the page: ``take`` (float32 samples,
        channel after channel, as one binary buffer), ``levels``, ``state``, ``transport`` and ``note``.
    matched : bool
        Play all takes equally loud.
    spectrogram : bool
        Show the spectrograms of the first take and of the other that was heard last.
    longest : float
        Seconds; of a longer recording the beginning is taken, and the take's note says so.

    Notes
    -----
    The page applies a click at once and reports it; nothing is echoed back. Messages from the page
    may arrive on another thread than the cell's, hence the lock.
    """

    def __init__(
        self, send: Send, matched: bool = True, longest: float = LONGEST, *, spectrogram: bool = False
    ) -> None:
        self.send = send
        self.longest = longest
        self.takes: dict[str, Take] = {}
        self.active = ""
        self.matched = matched
        self.spectrogram = spectrogram
        self.region: tuple[float, float] | None = None
        self.volume = 0.5
        self._note = {"text": "", "level": "info"}
        self._lock = threading.RLock()

    @property
    def duration(self) -> float:
        """Seconds of the longest take."""
        return max((take.duration for take in self.takes.values()), default=0.0)

    def put(self, name: str, audio: Audio) -> None:
        """Add a take, or replace the one of that name; the playhead goes on.

        What replaces a take is sent at once, as loud as that was, and its own loudness after it: measuring takes
        longer than a hand that moves a slider likes to wait.
        """
        if not isinstance(name, str) or not name:
            raise UsageError(f"a take's name is a non-empty text; got {name!r}")
        before = self.takes.get(name)
        take = make_take(name, audio, self.longest, before.loudness if before else -math.inf)
        with self._lock:
            self.takes[name] = take
            self.active = self.active or name
            self._keep_region_inside()
            self._send_take(take)
        if before and math.isfinite(before.loudness):
            own = measured(take)
            with self._lock:
                if self.takes.get(name) is take:
                    self.takes[name] = own
                    self.send({"type": "levels", "state": self.state()}, [])

    def remove(self, name: str) -> None:
        with self._lock:
            self._need(name)
            del self.takes[name]
            if self.active == name:
                self.active = next(iter(self.takes), "")
            self._keep_region_inside()
            self._send_state()

    def choose(self, name: str) -> None:
        with self._lock:
            self._need(name)
            self.active = name
            self._send_state()

    def set_matched(self, on: bool) -> None:
        with self._lock:
            self.matched = bool(on)
            self._send_state()

    def set_spectrogram(self, on: bool) -> None:
        with self._lock:
            self.spectrogram = bool(on)
            self._send_state()

    def set_region(self, region: tuple[float, float] | None) -> None:
        """Loop from ``start`` to ``end`` seconds; None loops over everything.

        Raises
        ------
        UsageError
            Where the region is no such pair, lies outside the takes or is shorter than 50 ms.
        """
        with self._lock:
            self.region = None if region is None else self._check_region(region)
            self._send_state()

    def transport(self, action: str, position: float | None = None) -> None:
        """``"play"``, ``"pause"`` or ``"seek"`` (``position`` in seconds)."""
        if position is not None and not 0.0 <= position <= self.duration:
            raise UsageError(f"cannot seek to {position!r} s; the takes last from 0 to {self.duration:.3f} s")
        self.send({"type": "transport", "action": action, "position": position}, [])

    def note(self, text: str, level: str = "info") -> None:
        """Show a line under the player (``level``: ``"info"`` or ``"error"``); empty text clears it."""
        with self._lock:
            self._note = {"text": text, "level": level}
            self.send({"type": "note", **self._note}, [])

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page. A stale one (of a take that is gone) changes nothing."""
        with self._lock:
            kind = content.get("type")
            if kind == "ready":
                for take in self.takes.values():
                    self._send_take(take)
                self._send_state()
                self.send({"type": "note", **self._note}, [])
            elif kind == "choose" and content.get("name") in self.takes:
                self.active = content["name"]
            elif kind == "match":
                self.matched = bool(content.get("on"))
            elif kind == "spectrogram":
                self.spectrogram = bool(content.get("on"))
            elif kind == "volume":
                self.volume = min(max(float(content["value"]), 0.0), 1.0)
            elif kind == "region":
                region = content.get("region")
                self.region = tuple(map(float, region)) if region else None  # pyright: ignore[reportAttributeAccessIssue]
                self._keep_region_inside()

    def state(self) -> dict[str, Any]:
        """All that the page shows besides samples; JSON-compatible. Gains are for matched play, in dB."""
        gains = matched_gains(self.takes.values())
        return {
            "takes": [
                {
                    "name": take.name, "gain": gains[take.name], "duration": take.duration, "note": take.note,
                    "loudness": take.loudness if math.isfinite(take.loudness) else None,
                    "peak": 20 * math.log10(take.peak) if take.peak > 0 else None,
                }
                for take in self.takes.values()
            ],
            "active": self.active, "matched": self.matched, "spectrogram": self.spectrogram, "volume": self.volume,
            "region": list(self.region) if self.region else None, "duration": self.duration,
        }  # fmt: skip

    def _send_take(self, take: Take) -> None:
        channels, frames = take.samples.shape
        content = {"type": "take", "name": take.name, "sample_rate": take.sample_rate, "channels": channels}
        self.send(content | {"frames": frames, "state": self.state()}, [take.samples.data.cast("B")])

    def _send_state(self) -> None:
        self.send({"type": "state", "state": self.state()}, [])

    def _need(self, name: str) -> None:
        if name not in self.takes:
            raise UsageError(f"the player has no take '{name}'; it has: {', '.join(self.takes) or 'none'}")

    def _check_region(self, region: tuple[float, float]) -> tuple[float, float]:
        try:
            start, end = (float(edge) for edge in region)
        except (TypeError, ValueError):
            raise UsageError(f"a loop region is (start, end) in seconds, or None; got {region!r}") from None
        if not (start >= 0.0 and end <= self.duration and end - start >= SHORTEST_LOOP):
            raise UsageError(
                f"the loop region {start:g} … {end:g} s does not fit; it lies within 0 … {self.duration:.3f} s "
                f"and lasts at least {SHORTEST_LOOP:g} s"
            )
        return start, end

    def _keep_region_inside(self) -> None:
        if self.region:
            start, end = max(0.0, self.region[0]), min(self.region[1], self.duration)
            self.region = (start, end) if end - start >= SHORTEST_LOOP else None


class ABPlayer(anywidget.AnyWidget):
    """Several takes of one performance, one playhead; click a take (or press 1, 2, …) to hear it.

    Takes switch by a crossfade of 20 ms and are matched in loudness (integrated LUFS) unless told
    otherwise. It starts at half volume, and nothing leaves it above -1 dBFS: a take that would is turned
    down as a whole, and the line below says by how much. Of a recording beyond five minutes the beginning is taken,
    which is said too. Click the waveform to seek, drag over it to loop a region. Keys, with the player
    focused: space plays and pauses, 1 … 9 choose a take, X goes back to the take heard before, arrows seek, I and O set
    the loop's ends at the playhead, L removes the loop, M matches loudness. S shows spectrograms of the first take and
    of the other that was heard last, on one scale; they follow as takes are replaced.

    Parameters
    ----------
    takes : mapping of str to Audio
        In the order of the buttons; the first is the reference for loudness.
    matched : bool
        Play all takes equally loud.
    spectrogram : bool
        Show the spectrograms from the start.

    Raises
    ------
    InputError
        Where a take is no ``Audio``.

    Examples
    --------
    >>> player = ABPlayer({"dry": dry, "wet": wet})  # doctest: +SKIP
    >>> player["wet"] = render(rack, dry)            # replaces the take; the playhead goes on  # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in _MODULE)
    _css = _HERE.joinpath("player.css").read_text(encoding="utf-8")
    player_id = traitlets.Unicode().tag(sync=True)  # the page finds the player's engine by it

    def __init__(
        self, takes: Mapping[str, Audio] | None = None, *, matched: bool = True, spectrogram: bool = False
    ) -> None:
        super().__init__(player_id=uuid.uuid4().hex)
        self.controller = PlayerModel(
            lambda content, buffers: self.send(content, buffers), matched, spectrogram=spectrogram
        )
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))
        for name, audio in (takes or {}).items():
            self.controller.put(name, audio)

    def __setitem__(self, name: str, audio: Audio) -> None:
        self.controller.put(name, audio)

    def __delitem__(self, name: str) -> None:
        self.controller.remove(name)

    def __contains__(self, name: object) -> bool:
        return name in self.controller.takes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the takes, in the order of the buttons."""
        return tuple(self.controller.takes)

    @property
    def active(self) -> str:
        """The take that is heard; set it to switch."""
        return self.controller.active

    @active.setter
    def active(self, name: str) -> None:
        self.controller.choose(name)

    @property
    def matched(self) -> bool:
        """Whether all takes play equally loud."""
        return self.controller.matched

    @matched.setter
    def matched(self, on: bool) -> None:
        self.controller.set_matched(on)

    @property
    def spectrogram(self) -> bool:
        """Whether the spectrograms are shown."""
        return self.controller.spectrogram

    @spectrogram.setter
    def spectrogram(self, on: bool) -> None:
        self.controller.set_spectrogram(on)

    @property
    def region(self) -> tuple[float, float] | None:
        """The loop, (start, end) in seconds; None loops over everything."""
        return self.controller.region

    @region.setter
    def region(self, region: tuple[float, float] | None) -> None:
        self.controller.set_region(region)

    @property
    def gains(self) -> dict[str, float]:
        """Gain in dB that each take is played with."""
        gains = matched_gains(self.controller.takes.values())
        return gains if self.controller.matched else dict.fromkeys(gains, 0.0)

    def play(self) -> None:
        """Start; a browser that has seen no click on the page yet may refuse to sound."""
        self.controller.transport("play")

    def pause(self) -> None:
        self.controller.transport("pause")

    def seek(self, seconds: float) -> None:
        self.controller.transport("seek", float(seconds))

    def note(self, text: str, level: str = "info") -> None:
        """Show a line under the player; empty text clears it."""
        self.controller.note(text, level)
