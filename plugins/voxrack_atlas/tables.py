"""Collections as Parquet: a column a number, ``name``, what is known of each; the rack in the schema's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from voxrack import Preset
from voxrack.errors import InputError, PresetError, UsageError
from voxrack.preset_assets import copy_into, find, folder_of, stored_name
from voxrack.replace import Replacement

from .collection import Collection, Duplicates

KEY = b"voxrack.atlas"  # of the metadata
VERSION = 1


def write_table(collection: Collection, path: Path) -> None:
    """See :meth:`Collection.save`."""
    import pyarrow
    import pyarrow.parquet

    if path.suffix != ".parquet":
        raise UsageError(f"a set is saved as .parquet; got {path.name!r}: write {path.with_suffix('.parquet').name!r}")
    taken = {"name", *collection.columns} & set(collection.meta.columns)
    if taken:
        raise UsageError(f"meta has a column '{sorted(taken)[0]}', which is the name of a value")
    columns: dict[str, Any] = {"name": list(collection.names)}
    columns |= {name: np.ascontiguousarray(collection.values[:, i]) for i, name in enumerate(collection.columns)}
    columns |= {str(name): pyarrow.array(collection.meta[name], from_pandas=False) for name in collection.meta.columns}
    about = {"version": VERSION, "columns": collection.columns, "template": collection.template.text(),
             "assets": sorted({stored_name(asset) for _, asset in _assets(collection)})}  # fmt: skip
    table = pyarrow.table(columns).replace_schema_metadata({KEY: json.dumps(about).encode()})
    with Replacement(path) as target:
        for address, asset in _assets(collection):
            copy_into(folder_of(path), asset, find(asset, None, collection.assets, f"$.parameters[{address!r}]"))
        pyarrow.parquet.write_table(table, target.temp, compression="zstd")


def read_table(path: Path, duplicates: Duplicates) -> Collection:
    """See :meth:`Collection.load`."""
    import pyarrow
    import pyarrow.parquet

    from .checking import check_names, check_values, settle_duplicates

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}; collect the set again") from error
    template, columns, assets = _about(path, table.schema.metadata or {})
    for column in ("name", *columns):
        if column not in table.column_names:
            raise InputError(f"{path} lacks the column '{column}'; it is not a set as `voxrack atlas` writes it")
    numbers = table.select(columns)
    for name in columns:
        if not (pyarrow.types.is_floating(numbers.schema.field(name).type) or numbers[name].null_count == 0):
            raise InputError(f"{path}, column '{name}': {numbers.schema.field(name).type} where numbers are expected")
    values = np.empty((table.num_rows, len(columns)))
    for i, name in enumerate(columns):
        try:
            values[:, i] = numbers[name].to_numpy()  # null becomes NaN, refused below
        except (TypeError, ValueError):
            raise InputError(f"{path}, column '{name}' does not hold numbers") from None
    names = tuple(map(str, table["name"].to_pylist()))
    rest = [name for name in table.column_names if name not in {"name", *columns}]
    made = Collection(template, columns, values, names, table.select(rest).to_pandas(), assets=assets)
    if not names:
        raise InputError(f"{path} holds no preset")
    check_names(names)
    check_values(values, made.layout, names, f"{path}, ")
    return settle_duplicates(made, duplicates)


def _assets(collection: Collection) -> list[tuple[str, dict[str, str]]]:
    """Every file that a preset refers to, with the address of the parameter."""
    out = []
    for address, held in collection.template.parameters.items():
        if address in collection.meta:
            told = [json.loads(text) for text in collection.meta[address].unique() if isinstance(text, str)]
        else:
            told = [held]
        out += [(address, asset) for asset in told if isinstance(asset, dict)]
    return out


def _about(path: Path, metadata: dict[bytes, bytes]) -> tuple[Preset, tuple[str, ...], dict[str, Path]]:
    if KEY not in metadata:
        raise InputError(f"{path} is a Parquet file of something else; a set is written by `voxrack atlas collect`")
    try:
        about = json.loads(metadata[KEY])
        version, columns, text = about["version"], tuple(about["columns"]), about["template"]
        places = [folder_of(path) / Path(name).name for name in about.get("assets", [])]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its description cannot be read: {error}") from None
    if version != VERSION:
        raise InputError(f"{path} is version {version}; this voxrack reads version {VERSION}: upgrade voxrack")
    try:
        assets = {place.stem: place for place in places}
        template = Preset.from_text(text, assets)
        held = tuple(template.rack(missing="refuse").layout().fittable().names())
    except PresetError as error:
        raise PresetError(f"the rack of {path}: {str(error).removeprefix(f'{error.path}: ')}", error.path) from None
    if held != columns:
        odd = sorted(set(held) ^ set(columns)) or ["their order"]
        raise InputError(f"{path} was written for other versions of its devices; they differ in {odd[0]}")
    return template, columns, assets
