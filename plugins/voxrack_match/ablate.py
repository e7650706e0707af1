"""``voxrack match-ablate``: what delay, reverb and the paper's approximations are worth, over a list of pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from voxrack.errors import InputError, UsageError

TERMS = ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "total")
VARIANTS: dict[str, tuple[str, ...]] = {
    "full": (), "without reverb": ("reverb",), "without delay": ("delay",), "without both": ("delay", "reverb"),
}  # fmt: skip
APPROXIMATED = "full, approximated"
_SUFFIXES = (".wav", ".flac", ".mp3", ".aiff", ".ogg")


def pairs(words: Sequence[str]) -> list[tuple[str, Path, Path]]:
    """Name, dry and wet of every pair.

    Each word is a folder with ``dry.*`` and ``wet.*``, a folder of such folders, or a text file with a line
    ``DRY, WET`` for each pair (paths relative to it).

    Raises
    ------
    InputError
        For a word that leads to no pair.
    """
    out: list[tuple[str, Path, Path]] = []
    for word in words:
        found = list(_pairs_of(Path(word)))
        if not found:
            raise InputError(
                f"{word}: no pair there; it takes folders with dry.* and wet.*, or a list of DRY, WET lines"
            )
        out += found
    return out


def _pairs_of(path: Path) -> Iterator[tuple[str, Path, Path]]:
    if path.is_dir():
        for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
            dry, wet = (_named(folder, stem) for stem in ("dry", "wet"))
            if dry is not None and wet is not None:
                yield folder.name, dry, wet
        return
    if not path.is_file():
        raise InputError(f"{path}: there is no such file or folder")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 2:
            raise InputError(f"{path}, line {number}: it takes DRY, WET; got {line!r}")
        dry, wet = (path.parent / part for part in parts)
        yield wet.parent.name or wet.stem, dry, wet


def _named(folder: Path, stem: str) -> Path | None:
    return next((folder / (stem + suffix) for suffix in _SUFFIXES if (folder / (stem + suffix)).exists()), None)


def ablate(name: str, dry: Path, wet: Path, variants: Sequence[str], **options: Any) -> dict[str, dict[str, float]]:
    """Losses of one pair: unprocessed, and after a fit of each variant.

    ``full`` is rendered as it is heard, without approximation; ``full, approximated`` is the same preset with the
    paper's echoes of 4 s and sampled network of 12 s.
    """
    from . import render_module
    from .fitting import fit
    from .result import judge

    out: dict[str, dict[str, float]] = {}
    for variant in variants:
        result = fit(dry, wet, ablate=VARIANTS[variant], name=name, **options)
        out.setdefault("unprocessed", dict(result.before))
        out[variant] = dict(result.after)
        if variant == "full":
            out[APPROXIMATED] = judge(result.pair, render_module(result.preset, result.pair.source, mode="paper"))
    return out


def means(records: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Mean of every term by variant."""
    return {row: {t: sum(r[row][t] for r in records) / len(records) for t in TERMS} for row in records[0]}


@click.command("match-ablate", short_help="Fit a list of pairs with and without delay and reverb.")
@click.argument("lists", metavar="LIST...", nargs=-1, required=True, type=click.Path())
@click.option("--steps", type=click.IntRange(min=1), help="Of each fit. Default: as `voxrack fit`.")
@click.option("--time-budget", type=float, metavar="SECONDS", help="Of each fit.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first pairs.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--keep", type=click.Path(), metavar="FILE", help="Figures so far, a JSON line a pair; taken up again.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def ablate_command(
    lists: Sequence[str], steps: int | None, time_budget: float | None, limit: int | None, seed: int,
    keep: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Fit every pair of LIST with the whole vocal rack, without reverb, without delay, without both.

    LIST is a folder with dry.* and wet.*, a folder of such folders, or a text file of DRY, WET lines. Prints the
    mean losses: spectra (MSS) and loudness dynamics (MLDR), left/right and mid/side.
    """
    if time_budget is not None and not time_budget > 0:
        raise UsageError(f"--time-budget is {time_budget}; it takes seconds, above 0")
    todo = pairs(lists)[:limit]
    kept = _kept(keep)
    records = []
    for number, (name, dry, wet) in enumerate(todo, 1):
        if name not in kept:
            click.echo(f"{number}/{len(todo)} {name}", err=True)
            kept[name] = ablate(name, dry, wet, tuple(VARIANTS), steps=steps, time_budget=time_budget, seed=seed)
            if keep is not None:
                with Path(keep).open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"name": name, "losses": kept[name]}) + "\n")
        records.append(kept[name])
    found = means(records)
    if as_json:
        click.echo(json.dumps({"pairs": {name: kept[name] for name, _, _ in todo}, "means": found}))
    else:
        _print(found, len(records))
    return 0


def _kept(keep: str | None) -> dict[str, Any]:
    if keep is None or not Path(keep).exists():
        return {}
    lines = Path(keep).read_text(encoding="utf-8").splitlines()
    return {line["name"]: line["losses"] for line in map(json.loads, lines)}


def _print(found: dict[str, dict[str, float]], count: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(title=f"mean of {count} pairs", box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for column in ("", "MSS l/r", "MSS m/s", "MLDR l/r", "MLDR m/s", "total"):
        grid.add_column(column, justify="right" if column else "left")
    for row, terms in found.items():
        grid.add_row(row, *(f"{terms[term]:.3f}" for term in TERMS))
    Console(markup=False, highlight=False).print(grid)
