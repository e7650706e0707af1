"""``voxrack atlas sample``: new presets."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError

from . import options


@common.verb("sample", short_help="Draw new presets that render stably.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder, or one .parquet file.")
@click.option("-n", "--count", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--prior", "source", metavar="FILE", type=click.Path(path_type=Path),
              help="As `atlas prior` writes it. Default: of vocal presets, ships with voxrack.")  # fmt: skip
@click.option("--from", "origin", metavar="SET", type=click.Path(path_type=Path), help="Fit the prior to this set.")
@click.option("--spread", type=click.FloatRange(0.0, 10.0), default=1.0, show_default=True,
              help="Below 1: nearer to the centre; above: rarer.")  # fmt: skip
@click.option("--no-check", is_flag=True, help="Do not render; unstable draws are kept.")
@click.option("--against", metavar="SET", type=click.Path(path_type=Path),
              help="Compare the draws with presets that the prior has not seen.")  # fmt: skip
@options.plot_option
def command(
    output: Path, count: int, seed: int, source: Path | None, origin: Path | None, spread: float, no_check: bool,
    against: Path | None, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Draw presets from a prior. Each is rendered, and drawn again where its echoes grow, it is silent, far too loud
    or not finite. The same seed gives the same files, and draw 7 is the same whatever the count is.

    \b
    Examples:
      voxrack atlas sample -o new -n 20 --seed 3
      voxrack atlas sample -o new.parquet -n 1000 --against medleydb.parquet --plot new.png
      voxrack atlas sample -o mine --from runs.parquet --spread 0.7
    """
    from ..collection import Collection
    from ..quality import LEAST
    from ..sampling import draws

    if source is not None and origin is not None:
        raise UsageError("--prior and --from both choose the prior; give one of them")
    if against is not None and count <= LEAST:
        raise UsageError(f"--against compares more than {LEAST} draws with as many presets; got -n {count}")
    if output.suffix and output.suffix != ".parquet":
        raise UsageError(f"-o takes a folder or one .parquet file; got '{output.name}'")
    prior = _prior(source, origin)
    real = None if against is None else options.load(against)
    drawn = []
    with common.Bar("drawing presets", count) as bar:
        for draw in draws(prior, seed=seed, spread=spread, check=not no_check):
            drawn.append(draw)
            bar.to(len(drawn), f"preset {len(drawn)} of {count}")
            if len(drawn) == count:
                break
    held = Collection.of([draw.preset for draw in drawn])
    quality = None if real is None else _quality(prior, held, real, seed)
    paths = _write(output, drawn, held)
    options.draw(lambda: _figure(prior, held, real), plot)
    refused = Counter(reason for draw in drawn for reason in draw.refused)
    report = {
        "prior": {"name": prior.name, "kind": prior.kind, "sha256": prior.sha256}, "seed": seed, "spread": spread,
        "draws": [_row(draw, path) for draw, path in zip(drawn, paths)], "attempts": count + sum(refused.values()),
        "refused": dict(refused), "quality": None if quality is None else asdict(quality),
    }  # fmt: skip
    if as_json:
        common.emit(report)
        return
    why = ", ".join(f"{number} × {reason}" for reason, number in refused.items())
    common.write(f"{count} presets in {output}, prior {prior.name}; drawn again: {why or 'none'}")
    if quality is not None and real is not None:
        rows = [[name.replace("_", " "), f"{value:.3f}"] for name, value in asdict(quality).items() if value == value]
        common.table(("figure", "value"), rows, title=f"beside {len(real)} presets of {against}", right=("value",))


def _prior(source: Path | None, origin: Path | None) -> Any:
    from ..choosing import fit_prior
    from ..prior import default_flow, load_prior

    if origin is None:
        return default_flow() if source is None else load_prior(source)
    chosen = fit_prior(options.load(origin), name=origin.stem)
    options.say_constant(chosen.constant)
    common.say(f"prior fitted to {origin}: {chosen.prior.kind}")
    return chosen.prior


def _write(output: Path, drawn: list[Any], held: Any) -> list[Path]:
    from voxrack.replace import make_folder

    if output.suffix == ".parquet":
        held.save(output)
        return [output] * len(drawn)
    make_folder(output)
    return [draw.preset.save(output / (draw.preset.name.replace(" ", "-") + ".json")) for draw in drawn]


def _quality(prior: Any, held: Any, real: Any, seed: int) -> Any:
    from ..quality import judge
    from ..sampling import prior_points

    return judge(prior, prior_points(prior, held), prior_points(prior, real), seed=seed)


def _row(draw: Any, path: Path) -> dict[str, Any]:
    return {
        "number": draw.number, "name": draw.preset.name, "path": str(path), "log_density": draw.log_density,
        "refused": list(draw.refused), "stability": None if draw.stability is None else asdict(draw.stability),
    }  # fmt: skip


def _figure(prior: Any, held: Any, real: Any) -> Any:
    from ..maps_pictures import draws_figure
    from ..sampling import prior_points

    points = None if real is None else prior_points(prior, real)
    return draws_figure(prior, prior_points(prior, held), points)
