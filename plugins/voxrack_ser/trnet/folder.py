"""The folder of an evaluation of TRNet, as it lies on disk; its layout is told in :mod:`voxrack_ser.trnet.answers`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxrack.errors import InputError
from voxrack.replace import write_text

from .answers import NAME, Answers, joined

ABOUT = "trnet.json"
FORMAT, VERSION = "voxrack.trnet-evaluation", 1


@dataclass(frozen=True)
class TrnetEvaluation:
    """An evaluation on disk.

    Parameters
    ----------
    path : Path
        The folder that holds ``trnet.json``.
    about : mapping
        Its content: what was asked and, when it is finished, ``figures``.
    """

    path: Path
    about: Mapping[str, Any]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> TrnetEvaluation:
        """The evaluation in ``folder``, or in the one folder below it that has one.

        Raises
        ------
        InputError
            Where there is none or there are several, or it is damaged or newer.
        """
        root = Path(folder)
        files = [root / ABOUT] if (root / ABOUT).is_file() else sorted(root.glob(f"*/{ABOUT}"))
        if len(files) != 1:
            what = "holds several evaluations; name one" if files else "is no folder of `voxrack evaluate ser.trnet`"
            raise InputError(f"{folder} {what}")
        try:
            about = json.loads(files[0].read_text(encoding="utf-8"))
            known = about["format"] == FORMAT and {"seeds", "splits", "enhancer"} <= about.keys()
            version = about["version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{files[0]} cannot be read: {error}") from None
        if not known or version > VERSION:
            raise InputError(f"{files[0]} is no evaluation that this voxrack reads; it may be of a newer one")
        return cls(files[0].parent, about)

    def answers(self, system: str) -> dict[str, tuple[Answers, ...]]:
        """A system's answers by the folder of the split, one set for each seed.

        Raises
        ------
        InputError
            Where a run is not finished.
        """
        out = {}
        for split in self.about["splits"]:
            files = [self.path / split["folder"] / system / f"seed-{seed}" / NAME for seed in self.about["seeds"]]
            missing = [file for file in files if not file.is_file()]
            if missing:
                raise InputError(f"{missing[0]} is missing: the evaluation is not finished; run the same command again")
            out[split["folder"]] = tuple(Answers.load(file) for file in files)
        return out

    def pooled(self, system: str) -> tuple[Answers, ...]:
        """Answers on all splits as one set, for each seed: each clip by a network that never heard its speaker."""
        parts = list(self.answers(system).values())
        return tuple(joined([part[seed] for part in parts]) for seed in range(len(self.about["seeds"])))


def write(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``trnet.json``, whole or not at all."""
    from voxrack.commands.common import json_ready

    text = json.dumps(json_ready({"format": FORMAT, "version": VERSION, **about}), indent=2, ensure_ascii=False)
    write_text(folder / ABOUT, text + "\n")
