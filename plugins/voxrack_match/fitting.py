"""Fitting: the numbers of a rack moved until a dry recording sounds like the record it ended up in.

The reference (spec section 9) takes 2000 steps of Adam at one learning rate from one fixed start. This one begins
where the recordings point to, steps on scales where equal steps sound alike, and lets the step size fall.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from voxrack import Preset, Rack
from voxrack.errors import UsageError

from .coordinates import Coordinates
from .damping import damped_echoes
from .levelled import Levelled, levelled
from .objective import Objective
from .optimiser import Descent, Plan, State, Vector
from .problem import Pair, prepare
from .racing import Race
from .rack_module import RackModule
from .realign import best_shift
from .result import FitResult, judge, render_preset
from .run import RunFolder, digest
from .screening import screened
from .start import echoes, starting_values
from .vocal import vocal_rack

STEPS = 400
RATE = 0.08
BATCH = 4  # chunks a step
EVERY = 25  # steps between checkpoints
RACE = 30  # steps from each start before the best of them goes on
REALIGNED = (60, 120, 240)  # steps before which the alignment is looked at again
SCREENED = 2  # chunks that the coarse search looks at
SAME = 0.1  # total below which the wet is all but the dry, and a fit had better begin at nothing


@dataclass(frozen=True)
class Progress:
    """What a callback gets after every step.

    Attributes
    ----------
    step, steps : int
    seconds, remaining : float
        Since the beginning; until the end as far as can be told.
    terms : dict
        The four terms of this step.
    total, best : float
        Of this step, and the lowest so far.
    values, preset : callable
        Plain values by address at this step; the same as a preset.
    """

    step: int
    steps: int
    seconds: float
    remaining: float
    terms: dict[str, float]
    total: float
    best: float
    values: Callable[[], dict[str, Any]]
    preset: Callable[[], Preset]


def fit(
    dry: Any,
    wet: Any,
    rack: Rack | Preset | None = None,
    *,
    steps: int | None = None,
    time_budget: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    start: Any = "auto",
    ablate: Sequence[str] = (),
    hold: Sequence[str] = (),
    callback: Callable[[Progress], Any] | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    rate: float = RATE,
    batch: int = BATCH,
    mode: Literal["exact", "paper"] = "exact",
    span: tuple[float, float] | None = None,
    name: str = "",
) -> FitResult:
    """Fit a rack to a pair of recordings.

    Parameters
    ----------
    dry, wet : Audio or path
        The recording before and after. Rates and lengths may differ; see :func:`voxrack_match.problem.prepare`.
    rack : Rack or Preset, optional
        Any rack of differentiable devices; by default :func:`voxrack_match.vocal_rack`. It gets a gain before and
        after where it has none.
    steps : int, optional
        At most; 400 by default. 0 only prepares and judges the start.
    time_budget : float, optional
        Seconds, at most; the schedule of the step size is stretched to it.
    seed : int
        Of the choice of chunks in long recordings.
    device : str
        ``"cpu"``, ``"cuda"``.
    start : {"auto", "typical", "neutral"}, Preset or path
        See :func:`voxrack_match.start.starting_values`.
    ablate : sequence of str
        Buses or slots to leave out: ``("delay", "reverb")``.
    hold : sequence of str
        Addresses, or prefixes of them, that are not to be moved.
    callback : callable, optional
        Called with a :class:`Progress` after every step; returning False stops the fit.
    run : path, optional
        Folder for metrics, checkpoints and the best preset.
    resume : bool
        Go on with the run in that folder.
    rate : float
        Learning rate at the beginning, in units of each number's own step.
    batch : int
        Chunks of 12 s rendered at each step.
    mode : {"exact", "paper"}
        Which modules are fitted.
    span : (float, float), optional
        Seconds of the recordings to use.
    name : str
        Of the preset.

    Returns
    -------
    FitResult

    Raises
    ------
    InputError
        For recordings that cannot be used (silent, empty, unreadable).
    UsageError
        For a rack that cannot be fitted, or an unknown name.
    """
    began = time.perf_counter()
    limit = _limits(steps, time_budget)
    pair = prepare(dry, wet, span=span)
    base = rack.rack() if isinstance(rack, Preset) else vocal_rack() if rack is None else rack
    desk = levelled(base, tuple(ablate), tuple(hold))
    before = judge(pair)
    same = start == "auto" and before["total"] < SAME
    values, origin = starting_values(desk.rack, pair, "transparent" if same else start)
    values |= {desk.pre: 0.0, desk.post: 0.0}
    _apply(desk.rack, values)
    module = RackModule(desk.rack, pair.sample_rate, mode)
    coordinates = Coordinates(desk.rack.layout(), values, desk.held, damped_echoes(module, desk.held))
    if not coordinates.size:
        raise UsageError("nothing to fit: the rack has no number that an optimiser may move, or all are held")
    objective = Objective(module, coordinates, pair, batch=batch, seed=seed, device=device)
    folder = RunFolder(run) if run is not None else None
    plan = Plan(limit[0], limit[1], rate)
    problem = digest(pair.dry, pair.wet, coordinates.names(), list(desk.held), mode, batch)
    config = {"problem": problem, "seed": seed, "steps": plan.steps, "rate": rate, "mode": mode, "batch": batch,
              "start": str(start), "device": device, "addresses": coordinates.names(),
              "sources": [str(path) for path in pair.sources]}  # fmt: skip
    stored = folder.begin(config, resume=resume) if folder else None
    starts = [values]
    if start == "auto" and not same and not stored:
        starts = screened(desk.rack, values, echoes(pair), lambda v: objective.judge(coordinates.pack(v), SCREENED))
        starts = starts if plan.steps >= 4 * RACE else starts[-1:]
        origin += "; levels, decay, echo and ballistics tried out"
    states = [State.join(stored)] if stored else [State.at(coordinates.pack(values)) for values in starts]
    objective.move(states[0].shift)
    whole = objective.judge if objective.partial else None
    bounds = (coordinates.low, coordinates.high)
    race = Race(states, lambda state: Descent(objective, coordinates.steps, *bounds, plan, state, whole, EVERY))
    history = folder.metrics() if folder and stored else []
    finish = _Finisher(pair, desk, coordinates, objective, name, before)
    _descend(race, history, folder, callback, finish)
    return finish.result(race.leader.state, history, origin, began)


def _limits(steps: int | None, time_budget: float | None) -> tuple[int, float]:
    if steps is not None and (steps != int(steps) or steps < 0):
        raise UsageError(f"steps is {steps}; it takes a whole number, 0 or more")
    if time_budget is not None and not time_budget > 0:
        raise UsageError(f"time_budget is {time_budget}; it takes seconds, above 0")
    return STEPS if steps is None else int(steps), math.inf if time_budget is None else float(time_budget)


def _apply(rack: Rack, values: dict[str, Any]) -> None:
    now = rack.values()
    for address, value in values.items():
        if address not in ("input", "offset") and not np.array_equal(now[address], value):
            rack.set(address, value)


def _descend(
    race: Race,
    history: list[dict[str, Any]],
    folder: RunFolder | None,
    callback: Callable[[Progress], Any] | None,
    finish: _Finisher,
) -> None:
    """Step until the plan is done; an interrupt ends it and keeps the best."""

    def take(descent: Descent) -> bool:
        point = descent.state.point
        line = descent.advance()
        history.append(line)
        if folder:
            folder.append(line)
            if descent.state.step % EVERY == 0 and not race.running:
                _checkpoint(folder, descent.state, finish)
        if callback is not None and callback(_progress(descent, line, point, finish)) is False:
            descent.state.notes.append(f"stopped after {descent.state.step} steps")
            return False
        return True

    try:
        going = race.run(RACE, take)
        while going and not race.leader.finished:
            if race.leader.state.step in REALIGNED:
                _realign(race.leader.state, finish.objective)
            going = take(race.leader)
        race.leader.weigh()
    except KeyboardInterrupt:
        state = race.leader.state
        state.notes.append(f"stopped by hand after {len(history)} steps; the best point so far was kept")
    if folder:
        _checkpoint(folder, race.leader.state, finish)


def _realign(state: State, objective: Objective) -> None:
    """Move the dry to where the best point so far matches best."""
    if not math.isfinite(state.best_total):
        return
    shift, _ = best_shift(lambda k: objective.judge_at(state.best, k, SCREENED), state.shift)
    if shift != state.shift:
        objective.move(shift)
        state.notes.append(f"step {state.step}: the dry was moved by {shift - state.shift:+d} samples")
        state.shift, state.best_total = shift, objective.judge(state.best)


def _checkpoint(folder: RunFolder, state: State, finish: _Finisher) -> None:
    folder.save(*state.split())
    finish.preset(state.best, {"fit": state.best_total} if math.isfinite(state.best_total) else {}).save(
        folder.path / "best.json"
    )


def _progress(descent: Descent, line: dict[str, Any], point: Vector, finish: _Finisher) -> Progress:
    state, plan = descent.state, descent.plan
    share = max(state.step / plan.steps, state.seconds / plan.time_budget)
    terms = {key: line[key] for key in ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms")}
    total = math.nan if line["total"] is None else line["total"]
    return Progress(
        state.step, plan.steps, state.seconds, state.seconds * max(0.0, 1 / share - 1), terms, total,
        state.best_total, lambda: finish.coordinates.plain(point), lambda: finish.preset(point, {}),
    )  # fmt: skip


class _Finisher:
    """Turns a point into a preset with levels, and the state into a result."""

    def __init__(
        self, pair: Pair, desk: Levelled, coordinates: Coordinates, objective: Objective, name: str,
        before: dict[str, float],
    ) -> None:  # fmt: skip
        self.pair, self.desk, self.coordinates, self.before = pair, desk, coordinates, before
        self.objective = objective
        self.name = name or (pair.sources[1].stem if pair.sources else "fitted")

    def preset(self, point: Vector, losses: dict[str, float]) -> Preset:
        pair, desk = self.pair, self.desk
        rack = desk.rack.copy()
        _apply(rack, self.coordinates.plain(point))
        rack.set(desk.pre, pair.dry_gain)
        rack.set(desk.post, rack.get(desk.post) - pair.wet_gain)
        rack.set("offset", 1000.0 * (pair.offset + self.objective.shift) / pair.sample_rate)
        return Preset.of(
            rack, name=self.name, about="Fitted to a recording.", tags=["fit"], how="fit", losses=losses,
            sources=pair.sources,
        )  # fmt: skip

    def result(self, state: State, history: list[dict[str, Any]], origin: str, began: float) -> FitResult:
        pair = self.pair
        draft = self.preset(state.best, {})
        before = self.before
        after = judge(pair, render_preset(draft, pair.source))
        notes = [*pair.notes, f"began at {origin}", *state.notes]
        preset = self.preset(state.best, dict(after))
        result = FitResult(
            preset, before, after, history, tuple(notes), time.perf_counter() - began, state.step, pair
        )  # fmt: skip
        if result.improved:
            return result
        told = "no improvement over the unprocessed dry: the wet may not come from this dry, or not through such a rack"
        return FitResult(preset, before, after, history, (*notes, told), result.seconds, state.step, pair)
