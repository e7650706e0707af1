"""The figures of an evaluation: recall by system and condition, paired tests, and the numbers behind the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from voxrack.metrics import Predictions, bootstrap, holm, over_seeds, paired_test

from ..specs_trnet import SYSTEMS
from .answers import Answers
from .conditions import CLEAN, MATCHED, UNMATCHED, Condition, noisy
from .folder import TrnetEvaluation
from .representation import representation
from .trust import trust

PLACES: dict[str, tuple[Condition, ...]] = {
    "clean": (CLEAN,), MATCHED: noisy(MATCHED), UNMATCHED: noisy(UNMATCHED),
}  # fmt: skip
"""Where a figure is the mean over: as in the paper, noise counts as the mean over its five ratios."""
MEASURES = {"uar": "UAR", "accuracy": "WAR"}
WEIGHING = ("trnet", "no_low", "no_high", "snr")  # the systems with a coefficient
SHOWN = ("c", "e", "trnet")  # the systems whose representations are drawn
DRAWS, EXCHANGES = 1000, 4096  # of a bootstrap; of a test, which tries all exchanges of up to 12 speakers

Runs = Sequence[Answers]


def figures(evaluation: TrnetEvaluation) -> dict[str, Any]:
    """All that tables and pictures show, as JSON can hold it.

    Clips on all splits are pooled, so every test clip counts once. Intervals and tests draw and exchange speakers, the
    same ones at every ratio and for every seed, since clips of one speaker, and ratios of one clip, are alike.
    """
    pooled = {system: evaluation.pooled(system) for system in SYSTEMS}
    single = {system: evaluation.answers(system) for system in SHOWN}
    return {
        "systems": {system: _recalls(runs) for system, runs in pooled.items()},
        "tests": {place: _tests(pooled, conditions) for place, conditions in PLACES.items()},
        "trust": {system: trust(pooled[system]) for system in WEIGHING},
        "representation": {
            system: representation([run for runs in parts.values() for run in runs])
            for system, parts in single.items()
        },
    }  # fmt: skip


def _recalls(runs: Runs) -> dict[str, Any]:
    """By place (its mean over the ratios), and under ``conditions`` by condition."""
    out: dict[str, Any] = {"conditions": {}}
    for place, conditions in PLACES.items():
        told = _predictions(runs, conditions)
        per_seed = [[over_seeds(m, _predictions([run], conditions))[0] for run in runs] for m in MEASURES]
        out[place] = {
            measure: {
                **asdict(bootstrap(measure, told, n=DRAWS)),
                "seed_deviation": float(np.std(found, ddof=1)) if len(found) > 1 else None,
            }
            for measure, found in zip(MEASURES, per_seed, strict=True)
        }  # fmt: skip
        for condition in conditions:
            one = _predictions(runs, (condition,))
            out["conditions"][condition.name] = {measure: over_seeds(measure, one)[0] for measure in MEASURES}
    return out


def _predictions(runs: Runs, conditions: Sequence[Condition]) -> tuple[Predictions, ...]:
    """One set for each seed and ratio: their mean is the figure, and a draw of speakers is the same in all."""
    return tuple(run.predictions(condition) for run in runs for condition in conditions)


def _tests(pooled: Mapping[str, Runs], conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    """TRNet against each of the others in unweighted recall; p adjusted for their number."""
    own, out = _predictions(pooled["trnet"], conditions), []
    for system in SYSTEMS[1:]:
        found = paired_test(own, _predictions(pooled[system], conditions), n=EXCHANGES)
        out.append({"against": system, **asdict(found)})
    for row, adjusted in zip(out, holm([row["p"] for row in out]), strict=True):
        row["adjusted"] = adjusted
    return out
