"""``python -m benchmarks.atlas``: our analysis of the published presets beside the paper's, and 100,000 presets.

Reads ``data/diffvox_presets`` below ``VOXRACK_DATA`` (default ``../shared``). The figures of the paper are those of
its slides and of the notebook published with it.
"""

from __future__ import annotations

from .timing import one_thread, write_json

one_thread()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

import voxrack_atlas as atlas  # noqa: E402
from voxrack_atlas.collection import Collection  # noqa: E402
from voxrack_atlas.correlation import correlate_points  # noqa: E402
from voxrack_atlas.projection import area, components_for  # noqa: E402
from voxrack_atlas.published import read_index, read_table  # noqa: E402

from .diffvox_figures import LOOK_AHEAD, NEEDED, RATIOS, SLIDE, TESTED, recipe  # noqa: E402

COUNT, LIMIT_SECONDS, LIMIT_GIGABYTES = 100_000, 20.0, 2.0
VERBS = ("stats", "correlate", "pca")


def published(folder: Path, index: Path | None = None) -> Collection:
    """A published set as a collection; through the files, as a person would."""
    with tempfile.TemporaryDirectory() as place:
        rows = None if index is None else read_index(index)
        atlas.import_diffvox(folder / "raw_params.npy", folder / "info.json", place, rows=rows)
        return Collection.load(place)


def components(internal: Collection, medley: Collection, console: Console) -> dict[str, Any]:
    """Explained variance, components for 99 %, one set projected on the other."""
    first, second = atlas.pca(internal), atlas.pca(medley)
    table = Table("component", "ours, %", "paper, %", title="explained variance, internal set")
    for number, (ours, theirs) in enumerate(zip(100 * first.ratios, RATIOS)):
        table.add_row(str(number + 1), f"{ours:.3f}", f"{theirs:.3f}")
    console.print(table)
    across = np.cumsum(first.spectrum(medley.points()))
    curves = {"internal": first.cumulative, "MedleyDB": second.cumulative, "MedleyDB on internal": across}
    table = Table("", "components", "for 99 %", "ours, %", "paper, %", "area", title="cumulative variance")
    out: dict[str, Any] = {"ratios": first.ratios[: len(RATIOS)].tolist()}
    for name, curve in curves.items():
        needed = components_for(curve, 0.99)
        share, surface = 100 * needed / len(curve), area(curve)
        table.add_row(name, str(len(curve)), str(needed), f"{share:.2f}", f"{NEEDED[name]:.2f}", f"{surface:.4f}")
        out[name] = {"components": len(curve), "needed": needed, "area": surface}
    console.print(table)
    return out


def pairs(internal: Collection, medley: Collection, console: Console) -> list[dict[str, Any]]:
    """The slide's ten pairs: whether they are our first ten, and all twenty numbers."""
    first, second = atlas.correlate(internal), atlas.correlate(medley)
    ours, other = first.pairs().head(len(SLIDE)), second.frame()
    table = Table("pair", "internal", "paper", "MedleyDB", "paper", "", title="Spearman's correlation, strongest pairs")
    out = []
    for row, (one, two, here, there) in zip(ours.itertuples(index=False), SLIDE, strict=True):
        found = float(other.loc[row.first, row.second])  # pyright: ignore[reportArgumentType]
        same = (row.first, row.second) == (one, two)
        marks = ["" if same else f"the paper has {one}, {two}"]
        marks += [f"{value:.4f}" for value, said in ((row.correlation, here), (found, there))
                  if f"{value:.2f}" != f"{said:.2f}"]  # fmt: skip
        table.add_row(f"{row.first}, {row.second}", f"{row.correlation:.2f}", f"{here:.2f}", f"{found:.2f}",
                      f"{there:.2f}", "; ".join(filter(None, marks)))  # fmt: skip
        out.append({"first": row.first, "second": row.second, "internal": row.correlation, "medleydb": found})
    console.print(table)
    console.print("a number with four decimals is one that rounds to another second decimal than the slide prints")
    return out


def between_effects(internal: Collection, medley: Collection, console: Console) -> dict[str, Any]:
    """The effect-wise matrix of both sets."""
    out = {}
    for name, collection in (("internal", internal), ("MedleyDB", medley)):
        matrix = atlas.effect_matrix(atlas.correlate(collection), collection)
        table = Table("", *matrix.columns, title=f"mean strength between effects, {name}")
        for effect, row in zip(matrix.index, matrix.to_numpy()):
            table.add_row(str(effect), *("" if np.isnan(value) else f"{value:.3f}" for value in row))
        console.print(table)
        out[name] = matrix.to_numpy().tolist()
    return out


