"""What an A/B player knows, without a browser: takes, gains, what is heard, the loop, and what is sent when."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .playhead import WORTH, Playhead
from .takes import LONGEST, Take, matched_gains, measured, playable

if TYPE_CHECKING:
    from ..audio import Audio

Send = Callable[[dict[str, Any], list[Any]], None]
SHORTEST_LOOP = 0.05  # seconds; shorter regions buzz at the repeat rate and hide the take
_LEAVE = 0.03  # s for the threads that send, which measuring loudness would keep waiting


class PlayerModel:
    """What the player knows, without a browser: takes, gains, what is heard, the loop.

    Parameters
    ----------
    send : callable
        Called with ``(content, buffers)`` for every message to the page: ``take`` (float32 samples, channel after
        channel, as one binary buffer), ``piece`` (the same, of some of its frames), ``state``, ``transport`` and
        ``note``.
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
        self._playhead = Playhead()
        self._lock = threading.RLock()

    @property
    def duration(self) -> float:
        """Seconds of the longest take."""
        return max((take.duration for take in self.takes.values()), default=0.0)

    def put(self, name: str, audio: Audio) -> None:
        """Add a take, or replace the one of that name; the playhead goes on.

        While it plays, the seconds that are heard next go ahead of the rest, as loud as what they replace: a long
        take is heard to change before it has been measured and sent.
        """
        if not isinstance(name, str) or not name:
            raise UsageError(f"a take's name is a non-empty text; got {name!r}")
        before = self.takes.get(name)
        take = playable(name, audio, self.longest)
        long = self._playhead.playing and take.duration > WORTH
        # of silence nothing is learned about how loud to play what replaces it
        if long and before and take.fits(before) and math.isfinite(before.loudness):
            self._send_ahead(replace(take, loudness=before.loudness))
        take = measured(take)
        with self._lock:
            self.takes[name] = take
            self.active = self.active or name
            self._keep_region_inside()
            self._send_take(take)

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
            elif kind == "playhead":
                self._playhead.tell(float(content["position"]), bool(content["playing"]))
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

    def _send_ahead(self, take: Take) -> None:
        """The part of a take around the playhead; the rest of it stays, for the page, as it was."""
        frames = take.samples.shape[1]
        with self._lock:
            start, end = self.region or (0.0, self.duration)
            first, last = self._playhead.around(start, end, take.sample_rate, frames)
            piece = take.samples[:, first:last].copy()
            self.takes[take.name] = take
            content = {"type": "piece", "name": take.name, "sample_rate": take.sample_rate, "channels": len(piece)}
            content |= {"frames": frames, "first": first, "length": last - first, "state": self.state()}
            self.send(content, [piece.data.cast("B")])
        time.sleep(_LEAVE)

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
