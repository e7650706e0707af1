"""``python -m benchmarks.trnet_front FEATURES``: a finished TRNet behind the enhancer that stands in front today.

TRNet is trained behind an enhancer, which is frozen; where that one is trained further, or another takes its place,
this tells what it costs. FEATURES come from `voxrack prepare ser.trnet` with the enhancer in question, of speakers
whom the weights have not heard (of the shipped ones: those of fold 1). Recall is the mean over the five ratios, its
intervals draw speakers; rho is the rank correlation of the coefficient c with the ratio.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from voxrack import weights
from voxrack.feature_file import FeatureFile
from voxrack.metrics import bootstrap
from voxrack_ser.trnet import heard
from voxrack_ser.trnet.answers import Answers
from voxrack_ser.trnet.evaluation import predict
from voxrack_ser.trnet.figures import MEASURES, PLACES
from voxrack_ser.trnet.trust import trust

from .timing import write_json

DEVICE = "ser.trnet"


def measured(answers: Answers) -> dict[str, Any]:
    """Recall by place, and how the coefficient follows the ratio."""
    recalls = {
        place: {name: asdict(bootstrap(name, [answers.predictions(one) for one in conditions])) for name in MEASURES}
        for place, conditions in PLACES.items()
    }
    return {"recalls": recalls, "trust": trust([answers])}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trnet_front", description=__doc__)
    parser.add_argument("features", type=Path, help="what `voxrack prepare ser.trnet` wrote")
    parser.add_argument("--weights", default="", help="a weight file or the folder of a run; by default the shipped")
    given = parser.parse_args()
    features = FeatureFile(given.features)
    heard.check(features)
    found = weights.load(given.weights or weights.find(DEVICE, "voxrack_ser"))
    answers = predict(found, features, range(len(features.items)))
    figures = measured(answers)
    console = Console(width=110)
    speakers = sorted({item.speaker for item in features.items})
    table = Table("", *PLACES, title=f"{len(answers.ids)} clips of {len(speakers)} speakers: {', '.join(speakers)}")
    for measure, name in MEASURES.items():
        cells = [figures["recalls"][place][measure] for place in PLACES]
        table.add_row(name, *(f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" for one in cells))
    rhos = [figures["trust"][f"{place}_rho"] for place in list(PLACES)[1:]]
    table.add_row("rho", "", *(f"{one['rho']:.2f} [{one['low']:.2f}, {one['high']:.2f}]" for one in rhos))
    console.print(table)
    console.print(f"in front: {heard.enhancer(features)}; trained behind: {found.metadata['enhancer']}")
    written = {"enhancer": heard.enhancer(features), "trained_with": found.metadata["enhancer"], **figures}
    console.print(f"written: {write_json('trnet_front', written)}")


if __name__ == "__main__":
    main()
