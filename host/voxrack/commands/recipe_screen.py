"""What a person sees of recipes: how far preparing and training are, on standard error, and tables at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Stopped, UsageError
from ..pace import State, duration
from . import common
from .listing import _default, _param, _range

if TYPE_CHECKING:
    from ..feature_file import FeatureFile
    from ..recipe import RecipeSpec
    from ..runs import Run

EVERY = 10.0  # seconds between lines where nobody watches a terminal
ROWS = 20  # recordings left out that are shown


class Steps:
    """Progress of what has a share (0 … 1) and a text: a bar on a terminal, a line now and then elsewhere.

    Parameters
    ----------
    text : str
        What is being done.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._bar = common.Bar(text)
        self._next = time.monotonic() + EVERY

    def __enter__(self) -> Steps:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(None, None, None)

    def __call__(self, share: float, text: str = "") -> None:
        line = f"{self._text} · {text}" if text else self._text
        self._bar.to(share, line)
        if not common.stderr_is_terminal() and time.monotonic() >= self._next:
            common.say(f"{line} · {100 * share:.0f} %")
            self._next = time.monotonic() + EVERY


class Training:
    """Progress of a training; with ``--json`` each epoch's line on standard output. Tells how to go on when stopped."""

    def __init__(self, id: str, folder: str, as_json: bool) -> None:
        self._folder, self._as_json = folder, as_json
        self._bar = common.Bar(id)
        self._next = time.monotonic() + EVERY
        self._state: State | None = None

    def __enter__(self) -> Training:
        self._bar.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        self._bar.__exit__(None, None, None)
        if self._state is not None and isinstance(error, (KeyboardInterrupt, Stopped)):
            common.say(f"voxrack: {self._state.text()}; {self._folder} is saved, the same command goes on")

    def __call__(self, state: State) -> None:
        self._state = state
        if state.line is not None and self._as_json:
            common.emit(state.line)
        self._bar.to(state.share, state.text())
        if not common.stderr_is_terminal() and time.monotonic() >= self._next:
            common.say(state.text())
            self._next = time.monotonic() + EVERY


# ---- recipes ------------------------------------------------------------------------------------
def about(spec: RecipeSpec) -> dict[str, Any]:
    """The specification as plain JSON."""
    plain = ("id", "device", "title", "summary", "stages", "protocols", "factory", "noise")
    options = [_param(param) for param in spec.options]
    return {**{name: getattr(spec, name) for name in plain}, "needs": dict(spec.needs), "options": options}


def show_recipe(spec: RecipeSpec) -> None:
    """One recipe with its options."""
    common.write(f"{spec.id} · {spec.title or 'recipe'}")
    if spec.summary:
        common.write(spec.summary)
    facts = [f"makes the device {spec.device}" if spec.device else "for comparison; makes no device"]
    facts += ["stages " + ", ".join(spec.stages)]
    facts += ["protocols " + ", ".join(spec.protocols)] if spec.protocols else []
    facts += ["takes --noise"] if spec.noise else []
    common.write(" · ".join(facts))
    rows = [
        (param.id, _default(param), _range(param), "features" if param.structural else "training", param.help)
        for param in spec.options
    ]
    if rows:
        common.write("")
        common.table(("option", "default", "range", "of", "help"), rows)


# ---- features -----------------------------------------------------------------------------------
def open_features(path: str | Path, spec: RecipeSpec) -> FeatureFile:
    """A feature file of that recipe; UsageError where it is another's."""
    from ..feature_file import FeatureFile

    file = FeatureFile(path)
    if file.recipe != spec.id:
        raise UsageError(f"{path} was prepared for recipe {file.recipe}, not for {spec.id}; name another file")
    return file


def choose_features(paths: Sequence[str], spec: RecipeSpec, settings: Sequence[str]) -> FeatureFile:
    """Of several feature files the recipe's own with the options that ``settings`` ask for; UsageError without one."""
    from ..feature_file import FeatureFile
    from ..recipe import options_for

    if len(paths) == 1:
        return open_features(paths[0], spec)
    own = [file for file in map(FeatureFile, paths) if file.recipe == spec.id]
    for file in own:
        try:
            options_for(spec, file.options, common.split_settings(settings))
        except UsageError:
            continue
        return file
    given = f" with {', '.join(settings)}" if own and settings else ""
    raise UsageError(f"none of {', '.join(map(str, paths))} was prepared for {spec.id}{given}; name its file too")


