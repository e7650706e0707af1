"""``voxrack listening-test``: a page for listeners, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError


@common.verb("listening-test", short_help="Make a blind listening test, or read its answers.")
@click.argument("folder", type=click.Path())
@click.option("-o", "--out", type=click.Path(), metavar="PAGE", help="The page to write (.html).")
@click.option("--reference", default="", metavar="SYSTEM",
              help="The folder with the voices to compare with. Default: source, if it is there.")  # fmt: skip
@click.option("--emotions", default="neutral,happy,sad,angry", show_default=True, help="To choose from.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the blind numbers.")
@click.option("--results", "answers", multiple=True, type=click.Path(), metavar="CSV",
              help="Instead of a page: read answers that listeners have saved; may be given again.")  # fmt: skip
def listening_test_command(
    folder: str, out: str | None, reference: str, emotions: str, seed: int, answers: Sequence[str], as_json: bool
) -> int:
    """Make one page of the recordings in FOLDER, which holds a folder for each system with recordings of equal names.

    Listeners rate sound, naturalness and likeness to the reference voice, and choose the emotion they hear. Order is
    each listener's own; nothing in the page or the answers names a system. The page needs no server and no network.

    \b
    Examples:
      voxrack listening-test clips/ -o test.html
      voxrack listening-test clips/ -o test.html --reference real --emotions happy,sad,angry
      voxrack listening-test clips/ --results answers-ann.csv --results answers-bo.csv
    """
    from . import listening

    if bool(out) == bool(answers):
        raise UsageError("give -o PAGE to make a test, or --results CSV to read its answers")
    if answers:
        return _show(listening.results(folder, answers, seed), as_json)
    assert out is not None
    target = Path(out)
    if target.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"-o {out}: the test is a page; its name ends in .html")
    words = tuple(dict.fromkeys(word.strip() for word in emotions.split(",") if word.strip()))
    if len(words) < 2:
        raise UsageError(f"--emotions {emotions!r}: two or more to choose from, with commas between them")
    from voxrack.replace import write_text

    write_text(target, listening.page(folder, seed=seed, reference=reference, emotions=words))
    found = listening.clips(folder, seed)
    made = {
        "page": str(target), "test": listening.test_id(found), "clips": len(found),
        "systems": sorted({clip.system for clip in found}), "bytes": target.stat().st_size,
    }  # fmt: skip
    if as_json:
        common.emit(made)
    else:
        systems = ", ".join(made["systems"])
        common.write(f"{target}: {made['clips']} recordings of {systems}, {made['bytes'] / 1e6:.1f} MB")
    return 0


def _show(found: Sequence[dict[str, Any]], as_json: bool) -> int:
    if as_json:
        common.emit(found)
        return 0
    heads = ("system", "listeners", "answers", "quality", "naturalness", "similarity", "heard")
    rows = [
        (
            one["system"], str(one["listeners"]), str(one["answers"]),
            *(_score(one[name]) for name in ("quality", "naturalness", "similarity")),
            ", ".join(f"{word} {count}" for word, count in sorted(one["emotions"].items(), key=lambda kv: -kv[1])),
        )
        for one in found
    ]  # fmt: skip
    common.table(heads, rows, right=heads[1:6])
    common.write("± half of the 95 % interval over answers")
    return 0


def _score(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    return f"{found['mean']:.2f} ±{found['half']:.2f}" if found["half"] == found["half"] else f"{found['mean']:.2f}"
