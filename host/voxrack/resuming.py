"""Going on with a training from its run folder alone: what was asked stands in ``config.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, UsageError
from .recipe import RecipeSpec
from .runs import Run

if TYPE_CHECKING:
    from .datasets import Item
    from .feature_file import FeatureFile

Features = str | os.PathLike[str]


def noted_features(run: Run) -> Path | None:
    """The feature file that the latest session was trained from; None where ``config.json`` names none.

    An older voxrack wrote none down, and on another machine the path leads nowhere.
    """
    noted = [session["features"] for session in run.config()["sessions"] if session.get("features")]
    return Path(noted[-1]) if noted else None


def lacking(run: Run, recipes: Mapping[str, RecipeSpec], features: Features = "") -> str:
    """What a run lacks to go on, in words; empty where it lacks nothing.

    Parameters
    ----------
    run : Run
    recipes : mapping of str to RecipeSpec
        Those that are installed.
    features : str or Path
        Its feature file; empty: the one that ``config.json`` names.
    """
    asked = run.config()["asked"]
    name = asked.get("recipe", "")
    if not name:
        return "it was begun by a program and not by a recipe: only that program goes on"
    if "options" not in asked:
        return f"it belongs to an evaluation of {name}: the `voxrack evaluate` that began it goes on with all its runs"
    if name not in recipes:
        return f"its recipe '{name}' is not installed here"
    file = Path(features) if features else noted_features(run)
    if file is None:
        return "it needs its feature file (features=…), which config.json does not name: an older voxrack began it"
    if not file.is_file():
        return f"it needs its feature file (features=…): {file} is not there"
    return ""


def resume(run: Run, recipes: Mapping[str, RecipeSpec], features: Features = "", **how: Any) -> Run:
    """Go on where a run stands, with what was asked of it before; a finished one is returned as it is.

    Parameters
    ----------
    run : Run
    recipes, features
        As for :func:`lacking`.
    **how
        ``accelerator``, ``progress``, ``stop`` of :func:`voxrack.loop.train`.

    Raises
    ------
    UsageError
        What it lacks; the features are not those that it was begun with.
    """
    from .feature_file import FeatureFile
    from .training import train_recipe

    asked = run.config()["asked"]
    if run.finished:
        return run
    if lack := lacking(run, recipes, features):
        raise UsageError(f"{run.folder} cannot go on from its folder alone: {lack}")
    file = FeatureFile(features or noted_features(run) or "")
    if file.digest != asked["features"]:
        raise UsageError(
            f"{file.path} holds other features than {run.folder} was begun with (digest {file.digest[:12]}…, "
            f"{asked['features'][:12]}… there); name the file that it was trained from"
        )
    return train_recipe(
        recipes[asked["recipe"]], file, run.folder, settings=asked["options"], **_split_options(asked, file),
        seed=asked["seed"], epochs=asked["epochs"], devices=asked["devices"], precision=asked["precision"], **how,
    )  # fmt: skip


def _split_options(asked: Mapping[str, Any], file: FeatureFile) -> dict[str, Any]:
    """Protocol, fold and number of validation speakers that give the split whose digest the run keeps."""
    from .training import ALL, choose_split, described

    protocol, wanted = asked["protocol"], asked["split"]
    fold = "" if protocol == ALL else wanted["name"]
    for count in range(_speakers(file.items) if wanted["validation"] else 1):
        try:
            split = choose_split(file.items, protocol, fold, count, asked["seed"])
        except (InputError, UsageError):  # more speakers held back than this split can spare
            break
        if described(split, file.items) == wanted:
            return {"protocol": protocol, "fold": fold, "validation_speakers": count}
    raise UsageError(
        f"{file.path} gives no split '{wanted['name']}' of protocol '{protocol}' as the run had it: this voxrack "
        "splits otherwise; go on with the version that began it"
    )


def _speakers(items: tuple[Item, ...]) -> int:
    return len({item.speaker for item in items if item.speaker})