def agreement(internal: Collection, raw: np.ndarray, console: Console) -> dict[str, float]:
    """Our matrix against the recipe: of the presets, and with the signs that the vectors give the look-ahead."""
    wanted, space = recipe(raw), internal.space()
    points = internal.points(space)
    signed = points.copy()
    signed[:, space.columns.index("compressor.look_ahead")] *= np.sign(raw[:, LOOK_AHEAD])
    out = {}
    for name, table in (("presets", points), ("published signs", signed)):
        matrix = atlas.effect_matrix(correlate_points(table, space.columns), internal).to_numpy()
        out[name] = float(np.nanmax(np.abs(matrix - wanted)))
    console.print(
        f"against the notebook's recipe on the published vectors, which gives its table to all 3 decimals: at most "
        f"{out['presets']:.1e} apart; {out['published signs']:.1e} with the vectors' signs of the look-ahead "
        f"({int((raw[:, LOOK_AHEAD] < 0).sum())} of {len(raw)} are negative; a preset holds its size)"
    )
    return out


def many(internal: Collection, count: int, folder: Path) -> Path:
    """A set of that many presets, drawn from the Gaussian of the internal set."""
    import pandas

    space = internal.space()
    points = internal.points(space)
    drawn = np.random.default_rng(0).multivariate_normal(points.mean(axis=0), np.cov(points.T), size=count)
    names = tuple(f"drawn/{number:06d}" for number in range(count))
    meta = pandas.DataFrame({"how": ["sample"] * count, "sha256": [f"{number:064x}" for number in range(count)]})
    path = folder / "many.parquet"
    Collection(internal.template, internal.columns, space.inverse(drawn), names, meta).save(path)
    return path


def speed(internal: Collection, count: int, console: Console) -> dict[str, Any]:
    """Each verb in a process of its own: wall time and peak memory, start and reading included."""
    table = Table("", "seconds", f"limit {LIMIT_SECONDS:g}", "GB", f"limit {LIMIT_GIGABYTES:g}",
                  title=f"{count} presets")  # fmt: skip
    out: dict[str, Any] = {"count": count}
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        path = many(internal, count, Path(place))
        console.print(f"{count} presets drawn and written in {time.perf_counter() - start:.1f} s, "
                      f"{path.stat().st_size / 1e6:.0f} MB")  # fmt: skip
        start = time.perf_counter()
        Collection.load(path)
        console.print(f"read and checked in {time.perf_counter() - start:.1f} s")
        for verb in VERBS:
            out[verb] = measured([sys.executable, "-m", "voxrack", "atlas", verb, str(path), "--json"])
            seconds, peak = out[verb]["seconds"], out[verb]["gigabytes"]
            table.add_row(verb, f"{seconds:.1f}", "kept" if seconds < LIMIT_SECONDS else "MISSED",
                          f"{peak:.2f}", "kept" if peak < LIMIT_GIGABYTES else "MISSED")  # fmt: skip
    console.print(table)
    return out


def measured(words: list[str]) -> dict[str, float]:
    """Wall seconds and peak resident gigabytes of a command that succeeds."""
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    json.loads(text)
    return {"seconds": time.perf_counter() - start, "gigabytes": usage.ru_maxrss * 1024 / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="presets of the speed test; 0 leaves it out")
    wanted = parser.parse_args()
    root = Path(os.environ.get("VOXRACK_DATA", "../shared")) / "data" / "diffvox_presets"
    if not root.is_dir():
        raise SystemExit(f"{root} is no folder; set VOXRACK_DATA to the folder that holds data/diffvox_presets")
    console = Console(width=170)
    internal = published(root / "internal", root / "internal" / "train_index.npy")
    medley = published(root / "medleydb")
    figures: dict[str, Any] = {"pca": components(internal, medley, console)}
    figures["pairs"] = pairs(internal, medley, console)
    figures["effects"] = between_effects(internal, medley, console)
    raw = read_table(root / "internal" / "raw_params.npy")[read_index(root / "internal" / "train_index.npy")]
    distance = agreement(internal, raw, console)
    tests = atlas.normality(internal, components=TESTED)
    console.print(
        f"normality of the first {TESTED} whitened scores: Royston H = {tests.royston:.2f}, p = {tests.royston_p:.1e} "
        f"(paper 0.0); Henze-Zirkler {tests.henze_zirkler:.7f}, p = {tests.henze_zirkler_p:.1e} (paper 0.0)"
    )
    figures |= {"effects_distance": distance, "normality": vars(tests)}
    if wanted.count:
        figures["speed"] = speed(internal, wanted.count, console)
    console.print(f"written: {write_json('atlas', figures)}")


if __name__ == "__main__":
    main()
