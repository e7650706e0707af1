"""What ships with voxrack of DiffVox's published preset sets: statistics, no preset.

    python tools/vocal_statistics.py ../shared/data/diffvox_presets            # write
    python tools/vocal_statistics.py ../shared/data/diffvox_presets --check    # compare with what is there

The folder holds ``internal`` and ``medleydb`` as DiffVox publishes them (raw_params.npy, feature_mask.npy,
train_index.npy). Mean and covariance are of the masked vectors as they stand there; the flow is fitted to the
internal set in the raw space of the atlas, where a look-ahead is positive.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

from voxrack import Preset
from voxrack_atlas import Collection, fit_prior, from_diffvox
from voxrack_atlas.gaussian import Gaussian, moments
from voxrack_atlas.prior import Prior, load_prior
from voxrack_atlas.spaces import space_of

TARGET = Path(__file__).resolve().parents[1] / "plugins" / "voxrack_atlas" / "data"
LICENCE = "MIT, see NOTICE"
ORIGIN = "https://github.com/SonyResearch/diffvox"


def rows(folder: Path, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, 151) of a set, those that the paper analyses, and the mask (151,) of the 130 that count."""
    table = np.load(folder / dataset / "raw_params.npy").astype(np.float64)
    index = folder / dataset / "train_index.npy"
    return table[np.load(index)] if index.is_file() else table, np.load(folder / dataset / "feature_mask.npy")


def template(folder: Path) -> Preset:
    """The rack at the mean of the internal set."""
    table, mask = rows(folder, "internal")
    mean = np.where(mask, table.mean(axis=0), 0.0)
    about = "The rack of DiffVox at the mean of its 365 internal presets; statistics of a published set (see NOTICE)."
    return Preset.of(
        from_diffvox(mean).rack(), name="Vocal rack", about=about, tags=["diffvox"], how="import", created=""
    )


def facts(folder: Path, dataset: str, count: int) -> dict[str, object]:
    digest = hashlib.sha256((folder / dataset / "raw_params.npy").read_bytes()).hexdigest()
    return {"rows": count, "raw_params_sha256": digest, "origin": ORIGIN, "licence": LICENCE}


def gaussian(folder: Path, dataset: str, rack: Preset) -> Gaussian:
    table, mask = rows(folder, dataset)
    mean, covariance = moments(table[:, mask])
    named = {"name": f"vocal_gaussian_{dataset}", **facts(folder, dataset, len(table))}
    return Gaussian(
        columns=space_of(rack, "raw").columns, space="raw", template=rack.text(), facts=named, mean=mean,
        covariance=covariance,
    )  # fmt: skip


def flow(folder: Path, rack: Preset) -> Prior:
    table, _ = rows(folder, "internal")
    presets = [from_diffvox(vector, name=f"internal {row}") for row, vector in enumerate(table)]
    made = fit_prior(Collection.of(presets), "flow", space="raw").prior
    named = {**made.facts, "name": "vocal_flow", **facts(folder, "internal", len(table))}
    return type(made)(columns=made.columns, space="raw", template=rack.text(), facts=named, **made.arrays())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    rack = template(given.folder)
    made: dict[str, Prior] = {
        f"vocal_gaussian_{dataset}": gaussian(given.folder, dataset, rack) for dataset in ("internal", "medleydb")
    }
    made["vocal_flow"] = flow(given.folder, rack)
    if not given.check:
        TARGET.mkdir(exist_ok=True)
        rack.save(TARGET / "vocal_template.json")
        for name, prior in made.items():
            print(prior.save(TARGET / f"{name}.safetensors"))
        return 0
    wrong = [name for name, prior in made.items() if not same(prior, load_prior(TARGET / f"{name}.safetensors"))]
    print(f"differ from what is in {TARGET}: {', '.join(wrong)}" if wrong else "all as it is")
    return bool(wrong)


def same(a: Prior, b: Prior) -> bool:
    """Whether two priors agree to the rounding of other processors."""
    mine, theirs = a.arrays(), b.arrays()
    return mine.keys() == theirs.keys() and all(
        np.allclose(mine[key], theirs[key], rtol=1e-6, atol=1e-8) for key in mine
    )


if __name__ == "__main__":
    sys.exit(main())
