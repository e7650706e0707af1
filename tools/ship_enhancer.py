"""Put a trained enhance.light into the package, with its model card.

    python tools/ship_enhancer.py RUN EVALUATION [--before RUN …] [--note TEXT]

RUN is the folder of `voxrack train enhance.light`, --before those that it began with, in order; EVALUATION is that of
`voxrack evaluate enhance.light` of its weights.
All figures of the card are those of the evaluation, which measured the very file that is shipped (its digest is
compared); equal inputs give the same file, to the byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipping import RAVDESS_AND_OTHERS, carded, interval, markdown

from voxrack import weights
from voxrack.replace import write_bytes
from voxrack.runs import Run
from voxrack_enhance.evaluation import NAME
from voxrack_enhance.evaluation_systems import System, digest
from voxrack_enhance.evaluation_tables import Report
from voxrack_enhance.specs import LIGHT

FOLDER = Path(__file__).resolve().parent.parent / "plugins" / "voxrack_enhance" / "weights"
DEVICE = "enhance.light"
MEASURES = {"pesq": "PESQ-WB", "stoi": "STOI", "si_sdr": "SI-SDR, dB", "sig": "SIG", "bak": "BAK", "ovrl": "OVRL"}
DIGITS = {"pesq": 2, "stoi": 3, "si_sdr": 1, "sig": 2, "bak": 2, "ovrl": 2}

USE = """\
Takes noise away behind a voice: `voxrack render denoise FILE -o OUT`, `voxrack analyze DEVICE FILE --front
enhance.light`, or as an insert in a rack. Causal, 32 ms late, mono or any number of channels (each by itself), 8 to
192 kHz. `strength` sets how much is taken, `floor` how far at the most. The figures below are those of the default
strength, {strength:g}: what stays holds breath and soft sounds, and some noise."""

DATA = """\
- Speech: RAVDESS, the speech part (Livingstone and Russo 2018, CC BY-NC-SA 4.0), actors 1 to 18, and LibriSpeech
  train-clean-100 (Panayotov et al. 2015, CC BY 4.0), one utterance each of
  {libri} speakers; both corpora are drawn equally often.
- Noise: ESC-10 (Piczak 2015, CC BY 3.0), recordings of 7 in 10 sources, and noises, hums, babble and impulses that the
  program makes up itself (`voxrack_enhance/synthetic.py`), in rooms that it makes up, too.
- Mixtures are drawn anew for every step: SNR -5 to 25 dB, levels of -45 to -15 dBFS and softer, equalisers, band
  limits, clipping, rumble. In all {steps:,} steps, {hours:.0f} hours of audio, heard once; the average of the last
  weights is what ships.{note}

Made by

    voxrack prepare enhance.light --data ravdess --data librispeech --noise esc10 --unmatched speechdnn_noises \\
        -o features.safetensors
{commands}"""

LIMITS = """\
- Trained on an hour and a half of speech by 128 English speakers and 88 recordings of noise: other languages, singing,
  several speakers and noise unlike these are outside of what was measured. Music is taken for noise in part.
- Voices in the background are noise to it where they are softer; which of two equal voices is meant it cannot know.
- Above 8 kHz there is no network: gains follow what was found below (`upper_band.py`), measured by ear of nobody.
- Reverberation stays; clipping stays.
- Intervals draw speakers, where there are five or more, else clips; the recorded pairs are two speakers' nine items."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="the runs that RUN began with, in order")
    parser.add_argument("--note", default="", help="what else is to be said of the training")
    parser.add_argument("--out", type=Path, default=FOLDER, help="an existing folder")
    asked = parser.parse_args()
    found = weights.load(asked.run)
    path = asked.evaluation / "mixtures" if (asked.evaluation / "mixtures").is_dir() else asked.evaluation
    about = json.loads((path / NAME).read_text(encoding="utf-8"))
    if about["digests"].get(DEVICE) != digest(System(DEVICE, str(found.path.resolve()))):
        raise SystemExit(f"{path} measured other weights than {found.path}; evaluate these")
    asked.out.mkdir(exist_ok=True)
    target = asked.out / f"{DEVICE}.safetensors"
    write_bytes(target, found.path.read_bytes())
    carded(target, "enhance.light: less noise around speech", {
        "Use": USE.format(strength=LIGHT.param("strength").default),
        "Training data": data([*asked.before, asked.run], asked.note),
        "Figures": "\n".join(figures(Report(path, about))), "Limits": LIMITS, "Licence": RAVDESS_AND_OTHERS,
    })  # fmt: skip


def data(folders: Sequence[Path], note: str) -> str:
    """Of all runs, one after another: a stopped one counts with the epochs that it came to."""
    total, seconds, commands = 0, 0.0, []
    for place, folder in enumerate(folders):
        config = Run(folder).config()["asked"]
        options = config["options"]
        epochs = len(Run(folder).metrics())
        total += epochs * options["steps"]
        seconds += epochs * options["steps"] * options["batch"] * options["seconds"]
        start = f" --set start=RUN{place}" if place else ""
        stopped = f"  # stopped after {epochs} epochs" if epochs < config["epochs"] else ""
        commands.append(
            f"    voxrack train enhance.light --features features.safetensors --seed {config['seed']} "
            f"--epochs {config['epochs']} \\\n        --set steps={options['steps']} --set batch={options['batch']} "
            f"--set learning_rate={options['learning_rate']:g}{start} -o RUN{place + 1}{stopped}"
        )
    told = f"\n- {note}" if note else ""
    return DATA.format(steps=total, hours=seconds / 3600, libri=110, commands="\n".join(commands), note=told)


def figures(report: Report) -> list[str]:
    """By SNR, by corpus, and of the recorded pairs, with the command that printed them."""
    about, found = report.about, report.figures
    pairs = f" --set pairs={about['pairs']}" if about["pairs"] else ""
    against = [name for name in about["systems"] if name not in ("noisy", DEVICE, *about["published"])]
    also = f" --set against={','.join(against)}" if against else ""
    lines = [
        f"`voxrack evaluate enhance.light --features features.safetensors --set utterances={about['utterances']} "
        f"--set ratio={about['ratio']}{pairs}{also} -o EVALUATION`",
        "",
        *(f"- {remark}" for remark in report.remarks()),
        "",
        *table(("corpus", "noise", "SNR"), found["corpora"], ("corpus", "set", "snr")),
    ]
    if found["pairs"]:
        lines += ["", f"Recorded pairs, {about['pairs']} (VoiceBank-DEMAND; never trained on):", ""]
        lines += table((), found["pairs"], ())
    return lines


def table(heads: Sequence[str], rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    columns = (*heads, "system", "n", *MEASURES.values())
    out = []
    for row in rows:
        places = [ratio(row[key]) if key == "snr" else str(row[key]) for key in keys]
        cells = [interval(row["measures"].get(name), DIGITS[name]) for name in MEASURES]
        out.append([*places, row["system"], str(row["n"]), *cells])
    return markdown(columns, out)


def ratio(snr: int | None) -> str:
    return "clean" if snr is None else f"{snr} dB"


if __name__ == "__main__":
    main()
