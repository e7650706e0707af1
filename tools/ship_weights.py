"""Put a trained recogniser into the package: calibrated, in half precision, with its model card.

    python tools/ship_weights.py RUN EVALUATION [EVALUATION …] [--elsewhere JSON …] [--notes FILE] [--half] [--out DIR]

RUN is the folder of `voxrack train` on all speakers, and the first EVALUATION that of `voxrack evaluate` of the same
recipe over folds; or, where training twice is too dear, RUN is a run of EVALUATION itself, over one split, whose test
speakers the weights then have not heard. The answers on speakers who were not trained on give the two temperatures
(whole recordings and windows); the calibration error is that of temperatures from the other folds, of one split from
the other speakers. Further evaluations (another corpus) only add their figures to the card, and so do what
`python -m benchmarks.ser_elsewhere` wrote and the Markdown of --notes. All figures of the card are those that the
commands beside them printed; equal inputs give the same file of weights, to the byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from shipping import RAVDESS, carded, markdown

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
weights, no other corpus. {train} clips {whose}
were trained on, {epochs} epochs, seed {seed}, the last epoch; made by

    voxrack prepare {device} --data ravdess{half}{features} -o features.safetensors
    {made}"""

LIMITS = """\
- Acted emotion, two sentences, English, studio recordings, 24 speakers. On other corpora expect far less, and less
  certain than the probabilities say{corpora}. Judge a few of your own recordings first.
- Intervals are of {speakers} speakers and are wide. No training of a reported figure heard its test speakers.
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
    "ser.mfcc_cnn": """\
- A paper's model, here to be compared with: `ser.best` is the recogniser to use.
- A picture of 160 frames, 5.27 s: shorter stretches are filled up with zeros. The timeline's windows of 1.5 s are two
  thirds filling, were not trained with and not measured, and have the temperature of whole recordings.
- The rate is ten times the paper's and the epochs are fewer; the paper names no number of them.""",
    "ser.mfcc_lstm": """\
- A paper's model, narrower than the paper's (256 units instead of 1,024, which take a GPU), here to be compared with:
  `ser.best` is the recogniser to use.
- The timeline's windows of 1.5 s were not trained with and not measured, and have the temperature of whole
  recordings.""",
    "ser.cornn": """\
- A paper's model, trained far shorter than the paper's 250 epochs and in batches of 20 instead of 40, here to be
  compared with: `ser.best` is the recogniser to use. The paper's corpus is another (IEMOCAP).
- Only the first 3 s of a recording are heard, as in the paper; the timeline hears all of it in windows of 1.5 s, which
  were not trained with and not measured, and have the temperature of whole recordings.""",
}
"""Limits of one recogniser alone."""

CALIBRATION = "By `python tools/ship_weights.py RUN EVALUATION` of that evaluation:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("evaluations", type=Path, nargs="+")
    parser.add_argument("--elsewhere", type=Path, nargs="+", default=[], help="JSON files of benchmarks.ser_elsewhere")
    parser.add_argument("--notes", type=Path, help="Markdown to stand behind the figures: more tables, with commands")
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
    whose, made = training(first, asked.run, config)
    tables = [*map(figures, others), *(elsewhere(json.loads(path.read_text())) for path in asked.elsewhere)]
    tables += [asked.notes.read_text(encoding="utf-8").strip().splitlines()] if asked.notes else []
    more = [line for table in tables for line in ["", *table]]
    temperature = metadata["temperature"]
    structural = settings(first, first.about["features"]["options"])
    print("\n".join(lines))
    carded(target, f"{device}: speech emotion", {
        "Use": USE.format(device=device, classes=", ".join(metadata["labels"]), temperature=temperature,
                          window=metadata.get("window_temperature", temperature)),
        "Training data": DATA.format(
            device=device, train=config["split"]["train"], whose=whose, epochs=config["epochs"], seed=config["seed"],
            features=structural, half=" --half" * asked.half, made=made,
        ),
        "Figures": "\n".join([*figures(first), "", CALIBRATION, "", *lines, *more]),
        "Limits": LIMITS.format(
            speakers=len(heard_by(first)), own=OWN.get(device, ""),
            corpora=": see the last tables" * bool(asked.elsewhere),
        ),
        "Licence": RAVDESS,
    })  # fmt: skip


def settings(evaluation: Evaluation, among: Iterable[str]) -> str:
    """``--set`` for each option of these that is not the recipe's own."""
    own = {key: value for key, value in evaluation.about["options"].items() if key in among}
    words = {True: "on", False: "off"}
    return "".join(f" --set {k}={words[v] if isinstance(v, bool) else v}" for k, v in own.items())


def training(evaluation: Evaluation, run: Path, config: dict[str, Any]) -> tuple[str, str]:
    """Whose clips were trained on, and the command that did it."""
    about, own = evaluation.about, [path.resolve() for path in evaluation.runs()]
    options = settings(evaluation, about["options"])
    if run.resolve() not in own:
        if config["split"]["test"]:
            raise SystemExit(f"{run} left speakers out and is no run of {evaluation.path}; name its own")
        command = f"voxrack train {about['recipe']} --features features.safetensors{options}"
        return "of all speakers", f"{command} --epochs {config['epochs']} -o RUN"
    if len(evaluation.splits) > 1:
        raise SystemExit(f"{evaluation.path} has {len(evaluation.splits)} splits: who of them are the run's? Name one")
    names = " and ".join(heard_by(evaluation))
    return f"of all speakers but {names}, who are judged below,", f"{command_of(evaluation)} -o DIR"


