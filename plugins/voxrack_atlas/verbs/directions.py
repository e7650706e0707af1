"""``voxrack atlas directions``: what each principal component does to real vocals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError

from . import options


@common.verb("directions", short_help="What each principal component does to a rendering, in words.")
@click.argument("collection", metavar="[SET]", type=click.Path(path_type=Path), required=False)
@click.option("--dry", "paths", metavar="PATH", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Dry vocals: files, or folders (of those called dry.*, if any). Repeat for more.")  # fmt: skip
@click.option("--components", type=click.IntRange(min=1), help="The first so many. Default: 5.")
@click.option("--steps", default="-2,-1,1,2", show_default=True, help="Standard deviations from the mean.")
@click.option("--seconds", type=click.FloatRange(min=1.0), default=12.0, show_default=True,
              help="Of each vocal: its loudest part.")  # fmt: skip
@click.option("-o", "--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Also write the moved presets.")  # fmt: skip
@options.duplicates_option
@options.plot_option
def command(
    collection: Path | None, paths: tuple[Path, ...], components: int | None, steps: str, seconds: float,
    output: Path | None, duplicates: Any, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Move the mean preset of SET along each principal component, render dry vocals, and tell what changes: loudness,
    brightness, loudness range, dynamic range, width, balance, decay, wetness, echo density. Without SET: the prior of
    vocal presets that ships with voxrack.

    \b
    Examples:
      voxrack atlas directions --dry vocals --plot directions.png
      voxrack atlas directions internal.parquet --dry a.wav --dry b.wav --components 3 --steps=-1,1 --json
      voxrack atlas directions --dry vocals -o moved && voxrack render moved/pc1+2.json a.wav -o pc1+2.wav
    """
    from ..directions import directions
    from ..playing import vocals

    held = None if collection is None else options.load(collection, duplicates)
    with common.Bar("rendering") as bar:
        found = directions(
            held, vocals(paths), components=components, steps=_numbers(steps), seconds=seconds, progress=bar.to
        )  # fmt: skip
    written = _write(found, output)
    options.draw(found.figure, plot)
    if as_json:
        common.emit({
            "components": found.components, "steps": found.steps, "vocals": found.vocals, "words": found.words(),
            "ratios": found.projection.ratios[: found.components], "effects": options.records(found.frame()),
            "held": found.held, "presets": written,
        })  # fmt: skip
        return
    for words in found.words():
        common.write(words)
    common.table(*_table(found), right=("component", "sd", *_names()), keys=2)
    common.write("* can be heard: at least one step of the ear from the mean preset, whatever the vocals")
    if found.held.any():
        common.say(f"{int(found.held.sum())} numbers of the moved presets stand at an end of their range")


def _table(found: Any) -> tuple[Any, Any]:
    """Means over the vocals, a row for each component and step."""
    from ..wording import number

    rows = []
    for effects in found.effects:
        for at, step in enumerate(found.steps):
            figures = [number(e.descriptor, e.means[at]) + (" *" if e.audible[at] else "  ") for e in effects]
            rows.append([effects[0].component, f"{step:+g}" if step else "0", *figures])
    return ("component", "sd", *_names()), rows


def _names() -> tuple[str, ...]:
    from ..descriptors import DESCRIPTORS

    return tuple(f"{d.id.replace('_', ' ')} {d.unit}".strip() for d in DESCRIPTORS)


def _numbers(text: str) -> list[float]:
    try:
        return [float(word.replace("−", "-")) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"--steps takes standard deviations, for example -2,-1,1,2; got '{text}'") from None


def _write(found: Any, folder: Path | None) -> list[str]:
    if folder is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    names = found.presets.names
    return [str(found.presets.preset(row).save(folder / f"{names[row]}.json")) for row in range(len(names))]
