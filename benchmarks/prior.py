"""``python -m benchmarks.prior --data DIR``: priors of vocal presets, judged by presets that they have not seen.

DIR holds DiffVox's published sets (``internal``, ``medleydb``). Three tables: held-out log-likelihood of each kind in
five folds of the internal set, and of the MedleyDB set, which no prior here has seen; draws beside held-out presets;
how many of 1,000 draws render without NaN and without echoes that grow, before and after draws are refused.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from voxrack import Audio, read
from voxrack_atlas import Collection, default_prior, fit_prior, from_diffvox
from voxrack_atlas.prior import Prior, default_flow
from voxrack_atlas.quality import cross_judged, judge
from voxrack_atlas.sampling import draws, prior_points
from voxrack_atlas.stability import check_stability

from .timing import write_json

KINDS = ("gaussian", "shrunk", "mixture", "flow")
DRAWS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/diffvox_presets"))
    parser.add_argument("--dry", type=Path, help="a dry vocal to render; default: a synthetic voice")
    parser.add_argument("--draws", type=int, default=DRAWS)
    given = parser.parse_args()
    console = Console(width=150)
    internal, medley = (collection(given.data / name) for name in ("internal", "medleydb"))
    out: dict[str, Any] = {"held_out": held_out(console, internal, medley)}
    out["quality"] = quality(console, internal, medley, given.draws)
    out["stability"] = stability(console, given.draws, given.dry)
    write_json("prior", out)


def collection(folder: Path) -> Collection:
    """A published set; of the internal one the rows that the paper analyses."""
    table = np.load(folder / "raw_params.npy")
    index = folder / "train_index.npy"
    table = table[np.load(index)] if index.is_file() else table
    return Collection.of(from_diffvox(row, name=f"{folder.name} {number}") for number, row in enumerate(table))


def held_out(console: Console, internal: Collection, medley: Collection) -> list[dict[str, Any]]:
    folds = fit_prior(internal).table.set_index("kind")
    rows = []
    for kind in KINDS:
        made = fit_prior(internal, kind)  # pyright: ignore[reportArgumentType] - it is one of them
        name = str(made.table["kind"].iloc[0])
        other = made.prior.log_density(prior_points(made.prior, medley))
        row = folds.loc[name]
        rows.append({
            "kind": name, "internal": row["log_likelihood"], "internal_median": row["median"],
            "behind": row["behind"], "behind_error": row["behind_error"], "medleydb": other.mean(),
            "medleydb_median": np.median(other),
        })  # fmt: skip
    _table(console, "log-likelihood of held-out presets, nats a preset (130 numbers)", rows)
    return rows


def quality(console: Console, internal: Collection, medley: Collection, count: int) -> list[dict[str, Any]]:
    judged = cross_judged(internal, ("gaussian", "flow"))
    rows = [{"prior": kind, "beside": "internal, 5 folds", **row} for kind, row in judged.to_dict("index").items()]
    for prior in (default_prior(), default_flow()):
        drawn = prior.sample(count, np.random.default_rng(0))
        points, known = (prior_points(prior, held) for held in (medley, internal))
        rows.append({"prior": prior.name, "beside": "medleydb", **asdict(judge(prior, drawn, points, known))})
        if prior.kind == "flow":  # how far the two sets themselves are apart
            rows.append({"prior": "(internal presets)", "beside": "medleydb",
                         **asdict(judge(prior, known, points, known))})  # fmt: skip
    _table(console, "draws beside held-out presets (1 is even; plausibility 0.95, told apart 0.5)", rows)
    return rows


def stability(console: Console, count: int, dry: Path | None) -> list[dict[str, Any]]:
    probe = None if dry is None else _seconds(read(dry).mono(), 4.0)
    rows = []
    for prior in (default_prior(), default_flow()):
        for check in (False, True):
            rows.append(_rendered(prior, count, check, probe))
    _table(console, f"{count} draws rendered" + (f" from {dry}" if dry else ""), rows)
    return rows


def _rendered(prior: Prior, count: int, check: bool, probe: Audio | None) -> dict[str, Any]:
    """Draw as ``sample`` does (``check``) or without refusing, render each, count what goes wrong."""
    begun = time.perf_counter()
    found: Counter[str] = Counter()
    refused = 0
    for draw in islice(draws(prior, seed=1, check=check), count):
        refused += len(draw.refused)
        found[check_stability(draw.preset, probe).reason or "stable"] += 1
    return {
        "prior": prior.name, "drawn again": refused if check else "not asked",
        "stable": f"{found['stable'] / count:.1%}", "not finite": found["not finite"], "echoes grow": found["feedback"],
        "too loud": found["too loud"], "silent": found["silent"], "seconds": time.perf_counter() - begun,
    }  # fmt: skip


def _seconds(audio: Audio, length: float) -> Audio:
    return audio[:length] if audio.duration > length else audio


def _table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(str(name).replace("_", " "))
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)


if __name__ == "__main__":
    main()
