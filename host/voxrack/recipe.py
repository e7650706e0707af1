"""What a recipe is: how a learned device is prepared, trained and evaluated. Nothing heavy is imported here.

Three stages. ``prepare`` reads recordings and writes a feature file (it may use every library); ``train`` makes
a run folder from a feature file (torch, numpy, safetensors and, if importable, Fabric); ``evaluate`` trains and
tests over the splits of a protocol and gives a report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from .errors import PluginError, UsageError
from .params import Param, check_values, read_value, suggest

if TYPE_CHECKING:
    from .datasets import Corpus, Split
    from .feature_file import FeatureFile, FeatureWriter
    from .task import Task

Progress = Callable[..., Any]  # called with the finished share, 0 … 1, and optionally a text
STAGES = ("prepare", "train", "evaluate")


@dataclass(frozen=True, slots=True)
class RecipeSpec:
    """Everything the host must know of a recipe before it imports the recipe's code.

    Parameters
    ----------
    id : str
        The id of the device it makes; a recipe that makes none has an id of its own family (``"ser.crnn_raw"``).
    device : str
        Id of the device that loads what it trains; empty for a recipe that serves comparison only.
    factory : str
        ``"module:function"``, imported at first use, called ``factory(**options)`` with every option's checked
        value (and ``needs={role: device}`` where ``needs`` is not empty; it is ``{}`` when training and evaluating);
        returns a :class:`Recipe`.
    stages : tuple of str
        Of ``prepare``, ``train``, ``evaluate``.
    needs : mapping of str to str
        Roles of devices that preparing asks for, as in a device's specification. An option of a role's name takes the
        id of the device; where it is empty, or there is no such option, it is the first available one of that role.
    options : tuple of Param
        Checked as a device's parameters are. ``structural=True`` marks an option of the features: the feature
        file stores its value, and training takes it from there; the others are chosen when training.
    protocols : tuple of str
        Names that ``train --protocol`` and ``evaluate --protocol`` take; the first is the default of evaluating.
    title, summary : str
    noise : bool
        Whether preparing takes noise sets beside speech (``--noise``, and ``--unmatched`` for testing only): they
        come as utterances of the corpus, as :meth:`voxrack.datasets.NoiseSet.corpus` makes them.
    """

    id: str
    device: str
    factory: str
    stages: tuple[str, ...] = STAGES
    needs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    options: tuple[Param, ...] = ()
    protocols: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    noise: bool = False


class Report(Protocol):
    """What an evaluation found."""

    def tables(self) -> None:
        """Print itself as tables on standard output."""
        ...

    def json(self) -> dict[str, Any]:
        """The same numbers, as JSON can hold them."""
        ...

    def plot(self, path: Path) -> Any:
        """Draw it (.png, .svg, .pdf)."""
        ...


class Recipe(Protocol):
    """The code behind a :class:`RecipeSpec`."""

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Progress) -> None:
        """Add every utterance of ``corpus`` to ``writer``; :func:`voxrack.preparation.extract` does the walking."""
        ...

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> Task:
        """What is trained on ``split.train``; ``epochs`` None is the recipe's own number.

        The caller has seeded torch's generator (:func:`voxrack.task.seeded`), so initial weights follow the seed.
        """
        ...

    def evaluate(
        self,
        features: FeatureFile,
        *,
        protocol: str,
        folds: Sequence[str],
        validation_speakers: int,
        seeds: int | None,
        folder: Path,
        epochs: int | None,
        tier: str,
        workers: int,
        progress: Progress,
    ) -> Report:
        """Train and test over every split of ``protocol`` with several seeds; runs are kept in ``folder``.

        ``folds`` (numbers from 1, or names) keeps to some of the splits. With ``validation_speakers`` that many
        training speakers of each split choose the epoch, else the last one counts.
        ``tier`` is ``"cpu"``, ``"full"`` or empty (the recipe chooses); ``seeds`` and ``epochs`` None are the tier's.
        """
        ...


def options(spec: RecipeSpec, settings: Iterable[tuple[str, str]] | Mapping[str, Any] = ()) -> dict[str, Any]:
    """Every option's value: the defaults overlaid with ``settings`` (texts are read as a person types them).

    Raises
    ------
    ParamError
        An unknown option, or a value that it does not take; the message names both.
    """
    given: dict[str, Any] = dict(settings)
    table = {param.id: param for param in spec.options}
    values = {id: read_value(table[id], value) if id in table else value for id, value in given.items()}
    return check_values(spec.options, values, f"recipe {spec.id}")


def structural(spec: RecipeSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that the features depend on: what a feature file stores."""
    return {param.id: values[param.id] for param in spec.options if param.structural}


