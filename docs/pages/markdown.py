"""Small pieces of Markdown, and files of it that are written only where they changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_CODE = re.compile(r"(`[^`]*`)")
_OPTION = re.compile(r"(?<![\w`-])--[a-z][\w-]*(?:[ =][A-Z]+\b(?:=[A-Z]+\b)?)?")
_SPECIAL = re.compile(r"([\\*_<>|\[\]$#{}~])")


def plain(text: str) -> str:
    """``text`` with Markdown's characters escaped, except between backticks, where only the bar of tables is."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part.replace("|", r"\|") if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)


def prose(text: str) -> str:
    """:func:`plain`, with the options that are named in it as code."""
    parts = text.split("`")
    parts[::2] = [_OPTION.sub(lambda found: f"`{found[0]}`", part) for part in parts[::2]]
    return plain("`".join(parts))


def code(text: str) -> str:
    """``text`` as code inside a line."""
    return "`" + text.replace("|", r"\|") + "`"


def fence(text: str, language: str) -> str:
    """``text`` as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already, without line breaks."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def listed(rows: Iterable[tuple[str, str]]) -> str:
    """A list of facts, each with its name; both are Markdown already."""
    return "\n".join(f"- **{name}**: {fact}" for name, fact in rows)


def toctree(documents: Iterable[str], *options: str) -> str:
    """A list of pages for Sphinx's navigation, from the root: ``"/generated/devices/fx.gain"``."""
    return "\n".join(["```{toctree}", *(f":{option}:" for option in options), "", *documents, "```"])


def page(*parts: str) -> str:
    """Parts that are not empty, with an empty line between."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Make ``folder`` hold ``files`` (paths below it) and nothing else; equal files keep their time."""
    wanted = {folder / name for name in files}
    for old in folder.rglob("*") if folder.is_dir() else ():
        if old.is_file() and old not in wanted:
            old.unlink()
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
