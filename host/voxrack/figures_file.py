"""What an evaluation of finished weights was asked and what it found: a JSON file in its folder, gone on from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError, UsageError


@dataclass(frozen=True)
class FiguresFile:
    """Such a file.

    Parameters
    ----------
    path : Path
        Ends in ``.json``; need not exist.
    format : str
        Such as ``"voxrack.conversion"``.
    version : int
        Of what is written.
    oldest : int
        Version that can still be gone on from.
    """

    path: Path
    format: str
    version: int = 1
    oldest: int = 1

    def write(self, about: Mapping[str, Any]) -> None:
        """Write it, whole or not at all."""
        from .commands.common import json_ready
        from .replace import write_text

        content = {"format": self.format, "version": self.version, **about}
        write_text(self.path, json.dumps(json_ready(content), indent=2, ensure_ascii=False) + "\n")

    def read(self) -> dict[str, Any]:
        """Its content.

        Raises
        ------
        InputError
            It is not there, not JSON, of another format, or of a version that this program does not read.
        """
        try:
            about = json.loads(self.path.read_text(encoding="utf-8"))
            kind, version = about["format"], int(about["version"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path} cannot be read: {error}; take another folder") from None
        if kind != self.format or version > self.version:
            known = f"this voxrack reads {self.format} version {self.version}"
            raise InputError(f"{self.path} is {kind} version {version}; {known}")
        if version < self.oldest:
            raise InputError(
                f"{self.path} is {kind} version {version}: an earlier voxrack made it, and its figures cannot stand "
                "beside those of this one; take another folder"
            )
        return about

    def check(self, about: Mapping[str, Any], keys: Sequence[str], systems: str = "") -> dict[str, Any]:
        """Go on only in a folder of the same question: systems may be added, but none may have changed.

        Parameters
        ----------
        about : mapping
            What is asked now.
        keys : sequence of str
            Entries that must be equal.
        systems : str
            Entry that holds what each system is, by its name; empty: there is none.

        Returns
        -------
        dict
            The systems of earlier calls together with those of now.

        Raises
        ------
        InputError
            As :meth:`read`.
        UsageError
            Another question, or a system that has changed.
        """
        from .metrics_folder import differs

        own = dict(about[systems]) if systems else {}
        if not self.path.is_file():
            return own
        old = self.read()
        differs(old, about, keys)
        known = old.get(systems, {})
        for name, made in own.items():
            if name in known and json.loads(json.dumps(made)) != known[name]:
                raise UsageError(
                    f"{self.path.parent} holds figures of another '{name}': its weights or values have changed "
                    "since; take another folder"
                )
        return {**known, **own}


@dataclass(frozen=True)
class FiguresReport:
    """What a finished evaluation found. A plugin's report prints and draws it (:class:`voxrack.recipe.Report`).

    Parameters
    ----------
    path : Path
        The folder that holds the :class:`FiguresFile`.
    about : mapping
        Its content, with ``"figures"``.
    """

    path: Path
    about: Mapping[str, Any]

    @property
    def figures(self) -> Any:
        """As the plugin computed them."""
        return self.about["figures"]

    def json(self) -> dict[str, Any]:
        """The content of the file, with the folder."""
        return {"folder": str(self.path), **self.about}


def plus_minus(found: Mapping[str, Any] | None, digits: int, sign: str = "") -> str:
    """``2.65 ±0.12``: a mean and half of its interval's width, for a table.

    Parameters
    ----------
    found : mapping or None
        ``mean``, ``low`` and ``high``, as a :class:`FiguresFile` keeps them (None for NaN, a word for infinity); where
        there is no mean nothing is written.
    digits : int
        Behind the point.
    sign : str
        ``"+"``: in front of a positive mean, too.
    """
    if found is None:
        return ""
    mean, low, high = (math.nan if found[key] is None else float(found[key]) for key in ("mean", "low", "high"))
    if math.isnan(mean):
        return ""
    if math.isinf(mean):
        return "∞" if mean > 0 else "-∞"
    text = f"{mean:{sign}.{digits}f}"
    return f"{text} ±{(high - low) / 2:.{digits}f}" if math.isfinite(high - low) else text


def refuse_training(
    what: str, protocol: str, known: str, *, folds: Sequence[str] = (), validation_speakers: int = 0,
    epochs: int | None = None,
) -> None:  # fmt: skip
    """UsageError for another protocol than ``known``, and for options of evaluations that train.

    Parameters
    ----------
    what : str
        Such as ``"converters"``, for the message.
    """
    if protocol != known:
        raise UsageError(f"{what} are evaluated by the protocol '{known}', not '{protocol}'")
    given = {"--fold": bool(folds), "--validation": bool(validation_speakers), "--epochs": epochs is not None}
    for option, there in given.items():
        if there:
            raise UsageError(
                f"{option} is of evaluations that train; {what} are evaluated with finished weights (--set "
                "weights=FILE, or those that the device ships with)"
            )
