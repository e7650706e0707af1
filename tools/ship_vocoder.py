"""Put a trained evc.vocoder into the package, with its model card.

    python tools/ship_vocoder.py RUN EVALUATION [--before RUN EPOCHS]

RUN is the folder of `voxrack train evc.vocoder`, or its weights; --before is the run whose weights it began with, and
the epochs that it had done; EVALUATION is that of `voxrack evaluate evc.vocoder` of these weights. All figures of the
card are those of the evaluation, which measured the very file that is shipped (its digest is compared).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from shipping import RAVDESS_AND_OTHERS, carded, interval, markdown

from voxrack import weights
from voxrack.replace import write_bytes
from voxrack.runs import Run
from voxrack_evc.vocoder.copies import NAME
from voxrack_evc.vocoder.copies_report import TITLES, Report

FOLDER = Path(__file__).resolve().parent.parent / "plugins" / "voxrack_evc" / "weights"
ID = "evc.vocoder"
DIGITS = {"pesq": 2, "secs": 3, "ovrl": 2}

USE = """\
Makes sound of a log-mel spectrogram (80 bands to 8 kHz, 22,050 Hz) with its pitch and voicing:
`voxrack_evc.vocoder.load().synthesise(log_mel, f0, voicing)`; `voxrack convert` speaks with it. The network says for
every bin how harmonics and noise differ from what the envelope and the voicing suggest, and how the harmonics' phase
is turned. `rounds` fits the sound to the mel spectrogram, which needs no network: for copies of recordings only."""

DATA = """\
RAVDESS, the speech part (Livingstone and Russo 2018, CC BY-NC-SA 4.0), actors 1 to 18, and LibriSpeech
train-clean-100 (Panayotov et al. 2015, CC BY 4.0), one utterance each of 110 speakers; both are drawn equally often, in
stretches of {frames} frames (0.74 s), every other one with a mel spectrogram that was smoothed and put off
(`vocoder/spoiling.py`). Recordings of 16 kHz. In all {steps:,} steps, {hours:.1f} hours of audio, about two minutes of
one CPU core: the machine was shared, and more training would help. Made by

    voxrack prepare evc.vocoder --data ravdess --data librispeech --half -o features.safetensors
{commands}"""

LIMITS = """\
- With the fit nearly all of the quality is the fit's: the same without a network is as good to within the intervals.
  Without the fit, which is how a converter must speak, this is well below what large vocoders reach (they are trained
  for days); there the network brings likeness of the speaker, and on some voices costs PESQ.
- The fit is for mel spectrograms of recordings at their own pitch. Of smoothed ones it makes less than no fit does.
- Nothing above 8 kHz is made: the mel spectrogram does not hear it.
- One voice: of two voices, or of music, the pitch is that of one, and the rest becomes noise.
- Levels about -20 dBFS (±6 dB) were trained with; `voxrack_evc.level.levelled` brings a voice there.
- Read and acted English by 128 speakers; the speakers of the figures decided nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("--before", nargs=2, metavar=("RUN", "EPOCHS"), help="the run that RUN began with")
    parser.add_argument("--out", type=Path, default=FOLDER, help="an existing folder")
    asked = parser.parse_args()
    found = weights.load(asked.run)
    path = asked.evaluation / "copies" if (asked.evaluation / "copies").is_dir() else asked.evaluation
    about = json.loads((path / NAME).read_text(encoding="utf-8"))
    if about["weights"] != found.sha256:
        raise SystemExit(f"{path} measured other weights than {found.path}; evaluate these")
    asked.out.mkdir(exist_ok=True)
    target = asked.out / f"{ID}.safetensors"
    write_bytes(target, found.path.read_bytes())
    carded(target, "evc.vocoder: from mel spectrogram and pitch to sound", {
        "Use": USE, "Training data": data(asked.run, asked.before), "Figures": "\n".join(figures(Report(path, about))),
        "Limits": LIMITS, "Licence": RAVDESS_AND_OTHERS,
    })  # fmt: skip


def data(folder: Path, before: tuple[str, str] | None) -> str:
    """What both runs heard, and the commands."""
    steps, hours, commands = 0, 0.0, []
    parts = [(Path(before[0]), int(before[1]), "RUN1")] if before else []
    parts.append((folder, len(Run(folder).metrics()), "RUN"))
    for place, epochs, name in parts:
        config = Run(place).config()["asked"]
        options: dict[str, Any] = config["options"]
        steps += epochs * options["steps"]
        hours += epochs * options["steps"] * options["batch"] * options["frames"] * 256 / 22050 / 3600
        start = "=".join(("start", "RUN1's weights of the moment")) if before and name == "RUN" else ""
        more = f'--set "{start}" ' if start else ""
        stopped = f"  # stopped after {epochs} epochs" if epochs < config["epochs"] else ""
        commands.append(
            f"    voxrack train {ID} --features features.safetensors --epochs {config['epochs']} \\\n"
            f"        --set steps={options['steps']} --set learning_rate={options['learning_rate']:g} {more}-o {name}"
            f"{stopped}"
        )
    return DATA.format(frames=options["frames"], steps=steps, hours=hours, commands="\n".join(commands))


def figures(report: Report) -> list[str]:
    """The table, with the command that printed it."""
    lines = [
        f"`voxrack evaluate {ID} --features features.safetensors --set weights=RUN "
        f"--set utterances={report.about['utterances']} -o EVALUATION`",
        "", *(f"- {remark}" for remark in report.remarks()), "",
    ]  # fmt: skip
    rows = []
    for one in report.about["figures"]:
        cells = [interval(one[name], DIGITS[name]) for name in TITLES]
        cost = f"{one['cpu']:.3f}" if one["cpu"] else ""
        rows.append((one["corpus"], one["system"], str(one["n"]), *cells, cost))
    return lines + markdown(("corpus", "system", "n", *TITLES.values(), "CPU-s per s"), rows)


if __name__ == "__main__":
    main()
