"""Explorer of principal components: sliders in standard deviations, and the rack follows."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from ..errors import InputError, UsageError, VoxrackError
from .walk import Corpus, Projection, Space, Walk

if TYPE_CHECKING:
    from ..preset import Preset
    from ..rack import Rack

LIMIT = 3.0  # standard deviations at the ends of a slider
MOST_DOTS = 2000  # of a corpus that the map shows
_HERE = files("voxrack.notebook")


class PcaModel:
    """What the explorer does, without a browser: a message in, the rack moved, messages out.

    Parameters
    ----------
    walk : Walk
    send : callable
        Called with each message to the page: ``space`` (all that stays), ``state``, ``saved``, ``error``.
    on_change : callable, optional
        Called without arguments after each move.
    folder : path
        Where the page's *save* writes.
    words : sequence of str
        What each component does, to be read under its slider.
    seed : int, optional
        Of *random*.
    """

    def __init__(
        self,
        walk: Walk,
        send: Callable[[dict[str, Any]], None],
        on_change: Callable[[], object] | None = None,
        *,
        folder: str | os.PathLike[str] = ".",
        words: Sequence[str] = (),
        seed: int | None = None,
    ) -> None:
        self.walk, self.send, self.on_change = walk, send, on_change
        self.folder, self.words = Path(folder), tuple(words)
        self._rng = np.random.default_rng(seed)
        self._lock = threading.RLock()  # the page's messages may come on another thread than the cell's

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page: ``ready``, ``slide``, ``text``, ``place``, ``mean``, ``random``, ``snap``,
        ``load``, ``save``. What is refused is said, and nothing moves."""
        with self._lock:
            kind = content.get("type")
            try:
                if kind == "ready":
                    return self.refresh()
                if kind == "save":
                    return self._save(str(content.get("name", "")))
                self._go(kind, content)
            except (VoxrackError, OSError) as error:
                self.send({"type": "error", "message": str(error), "address": content.get("address", "")})
                return self._send_state(content)
            self._send_state(content)
        if self.on_change is not None:
            self.on_change()

    def move(self, component: int, sd: float) -> None:
        """Put a component (from 1) at ``sd`` standard deviations."""
        if not 1 <= component <= self.walk.count:
            raise UsageError(f"there is no component {component}; the sliders are 1 to {self.walk.count}")
        if not abs(sd) <= LIMIT:
            raise UsageError(f"component {component} at {sd:g} sd; it takes -{LIMIT:g} to {LIMIT:g}")
        scores = self.walk.scores.copy()
        scores[component - 1] = sd
        self.walk.move(scores)

    def snap(self) -> str:
        """Go to the nearest preset of the corpus; returns its name."""
        row = self.walk.whereabouts().nearest
        if self.walk.corpus is None or row < 0:
            raise UsageError("there is no corpus to snap to; give the explorer one as corpus=")
        self.walk.to_preset(row)
        return self.walk.corpus.names[row]

    def preset(self, name: str = "") -> Preset:
        """Where the rack stands, as a preset that says how it came there."""
        from ..preset import Preset

        parent, moved = self.walk.parent, self.walk.moved()
        hidden = sum(component > self.walk.count for component in moved)
        steps = [f"component {i} {sd:+.2f} sd" for i, sd in moved.items() if i <= self.walk.count]
        steps += [f"{hidden} smaller ones"] if hidden else []
        about = f"From {self.walk.start}" + (f": {', '.join(steps)}." if steps else ".")
        return Preset.of(
            self.walk.rack, name=name, about=about, tags=["pca"], how="pca",
            made_by=f"voxrack {metadata.version('voxrack')}, PcaExplorer",
            parents=[parent] if parent is not None else [],
        )  # fmt: skip

    def refresh(self) -> None:
        """Show everything anew."""
        walk = self.walk
        cloud = walk.cloud
        shown = np.linspace(0, len(cloud) - 1, min(len(cloud), MOST_DOTS)).astype(int)
        names = () if walk.corpus is None else walk.corpus.names
        sliders = [
            {"label": f"{i + 1}", "share": f"{100 * walk.projection.ratios[i]:.1f} %",
             "words": self.words[i] if i < len(self.words) else ""}
            for i in range(walk.count)
        ]  # fmt: skip
        dots = [{"row": int(i), "name": names[i], "at": [float(s) for s in cloud[i, :2]]} for i in shown]
        self.send({"type": "space", "sliders": sliders, "limit": LIMIT, "dots": dots, "folder": str(self.folder)})
        self._send_state({})

    # ---- messages -------------------------------------------------------------------------------
    def _go(self, kind: Any, content: Mapping[str, Any]) -> None:
        walk = self.walk
        if kind in ("slide", "text"):
            self.move(int(content["component"]), _number(content["sd"]))
        elif kind == "place":
            scores = walk.scores.copy()
            scores[: min(2, walk.count)] = np.clip(content["at"], -LIMIT, LIMIT)[: walk.count]
            walk.move(scores)
        elif kind == "mean":
            walk.to_mean()
        elif kind == "random":
            walk.to_random(self._rng, LIMIT)
        elif kind == "snap":
            self.snap()
        elif kind == "load":
            walk.to_preset(int(content["row"]))
        else:
            raise UsageError(f"the explorer takes no message {kind!r}")

    def _save(self, name: str) -> None:
        if not name.strip() or name.startswith(".") or any(sign in name for sign in '/\\\0:*?"<>|'):
            raise UsageError(f"a preset is saved under a plain name, such as my-voice; got {name!r}")
        target = self.folder / f"{name.strip().removesuffix('.json')}.json"
        if target.exists():
            raise InputError(f"{target} is already there; choose another name")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.preset(target.stem).save(target)
        self.send({"type": "saved", "path": str(target)})

    def _send_state(self, content: Mapping[str, Any]) -> None:
        walk = self.walk
        answer = {"address": content.get("address", ""), "serial": content.get("serial", 0)}
        scores = [float(score) for score in walk.scores[: walk.count]]
        self.send({"type": "state", "scores": scores, "text": self.text(), "start": walk.start, **answer})

    def text(self) -> str:
        """Where the walk stands, in a line."""
        now, corpus = self.walk.whereabouts(), self.walk.corpus
        line = f"{now.mean:.1f} sd from the mean"
        if corpus is None or now.nearest < 0:
            return line
        line += f" ({100 * now.farther:.0f} % of the presets lie farther out) · nearest: {corpus.names[now.nearest]}"
        line += f", {now.gap:.1f} sd away"
        return line if math.isnan(now.usual) else f"{line} (presets lie {now.usual:.1f} from each other)"


