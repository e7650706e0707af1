"""What each principal component does to a rendering: real vocals rendered from -2 to +2 standard deviations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, Preset
from voxrack.errors import InputError, UsageError

from .collection import Collection
from .descriptors import DESCRIPTORS, Descriptor, describe
from .playing import Desk, excerpt, held
from .projection import Projection, pca
from .spaces import space_of

if TYPE_CHECKING:
    import pandas

    from .prior import Prior

Array = NDArray[np.float64]
STEPS = (-2.0, -1.0, 1.0, 2.0)
SECONDS = 12.0  # of each vocal


@dataclass(frozen=True, eq=False)
class Effect:
    """What a component does to one descriptor.

    Attributes
    ----------
    component : int
        From 1.
    descriptor : Descriptor
    steps : tuple of float
        Standard deviations, 0 among them.
    means : ndarray, shape (steps,)
        Of the descriptor over the vocals, in its unit.
    changes : ndarray, shape (steps,)
        From the mean preset, mean over the vocals; in octaves where the descriptor counts ratios.
    low, high : ndarray, shape (steps,)
        95 % interval of ``changes`` over vocals (Student's t); NaN for fewer than three.
    agree : ndarray of int, shape (steps,)
        Vocals whose change has the sign of the mean.
    vocals : int
    """

    component: int
    descriptor: Descriptor
    steps: tuple[float, ...]
    means: Array
    changes: Array
    low: Array
    high: Array
    agree: NDArray[np.int_]
    vocals: int

    @property
    def audible(self) -> NDArray[np.bool_]:
        """At which steps (steps,): at least one step of the ear, and not by chance of the vocals chosen."""
        sure = np.isnan(self.low) | (self.low > 0) | (self.high < 0)
        return sure & (np.abs(self.changes) >= self.descriptor.step)

    @property
    def sizes(self) -> Array:
        """Changes (steps,) in steps of the ear."""
        return self.changes / self.descriptor.step


@dataclass(frozen=True, eq=False)
class Directions:
    """Result of :func:`directions`.

    Attributes
    ----------
    projection : Projection
    components : int
        How many were moved.
    steps : tuple of float
        Standard deviations, rising, 0 among them.
    vocals : tuple of str
    measured : ndarray, shape (components, steps, vocals, descriptors)
        In the order of ``DESCRIPTORS`` and their units.
    presets : Collection
        The presets that were rendered, ``"pc1+2"``; inside the ranges of every parameter.
    held : ndarray of int, shape (components, steps)
        How many of their numbers a range holds at its end.
    """

    projection: Projection
    components: int
    steps: tuple[float, ...]
    vocals: tuple[str, ...]
    measured: Array
    presets: Collection
    held: NDArray[np.int_]

    @cached_property
    def effects(self) -> tuple[tuple[Effect, ...], ...]:
        """For each component its effect on each descriptor."""
        return tuple(
            tuple(self._effect(component, place) for place in range(len(DESCRIPTORS)))
            for component in range(self.components)
        )

    def _effect(self, component: int, place: int) -> Effect:
        descriptor, values = DESCRIPTORS[place], self.measured[component, :, :, place]
        changes = descriptor.change(values[self.steps.index(0.0)], values)
        kept = [row[np.isfinite(row)] for row in changes]
        mean = np.array([np.mean(row) if len(row) else np.nan for row in kept])
        ends = np.array([interval(row) for row in kept])
        agree = np.array([np.sum(np.sign(row) == np.sign(at)) for row, at in zip(kept, mean)])
        heard = np.array([_mean(descriptor, row) for row in values])
        return Effect(
            component + 1, descriptor, self.steps, heard, mean, ends[:, 0], ends[:, 1], agree, values.shape[1]
        )  # fmt: skip

    def frame(self) -> pandas.DataFrame:
        """One row for each component, step and descriptor: mean, change from the mean preset, its interval."""
        import pandas

        return pandas.DataFrame([
            {
                "component": e.component, "sd": step, "descriptor": e.descriptor.id, "unit": e.descriptor.unit,
                "mean": e.means[i], "change": e.changes[i],
                "change_unit": "octaves" if e.descriptor.ratio else e.descriptor.unit, "low": e.low[i],
                "high": e.high[i], "agree": int(e.agree[i]), "vocals": e.vocals, "audible": bool(e.audible[i]),
            }
            for row in self.effects for e in row for i, step in enumerate(e.steps) if step
        ])  # fmt: skip

    def changes(self) -> tuple[str, ...]:
        """What each component does, a line for each far step: :meth:`words` without headings."""
        from .wording import changes

        return tuple(changes(row) for row in self.effects)

    def words(self) -> tuple[str, ...]:
        """What each component does, in a few lines each, under its number and share of the variance."""
        from .wording import sentence

        return tuple(
            sentence(row, float(share)) for row, share in zip(self.effects, self.projection.ratios, strict=False)
        )

    def figure(self) -> Any:
        """Matplotlib figure: how many steps of the ear each component moves each descriptor."""
        from .directions_picture import figure

        return figure(self)


def directions(
    source: Collection | Projection | Prior | None,
    vocals: Mapping[str, Audio] | Iterable[Audio],
    *,
    components: int | None = None,
    steps: Sequence[float] = STEPS,
    template: Preset | None = None,
    seconds: float = SECONDS,
    progress: Callable[[float], None] | None = None,
) -> Directions:
    """Move the mean preset along each principal component, render real vocals, and measure what changes.

    Parameters
    ----------
    source : Collection, Projection, Prior or None
        Whose components; None is :func:`voxrack_atlas.default_prior`. A prior with a mean and a covariance.
    vocals : mapping of name to Audio, or iterable of Audio
        Dry vocals. Each is brought to -18 LUFS; of a longer one the loudest ``seconds`` are used.
    components : int, optional
        The first so many; by default five, or all where there are fewer.
    steps : sequence of float
        Standard deviations from the mean; 0 is added.
    template : Preset, optional
        The rack; needed for a bare Projection.

    Returns
    -------
    Directions

    Raises
    ------
    InputError
        For no vocal, or one that is silent.
    UsageError
        For more components than there are.
    """
    projection, base = axes(source, template)
    components = min(5, len(projection.variances)) if components is None else components
    if not 1 <= components <= len(projection.variances):
        raise UsageError(f"components is {components}; there are 1 to {len(projection.variances)}")
    places = tuple(sorted({0.0, *map(float, steps)}))
    if len(places) < 2 or not np.all(np.isfinite(places)):
        raise UsageError(f"steps takes standard deviations other than 0, for example -2 -1 1 2; got {list(steps)}")
    named: dict[str, Audio] = (
        dict(vocals) if isinstance(vocals, Mapping) else {f"vocal {i}": v for i, v in enumerate(vocals, 1)}  # pyright: ignore
    )
    if not named:
        raise InputError("no vocal to render; give one or more dry recordings")
    desk, space = Desk(base), space_of(base, projection.space)  # pyright: ignore[reportArgumentType]
    scores = np.zeros((components, len(places), components))
    for component in range(components):
        scores[component, :, component] = np.array(places) * np.sqrt(projection.variances[component])
    values = space.inverse(projection.points(scores.reshape(-1, components)))
    measured = np.zeros((components, len(places), len(named), len(DESCRIPTORS)))
    work = _Work(components * (len(places) - 1) * len(named) + len(named), progress)
    for song, audio in enumerate(named.values()):
        dry = excerpt(audio.mono(), seconds)
        middle = work.done(_vector(desk, values[places.index(0.0)], dry, "the mean preset"))
        for at, row in enumerate(values):
            component, step = divmod(at, len(places))
            still, name = places[step] == 0.0, f"component {component + 1} at {places[step]:+g} sd"
            measured[component, step, song] = middle if still else work.done(_vector(desk, row, dry, name))
    ends = np.array([held(row, values[places.index(0.0)], space.low, space.high).sum() for row in values])
    return Directions(
        projection, components, places, tuple(named), measured, _moved(base, desk.columns, values, components, places),
        ends.reshape(components, len(places)),
    )  # fmt: skip


def axes(source: Any, template: Preset | None) -> tuple[Projection, Preset]:
    """Principal components and the rack they belong to."""
    if source is None:
        from .prior import default_prior

        source = default_prior()
    if isinstance(source, Collection):
        return pca(source), source.template
    if isinstance(source, Projection):
        if template is None:
            raise UsageError("a Projection does not say which rack it belongs to; give the preset as template=")
        return source, template
    if hasattr(source, "covariance") and hasattr(source, "mean"):
        return of_gaussian(source), template or source.preset()
    raise UsageError(f"directions takes a Collection, a Projection or a Gaussian prior; got {type(source).__name__}")


def of_gaussian(prior: Any) -> Projection:
    """Principal components of a Gaussian prior, signed like those of :func:`voxrack_atlas.pca`."""
    values, vectors = np.linalg.eigh(prior.covariance)
    rows = vectors[:, ::-1].T
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
    kept = values[::-1] > 1e-12 * values[-1]
    ones = np.ones(len(prior.mean))
    count = int(prior.facts.get("rows", 0) or 0)
    return Projection(prior.space, prior.columns, prior.mean, rows[kept], values[::-1][kept], ones, count)


def interval(changes: Array) -> tuple[float, float]:
    """95 % interval of the mean (Student's t); NaN for fewer than three."""
    if len(changes) < 3:
        return float("nan"), float("nan")
    from scipy.stats import t

    half = float(t.ppf(0.975, len(changes) - 1) * np.std(changes, ddof=1) / np.sqrt(len(changes)))
    return float(np.mean(changes)) - half, float(np.mean(changes)) + half


def _vector(desk: Desk, row: Array, dry: Audio, name: str) -> Array:
    try:
        found = describe(desk.set(row), dry)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return np.array([found[d.id] for d in DESCRIPTORS])


def _mean(descriptor: Descriptor, values: Array) -> float:
    """Over vocals; of ratios the geometric mean."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return float("nan")
    if descriptor.ratio and np.all(kept > 0):
        return float(np.exp(np.mean(np.log(kept))))
    return float(np.mean(kept))


def _moved(
    base: Preset, columns: tuple[str, ...], values: Array, components: int, places: tuple[float, ...]
) -> Collection:
    import pandas

    names = tuple(f"pc{c + 1}{step:+g}" for c in range(components) for step in places)
    meta = pandas.DataFrame({"how": ["pca"] * len(names)})
    return Collection(base, columns, values, names, meta)


class _Work:
    """Counts renderings."""

    def __init__(self, total: int, progress: Callable[[float], None] | None) -> None:
        self._total, self._progress, self._count = total, progress, 0

    def done(self, result: Array) -> Array:
        self._count += 1
        if self._progress is not None:
            self._progress(self._count / self._total)
        return result
