"""A collection: presets of one rack as one table of plain values, with what is known of each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack import Layout, Preset
from voxrack.errors import InputError, UsageError
from voxrack.preset_json import canonical

if TYPE_CHECKING:
    import pandas

    from .spaces import Space, SpaceName

Duplicates = Literal["refuse", "keep", "first"]
LOSSES = ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "total")


@dataclass(frozen=True, eq=False)
class Collection:
    """Presets of one rack. Make one with :meth:`load` or :meth:`of`.

    Parameters
    ----------
    template : Preset
        The rack that all share, in the current version of its devices.
    columns : tuple of str
        k addresses of single numbers, ``"peq.peak1.gain"``, ``"reverb.decay[3]"``: what an optimiser may move.
    values : ndarray, shape (n, k)
        Plain units; a level that is off is -inf.
    names : tuple of str
        n of them, each once.
    meta : DataFrame
        n rows. ``file``, ``how``, ``sha256``, the losses of a fit (``mss_lr`` … ``total``; NaN where there was none),
        ``title``, ``about``, ``tags``, ``provenance`` (JSON), and one column for each address that no optimiser
        moves and that differs between the presets (``"offset"``).
    remarks : tuple of str
        What a person should know: what stood in more than one file, where defaults stand in.
    assets : mapping of str to Path
        Files that belong to the presets, such as impulse responses, by sha256.
    """

    template: Preset
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    meta: pandas.DataFrame
    remarks: tuple[str, ...] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.columns))
        if self.values.shape != shape or len(self.meta) != len(self.names):
            raise UsageError(f"{shape[0]} names and {shape[1]} columns go with values of shape {shape}; "
                             f"got {self.values.shape}, and {len(self.meta)} rows of meta")  # fmt: skip

    # ---- making ---------------------------------------------------------------------------------
    @classmethod
    def of(
        cls, presets: Iterable[Preset], names: Sequence[str] | None = None, *, duplicates: Duplicates = "keep"
    ) -> Collection:
        """The collection of presets at hand.

        Parameters
        ----------
        presets : iterable of Preset
            Of one rack: the same slots, devices, buses and sends.
        names : sequence of str, optional
            By default the presets' own; the second of one name becomes ``"name (2)"``.
        duplicates : {"keep", "refuse", "first"}
            What becomes of presets that agree in every value.

        Raises
        ------
        PresetError
            For another rack, a device that is not there, a value out of range; with the preset and the address.
        InputError
            For no preset at all, or duplicates that are refused.
        """
        from .gathering import gather

        return gather(presets, names, duplicates)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, duplicates: Duplicates = "refuse") -> Collection:
        """A folder of presets (``*.json``, searched to the bottom), or a Parquet file that :meth:`save` wrote.

        Presets of a folder are named by their path in it, without ``.json``.

        Raises
        ------
        PresetError, InputError
            See :meth:`of`; for a file that is none of the two, holds NaN, or lacks a column.
        """
        from .gathering import gather_folder
        from .tables import read_table

        source = Path(path)
        if source.is_dir():
            return gather_folder(source, duplicates)
        if source.is_file() and source.suffix == ".parquet":
            return read_table(source, duplicates)
        what = "is neither" if source.exists() else "is not there"
        raise InputError(f"{source} {what}; a set is a folder of presets (.json) or one .parquet file")

    # ---- looking --------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        route = " ".join(self.template.devices)
        return f"<Collection: {len(self)} presets of {len(self.columns)} numbers; {route}>"

    @cached_property
    def layout(self) -> Layout:
        """What the columns are."""
        return self.template.rack().layout().fittable()

    def frame(self) -> pandas.DataFrame:
        """``values`` as a DataFrame, a row a preset."""
        import pandas

        return pandas.DataFrame(self.values, index=list(self.names), columns=list(self.columns))

    def row(self, name: str) -> int:
        """The row of a name, or of a number written out.

        Raises
        ------
        UsageError
            For a name that is not there, with the nearest one.
        """
        from voxrack.params import suggest

        if name in self.names:
            return self.names.index(name)
        if name.isdecimal() and int(name) < len(self):
            return int(name)
        raise UsageError(f"no preset '{name}' in the set of {len(self)}{suggest(name, self.names)}")

    def preset(self, row: int) -> Preset:
        """The preset of a row."""
        if not -len(self) <= row < len(self):
            raise UsageError(f"row {row} is not there; the set has rows 0 to {len(self) - 1}")
        from .gathering import document_of

        return Preset.from_text(canonical(document_of(self, row)), self.assets)

    def presets(self) -> Iterable[Preset]:
        """All, one after the other."""
        return (self.preset(row) for row in range(len(self)))

    # ---- parts and points -----------------------------------------------------------------------
    def take(self, rows: ArrayLike) -> Collection:
        """Some rows: numbers, or a mask of n truths."""
        chosen = np.arange(len(self))[np.asarray(rows)].ravel()
        names = tuple(self.names[row] for row in chosen)
        meta = self.meta.iloc[chosen].reset_index(drop=True)
        return replace(self, values=self.values[chosen], names=names, meta=meta, remarks=())

    def space(self, name: SpaceName = "auto") -> Space:
        """The space of that name; ``"auto"`` is ``raw`` where it holds every preset, else ``perceptual``."""
        from .spaces import space_of

        if name != "auto":
            return space_of(self.template, name)
        space = space_of(self.template, "auto")
        return space if space.name != "raw" or space.holds(self.values) else space_of(self.template, "perceptual")

    def points(self, space: SpaceName | Space = "auto") -> NDArray[np.float64]:
        """Coordinates (n, d) in a space, see :mod:`voxrack_atlas.spaces`."""
        chosen = self.space(space) if isinstance(space, str) else space
        if chosen.inputs != self.columns:
            odd = sorted(set(chosen.inputs) ^ set(self.columns))
            raise InputError(f"two sets of different racks: '{odd[0]}' is in one of them alone")
        return chosen.forward(self.values, self.names)

    def need(self, least: int, what: str) -> None:
        """Refuse ``what`` for fewer presets than it takes."""
        if len(self) < least:
            held = "1 preset" if len(self) == 1 else f"{len(self)} presets"
            raise InputError(f"{what} takes at least {least} presets; the set holds {held} ({', '.join(self.names)})")

    # ---- saving ---------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one Parquet file, whole or not at all; the rack stands in its metadata, assets lie in
        ``<stem>.assets/`` beside it.

        Raises
        ------
        VoxrackError
            Where it cannot be written.
        PresetError
            Where an asset is missing or has changed.
        """
        from .tables import write_table

        write_table(self, Path(path))

    def provenance(self, row: int) -> dict[str, Any]:
        """Where the preset of a row comes from, as presets tell it; empty where nothing is known."""
        text = self.meta["provenance"].iloc[row] if "provenance" in self.meta else ""
        return json.loads(text) if isinstance(text, str) and text else {}