class PcaExplorer(anywidget.AnyWidget):
    """Sliders along principal components, in standard deviations; the rack follows.

    The map shows the corpus over the first two components: click a dot to load that preset, elsewhere to go there.
    *random* draws every component, *nearest* goes to the real preset that is nearest over the sliders, *save* writes
    a preset file that says how it came about.

    Parameters
    ----------
    projection : Projection
        Anything that turns points into scores and back; see :class:`voxrack.notebook.walk.Projection`.
    space : Space
        Turns the rack's numbers into the points of ``projection``.
    rack : Rack
        Changed in place.
    corpus : Corpus, optional
        Real presets of the same rack.
    on_change : callable, optional
        Called after each move; ``Live.request`` fits.
    sliders : int
    folder : path
        Where the page's *save* writes.
    words : sequence of str
        What each component does.
    seed : int, optional
        Of *random*; without one each explorer draws others.

    Raises
    ------
    UsageError
        Where projection, space, rack and corpus are not of one rack.

    Examples
    --------
    >>> live = Live(rack, voice, player)  # doctest: +SKIP
    >>> PcaExplorer(projection, space, rack, presets, on_change=live.request)  # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in ("page.js", "pca.js"))
    _css = _HERE.joinpath("pca.css").read_text(encoding="utf-8")

    def __init__(
        self,
        projection: Projection,
        space: Space,
        rack: Rack,
        corpus: Corpus | None = None,
        on_change: Callable[[], object] | None = None,
        *,
        sliders: int = 8,
        folder: str | os.PathLike[str] = ".",
        words: Sequence[str] = (),
        seed: int | None = None,
    ) -> None:
        super().__init__()
        walk = Walk(projection, space, rack, corpus, sliders)
        self.controller = PcaModel(walk, lambda content: self.send(content), on_change,
                                   folder=folder, words=words, seed=seed)  # fmt: skip
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))

    @property
    def rack(self) -> Rack:
        """The rack that is moved."""
        return self.controller.walk.rack

    @property
    def scores(self) -> tuple[float, ...]:
        """Where the sliders stand, in standard deviations."""
        walk = self.controller.walk
        return tuple(float(score) for score in walk.scores[: walk.count])

    def move(self, component: int, sd: float) -> None:
        """Put a component (from 1) at ``sd`` standard deviations, as its slider does."""
        self.controller.move(component, sd)
        self._follow()

    def mean(self) -> None:
        """Go to the mean of the projection."""
        self.controller.walk.to_mean()
        self._follow()

    def snap(self) -> str:
        """Go to the nearest preset of the corpus; returns its name."""
        name = self.controller.snap()
        self._follow()
        return name

    def preset(self, name: str = "") -> Preset:
        """Where the rack stands, as a preset; its provenance says ``pca``."""
        return self.controller.preset(name)

    def refresh(self) -> None:
        """Go on from where the rack stands, after it was changed from elsewhere."""
        self.controller.walk.begin()
        self.controller.refresh()

    def _follow(self) -> None:
        self.controller.refresh()
        if self.controller.on_change is not None:
            self.controller.on_change()


def _number(text: Any) -> float:
    """A number, also as a hand writes it: ``"1,5"``, ``"-2 sd"``."""
    try:
        return float(str(text).strip().lower().removesuffix("sd").strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        raise UsageError(f"a slider takes a number of standard deviations, such as -1.5; got {text!r}") from None
