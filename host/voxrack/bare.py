"""Train on a bare machine: ``python -m voxrack.bare RECIPE FEATURES RUN``.

Needs torch, numpy and safetensors (and uses Lightning Fabric where it is there): no audio library, no click, no
pluggy, and voxrack itself need not be installed, only be on PYTHONPATH. The run folder is the one that
``voxrack train`` makes, and either goes on with the other's.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from .errors import Stopped, UsageError, VoxrackError
from .recipe import RecipeSpec, find
from .training import ALL, train_recipe

_EVERY = 10.0  # seconds between lines of progress


def recipes() -> dict[str, RecipeSpec]:
    """Recipes of the plugins that are installed or whose packages ``voxrack_…`` can be imported.

    A plugin that cannot be imported here (it needs what this machine has not) is left out, and said so.
    """
    names = {point.value.partition(":")[0] for point in entry_points(group="voxrack.plugins")}
    names |= {module.name for module in pkgutil.iter_modules() if module.name.startswith("voxrack_")}
    found: dict[str, RecipeSpec] = {}
    for name in sorted(names):
        try:
            offers = getattr(import_module(name), "voxrack_recipes", tuple)
        except ImportError as error:
            print(f"voxrack: plugin {name} cannot be imported here ({error})", file=sys.stderr)
            continue
        for spec in offers():
            found.setdefault(spec.id, spec)
    return found


def recipe(word: str) -> RecipeSpec:
    """The recipe of an id, or the one that ``module:NAME`` stands for."""
    module, colon, attribute = word.partition(":")
    if not colon:
        return find(recipes(), word)
    try:
        spec = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"'{word}' cannot be imported: {error}") from None
    if not isinstance(spec, RecipeSpec):
        raise UsageError(f"'{word}' is no RecipeSpec; give a recipe's id, or module:NAME of its specification")
    return spec


def main(words: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    asked = _parser().parse_args(words)
    try:
        from .feature_file import FeatureFile

        settings = [tuple(map(str.strip, word.split("=", 1))) for word in asked.set]
        if any(len(pair) != 2 for pair in settings):
            raise UsageError("--set takes OPTION=VALUE, for example width=256")
        run = train_recipe(
            recipe(asked.recipe), FeatureFile(asked.features), asked.run, settings=settings,  # pyright: ignore[reportArgumentType]
            protocol=asked.protocol, fold=asked.fold, validation_speakers=asked.validation, seed=asked.seed,
            epochs=asked.epochs, accelerator=asked.accelerator, devices=asked.devices, precision=asked.precision,
            progress=_Lines(),
        )  # fmt: skip
    except VoxrackError as error:
        print(f"voxrack: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Stopped) as error:
        print("voxrack: stopped; the same command goes on", file=sys.stderr)
        return error.exit_code if isinstance(error, Stopped) else 130
    if run.leading:
        print(json.dumps(run.status()))
    return 0 if run.finished else 1


class _Lines:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, state: Any) -> None:
        if time.monotonic() >= self._next or state.epoch == state.epochs:
            print(state.text(), file=sys.stderr, flush=True)
            self._next = time.monotonic() + _EVERY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m voxrack.bare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", help="id of a recipe, or module:NAME of its specification")
    parser.add_argument("features", help="what `voxrack prepare` wrote")
    parser.add_argument("run", help="folder of the run; goes on where it stands")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--protocol", default=ALL)
    parser.add_argument("--fold", default="")
    parser.add_argument("--validation", type=int, default=0, metavar="SPEAKERS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--precision", default="32-true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
