"""From fits to a collection, by the rules with which DiffVox chose its presets (spec, section 9)."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from voxrack.errors import InputError, UsageError

from .collection import Collection, Duplicates
from .runs import Run, find_runs

Rule = Literal["", "ended", "earlier", "loss", "not converged", "jitter"]


@dataclass(frozen=True)
class Rules:
    """Which fits are taken.

    Parameters
    ----------
    max_loss : float
        A fit whose lowest total is above is out.
    max_jitter : float
        One whose total changes by more than this from step to step, in the median, is out.
    converged : bool
        One that was at its best before the first step is out.
    latest : bool
        Of several fits to the same recordings only the last is taken.
    """

    max_loss: float = 4.0
    max_jitter: float = 0.2
    converged: bool = True
    latest: bool = True

    def __post_init__(self) -> None:
        for name in ("max_loss", "max_jitter"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}; it takes a number above 0, inf for no limit")


@dataclass(frozen=True)
class Verdict:
    """Whether a fit is taken: ``rule`` is empty, or the one that it breaks, and ``told`` says by how much."""

    run: Run
    rule: Rule = ""
    told: str = ""


def judge(runs: Sequence[Run], rules: Rules) -> list[Verdict]:
    """Every run with the first rule it breaks, in the order of the paper."""
    last: dict[str, Run] = {}
    for run in runs:
        if run.track and (run.track not in last or run.created >= last[run.track].created):
            last[run.track] = run
    return [_verdict(run, rules, last.get(run.track, run)) for run in runs]


def _verdict(run: Run, rules: Rules, last: Run) -> Verdict:
    if rules.latest and last is not run:
        return Verdict(run, "earlier", f"the same recordings were fitted again: {last.name}")
    if run.preset is None:
        return Verdict(run, "ended", run.ended)
    if run.best > rules.max_loss:
        return Verdict(run, "loss", f"its lowest total is {run.best:.3g}, above {rules.max_loss:g}")
    later = run.losses[1:][np.isfinite(run.losses[1:])]
    if rules.converged and later.size and run.losses[0] < later.min():
        return Verdict(run, "not converged", f"it began at {run.losses[0]:.3g} and never came below {later.min():.3g}")
    if run.jitter > rules.max_jitter:
        return Verdict(run, "jitter", f"its total jumps by {run.jitter:.3g} a step, above {rules.max_jitter:g}")
    return Verdict(run)


def survey(folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], rules: Rules) -> list[Verdict]:
    """Every fit in the folders, judged. Names that two folders share get the folder's in front."""
    roots = [folders] if isinstance(folders, (str, os.PathLike)) else list(folders)
    if not roots:
        raise UsageError("collect takes at least one folder of fits")
    found = [(Path(root), find_runs(Path(root))) for root in roots]
    names = [run.name for _, runs in found for run in runs]
    runs = []
    for root, members in found:
        for run in members:
            name = run.name if names.count(run.name) == 1 else f"{root.resolve().name}/{run.name}"
            runs.append(Run(name, run.place, run.preset, run.losses, run.about, run.ended))
    return judge(runs, rules)


def assemble(verdicts: Sequence[Verdict], duplicates: Duplicates = "refuse") -> Collection:
    """The collection of the runs that are taken; its remarks name the others.

    ``meta`` gains ``run``, ``first_loss``, ``best_loss``, ``jitter`` and what the batch's table told (``singer``).

    Raises
    ------
    InputError
        Where none is taken.
    """
    taken = [verdict.run for verdict in verdicts if not verdict.rule]
    left_out = [f"{v.run.name} left out ({v.rule}): {v.told}" for v in verdicts if v.rule]
    if not taken:
        raise InputError(f"none of {len(verdicts)} fits is taken; {left_out[0]}")
    presets = [run.preset for run in taken if run.preset is not None]
    made = Collection.of(presets, [run.name for run in taken], duplicates="keep")
    for key in sorted({key for run in taken for key in run.about} - set(made.meta.columns) - set(made.columns)):
        made.meta[key] = [run.about.get(key, "") for run in taken]
    made.meta["run"] = [str(run.place) for run in taken]
    made.meta["first_loss"] = [float(run.losses[0]) if run.losses.size else math.nan for run in taken]
    made.meta["best_loss"] = [run.best for run in taken]
    made.meta["jitter"] = [run.jitter for run in taken]
    from .checking import settle_duplicates

    settled = settle_duplicates(made, duplicates)
    remarks = (*left_out, *settled.remarks)
    return replace(settled, remarks=remarks)


def collect(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    max_loss: float = 4.0,
    max_jitter: float = 0.2,
    converged: bool = True,
    latest: bool = True,
    duplicates: Duplicates = "refuse",
) -> Collection:
    """Fits on disk as a collection.

    Parameters
    ----------
    folders : path or sequence of paths
        What ``voxrack batch fit`` made; a folder of run folders (``voxrack fit --run``); a folder of presets.
    max_loss, max_jitter, converged, latest
        See :class:`Rules`. The paper took MedleyDB's tracks with these defaults. A rule that needs the losses of the
        steps lets a fit pass that kept none.
    duplicates : {"refuse", "keep", "first"}
        What becomes of fits that agree in every value.

    Returns
    -------
    Collection
        Its ``remarks`` name every fit that was left out, and why.

    Raises
    ------
    InputError
        Where there is no fit, none is taken, or a file cannot be read.
    """
    return assemble(survey(folders, Rules(max_loss, max_jitter, converged, latest)), duplicates)
