"""The table of a corpus job: a CSV file with one item a row. What is wrong with it is told by row and column.

The first row names the columns, in any order; a column that is not asked for is kept in the item's record.
Relative paths start at the table's folder. Rows are counted as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from .corpus_folder import Item
from .errors import InputError

_LONGEST = 200  # bytes of a part of a name: the file system allows 255, and suffixes follow
_SHOWN = 5  # faults that are told at once


def read_table(path: str | os.PathLike[str], columns: Sequence[str]) -> list[Item]:
    """Items from a CSV file with a column ``name`` and one column of paths for each of ``columns``.

    Parameters
    ----------
    path : path
        UTF-8, comma-separated.
    columns : sequence of str
        ``("dry", "wet")``.

    Returns
    -------
    list of Item
        ``inputs`` hold absolute paths; that the files exist is left to whoever reads them.

    Raises
    ------
    InputError
        For a table that cannot be read, a missing column, and rows with an empty field, a name that is taken or that
        cannot be the name of a file.
    """
    table = Path(path)
    rows = _rows(table)
    if not rows:
        raise InputError(f"{table} is empty; its first row names the columns: {', '.join((*columns, 'name'))}")
    header = [cell.strip() for cell in rows[0]]
    _check_header(table, header, (*columns, "name"))
    items: list[Item] = []
    faults: list[str] = []
    taken: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        fault = _fault(header, row, columns, number, taken)
        if fault:
            faults.append(f"{table}, row {number}: {fault}")
            continue
        cells = {key: cell.strip() for key, cell in zip(header, row, strict=True)}
        inputs = {key: os.path.abspath(table.parent / os.path.expanduser(cells[key])) for key in columns}
        about = {key: cells[key] for key in header if key not in (*columns, "name")}
        items.append(Item(cells["name"], inputs, about, f"{table.name}, row {number}"))
    if faults:
        more = f"\n… and {len(faults) - _SHOWN} more rows" if len(faults) > _SHOWN else ""
        raise InputError("\n".join(faults[:_SHOWN]) + more)
    if not items:
        raise InputError(f"{table} has a header and no rows; write one row per item")
    return items


def bad_name(name: str) -> str:
    """Why ``name`` cannot name files; empty where it can."""
    if not name:
        return "the name is empty"
    for part in name.split("/"):
        if part in ("", ".", "..") or part.startswith("."):
            return f"name '{name}': no part of it may be empty or begin with a dot"
        if "\\" in part or any(unicodedata.category(letter) == "Cc" for letter in part):
            return f"name {name!r}: it may hold no backslash and no control character"
        if len(os.fsencode(part)) > _LONGEST:
            return f"name '{part[:40]}…': it is longer than {_LONGEST} bytes"
    return ""


def alike(name: str) -> str:
    """Names that a file system may hold for the same are alike."""
    return unicodedata.normalize("NFC", name).casefold()


def _rows(table: Path) -> list[list[str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is no UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{table} is no CSV ({error}); save it as comma-separated text") from None
    except OSError as error:
        raise InputError(f"{table} cannot be read: {error.strerror or error}") from None


def _check_header(table: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in header]
    if missing:
        found = ", ".join(header)
        hint = "; separate the columns by commas" if len(header) == 1 and (";" in found or "\t" in found) else ""
        raise InputError(
            f"{table}, row 1: no column '{missing[0]}'; the columns are {', '.join(wanted)}, and it has: {found}{hint}"
        )
    twice = next((name for at, name in enumerate(header) if name in header[:at]), None)
    if twice is not None:
        raise InputError(f"{table}, row 1: the column '{twice}' stands there twice; leave one")


def _fault(
    header: Sequence[str], row: Sequence[str], columns: Sequence[str], number: int, taken: dict[str, int]
) -> str:
    if len(row) != len(header):
        return f"{len(row)} fields where the header has {len(header)}; put a field that has a comma in it in quotes"
    cells = {key: cell.strip() for key, cell in zip(header, row, strict=True)}
    for key in columns:
        if not cells[key] or "\0" in cells[key]:
            return f"the column '{key}' holds no path"
    if why := bad_name(cells["name"]):
        return f"{why}; choose another"
    first = taken.setdefault(alike(cells["name"]), number)
    return "" if first == number else f"the name '{cells['name']}' is that of row {first}; names are unique"
