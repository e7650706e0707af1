"""Put a trained recogniser into the package: calibrated, in half precision, with its model card.

    python tools/ship_weights.py RUN EVALUATION [EVALUATION …] [--elsewhere JSON …] [--half] [--out FOLDER]

RUN is the folder of `voxrack train` on all speakers; the first EVALUATION is the folder of `voxrack evaluate` of the
same recipe over folds. Its answers on speakers who were not trained on give the two temperatures (whole recordings and
windows); the calibration error is that of temperatures from the other folds. Further evaluations (another corpus) only
add their figures to the card, and so does what `python -m benchmarks.ser_elsewhere` wrote. All figures of the card are
those that the commands beside them printed; equal inputs give the same file of weights, to the byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from voxrack import weights
from voxrack.metrics import Interval, Predictions, bootstrap
from voxrack.metrics_folder import MODEL, Evaluation
from voxrack.runs import Run
from voxrack_ser.analyzer_params import THRESHOLD
from voxrack_ser.calibration import cross_fitted, fit_temperature

FOLDER = Path(__file__).resolve().parent.parent / "plugins" / "voxrack_ser" / "weights"
MEASURES = ("accuracy", "uar", "macro_auc", "ece")
KINDS = {"test": "temperature", "windows": "window_temperature"}

USE = """\
Emotion heard in a voice, by `voxrack analyze {device} FILE` or as an analyzer in a rack: {classes}.
Probabilities are calibrated by temperature scaling ({temperature:.3f} for whole recordings, {window:.3f} for windows
of 1.5 s). It says what acted speech of that kind sounds like, not what a person feels; decide nothing about a person
with it. Speech far from the training data is often judged wrongly, and "unsure" is an answer."""

DATA = """\
RAVDESS, the speech part: 24 North American actors (12 women, 12 men) who say two sentences in eight acted emotions,
1440 clips, CC BY-NC-SA 4.0 (Livingstone and Russo 2018, doi:10.1371/journal.pone.0196391). Nothing else: no pretrained
weights, no other corpus. {train} clips of all speakers were trained on, {epochs} epochs, seed {seed}, the last epoch;
made by

    voxrack prepare {device} --data ravdess{half}{features} -o features.safetensors
    voxrack train {device} --features features.safetensors{options} --epochs {epochs} -o RUN"""

LIMITS = """\
- Acted emotion, two sentences, English, studio recordings, 24 speakers. On other corpora expect far less, and less
  certain than the probabilities say{corpora}. Judge a few of your own recordings first.
- Intervals are of 24 speakers and are wide. No training of a reported figure heard its test speakers.
{own}"""

OWN = {
    "ser.best": """\
- Channel: a telephone's band or a changed spectral tilt cost most, steady noise and a room less; see the table of
  channels above. The level matters only below -75 dBFS, where the gate hears no voice.
- Short windows are less certain than whole clips; the timeline's figures are those of the row "windows".
- Level is taken away on purpose, so shouting from afar and speaking nearby differ by timbre only.
- Architecture, epochs and augmentation were chosen by the recall of validation speakers: those of fold 2 (training on
  folds 3 to 5) and of fold 4 (training on folds 1, 2 and 5). Folds 1, 3 and 5 decided nothing; what is reported for
  folds 2 and 4 may be slightly optimistic.""",
}
"""Limits of one recogniser alone."""

LICENCE = """\
The weights derive from RAVDESS and inherit CC BY-NC-SA 4.0: **non-commercial use only**, name the source, share alike.
The program around them has its own licence."""


CALIBRATION = "By `python tools/ship_weights.py RUN EVALUATION` of that evaluation:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("evaluations", type=Path, nargs="+")
    parser.add_argument("--elsewhere", type=Path, nargs="+", default=[], help="JSON files of benchmarks.ser_elsewhere")
    parser.add_argument("--half", action="store_true", help="the features were stored so")
    parser.add_argument("--out", type=Path, default=FOLDER, help="an existing folder")
    asked = parser.parse_args()
    first, *others = [Evaluation.load(path) for path in asked.evaluations]
    found = weights.load(asked.run)
    device = str(found.metadata["device"])
    if first.about["recipe"] != device:
        raise SystemExit(f"{first.path} evaluates {first.about['recipe']}, {asked.run} is a run of {device}")
    metadata, lines = calibrated(found.metadata, first)
    target = asked.out / f"{device}.safetensors"
    weights.save(target, halved(found.tensors), metadata)
    config = Run(asked.run).config()["asked"]
    tables = [*map(figures, others), *(elsewhere(json.loads(path.read_text())) for path in asked.elsewhere)]
    more = [line for table in tables for line in ["", *table]]
    temperature = metadata["temperature"]
    structural = settings(first, first.about["features"]["options"])
    card = weights.write_card(target, f"{device}: speech emotion", {
        "Use": USE.format(device=device, classes=", ".join(metadata["labels"]), temperature=temperature,
                          window=metadata.get("window_temperature", temperature)),
        "Training data": DATA.format(
            device=device, train=clips(first), epochs=config["epochs"], seed=config["seed"], features=structural,
            half=" --half" * asked.half, options=settings(first, first.about["options"]),
        ),
        "Figures": "\n".join([*figures(first), "", CALIBRATION, "", *lines, *more]),
        "Limits": LIMITS.format(own=OWN.get(device, ""), corpora=": see the last tables" * bool(asked.elsewhere)),
        "Licence": LICENCE,
    })  # fmt: skip
    print("\n".join(lines))
    problems = weights.card_problems(target)
    print(json.dumps({"weights": str(target), "card": str(card), "problems": problems}, indent=2))
    if problems:
        raise SystemExit(1)


def settings(evaluation: Evaluation, among: Iterable[str]) -> str:
    """``--set`` for each option of these that is not the recipe's own."""
    return "".join(f" --set {key}={value}" for key, value in evaluation.about["options"].items() if key in among)


