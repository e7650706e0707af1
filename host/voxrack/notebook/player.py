"""A/B player: several takes of one performance under one playhead, matched in loudness, one heard at a time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

import anywidget
import traitlets

from .player_model import PlayerModel
from .takes import matched_gains

if TYPE_CHECKING:
    from ..audio import Audio

_HERE = files("voxrack.notebook")
_MODULE = ("page.js", "engine.js", "pictures.js", "spectrogram.js", "player.js")  # a widget has one module: all joined


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