def show_features(file: FeatureFile, notes: Sequence[str], as_json: bool) -> int:
    """What was prepared; returns the exit code: 1 where recordings were left out."""
    corpora: dict[str, dict[str, Any]] = {}
    for item in file.items:
        row = corpora.setdefault(item.corpus, {"utterances": 0, "speakers": set(), "classes": {}, "seconds": 0.0})
        row["utterances"] += 1
        row["seconds"] += item.duration
        row["speakers"].update([item.speaker] if item.speaker else [])
        row["classes"][item.label] = row["classes"].get(item.label, 0) + 1
    names = {name: {"frames": int(file.lengths(name).sum()), "shape": list(file.shape(name))} for name in file.names}
    size = file.path.stat().st_size
    if as_json:
        counted = {name: {**row, "speakers": len(row["speakers"])} for name, row in corpora.items()}
        common.emit({
            "file": str(file.path), "bytes": size, "recipe": file.recipe, "options": file.options,
            "utterances": len(file), "corpora": counted, "features": names, "digest": file.digest,
            "failures": [{"id": id, "error": why} for id, why in file.failures], "notes": list(notes),
        })  # fmt: skip
        return 1 if file.failures else 0
    rows = [
        (name, row["utterances"], len(row["speakers"]), duration(row["seconds"]), _classes(row["classes"]))
        for name, row in corpora.items()
    ]
    right = ("utterances", "speakers", "audio")
    common.table(("corpus", "utterances", "speakers", "audio", "classes"), rows, right=right)
    common.write("")
    shapes = [
        (name, f"{about['frames']:,}", " × ".join(map(str, about["shape"])) or "1") for name, about in names.items()
    ]
    common.table(("features", "frames", "values a frame"), shapes, right=("frames", "values a frame"))
    common.write(f"{file.path}: {size / 1e6:.1f} MB")
    for note in notes:
        common.write(f"note: {note}")
    if file.failures:
        common.write(f"{len(file.failures)} recordings left out:")
        common.table(("recording", "what went wrong"), file.failures[:ROWS])
        if len(file.failures) > ROWS:
            common.write(f"… and {len(file.failures) - ROWS} more")
    return 1 if file.failures else 0


def _classes(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label or 'unlabelled'} {count}" for label, count in sorted(counts.items()))


# ---- runs ---------------------------------------------------------------------------------------
def show_run(run: Run, as_json: bool) -> int:
    """How a training ended; returns the exit code: 1 where it was asked to stop."""
    if not run.leading:
        return 0
    status = run.status()
    if as_json:
        common.emit({"run": {**status, "model": str(run.model_file) if run.finished else None}})
        return 0 if run.finished else 1
    if status["last"]:
        common.write(measures(status["last"]))
    if run.finished:
        common.write(f"finished ({status['why']}); the model of epoch {run.outcome['exported']} is {run.model_file}")
        return 0
    common.write(f"{status['state']} ({status['why']}); the same command goes on")
    return 1


def show_runs(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """A line for each run."""
    if as_json:
        for status in found:
            common.emit(status)
        return
    rows = [
        (status["folder"], status["state"], f"{status['epoch']} of {status['epochs']}", status["best"] or "",
         measures(status["last"]) if status["last"] else "", status["why"] or status["holder"])
        for status in found
    ]  # fmt: skip
    common.table(("run", "state", "epoch", "best", "last measures", "why"), rows, right=("epoch", "best"))


def measures(line: Mapping[str, Any]) -> str:
    """``"epoch 3: loss 0.91, accuracy 0.6 · validation uar 0.5 · 4.1 s"``."""
    parts = [f"epoch {line['epoch']}: {_numbers(line['train'])}"]
    parts += [f"validation {_numbers(line['validation'])}"] if line["validation"] else []
    return " · ".join([*parts, f"{line['seconds']:.3g} s"])


def _numbers(values: Mapping[str, float | None]) -> str:
    return ", ".join(f"{key} {'not finite' if value is None else f'{value:.4g}'}" for key, value in values.items())
