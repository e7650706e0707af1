"""A walk along the principal components of presets: scores in standard deviations, and the rack that follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UsageError

if TYPE_CHECKING:
    from ..preset import Preset
    from ..rack import Rack

Array = NDArray[np.float64]
_NOTHING = 1e-6  # standard deviations; less is rounding


class Projection(Protocol):
    """Principal components: r directions in a space of d coordinates."""

    @property
    def columns(self) -> tuple[str, ...]: ...  # d
    @property
    def ratios(self) -> Array: ...  # (r,) shares of the variance
    def scores(self, points: ArrayLike, *, whiten: bool = False) -> Array: ...  # (n, d) -> (n, r)
    def points(self, scores: ArrayLike, *, whiten: bool = False) -> Array: ...  # and back


class Space(Protocol):
    """Where presets are points: k plain numbers of a rack to d coordinates."""

    @property
    def inputs(self) -> tuple[str, ...]: ...  # k
    @property
    def columns(self) -> tuple[str, ...]: ...  # d of them
    def forward(self, values: ArrayLike) -> Array: ...
    def inverse(self, points: ArrayLike) -> Array: ...  # inside the ranges of the parameters


class Corpus(Protocol):
    """Presets of one rack."""

    @property
    def names(self) -> tuple[str, ...]: ...  # n
    @property
    def columns(self) -> tuple[str, ...]: ...  # k
    @property
    def values(self) -> Array: ...  # (n, k), plain units
    def preset(self, row: int) -> Preset: ...


@dataclass(frozen=True)
class Whereabouts:
    """Where a walk stands, in standard deviations over its first components.

    Attributes
    ----------
    mean : float
        Distance from the mean: root of the sum of squares of the scores.
    farther : float
        Share (0 … 1) of the corpus that lies farther from the mean; NaN without a corpus.
    nearest : int
        Row of the nearest preset; -1 without a corpus.
    gap : float
        Distance from it.
    usual : float
        Median distance from a preset of the corpus to its nearest neighbour; NaN for fewer than two.
    """

    mean: float
    farther: float = float("nan")
    nearest: int = -1
    gap: float = float("nan")
    usual: float = float("nan")


class Walk:
    """Moves a rack along principal components.

    Numbers that no component moves stay as they are, to the last bit; a preset of the corpus that is loaded is
    that preset, whatever the components leave unexplained.

    Parameters
    ----------
    projection, space, corpus
        See the protocols; all of one rack.
    rack : Rack
        Changed in place. Where it stands is where the walk begins.
    count : int
        How many components are walked along; distances are taken over them.

    Attributes
    ----------
    scores : ndarray, shape (r,)
        Along all components, in standard deviations.
    parent : Preset or None
        The preset of the corpus that was loaded last, if the walk went on from one.
    """

    def __init__(
        self, projection: Projection, space: Space, rack: Rack, corpus: Corpus | None = None, count: int = 8
    ) -> None:
        self.projection, self.space, self.rack, self.corpus = projection, space, rack, corpus
        self._layout = rack.layout().fittable()
        _same("the space and the rack", space.inputs, self._layout.names())
        _same("the projection and the space", projection.columns, space.columns)
        if corpus is not None:
            _same("the corpus and the rack", corpus.columns, self._layout.names())
        if count < 1:
            raise UsageError(f"{count} components to walk along; it takes 1 or more")
        self.count = min(count, len(projection.ratios))
        self._first = rack.values()
        self._cloud = None if corpus is None else self._scores(corpus.values)
        self._usual = _usual_gap(self._cloud[:, : self.count]) if self._cloud is not None else float("nan")
        self.begin()

    # ---- moving ---------------------------------------------------------------------------------
    def begin(self, parent: Preset | None = None) -> None:
        """Go on from where the rack stands now."""
        self._start = self._layout.pack(self.rack.values())
        self._origin = self._scores(self._start[None])[0]
        self.scores = self._origin.copy()
        self.parent = parent

    def move(self, scores: ArrayLike) -> None:
        """Go to ``scores`` (r,)."""
        self.scores = np.array(scores, dtype=np.float64)
        step = self.projection.points(np.stack([self.scores, self._origin]), whiten=True)
        change = step[0] - step[1]
        values = self._start.copy()
        if np.abs(change).max() > 0.0:
            point = self.space.forward(self._start[None])[0] + change
            moved = np.isin(self.space.inputs, np.array(self.space.columns)[np.abs(change) > 1e-12])
            values[moved] = self.space.inverse(point[None])[0, moved]
        self._set(self._layout.unpack(values))

    def to_mean(self) -> None:
        """Back to the mean of the projection; what it does not move is as it was at first."""
        self._set(self._first)
        self.begin()
        self.move(np.zeros(len(self.scores)))
        self.begin()

    def to_random(self, rng: np.random.Generator, limit: float) -> None:
        """To a draw of the normal distribution that the components describe: of all, those walked along kept within
        ``limit``."""
        self.to_mean()
        scores = rng.standard_normal(len(self.scores))
        scores[: self.count] = scores[: self.count].clip(-limit, limit)
        self.move(scores)

    def to_preset(self, row: int) -> None:
        """To a preset of the corpus."""
        if self.corpus is None or not 0 <= row < len(self.corpus.names):
            raise UsageError(f"the corpus has no row {row}; it holds {len(self.corpus.names) if self.corpus else 0}")
        preset = self.corpus.preset(row)
        self._set(preset.rack(missing="refuse").values())
        self.begin(preset)

    # ---- looking --------------------------------------------------------------------------------
    @property
    def cloud(self) -> Array:
        """Scores (n, count) of the corpus."""
        return np.zeros((0, self.count)) if self._cloud is None else self._cloud[:, : self.count]

    def whereabouts(self) -> Whereabouts:
        """Distances from the mean and from the corpus."""
        here, cloud = self.scores[: self.count], self.cloud
        mean = float(np.linalg.norm(here))
        if not len(cloud):
            return Whereabouts(mean)
        gaps = np.linalg.norm(cloud - here, axis=1)
        row = int(gaps.argmin())
        farther = float((np.linalg.norm(cloud, axis=1) > mean).mean())
        return Whereabouts(mean, farther, row, float(gaps[row]), self._usual)

    @property
    def start(self) -> str:
        """Where the walk began."""
        if self.parent is not None:
            return f"'{self.parent.name}'"
        return "the mean" if np.abs(self._origin).max() < _NOTHING else "the rack as it was"

    def moved(self) -> dict[int, float]:
        """By how many standard deviations each component (from 1) stands off the start."""
        off = self.scores - self._origin
        return {i + 1: float(off[i]) for i in range(len(off)) if abs(off[i]) > _NOTHING}

    def _scores(self, values: Array) -> Array:
        return np.asarray(self.projection.scores(self.space.forward(values), whiten=True), dtype=np.float64)

    def _set(self, values: dict[str, Any]) -> None:
        for address, value in values.items():
            if not np.array_equal(value, self.rack.get(address)):
                self.rack.set(address, value)


def _usual_gap(scores: Array) -> float:
    """Median distance to the nearest other row; of a large corpus a thousand rows stand for all."""
    if len(scores) < 2:
        return float("nan")
    rows = np.linspace(0, len(scores) - 1, min(len(scores), 1000)).astype(int)
    gaps = []
    for row in rows:
        distances = np.linalg.norm(scores - scores[row], axis=1)
        distances[row] = np.inf
        gaps.append(distances.min())
    return float(np.median(gaps))


def _same(what: str, one: Sequence[str], other: Sequence[str]) -> None:
    if list(one) != list(other):
        odd = sorted(set(one) ^ set(other))
        differ = f"'{odd[0]}' is in one of them alone" if odd else "they have another order"
        raise UsageError(f"{what} do not belong together: {differ}")
