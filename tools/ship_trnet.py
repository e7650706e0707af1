"""Put TRNet into the package: the network of one fold, calibrated with the other folds, and its model card.

    python tools/ship_trnet.py EVALUATION [--system SYSTEM] [--split FOLDER]

EVALUATION is the folder of `voxrack evaluate ser.trnet` over folds. What ships is the system whose coefficient is read
off the SNR, because a user reads that track; which system recognises best is not asked, since test speakers would
answer. It is one fold's own run, so that the card can tell what it does with speakers it never heard; the temperature
is the one that the other folds' answers give, over all conditions, and the calibration error is of this fold's answers
at that temperature. Equal inputs give the same file, to the byte.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shipping import RAVDESS, carded, markdown

from voxrack import weights
from voxrack.metrics import Predictions, bootstrap
from voxrack.runs import Run
from voxrack_ser.calibration import fit_temperature, with_temperature
from voxrack_ser.trnet.answers import Answers
from voxrack_ser.trnet.conditions import TESTED
from voxrack_ser.trnet.figures import MEASURES, WEIGHING
from voxrack_ser.trnet.folder import TrnetEvaluation
from voxrack_ser.trnet.report import Report

FOLDER = Path(__file__).resolve().parent.parent / "plugins" / "voxrack_ser" / "weights"
DEVICE = "ser.trnet"
PLACES = ("clean", "matched noise", "unmatched noise")

USE = """\
Emotion heard in a voice behind noise, by `voxrack analyze ser.trnet FILE`: {classes}.
An enhancer stands in front (in training {enhancer}); the coefficient c, told as the track
`trust`, says how far the recording itself was believed: near 1 it is taken as it is, near 0 what the enhancer made of
it. {coefficient}
Probabilities are calibrated by temperature scaling ({temperature:.3f}). It says what acted speech of that kind sounds
like, not what a person feels; decide nothing about a person with it."""

DATA = """\
RAVDESS, the speech part (Livingstone and Russo 2018, CC BY-NC-SA 4.0): {train} clips of the speakers outside of
{split}, clean and mixed with training recordings of ESC-10 (Piczak 2015, CC BY 3.0) at 20, 15, 10, 5 and 0 dB over
active speech. {epochs} epochs, seed {seed}, the last epoch; its clean twin {twin} epochs before. Made by

    voxrack prepare ser.trnet --data ravdess --noise esc10 --unmatched speechdnn_noises -o features.safetensors
    {command}"""

LIMITS = """\
- {tier} tier: {seeds} seed, {folds} of 5 folds, encoder width {width} (the paper's is 32). Differences between the
  systems lie inside of their intervals where the table says so; the paper's own margin, 1 to 2 points, cannot be told
  apart here.
- Acted emotion, two sentences, English, studio recordings; noise was added, nobody raised the voice against it.
- For clean recordings `ser.best` is the better choice by far; see its card.
- {trust}"""

PAPERS = "It is the paper's,\nby equations 1 to 3."
OURS = """It is not
the paper's: its equations 1 to 3 are replaced by (SNR + 5) / 35, cut to 0 ... 1, where the SNR in dB is the power that
the enhancer kept over the power that it took away."""

FOLLOWS = 0.8  # rank correlation of c and the ratio from which c may be said to order recordings by their noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("--system", default="snr", choices=WEIGHING, help="which ships (default: %(default)s)")
    parser.add_argument("--split", default="", help="folder of the fold that ships; the first, if not given")
    parser.add_argument("--out", type=Path, default=FOLDER, help="an existing folder")
    asked = parser.parse_args()
    done = TrnetEvaluation.load(asked.evaluation)
    answers = {name: runs[0] for name, runs in done.answers(asked.system).items()}
    split = asked.split or next(iter(answers))
    if split not in answers or len(answers) < 2:
        raise SystemExit(f"the evaluation has the folds {', '.join(answers)}; two are needed, and --split names one")
    run = done.path / split / asked.system / f"seed-{done.about['seeds'][0]}"
    found = weights.load(run)
    others = Predictions.joined([part for name, one in answers.items() if name != split for part in everything(one)])
    temperature = round(fit_temperature(others), 4)
    target = asked.out / f"{DEVICE}.safetensors"
    weights.save(target, found.tensors, {**found.metadata, "temperature": temperature})
    carded(target, "ser.trnet: speech emotion behind noise", {
        "Use": USE.format(classes=", ".join(found.metadata["labels"]), enhancer=found.metadata["enhancer"],
                          temperature=temperature, coefficient=OURS if asked.system == "snr" else PAPERS),
        "Training data": data(done, split, run),
        "Figures": "\n".join([*tables(Report(done)), "", *calibration(answers[split], split, temperature)]),
        "Limits": LIMITS.format(tier=done.about["tier"], seeds=len(done.about["seeds"]), folds=len(answers),
                                width=done.about["settings"]["width"], trust=trust(done, asked.system)),
        "Licence": RAVDESS,
    })  # fmt: skip


def everything(answers: Answers) -> list[Predictions]:
    """The answers in every condition, as sets of clips of their own."""
    out = []
    for condition in TESTED:
        one = answers.predictions(condition)
        ids = tuple(f"{name} {condition.name}" for name in one.ids)
        out.append(Predictions(ids, one.speakers, one.labels, one.probabilities, one.classes))
    return out


def command(done: TrnetEvaluation) -> str:
    about = done.about
    folds = "".join(f" --fold {split['folder'].rpartition('-')[2]}" for split in about["splits"])
    settings = "".join(f" --set {name}={about['settings'][name]}" for name in ("width", "draws"))
    return (
        f"voxrack evaluate ser.trnet --features features.safetensors --protocol {about['protocol']}{folds} "
        f"--seeds {len(about['seeds'])} --epochs {about['epochs']}{settings} -o EVALUATION"
    )


def trust(done: TrnetEvaluation, system: str) -> str:
    """Whether c may be read as a measure of noise."""
    found = done.about["figures"]["trust"]
    rho = {name: min(own[f"{origin}_rho"]["rho"] for origin in ("matched", "unmatched")) for name, own in found.items()}
    follows = "orders recordings by their noise" if rho[system] >= FOLLOWS else "**hardly follows the noise**"
    return (
        f"c {follows} (rank correlation with the ratio {rho[system]:.2f}; {FOLLOWS:g} was wanted).\n"
        f"  The paper's own c has {rho['trnet']:.2f}. We think: clean speech comes out of this enhancer almost as it\n"
        "  went in, so that eq. 5 loses next to nothing by never believing the recording; and the cosines of eq. 1\n"
        "  tell the kind of a noise as much as its level."
    )


def data(done: TrnetEvaluation, split: str, run: Path) -> str:
    config = Run(run).config()["asked"]
    clips = next(one["train"] for one in done.about["splits"] if one["folder"] == split)
    twin = Run(run.parent.parent / "c" / run.name).config()["asked"]
    return DATA.format(
        train=clips, split=split, epochs=config["epochs"], seed=config["seed"], twin=twin["epochs"],
        command=command(done),
    )  # fmt: skip


def tables(report: Report) -> list[str]:
    """Recall in the three places, tests, the coefficient and the representations, as the command printed them."""
    lines = [f"`{command(report.evaluation)}`", "", *(f"- {line}" for line in report.remarks())]
    for measure, name in MEASURES.items():
        lines += ["", *markdown((name, *PLACES), report.rows(measure))]
    lines += ["", *markdown(("difference", "where", "UAR", "p", "p, Holm"), report.tests())]
    ratios = ("clean", "20 dB", "15 dB", "10 dB", "5 dB", "0 dB")
    lines += ["", *markdown(("c", "noise", *ratios, "rho", "within clips", "cut off"), report.trust())]
    return [*lines, "", *markdown(("representation", "shift by noise", "silhouette"), report.representations())]


def calibration(answers: Answers, split: str, temperature: float) -> list[str]:
    own = [with_temperature(part, temperature) for part in everything(answers)]
    found = bootstrap("ece", own)
    return [
        f"By `python tools/ship_trnet.py EVALUATION`: the shipped network is that of {split}; calibration error of its "
        f"answers about that fold's speakers, mean over all conditions, at the temperature of the other folds: {found}."
    ]


if __name__ == "__main__":
    main()
