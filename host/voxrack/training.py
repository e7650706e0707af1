"""From a recipe and a feature file to a run: what ``voxrack train`` and ``python -m voxrack.bare`` both do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .recipe import RecipeSpec, check_stage, create, options_for

if TYPE_CHECKING:
    from .datasets import Item, Split
    from .feature_file import FeatureFile
    from .recipe import Recipe
    from .runs import Run

ALL = "all"  # the protocol that tests nobody: train on everything


def train_recipe(
    spec: RecipeSpec,
    features: FeatureFile,
    folder: str | os.PathLike[str],
    *,
    settings: Iterable[tuple[str, str]] | Mapping[str, Any] = (),
    protocol: str = ALL,
    fold: str = "",
    validation_speakers: int = 0,
    seed: int = 0,
    epochs: int | None = None,
    **how: Any,
) -> Run:
    """Train on one split of a feature file.

    Parameters
    ----------
    spec : RecipeSpec
    features : FeatureFile
        Prepared by this recipe.
    folder : str or Path
        Of the run; goes on where it stands.
    settings : pairs or mapping
        Options other than the defaults and those of the features.
    protocol, fold : str
        ``"all"`` trains on everything; of a protocol with several splits, a number from 1 or a split's name.
    validation_speakers : int
        Speakers who leave the training set to choose the best epoch.
    seed, epochs
        See :func:`voxrack.loop.train`.
    **how
        ``accelerator``, ``devices``, ``precision``, ``resume``, ``progress``, ``stop`` of :func:`voxrack.loop.train`.

    Raises
    ------
    UsageError, InputError
        The features are another recipe's or were prepared with other options, the split is not there, and what
        :func:`voxrack.loop.train` refuses.
    """
    check_stage(spec, "train")
    if features.recipe != spec.id:
        raise UsageError(
            f"{features.path} was prepared for recipe {features.recipe}, not for {spec.id}; prepare it with "
            f"`voxrack prepare {spec.id}`"
        )
    values = options_for(spec, features.options, settings)
    split = choose_split(features.items, protocol, fold, validation_speakers, seed)
    about = {"recipe": spec.id, "options": values, "protocol": protocol}
    return train_split(create(spec, values), features, split, folder, seed=seed, epochs=epochs, about=about, **how)


def train_split(
    recipe: Recipe,
    features: FeatureFile,
    split: Split,
    folder: str | os.PathLike[str],
    *,
    seed: int,
    epochs: int | None = None,
    about: Mapping[str, Any] | None = None,
    **how: Any,
) -> Run:
    """Train a recipe on one split: initial weights, batches and all else follow ``seed``."""
    from .loop import train
    from .task import seeded

    with seeded(seed, "weights"):
        task = recipe.task(features, split, seed=seed, epochs=epochs)
    known = {**(about or {}), "features": features.digest, "split": described(split, features.items)}
    note = {"features": str(features.path.absolute())}
    return train(task, folder, seed=seed, epochs=epochs, about=known, note=note, **how)


def choose_split(
    items: tuple[Item, ...], protocol: str, fold: str = "", validation_speakers: int = 0, seed: int = 0
) -> Split:
    """One split of a protocol; see :func:`train_recipe`."""
    from .datasets import splits

    if protocol == ALL:
        return _everything(items, validation_speakers, seed)
    every = splits(items, protocol, validation_speakers=validation_speakers, seed=seed)
    return every[0] if len(every) == 1 and not fold else pick(every, protocol, fold)


def pick(every: Sequence[Split], protocol: str, fold: str) -> Split:
    """The split that ``fold`` means: a number from 1, or a name."""
    names = [split.name for split in every]
    if fold.isdecimal() and 1 <= int(fold) <= len(every):
        return every[int(fold) - 1]
    if fold in names:
        return every[names.index(fold)]
    listed = ", ".join(names[:8]) + (" …" if names[8:] else "")
    said = f"there is no fold '{fold}'" if fold else "say which with --fold"
    raise UsageError(f"protocol '{protocol}' has {len(every)} splits ({listed}); {said}: 1 to {len(every)}, or a name")


def described(split: Split, items: tuple[Item, ...]) -> dict[str, Any]:
    """Name, sizes, and a digest of who is where: what ``config.json`` keeps of a split."""
    sides = {side: [items[index].id for index in getattr(split, side)] for side in ("train", "validation", "test")}
    text = "\n".join(f"{side} {id}" for side, ids in sides.items() for id in ids)
    counts = {side: len(ids) for side, ids in sides.items()}
    return {"name": split.name, **counts, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _everything(items: tuple[Item, ...], validation_speakers: int, seed: int) -> Split:
    """All that has a label (all, where nothing has one); validation speakers drawn by ``seed``."""
    from .datasets import Split, check_split

    labelled = any(item.label for item in items)
    usable = [index for index, item in enumerate(items) if item.label or not labelled]
    speakers = sorted({items[index].speaker for index in usable if items[index].speaker})
    if validation_speakers and validation_speakers >= len(speakers):
        raise UsageError(
            f"{validation_speakers} validation speakers wanted of {len(speakers)}; one must be left to train on"
        )
    drawn = sorted(speakers, key=lambda speaker: hashlib.sha256(f"{seed}/all/{speaker}".encode()).digest())
    chosen = set(drawn[:validation_speakers])
    split = Split(
        ALL,
        tuple(index for index in usable if items[index].speaker not in chosen),
        (),
        tuple(index for index in usable if items[index].speaker in chosen),
        tuple(index for index, item in enumerate(items) if labelled and not item.label),
    )
    if chosen:
        check_split(split, items)
    return split
