"""Several evaluations side by side, tested in pairs over the same speakers, folds and seeds."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, UsageError
from .metrics_folder import MODEL, Evaluation, evaluations
from .metrics_intervals import Interval, bootstrap, evaluate
from .metrics_paired import CorrectedTest, PairedTest, corrected_t_test, holm, paired_test
from .metrics_predictions import Predictions

_ALL_PAIRS = 4  # systems of which every pair is tested; of more, each against the first


@dataclass(frozen=True)
class Pair:
    """Two systems and how they differ in unweighted recall.

    Parameters
    ----------
    first, second : str
    speakers : PairedTest
        By speaker, over pooled test clips.
    runs : CorrectedTest or None
        Over folds and seeds; None where there is one fold.
    adjusted : float
        The p-value of ``speakers``, adjusted for the number of pairs (Holm).
    """

    first: str
    second: str
    speakers: PairedTest
    runs: CorrectedTest | None
    adjusted: float = math.nan


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found: a figure for each system, a test for each pair."""

    protocol: str
    seeds: tuple[int, ...]
    systems: Mapping[str, Mapping[str, Interval]]
    pairs: tuple[Pair, ...]
    tiers: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return asdict(self)

    def tables(self) -> None:
        """Print the systems, then the pairs."""
        from .commands.common import table, write

        rows = [
            (name, str(found["accuracy"]), str(found["uar"]), self.tiers[name]) for name, found in self.systems.items()
        ]
        table(("", "test accuracy", "UAR", "tier"), rows, title=f"protocol {self.protocol}",
              right=("test accuracy", "UAR"))  # fmt: skip
        one = next(iter(self.systems.values()))["uar"]
        write(f"\nn = {one.n} test clips of {one.speakers} speakers, seeds {', '.join(map(str, self.seeds))}\n")
        cells = [
            (f"{pair.first} − {pair.second}",
             f"{pair.speakers.difference:+.3f} [{pair.speakers.low:+.3f}, {pair.speakers.high:+.3f}]",
             _p(pair.speakers.p), _p(pair.adjusted), "" if pair.runs is None else _p(pair.runs.p))
            for pair in self.pairs
        ]  # fmt: skip
        table(("difference", "UAR", "p", "p, Holm", "p, folds × seeds"), cells,
              right=("UAR", "p", "p, Holm", "p, folds × seeds"))  # fmt: skip
        by = self.pairs[0].speakers.by
        write(
            f"\np: {by}s' answers exchanged between the two (sign-flip permutation); intervals draw {by}s; "
            f"Holm: for {len(self.pairs)} pair{'s' * (len(self.pairs) > 1)}.\n"
            "folds × seeds: corrected resampled t-test (Nadeau and Bengio), the more lenient of the two."
        )

    def plot(self, path: Path) -> None:
        """Draw the systems' unweighted recall with intervals (.png, .svg, .pdf)."""
        from .notebook.curves import compared

        compared(self, path)


def compare(folders: Sequence[str | os.PathLike[str]], *, baselines: bool = False, n: int = 10_000) -> Comparison:
    """Compare finished evaluations of one protocol, over the seeds that all of them have.

    Every pair of up to four systems is tested; of more, each against the first.

    Parameters
    ----------
    folders : sequence of path
        Each an evaluation's folder, or one with several below it.
    baselines : bool
        Also compare with the first one's baselines.
    n : int
        Draws and exchanges of a test.

    Raises
    ------
    UsageError
        Fewer than two evaluations, or different protocols.
    InputError
        Evaluations without a common seed, unfinished, or not about the same clips.
    """
    found = [one for folder in folders for one in evaluations(folder)]
    if len(found) + baselines < 2:
        raise UsageError(f"there is {len(found)} evaluation to compare; name two folders or more")
    protocols = sorted({str(one.about["protocol"]) for one in found})
    if len(protocols) > 1:
        raise UsageError(f"evaluations of different protocols cannot be compared: {', '.join(protocols)}")
    seeds = tuple(sorted(set.intersection(*(set(one.seeds) for one in found))))
    if not seeds:
        raise InputError("the evaluations have no seed in common; run them with the same number of seeds")
    answers = {name: _answers(one, MODEL, seeds) for name, one in _names(found).items()}
    tiers = dict(zip(answers, (str(one.about["tier"]) for one in found)))
    if baselines:
        for system, name in found[0].about["systems"].items():
            if system != MODEL:
                answers[name], tiers[name] = _answers(found[0], system, seeds), ""
    shares = [split["test"] / split["train"] for split in found[0].about["splits"]]
    names = list(answers)
    wanted = list(combinations(names, 2)) if len(names) <= _ALL_PAIRS else [(names[0], other) for other in names[1:]]
    pairs = [_pair(a, b, answers[a], answers[b], float(np.mean(shares)), n) for a, b in wanted]
    adjusted = holm([pair.speakers.p for pair in pairs])
    pairs = [Pair(p.first, p.second, p.speakers, p.runs, value) for p, value in zip(pairs, adjusted)]
    systems = {
        name: {measure: bootstrap(measure, _pooled(splits)) for measure in ("accuracy", "uar")}
        for name, splits in answers.items()
    }
    return Comparison(protocols[0], seeds, systems, tuple(pairs), tiers)


Answers = dict[str, tuple[Predictions, ...]]  # by split, one set for each seed (a baseline: one)


def _answers(one: Evaluation, system: str, seeds: Sequence[int]) -> Answers:
    found = one.by_split("test", system)
    if system != MODEL:
        return found
    places = [one.seeds.index(seed) for seed in seeds]
    return {split: tuple(runs[place] for place in places) for split, runs in found.items()}


def _pooled(splits: Answers) -> tuple[Predictions, ...]:
    parts = list(splits.values())
    return tuple(Predictions.joined([part[seed] for part in parts]) for seed in range(len(parts[0])))


def _pair(first: str, second: str, a: Answers, b: Answers, share: float, n: int) -> Pair:
    if set(a) != set(b):
        raise InputError(
            f"{first} and {second} were evaluated on different splits: {', '.join(sorted(set(a) ^ set(b)))}"
        )
    runs = None
    if len(a) > 1:
        differences = [
            _uar(a[split][min(seed, len(a[split]) - 1)]) - _uar(b[split][min(seed, len(b[split]) - 1)])
            for split in a for seed in range(max(len(a[split]), len(b[split])))
        ]  # fmt: skip
        runs = corrected_t_test(differences, share)
    return Pair(first, second, paired_test(_pooled(a), _pooled(b), "uar", n=n), runs)


def _uar(run: Predictions) -> float:
    return float(evaluate("uar", run, np.ones((1, len(run))))[0])


def _names(found: Sequence[Evaluation]) -> dict[str, Evaluation]:
    """By the recipe and those options in which its variants differ; where two are equal, by their folders."""
    options = [one.about.get("options", {}) for one in found]
    names = []
    for one in found:
        siblings = [own for own, other in zip(options, found) if other.about["recipe"] == one.about["recipe"]]
        keys = dict.fromkeys(key for own in siblings for key in own)
        names.append(one.named(key for key in keys if any(own.get(key) != siblings[0].get(key) for own in siblings)))
    return {name if names.count(name) == 1 else str(one.path): one for name, one in zip(names, found)}


def _p(value: float) -> str:
    if not math.isfinite(value):
        return "undefined"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