def clips(evaluation: Evaluation) -> int:
    """Clips of all speakers: a fold's training and test clips together."""
    split = evaluation.about["splits"][0]
    return int(split["train"] + split["test"])


def calibrated(metadata: dict[str, Any], evaluation: Evaluation) -> tuple[dict[str, Any], list[str]]:
    """The metadata with its temperatures, and what the card says of calibration."""
    made, lines = dict(metadata), []
    for kind, key in KINDS.items():
        if not evaluation.has(kind):
            continue
        folds = list(evaluation.by_split(kind).values())
        pooled = evaluation.pooled(kind)
        made[key] = round(float(metadata.get(key, 1.0)) * float(np.mean([fit_temperature(p) for p in pooled])), 4)
        runs = [cross_fitted([fold[seed] for fold in folds])[0] for seed in range(len(pooled))]
        before, after = bootstrap("ece", list(pooled)), bootstrap("ece", runs)
        lines.append(
            f"- Calibration error ({'whole clips' if kind == 'test' else 'windows of 1.5 s'}): {after.value:.3f} at "
            f"the temperature that the other folds give, {before.value:.3f} without one; temperature of all folds, "
            f"which is stored: {made[key]:g}."
        )
        lines.append(unsure(runs))
    return made, lines


def unsure(runs: list[Predictions], threshold: float = THRESHOLD) -> str:
    """What the default threshold of the analyzer leaves."""
    kept = [run.probabilities.max(axis=1) >= threshold for run in runs]
    right = [run.guess == run.truth for run in runs]
    share = float(np.mean([mask.mean() for mask in kept]))
    hit = float(np.mean([hits[mask].mean() for hits, mask in zip(right, kept, strict=True) if mask.any()]))
    return f"  With verdicts below {threshold:g} held back as unsure, {share:.0%} are given, {hit:.0%} of them right."


def figures(evaluation: Evaluation) -> list[str]:
    """A Markdown table of an evaluation, with the command that printed it."""
    about = evaluation.about
    seeds = len(about["seeds"])
    lines = [
        f"`voxrack evaluate {about['recipe']} --features features.safetensors --protocol {about['protocol']} "
        f"--seeds {seeds} --epochs {about['epochs']}{settings(evaluation, about['options'])}`",
        f"({seeds} seed{'s' * (seeds > 1)}, {about['epochs']} epochs, decided by {about['decided_by']}; 95 % intervals "
        "by drawing speakers):",
        "",
        "| | accuracy | unweighted recall | macro AUC | calibration error |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for system, name in about["systems"].items():
        found = about["figures"][system]
        for label, row in ((name, found["test"]), (f"{name}, windows of 1.5 s", found.get("windows", {}))):
            if row:
                cells = [str(Interval(**row[measure])) if measure in row else "" for measure in MEASURES]
                lines.append("| " + " | ".join([label, *cells]) + " |")
    found = about["figures"][MODEL]
    recalls = ", ".join(f"{name} {value:.2f}" for name, value in found["recall"].items())
    lines += ["", f"Training accuracy {found['train_accuracy']:.3f}. Recall: {recalls}. Most frequent errors, of"]
    return [*lines, f"{sum(map(sum, found['confusion'])) / seeds:.0f} clips: {errors(found)}."]


def errors(found: dict[str, Any], most: int = 6) -> str:
    """The most frequent confusions, as the evaluation counted them over all seeds."""
    counts, classes = np.array(found["confusion"]), found["classes"]
    np.fill_diagonal(counts, 0)
    places = np.argsort(-counts, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(classes)) for place in places]
    found = [(true, said) for true, said in pairs if counts[true, said]]
    return ", ".join(f"{classes[true]} taken for {classes[said]} {counts[true, said]:.0f}" for true, said in found)


def elsewhere(found: dict[str, Any]) -> list[str]:
    """A Markdown table of another corpus or of channels, with the command that printed it."""
    rows = found["conditions"]
    first = next(iter(rows.values()))
    lines = [
        f"`{found['command']}`",
        f"({found['corpus']}, {found['speakers']} speakers, {len(first['classes'])} classes, the weights of "
        f"{'that run' if found['weights'] else 'this file'}; 95 % intervals by drawing {first['uar']['by']}s):",
        "",
        "| | n | unweighted recall | calibration error | verdicts given | of these right | no speech |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        measures = [str(Interval(**row[measure])) for measure in ("uar", "ece")]
        shares = ["" if row[key] is None else f"{row[key]:.0%}" for key in ("given", "right", "no_speech")]
        lines.append("| " + " | ".join([name, str(row["n"]), *measures, *shares]) + " |")
    return lines


def halved(tensors: dict[str, Any]) -> dict[str, Any]:
    """Matrices and kernels as float16; vectors (normalisation, biases) stay as they are."""
    return {
        name: tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in tensors.items()
    }


if __name__ == "__main__":
    main()
