"""``voxrack atlas match``: the sound of a reference for a dry vocal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError

from . import options


@common.verb("match", short_help="The preset that gives a dry vocal the sound of a reference.")
@click.argument("dry", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Preset (.json).")
@click.option("--from", "origin", metavar="SET", type=click.Path(path_type=Path),
              help="Candidates, and what presets are like. Default: the prior that ships with voxrack.")  # fmt: skip
@click.option("--prior", "source", metavar="FILE", type=click.Path(path_type=Path), help="A Gaussian prior.")
@click.option("--embedding", type=click.Choice(["music", "mfcc", "both"]), default="music", show_default=True)
@click.option("--method", type=click.Choice(["auto", "gradient", "evolution", "nearest"]), default="auto",
              show_default=True)  # fmt: skip
@click.option("--candidates", type=click.IntRange(min=1), help="Default: all of SET, 128 of a prior.")
@click.option("--steps", type=click.IntRange(min=1), help="Of the optimisation.")
@click.option("--weight", type=click.FloatRange(min=0.0), default=1.0, show_default=True, help="Of the prior.")
@click.option("--vocals", "others", metavar="PATH", multiple=True, type=click.Path(path_type=Path),
              help="Other dry vocals (files, folders): what differs between songs is not matched.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@options.duplicates_option
@options.plot_option
def command(
    dry: Path, reference: Path, output: Path, origin: Path | None, source: Path | None, embedding: str, method: Any,
    candidates: int | None, steps: int | None, weight: float, others: tuple[Path, ...], seed: int, duplicates: Any,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the preset with which DRY, a vocal without effects, sounds like REFERENCE, a processed vocal of any other
    song: the nearest of many candidates, then optimised under a prior of what presets are like.

    \b
    Examples:
      voxrack atlas match dry.wav record.wav -o style.json && voxrack render style.json dry.wav -o out.wav
      voxrack atlas match dry.wav record.wav -o style.json --from internal.parquet --plot style.png
      voxrack atlas match dry.wav record.wav -o style.json --vocals my_other_vocals
      voxrack atlas match dry.wav record.wav -o near.json --method nearest
    """
    from ..playing import vocals
    from ..prior import load_prior
    from ..style import STEPS, style_match

    if origin is not None and source is not None:
        raise UsageError("--from and --prior both say what presets are like; give one of them")
    if output.suffix != ".json":
        raise UsageError(f"-o takes the name of a preset, which ends in .json; got '{output.name}'")
    if not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {output.parent}; make it first")
    like: Any = None
    if origin is not None:
        like = options.load(origin, duplicates)
    elif source is not None:
        like = load_prior(source)
    with common.Bar("matching") as bar:
        found = style_match(
            dry, reference, like, embedding=embedding, method=method, candidates=candidates,
            steps=STEPS if steps is None else steps, weight=weight, seed=seed, vocals=vocals(others),
            name=output.stem, progress=bar.to,
        )  # fmt: skip
    found.preset.save(output)
    options.draw(lambda: _figure(found), plot)
    for note in found.notes:
        common.say(note)
    if as_json:
        common.emit({
            "preset": str(output), "method": found.method, "embedding": embedding, "distances": found.distances,
            "nearest": found.nearest, "scores": found.scores, "history": found.history, "notes": found.notes,
        })  # fmt: skip
        return
    far = ", ".join(f"{who} {far:.3f}" for who, far in found.distances.items())
    common.write(f"{output} ({found.method}); nearest candidate: {found.nearest}")
    common.write(f"distance from the reference: {far}")


def _figure(found: Any) -> Any:
    from ..style_picture import figure

    return figure(found)
