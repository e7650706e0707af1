"""The folder of an evaluation: what was asked, and every run's answers. Written by recipes, read by pictures and tests.

::

    FOLDER/folds/evaluation.json            recipe, options, protocol, tier, seeds, epochs, splits, figures
    FOLDER/folds/fold-1/seed-0/             a run: config.json, metrics.jsonl, model.safetensors …
    FOLDER/folds/fold-1/seed-0/test.npz     its answers (train.npz, windows.npz beside it)
    FOLDER/folds/fold-1/logistic/test.npz   those of a baseline
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError, UsageError
from .metrics_predictions import Predictions

NAME = "evaluation.json"
FORMAT, VERSION = "voxrack.evaluation", 1
MODEL = "model"  # the system that was trained, beside the baselines
_DEPTH = 4  # folders below the one named in which evaluations are looked for


def slug(name: str) -> str:
    """A name as a folder's: letters, digits, ``=``, ``.``, ``,``, ``_`` and ``-`` (``"fold 1"`` is ``fold-1``)."""
    return re.sub(r"[^\w=.,]+", "-", name).strip("-.") or "-"


@dataclass(frozen=True)
class Evaluation:
    """An evaluation on disk.

    Parameters
    ----------
    path : Path
        The folder that holds ``evaluation.json``.
    about : dict
        Its content: ``recipe``, ``options``, ``protocol``, ``tier``, ``seeds``, ``epochs``, ``splits`` (``name``,
        ``folder``, ``train``, ``test``), ``systems`` (folder name to what tables call it) and, when it is finished,
        ``figures``.
    """

    path: Path
    about: Mapping[str, Any]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Evaluation:
        """The evaluation in ``folder`` or below it.

        Raises
        ------
        InputError
            Where there is none, where it is damaged or newer, or where there are several: name one of them.
        """
        found = evaluations(folder)
        if len(found) > 1:
            names = ", ".join(str(one.path) for one in found[:4])
            raise InputError(f"{folder} holds {len(found)} evaluations; name one of them: {names}")
        return found[0]

    @property
    def title(self) -> str:
        """Recipe, the options that are not the default, and the protocol."""
        return f"{self.name}, protocol {self.about['protocol']}"

    @property
    def name(self) -> str:
        """The recipe and the options that were set."""
        return self.named(self.about.get("options", {}))

    def named(self, options: Iterable[str]) -> str:
        """The recipe and the values of these options."""
        own = {**dict(_leaves(self.about.get("settings", {}))), **self.about.get("options", {})}
        given = ", ".join(f"{key} {own.get(key, 'as usual')}" for key in options)
        return f"{self.about['recipe']} ({given})" if given else str(self.about["recipe"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the runs of each split."""
        return tuple(self.about["seeds"])

    @property
    def splits(self) -> tuple[str, ...]:
        """Folder names of the splits."""
        return tuple(split["folder"] for split in self.about["splits"])

    def places(self, split: str, system: str = MODEL) -> tuple[Path, ...]:
        """Folders that hold a system's answers on a split: one for each seed, or one for a baseline."""
        if system == MODEL:
            return tuple(self.path / split / f"seed-{seed}" for seed in self.seeds)
        return (self.path / split / system,)

    def runs(self) -> tuple[Path, ...]:
        """The run folders, split by split."""
        return tuple(place for split in self.splits for place in self.places(split))

    def by_split(self, what: str = "test", system: str = MODEL) -> dict[str, tuple[Predictions, ...]]:
        """Answers by split, one set for each seed.

        Parameters
        ----------
        what : {"test", "train", "windows"}
        system : str
            ``"model"`` or the name of a baseline.

        Raises
        ------
        InputError
            Where a run is not finished.
        """
        out = {}
        for split in self.splits:
            files = [place / f"{what}.npz" for place in self.places(split, system)]
            missing = [file for file in files if not file.is_file()]
            if missing:
                raise InputError(f"{missing[0]} is missing: the evaluation is not finished; run the same command again")
            out[split] = tuple(Predictions.load(file) for file in files)
        return out

    def pooled(self, what: str = "test", system: str = MODEL) -> tuple[Predictions, ...]:
        """Answers on all splits as one set, for each seed: each item by a model that never heard its speaker."""
        parts = list(self.by_split(what, system).values())
        return tuple(Predictions.joined([part[seed] for part in parts]) for seed in range(len(parts[0])))

    def has(self, what: str, system: str = MODEL) -> bool:
        """Whether every run of a system has such answers."""
        return all((p / f"{what}.npz").is_file() for split in self.splits for p in self.places(split, system))


def evaluations(folder: str | os.PathLike[str]) -> list[Evaluation]:
    """All evaluations in a folder and below it, in the order of their paths; InputError where there is none."""
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    files = [root / NAME] if (root / NAME).is_file() else []
    for depth in range(1, _DEPTH):
        files += sorted(root.glob("/".join("*" * depth) + f"/{NAME}"))
    if not files:
        raise InputError(f"{folder} holds no {NAME}: it is no folder of `voxrack evaluate`")
    return [Evaluation(file.parent, _read(file)) for file in files]


def write(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``evaluation.json``, whole or not at all."""
    from .commands.common import json_ready
    from .replace import write_text

    text = json.dumps(json_ready({"format": FORMAT, "version": VERSION, **about}), indent=2, ensure_ascii=False)
    write_text(folder / NAME, text + "\n")


def differs(old: Mapping[str, Any], new: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Refuse to go on in a folder that was made by asking something else.

    Raises
    ------
    UsageError
        Naming the first of ``keys`` that differs.
    """
    for key in keys:
        if old.get(key) != new.get(key):
            raise UsageError(
                f"the folder holds an evaluation with {key} = {old.get(key)!r}, not {new.get(key)!r}; "
                "take another folder, or repeat that one's options"
            )


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of nested settings, without the names of the branches."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield key, value


def _read(file: Path) -> dict[str, Any]:
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        kind, version = about["format"], about["version"]
        known = all(key in about for key in ("recipe", "protocol", "seeds", "splits", "systems"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from None
    if kind != FORMAT or not known:
        raise InputError(f"{file} is no evaluation as voxrack writes it")
    if version > VERSION:
        raise InputError(f"{file} is version {version}; this voxrack reads version {VERSION}: upgrade voxrack")
    return about
