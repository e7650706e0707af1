"""Style transfer: the preset that gives a dry vocal the sound of an unrelated, processed recording.

First the nearest of many candidates, each rendered on the dry vocal, in an embedding. Between the nearest few and the
prior's mean begins an optimisation at inference time: of the probability of a preset, given a Gaussian prior and how
much two songs differ under one preset (Yu et al. 2025, with a measured likelihood).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, Preset, default_host, read, render
from voxrack.errors import PluginError, RoutingError, UsageError
from voxrack.report import loudness

from . import style_noise
from .collection import Collection
from .descriptors import LEVEL, gain_to, levelled
from .directions import axes
from .embedding import Differentiable, Embedding
from .playing import Desk, excerpt
from .prior import default_flow
from .projection import Projection
from .sampling import spread_points
from .spaces import Space, space_of
from .style_search import Found, Problem, descend, evolve
from .style_target import Target, checked, target, two_channels

Array = NDArray[np.float64]
Method = Literal["auto", "gradient", "evolution", "nearest"]
METHODS = ("auto", "gradient", "evolution", "nearest")
CANDIDATES = 128
STEPS = 25  # more fit the song instead of its effects: benchmarks/style.py
EVALUATIONS = 4  # renderings without a gradient that take as long as a step with one
SECONDS = 6.0  # of the dry vocal that are rendered at each step
LONGEST = 30.0  # s of the reference
NEIGHBOURS, SHRINK = 4, 0.7  # the search begins at so much of the mean of so many nearest candidates
_PROBES = 8  # candidates on which the scale of the features is found


@dataclass(frozen=True, eq=False)
class StyleMatch:
    """Result of :func:`style_match`.

    Attributes
    ----------
    preset : Preset
        For the dry recording as it is: its gain before the rack brings the vocal to -18 LUFS, that behind it the
        result to the loudness of the reference, where the rack has such gains (``pre``, ``post``).
    method : {"gradient", "evolution", "nearest"}
        How it was found.
    distances : dict
        From the reference, in the embedding: ``dry``, ``mean`` (the prior's mean), ``nearest``, ``start``, ``match``.
    values : dict
        Plain values (k,) of ``mean``, ``nearest``, ``start`` and ``match``, in the order of ``columns``.
    columns : tuple of str
    nearest : str
        Name of the nearest candidate.
    scores : ndarray, shape (r,)
        Where the match lies under the prior, in standard deviations along its components.
    history : tuple of float
        What was minimised, after each step.
    table : dict
        Vectors (d,) of the ``reference`` and of all in ``distances``, their ``scale`` (d,), and ``labels``.
    notes : tuple of str
    """

    preset: Preset
    method: str
    distances: dict[str, float]
    values: dict[str, Array]
    columns: tuple[str, ...]
    nearest: str
    scores: Array
    history: tuple[float, ...]
    table: dict[str, Any]
    notes: tuple[str, ...] = ()


def style_match(
    dry: Any,
    reference: Any,
    source: Any = None,
    *,
    embedding: Any = "music",
    method: Method = "auto",
    vocals: Mapping[str, Audio] | Iterable[Audio] = (),
    candidates: int | None = None,
    steps: int = STEPS,
    weight: float = 1.0,
    seed: int = 0,
    seconds: float = SECONDS,
    name: str = "",
    progress: Callable[[float], None] | None = None,
) -> StyleMatch:
    """Find the preset that makes ``dry`` sound like ``reference``, which may be another song by another singer.

    Parameters
    ----------
    dry : Audio or path
        The vocal; folded to mono.
    reference : Audio or path
        One or two channels; of more than 30 s the loudest 30 s.
    source : Collection, Prior or None
        What presets are like. A collection gives the candidates, and the prior by its mean and components. A
        Gaussian prior gives drawn candidates. None is :func:`voxrack_atlas.default_prior`, with candidates drawn from
        the prior that ``sample`` uses.
    embedding : {"music", "mfcc", "both"} or Embedding
        See :mod:`voxrack_atlas.embedding`.
    method : {"auto", "gradient", "evolution", "nearest"}
        ``auto`` is ``gradient`` where rack and embedding are differentiable and the service ``rack-module`` is
        there, else ``evolution``; ``nearest`` stops at the nearest candidate.
    vocals : mapping of name to Audio, or iterable of Audio
        Other dry vocals, three or more, on which is measured how far songs lie apart under one preset. Without:
        readers of LibriSpeech for ``music``, pieces of ``dry`` for other embeddings; see
        :mod:`voxrack_atlas.style_noise`.
    candidates : int, optional
        How many; by default all of a collection, 128 of a prior. Those of a larger collection are chosen by ``seed``.
    steps : int
        Of descent; evolution renders four times as often.
    weight : float
        Of the prior; 1 is Bayes' rule.
    seed : int
    seconds : float
        Of the dry vocal that is rendered at each step: the loudest part of that length.
    name : str
        Of the preset.

    Raises
    ------
    InputError
        For a recording that is silent, too short, or has more than two channels.
    UsageError
        For a method that this rack or embedding does not allow, or a wrong number.
    """
    from .embedding import embedding as named

    if method not in METHODS:
        raise UsageError(f"method is {method!r}; it takes {', '.join(METHODS)}")
    if steps < 1 or not weight >= 0 or not seconds >= 0.6:
        raise UsageError("steps takes 1 or more, weight 0 or more, seconds 0.6 or more")
    listener = named(embedding)
    whole, heard = _audio(dry), _audio(reference)
    wanted = excerpt(two_channels(heard, "the reference", whole.sample_rate), LONGEST)
    sung = two_channels(whole.mono(), "the dry vocal", whole.sample_rate)
    others = list(vocals.values() if isinstance(vocals, Mapping) else vocals)
    if others and len(others) < style_noise.LEAST:
        raise UsageError(f"vocals takes {style_noise.LEAST} or more, or none; got {len(others)}")
    others = [excerpt(levelled(two_channels(v.mono(), "a vocal", whole.sample_rate)), seconds) for v in others]
    bench = _Bench(source, listener, excerpt(levelled(sung), seconds), wanted, weight, candidates, seed, others)
    share = 0.4 if method != "nearest" else 1.0
    first = bench.look(lambda done: progress(share * done) if progress is not None else None)
    later = (lambda done: progress(share + (1 - share) * done)) if progress is not None else None
    used, found, notes = method, first, ()
    start = bench.start
    if method != "nearest":
        used, found, notes = bench.search(start, method, steps, seed, later)
    nearest = bench.candidates[bench.best]
    values = {
        "mean": bench.problem.values(0.0 * start), "nearest": nearest, "start": bench.problem.values(start),
        "match": nearest if used == "nearest" else bench.problem.values(found.scores),
    }  # fmt: skip
    parents = [bench.parent()] if isinstance(source, Collection) else []
    paths = [Path(x) for x in (dry, reference) if isinstance(x, (str, os.PathLike))]
    sounds = {"dry": bench.dry} | {key: bench.desk.play(row, bench.dry) for key, row in values.items()}
    vectors = {key: checked(listener, listener(audio)) for key, audio in sounds.items()}
    distances = {key: float(bench.target.distance(vector)[0]) for key, vector in vectors.items()}
    rack = Desk(bench.template).set(values["match"])
    notes = (*notes, *_levels(rack, sung, loudness(heard)))
    preset = Preset.of(
        rack, name=name or "style match", tags=["style"], how="fit", sources=paths, parents=parents,
        about=f"The sound of a reference, by '{listener.name}' and {used}; "
        f"distance {distances['match']:.3f}, of the mean preset {distances['mean']:.3f}.",
        losses={f"style_{listener.name}": distances["match"]},
    )  # fmt: skip
    table = {**vectors, "reference": bench.target.vector, "scale": bench.target.scale, "labels": listener.labels}
    return StyleMatch(
        preset, used, distances, values, bench.desk.columns, bench.names[bench.best], found.scores, found.history,
        table, notes,
    )  # fmt: skip


class _Bench:
    """One dry vocal, one reference, and what presets are like."""

    def __init__(
        self, source: Any, listener: Embedding, dry: Audio, reference: Audio, weight: float, count: int | None,
        seed: int, vocals: list[Audio],
    ) -> None:  # fmt: skip
        self.dry, self.reference, self.listener, self.weight, self.vocals = dry, reference, listener, weight, vocals
        self.projection: Projection
        self.projection, self.template = axes(source, None)
        self.desk = Desk(self.template)
        self.space: Space = space_of(self.template, self.projection.space)  # pyright: ignore[reportArgumentType]
        if self.projection.columns != self.space.columns:
            raise UsageError("the prior does not draw every coordinate of its space; fit one to whole presets")
        self.source = source if isinstance(source, Collection) else None
        rng = np.random.default_rng(seed)
        if self.source is not None:
            rows = np.arange(len(self.source))
            if count is not None and count < len(rows):
                rows = np.sort(rng.permutation(rows)[:count])
            self.candidates, self.names = self.source.values[rows], [self.source.names[row] for row in rows]
        else:
            size = CANDIDATES if count is None else count
            prior: Any = default_flow() if source is None else source
            points = spread_points(prior, self.space, self.template, prior.sample(size, rng))
            self.candidates = self.space.inverse(points)
            self.names = [f"draw {number} of seed {seed}" for number in range(size)]
        if not len(self.candidates):
            raise UsageError("candidates takes 1 or more")
        self.best = 0

    def look(self, progress: Callable[[float], None]) -> Found:
        """Render all candidates, find the scale of the features, and the nearest."""
        vectors, kept = [], []
        probes = set(np.linspace(0, len(self.candidates) - 1, min(_PROBES, len(self.candidates))).astype(int).tolist())
        for place, row in enumerate(self.candidates):
            audio = self.desk.play(row, self.dry)
            vectors.append(checked(self.listener, self.listener(audio)))
            if place in probes:
                kept.append(audio)
            progress((place + 1) / len(self.candidates))
        table = np.array(vectors)
        self.target: Target = target(self.listener, self.reference, kept, table)
        far = self.target.distance(table)
        order = np.argsort(far)
        self.best = int(order[0])
        near = np.array([self.scores(row) for row in self.candidates[order[:NEIGHBOURS]]])
        self.start = SHRINK * np.nan_to_num(near).mean(axis=0)
        if self.vocals:
            rows = self.candidates[sorted(probes)]
            covariance = style_noise.of_vocals(self.listener, self.vocals, list(rows), self.desk.play)
        else:
            covariance = style_noise.usual(self.listener, self.target.scale)
        self.problem = Problem(
            self.desk, self.dry, self.projection, self.space, self.target, style_noise.whitener(covariance, table),
            self.weight,
        )  # fmt: skip
        return Found(self.scores(self.candidates[self.best]), float(far[self.best]), ())

    def scores(self, row: Array) -> Array:
        """Of plain values, where their space holds them; else NaN."""
        if not self.space.holds(row[None]):
            return np.full(len(self.projection.variances), np.nan)
        return self.projection.scores(self.space.forward(row[None]), whiten=True)[0]

    def search(
        self, start: Array, method: Method, steps: int, seed: int, progress: Callable[[float], None] | None
    ) -> tuple[str, Found, tuple[str, ...]]:
        """The method that was used, what it found, and why not another."""
        why = ""
        if method in ("auto", "gradient"):
            why = self._obstacle()
            if not why:
                return "gradient", descend(self.problem, start, self._module, steps=steps, progress=progress), ()
            if method == "gradient":
                raise UsageError(f"no gradients: {why}; use the method 'evolution'")
        found = evolve(
            self.problem, start, np.random.default_rng(seed), evaluations=EVALUATIONS * steps, progress=progress
        )  # fmt: skip
        return "evolution", found, (f"searched without gradients: {why}",) if why else ()

    def _obstacle(self) -> str:
        """Why there are no gradients; empty where there are."""
        if not isinstance(self.listener, Differentiable):
            return f"embedding '{self.listener.name}' has no tensor()"
        try:
            self._module = default_host().service("rack-module")(self.desk.rack, self.dry.sample_rate)
        except (PluginError, RoutingError) as error:
            return str(error)
        return ""

    def parent(self) -> Preset:
        """The nearest candidate as a preset."""
        assert self.source is not None
        return self.source.preset(self.source.names.index(self.names[self.best]))


def _audio(thing: Any) -> Audio:
    return thing if isinstance(thing, Audio) else read(Path(thing))


def _levels(rack: Any, dry: Audio, wanted: float) -> tuple[str, ...]:
    """Set the gains before and after the rack; what a person should know where it lacks them."""
    have = rack.parameters()
    notes = []
    if "pre.level" in have:
        rack.set("pre.level", float(np.clip(gain_to(dry, LEVEL), have["pre.level"].lo, have["pre.level"].hi)))
    else:
        notes.append(f"the rack has no gain 'pre': bring the vocal to {LEVEL:g} LUFS before it")
    if "master.post.level" in have and np.isfinite(wanted):
        now = loudness(render(rack, dry, tail=False))
        if np.isfinite(now):
            gain = have["master.post.level"]
            level = rack.get("master.post.level") + wanted - now
            rack.set("master.post.level", float(np.clip(level, gain.lo, gain.hi)))
    else:
        notes.append("the rack has no gain 'post' in its master: the match is not as loud as the reference")
    return tuple(notes)
