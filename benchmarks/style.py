"""``python -m benchmarks.style``: style transfer on real songs, against the mean preset and the nearest neighbour.

Each song lends its mix stem (``wet.mp3``) as a reference to the dry vocal of another song, so many places further in
the alphabet. What the match should sound like is known to a degree: the published preset fitted to the reference's
song (of several the one that renders nearest to ``diffvox.mp3``), played on that dry vocal. Judged by the four losses
of DiffVox between the two renderings. Candidates and prior come from the internal set, which holds none of the songs;
with ``--vocals`` the dry vocals of the other 17 songs say what differs between songs.

Every pair is kept in ``out/benchmarks/style-TAG/`` and taken from there when the command runs again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from voxrack import Audio, default_host, read
from voxrack.files import write_text
from voxrack_atlas import Collection, from_diffvox, style_match
from voxrack_atlas.descriptors import levelled
from voxrack_atlas.playing import Desk

from .timing import one_thread, write_json

TERMS = ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "total")
WHO = ("dry", "mean", "nearest", "start", "match")


def main() -> None:
    one_thread()
    given = _options()
    console = Console(width=130)
    folders = sorted(folder for folder in given.songs.iterdir() if (folder / "dry.mp3").is_file())
    internal = _published(given.presets / "internal", "train_index.npy")
    truths = _truths(folders, given.presets / "medleydb")
    kept = Path("out/benchmarks") / f"style-{given.tag}"
    kept.mkdir(parents=True, exist_ok=True)
    pairs = [
        (folder, folders[(place + shift) % len(folders)])
        for shift in given.shift for place, folder in enumerate(folders)
    ]  # fmt: skip
    records = []
    for dry, reference in pairs[: given.limit]:
        file = kept / f"{dry.name}--{reference.name}.json"
        if not file.is_file():
            others = [read(f / "dry.mp3") for f in folders if given.vocals and f not in (dry, reference)]
            record = _one(dry, reference, internal, truths[reference.name], others, given)
            write_text(file, json.dumps(record, indent=1) + "\n")
        records.append(json.loads(file.read_text()))
        told = ", ".join(f"{who} {records[-1]['losses'][who]['total']:.2f}" for who in WHO)
        console.print(f"{dry.name} as {reference.name}: {told} ({records[-1]['seconds']:.0f} s)")
    _show(console, records, given.tag)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, default=Path("../shared/data/diffvox_demo"))
    parser.add_argument("--presets", type=Path, default=Path("../shared/data/diffvox_presets"))
    parser.add_argument("--shift", type=int, nargs="+", default=[4], help="how far on the reference's song is")
    parser.add_argument("--embedding", default="music")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--candidates", type=int, default=128)
    parser.add_argument("--vocals", action="store_true", help="give the other songs' dry vocals")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--weight", type=float)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tag", default="default", help="name of the folder of results")
    return parser.parse_args()


def _one(
    dry: Path, reference: Path, internal: Collection, truth: Any, others: list[Audio], given: argparse.Namespace
) -> dict[str, Any]:
    compare = default_host().service("compare")
    more = {key: getattr(given, key) for key in ("steps", "weight", "seconds") if getattr(given, key) is not None}
    vocal = levelled(read(dry / "dry.mp3"))
    wanted = Desk(truth.template).play(truth.values[0], vocal)
    began = time.perf_counter()
    found = style_match(
        vocal, read(reference / "wet.mp3"), internal, embedding=given.embedding, method=given.method,
        candidates=given.candidates, vocals=others, **more,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    desk = Desk(internal.template)
    sounds: dict[str, Audio] = {who: desk.play(row, vocal) for who, row in found.values.items()} | {"dry": vocal}
    return {
        "dry": dry.name, "reference": reference.name, "method": found.method, "nearest": found.nearest,
        "losses": {who: compare(sounds[who], wanted) for who in WHO}, "distances": found.distances,
        "square_score": float(np.mean(np.square(found.scores))), "seconds": seconds,
    }  # fmt: skip


def _published(folder: Path, index: str = "") -> Collection:
    table = np.load(folder / "raw_params.npy")
    rows = np.load(folder / index).tolist() if index else range(len(table))
    return Collection.of(from_diffvox(table[row], name=f"{folder.name} {row}") for row in rows)


def _truths(folders: list[Path], medley: Path) -> dict[str, Collection]:
    """The published preset of each song: of several stems the one that renders nearest to the paper's rendering."""
    import tempfile

    from voxrack_atlas import import_diffvox

    compare, out = default_host().service("compare"), {}
    with tempfile.TemporaryDirectory() as place:
        made = import_diffvox(medley / "raw_params.npy", medley / "info.json", place)
        names = [item.name for item in made]
        presets = Collection.load(place, duplicates="keep")
        rows = {item.path.stem: item for item in made}
        order = [rows[Path(name).name].name for name in presets.names]
    assert sorted(order) == sorted(names)
    desk = Desk(presets.template)
    for folder in folders:
        chosen = [row for row, name in enumerate(order) if name.startswith(folder.name)]
        if len(chosen) > 1:
            dry, paper = levelled(read(folder / "dry.mp3")), read(folder / "diffvox.mp3")
            far = [compare(desk.play(presets.values[row], dry), paper)["total"] for row in chosen]
            chosen = [chosen[int(np.argmin(far))]]
        out[folder.name] = presets.take(chosen)
    return out


def _show(console: Console, records: list[dict[str, Any]], tag: str) -> None:
    totals = {who: np.array([r["losses"][who]["total"] for r in records]) for who in WHO}
    grid = Table(title=f"{len(records)} pairs: mean losses against the reference's own preset on the same vocal")
    for column in ("", *TERMS, "distance"):
        grid.add_column(column, justify="right" if column else "left")
    means: dict[str, Any] = {}
    for who in WHO:
        means[who] = {term: float(np.mean([r["losses"][who][term] for r in records])) for term in TERMS}
        far = float(np.mean([r["distances"][who] for r in records]))
        grid.add_row(who, *(f"{means[who][term]:.3f}" for term in TERMS), f"{far:.3f}")
    console.print(grid)
    compared: dict[str, Any] = {}
    for who, than in (("match", "mean"), ("match", "nearest"), ("match", "start"), ("nearest", "mean")):
        change = totals[who] - totals[than]
        low, high = bootstrap(change)
        compared[f"{who}-{than}"] = {"mean": float(change.mean()), "low": low, "high": high,
                                     "better": int((change < 0).sum())}  # fmt: skip
        console.print(
            f"{who} against {than}: total {change.mean():+.3f} (95 % interval {low:+.3f} to {high:+.3f}), "
            f"better in {(change < 0).sum()} of {len(change)}"
        )
    seconds = float(np.median([r["seconds"] for r in records]))
    console.print(f"median time of a match {seconds:.0f} s")
    write_json(f"style-{tag}", {"means": means, "compared": compared, "seconds": seconds, "pairs": records})


def bootstrap(values: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """95 % interval of the mean, percentiles over resampled pairs."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (draws, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