def options_for(
    spec: RecipeSpec, stored: Mapping[str, Any], settings: Iterable[tuple[str, str]] | Mapping[str, Any] = ()
) -> dict[str, Any]:
    """Options for training on features that were prepared with ``stored``.

    Raises
    ------
    UsageError
        A setting asks for other features than the file holds.
    """
    given: dict[str, Any] = dict(settings)
    asked = options(spec, given)
    for param in spec.options:
        if not param.structural:
            continue
        if param.id not in stored:
            raise UsageError(
                f"the features say nothing of recipe {spec.id}'s option '{param.id}': they were prepared by another "
                f"version; prepare them again (voxrack prepare {spec.id})"
            )
        held = param.check(stored[param.id])
        if param.id in given and asked[param.id] != held:
            raise UsageError(
                f"option '{param.id}' is {param.to_text(held)} in the features, {param.to_text(asked[param.id])} was "
                f"asked for; prepare again with --set {param.id}={param.to_text(asked[param.id])}, or leave it out"
            )
        asked[param.id] = held
    return asked


def create(spec: RecipeSpec, values: Mapping[str, Any], needs: Mapping[str, Any] | None = None) -> Recipe:
    """Import the recipe's code and make it with checked ``values``."""
    module, colon, attribute = spec.factory.partition(":")
    if not colon:
        raise PluginError(f"recipe '{spec.id}': factory '{spec.factory}' is not of the form module:function")
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"recipe '{spec.id}' stands for '{spec.factory}', which cannot be imported: {error}"
        ) from error
    return factory(**values, **({"needs": dict(needs or {})} if spec.needs else {}))


def named_needs(spec: RecipeSpec, values: Mapping[str, Any]) -> dict[str, str]:
    """Ids of the devices that the options name for the roles that the recipe needs."""
    return {role: values[role] for role in spec.needs if values.get(role)}


def check_stage(spec: RecipeSpec, stage: str) -> None:
    """UsageError where the recipe has no such stage."""
    if stage not in spec.stages:
        raise UsageError(f"recipe {spec.id} has no stage '{stage}'; it has {', '.join(spec.stages)}")


def find(recipes: Mapping[str, RecipeSpec], id: str) -> RecipeSpec:
    """The recipe of that id; UsageError with the nearest name where there is none."""
    if id not in recipes:
        raise UsageError(f"there is no recipe '{id}'{suggest(id, recipes)}")
    return recipes[id]


def check_recipe(spec: Any) -> str:
    """What is wrong with a specification; empty where nothing is."""
    if not isinstance(spec, RecipeSpec):
        return "which is no recipe (a voxrack.recipe.RecipeSpec)"
    if ":" not in spec.factory:
        return f"whose factory '{spec.factory}' is not of the form module:function"
    strange: Sequence[str] = [stage for stage in spec.stages if stage not in STAGES]
    if strange:
        return f"whose stage '{strange[0]}' is unknown; there are {', '.join(STAGES)}"
    ids = [param.id for param in spec.options]
    twice = [id for id in ids if ids.count(id) > 1]
    if twice:
        return f"whose option '{twice[0]}' is there twice"
    try:
        check_values(spec.options, {}, "its options")
    except UsageError as error:
        return f"whose defaults do not fit: {error}"
    return ""
