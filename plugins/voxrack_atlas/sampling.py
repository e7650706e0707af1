"""New presets, drawn from a prior, each rendered before it is given out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from voxrack import Audio, Layout, Preset, Rack
from voxrack.errors import InputError, UsageError

from .prior import Prior, default_flow
from .spaces import Space, space_of
from .stability import Stability, check_stability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .collection import Collection


_ATTEMPTS = 100  # draws that may be refused, one after the other


@dataclass(frozen=True)
class Draw:
    """A preset that was drawn.

    Attributes
    ----------
    number : int
        Which draw of its seed.
    preset : Preset
    log_density : float
        Of the prior, in nats.
    refused : tuple of str
        Why earlier attempts at this number were not taken; see :class:`~voxrack_atlas.stability.Stability`.
    stability : Stability or None
        None where it was not checked.
    """

    number: int
    preset: Preset
    log_density: float
    refused: tuple[str, ...]
    stability: Stability | None


def sample(
    count: int,
    prior: Prior | None = None,
    *,
    seed: int = 0,
    spread: float = 1.0,
    check: bool = True,
    probe: Audio | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Preset]:
    """Draw presets that render stably.

    Draw k of a seed is the same whatever ``count`` is, and the same seed gives the same files: a draw bears no date.

    Parameters
    ----------
    count : int
    prior : Prior, optional
        By default the one that ships with voxrack, of vocal presets.
    seed : int
        0 or more.
    spread : float
        1 draws from the prior itself; below, nearer to its centre; above, rarer things. 0 is the centre.
    check : bool
        Render each and draw again where it is not stable; see :func:`~voxrack_atlas.stability.check_stability`.
    probe : Audio, optional
        What is rendered, by default a synthetic voice.
    progress : callable
        Called with how many are done and how many there are.

    Returns
    -------
    list of Preset
        Provenance: ``how`` is ``"sample"``; ``made_by`` tells prior, seed and number; ``sources`` the prior's file
        by sha256; ``parents`` the template; ``losses`` the negative log-density.

    Raises
    ------
    InputError
        Where a hundred draws in a row are unstable.
    """
    if count < 1:
        raise UsageError(f"{count} presets; it takes 1 or more")
    out = []
    for number, draw in zip(range(count), draws(prior, seed=seed, spread=spread, check=check, probe=probe)):
        out.append(draw.preset)
        progress(number + 1, count)
    return out


def draws(
    prior: Prior | None = None,
    *,
    seed: int = 0,
    spread: float = 1.0,
    check: bool = True,
    probe: Audio | None = None,
    first: int = 0,
) -> Iterator[Draw]:
    """Draw ``first`` of a seed, and all after it, without an end; parameters of :func:`sample`."""
    if seed < 0 or not 0.0 <= spread <= 10.0:
        raise UsageError(f"seed {seed}, spread {spread:g}; a seed is 0 or more, a spread lies between 0 and 10")
    prior = default_flow() if prior is None else prior
    maker = _Maker(prior, seed, spread)
    number = first
    while True:
        yield maker.draw(number, check, probe)
        number += 1


def spread_points(prior: Prior, space: Space, template: Preset, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of a prior (n, d) as points of the whole space: what is not drawn is the template's."""
    if prior.columns == space.columns:
        return points
    rack = template.rack(missing="refuse")
    own = space.forward(rack.layout().fittable().pack(rack.values())[None])
    out = np.repeat(own, len(points), axis=0)
    places = {column: place for place, column in enumerate(space.columns)}
    unknown = [column for column in prior.columns if column not in places]
    if unknown:
        raise InputError(f"prior '{prior.name}' has a column '{unknown[0]}' that the space '{space.name}' lacks")
    out[:, [places[column] for column in prior.columns]] = points
    return out


def prior_points(prior: Prior, collection: Collection) -> NDArray[np.float64]:
    """Points (n, d) of a collection in the columns of a prior."""
    space = space_of(prior.preset(), prior.space)  # pyright: ignore[reportArgumentType] - checked there
    if space.inputs != collection.columns:
        odd = sorted(set(space.inputs) ^ set(collection.columns))[0]
        raise UsageError(f"the prior '{prior.name}' is of another rack than the set: they differ in {odd}")
    points = space.forward(collection.values, collection.names)
    return points[:, [space.columns.index(column) for column in prior.columns]]


class _Maker:
    """Turns numbers of a seed into presets."""

    def __init__(self, prior: Prior, seed: int, spread: float) -> None:
        self.prior, self.seed, self.spread = prior, seed, spread
        self.template = prior.preset()
        self.space = space_of(self.template, prior.space)  # pyright: ignore[reportArgumentType] - checked there
        self.layout: Layout = self.template.rack(missing="refuse").layout().fittable()
        self.source = {"name": f"{prior.name}.safetensors", "sha256": prior.sha256}

    def draw(self, number: int, check: bool, probe: Audio | None) -> Draw:
        rng = np.random.default_rng([self.seed, number])
        refused: list[str] = []
        while len(refused) < _ATTEMPTS:
            points = self.prior.sample(1, rng, self.spread)
            values = self.space.inverse(spread_points(self.prior, self.space, self.template, points))
            if not np.isfinite(points).all() or not self.space.holds(values):
                refused.append("out of range")
                continue
            rack = self._rack(values[0])
            stability = check_stability(rack, probe) if check else None
            if stability is not None and not stability.stable:
                refused.append(stability.reason)
                continue
            # the last digits of a sum hang on the number of threads; equal draws are to be equal files
            log_density = round(float(self.prior.log_density(points)[0]), 6)
            return Draw(number, self._preset(rack, number, log_density), log_density, tuple(refused), stability)
        raise InputError(
            f"draw {number} of seed {self.seed} from prior '{self.prior.name}': {_ATTEMPTS} attempts in a row were "
            f"refused, the last one as '{refused[-1]}'; lower the spread ({self.spread:g}) or take another prior"
        )

    def _rack(self, values: NDArray[np.float64]) -> Rack:
        rack = self.template.rack(missing="refuse")
        for address, value in self.layout.unpack(values).items():
            rack.set(address, value)
        return rack

    def _preset(self, rack: Rack, number: int, log_density: float) -> Preset:
        name, spread = self.prior.name, "" if self.spread == 1.0 else f", spread {self.spread:g}"
        return Preset.of(
            rack, name=f"{name} {self.seed}-{number}", tags=["sample"], how="sample", created="",
            about=f"Draw {number} of seed {self.seed} from the prior '{name}'{spread}.",
            made_by=f"voxrack {metadata.version('voxrack')}, atlas sample, prior {name}, seed {self.seed}, "
            f"draw {number}{spread}",
            losses={"negative_log_density": -log_density}, sources=[self.source], parents=[self.template],
        )  # fmt: skip