def heard_by(evaluation: Evaluation) -> list[str]:
    """Speakers who are tested."""
    return sorted(set(evaluation.pooled()[0].speakers))


def apart(evaluation: Evaluation, kind: str) -> list[tuple[Predictions, ...]]:
    """Answers fold by fold, of one split speaker by speaker; each for all seeds."""
    folds = list(evaluation.by_split(kind).values())
    if len(folds) > 1:
        return folds
    names = heard_by(evaluation)
    if len(names) < 2:
        raise SystemExit(f"{evaluation.path} tests {names[0]} alone; a temperature is judged on another speaker")
    return [
        tuple(run.subset(row for row, name in enumerate(run.speakers) if name == speaker) for run in folds[0])
        for speaker in names
    ]


def calibrated(metadata: dict[str, Any], evaluation: Evaluation) -> tuple[dict[str, Any], list[str]]:
    """The metadata with its temperatures, and what the card says of calibration."""
    made, lines = dict(metadata), []
    for kind, key in KINDS.items():
        if not evaluation.has(kind):
            continue
        folds, pooled = apart(evaluation, kind), evaluation.pooled(kind)
        others = "folds" if len(evaluation.splits) > 1 else "speakers"
        made[key] = round(float(metadata.get(key, 1.0)) * float(np.mean([fit_temperature(p) for p in pooled])), 4)
        runs = [cross_fitted([fold[seed] for fold in folds])[0] for seed in range(len(pooled))]
        before, after = bootstrap("ece", list(pooled)), bootstrap("ece", runs)
        lines.append(
            f"- Calibration error ({'whole clips' if kind == 'test' else 'windows of 1.5 s'}): {after.value:.3f} at "
            f"the temperature that the other {others} give, {before.value:.3f} without one; temperature of all "
            f"{others}, which is stored: {made[key]:g}."
        )
        lines.append(unsure(runs))
        if others == "speakers":
            few = f"{len(heard_by(evaluation))} speakers, {len(pooled[0])} clips"
            lines.append(f"  {few}, are few for a temperature: take the confidences as rough.")
    return made, lines


def unsure(runs: list[Predictions], threshold: float = THRESHOLD) -> str:
    """What the default threshold of the analyzer leaves."""
    kept = [run.probabilities.max(axis=1) >= threshold for run in runs]
    right = [run.guess == run.truth for run in runs]
    share = float(np.mean([mask.mean() for mask in kept]))
    if not share:
        return f"  With verdicts below {threshold:g} held back as unsure, none are given."
    hit = float(np.mean([hits[mask].mean() for hits, mask in zip(right, kept, strict=True) if mask.any()]))
    return f"  With verdicts below {threshold:g} held back as unsure, {share:.0%} are given, {hit:.0%} of them right."


def command_of(evaluation: Evaluation) -> str:
    """As it was asked for."""
    about = evaluation.about
    return (
        f"voxrack evaluate {about['recipe']} --features features.safetensors --protocol {about['protocol']} "
        f"--seeds {len(about['seeds'])} --epochs {about['epochs']}{settings(evaluation, about['options'])}"
    )


def figures(evaluation: Evaluation) -> list[str]:
    """A Markdown table of an evaluation, with the command that printed it."""
    about = evaluation.about
    seeds, drawn = len(about["seeds"]), about["figures"][MODEL]["test"]["uar"]["by"]
    lines = [
        f"`{command_of(evaluation)}`",
        f"({seeds} seed{'s' * (seeds > 1)}, {about['epochs']} epochs, decided by {about['decided_by']}; 95 % intervals "
        f"by drawing {drawn}s):",
        "",
    ]
    rows = []
    for system, name in about["systems"].items():
        found = about["figures"][system]
        for label, row in ((name, found["test"]), (f"{name}, windows of 1.5 s", found.get("windows", {}))):
            if row:
                cells = [str(Interval(**row[measure])) if measure in row else "" for measure in MEASURES]
                rows.append([label, *cells])
    lines += markdown(("", "accuracy", "unweighted recall", "macro AUC", "calibration error"), rows)
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
    kept = [(true, said) for true, said in pairs if counts[true, said]]
    return ", ".join(f"{classes[true]} taken for {classes[said]} {counts[true, said]:.0f}" for true, said in kept)


def elsewhere(found: dict[str, Any]) -> list[str]:
    """A Markdown table of another corpus or of channels, with the command that printed it."""
    rows = found["conditions"]
    first = next(iter(rows.values()))
    lines = [
        f"`{found['command']}`",
        f"({found['corpus']}, {found['speakers']} speakers, {len(first['classes'])} classes, the weights of "
        f"{'that run' if found['weights'] else 'this file'}; 95 % intervals by drawing {first['uar']['by']}s):",
        "",
    ]
    cells = []
    for name, row in rows.items():
        measures = [str(Interval(**row[measure])) for measure in ("uar", "ece")]
        shares = ["" if row[key] is None else f"{row[key]:.0%}" for key in ("given", "right", "no_speech")]
        cells.append([name, str(row["n"]), *measures, *shares])
    heads = ("", "n", "unweighted recall", "calibration error", "verdicts given", "of these right", "no speech")
    return lines + markdown(heads, cells)


def halved(tensors: dict[str, Any]) -> dict[str, Any]:
    """Matrices and kernels as float16; vectors (normalisation, biases) stay as they are."""
    return {
        name: tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in tensors.items()
    }


if __name__ == "__main__":
    main()
