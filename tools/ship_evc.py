"""Put a trained evc.diffevc into the package, in half precision, with its model card.

    python tools/ship_evc.py RUN FEATURES

RUN is the folder of `voxrack train evc.diffevc` (stage=decoder); of one that was stopped before its end the snapshot is
taken, which it wrote when asked (a file SNAPSHOT). FEATURES is what `voxrack prepare evc.diffevc` wrote. The
card's figures are measured here, on the test speakers of FEATURES (`voxrack_evc.spectra`), with the file that is
shipped, and printed; equal inputs give the same file, to the byte.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from shipping import RAVDESS_AND_OTHERS, carded, markdown

from voxrack import weights
from voxrack.feature_file import FeatureFile
from voxrack.runs import Run
from voxrack_evc.conversion import Converter
from voxrack_evc.material import divide
from voxrack_evc.spectra import Setting, copying, shifts

FOLDER = Path(__file__).resolve().parent.parent / "plugins" / "voxrack_evc" / "weights"
DEVICE = "evc.diffevc"
EMOTIONS = ("neutral", "angry", "happy", "sad")
SETTINGS = (Setting(), Setting(3.0, "emotion"), Setting(3.0, "emotion", depth=0.3))
DEPTHS = (1.0, 0.3)

USE = """\
Says the same words with another feeling: `voxrack_evc.conversion.Converter.load()`, and the device `evc.diffevc`. It
turns log-mel spectra into log-mel spectra; the melody is the prosody's matter and the sound the vocoder's.
Emotions by name: {emotions}.
Conditions: a speaker vector ({speaker}) and an emotion embedding ({encoder})
of the source, and of a reference or, by name, the mean of the training speakers."""

DATA = """\
- RAVDESS, the speech part (Livingstone and Russo 2018, CC BY-NC-SA 4.0), actors 1 to 18, and LibriSpeech
  train-clean-100 (Panayotov et al. 2015, CC BY 4.0), one utterance each of {readers} speakers: {train} recordings.
  Actors 19 and 20 and {held} readers validate; actors 21 to 24 and every 7th reader are only tested.
- Targets of the average-voice encoder: RAVDESS's two sentences aligned by dynamic time warping and averaged over the
  training actors; {clusters} clusters of frames for LibriSpeech's text.
- The frozen emotion encoder, {encoder}, has itself been trained on all 24 actors of RAVDESS, those who test
  here among them. What it says of a test actor's recording is better than what it would say of a stranger's.

{stages}"""

PREPARED = """\
    voxrack prepare evc.diffevc --data ravdess --data librispeech --set speaker=own -o features.safetensors"""

LIMITS = """\
- **Seen text, unseen speakers.** RAVDESS has two sentences, and both are in training. For these the average voice is a
  true mean of many voices; for any other text it is made of clusters, and much is lost.
- **Trained for {steps:,} steps of {batch} crops, on a CPU**, width {width} ({size:,} weights of the decoder; DiffVC's
  has 117.8 million, and the paper trains it for 368,000 steps of 32): the figures above say how far that leads. It
  shows that the method runs, and is a beginning to go on from (`--set start=RUN`).
- **Sound, likeness and words suffer**: tables of `voxrack evaluate evc.diffevc` stand beside those of `evc.prosody` in
  docs/explanation/diffevc.md.
- Acted emotion, English, studio recordings. Whoever is converted did not ask for it: say that a recording is converted.
- Speaker vectors are those of our own small encoder, learned from {voices} voices; its equal error rate stands above.
- Intensity, breath, laughter and sobbing are not controlled."""

WARM = """\
- Speaker and emotion are **not kept apart** by the mutual-information term: training ended in the epoch in which
  vCLUB's own network learns alone. The auxiliary heads and the mel term were in force.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER, help="a folder")
    parser.add_argument("--most", type=int, default=48, help="conversions for each line of the table")
    asked = parser.parse_args()
    features = FeatureFile(asked.features)
    asked.out.mkdir(exist_ok=True)
    target = shipped(asked.run, asked.out / f"{DEVICE}.safetensors")
    converter = Converter.load(target)
    carded(target, "evc.diffevc: the same words with another feeling", {
        "Use": use(converter), "Training data": data(asked.run, features),
        "Figures": "\n".join(figures(converter, features, asked)), "Limits": limits(asked.run, converter, features),
        "Licence": RAVDESS_AND_OTHERS,
    }, show=True)  # fmt: skip


def shipped(run: Path, target: Path) -> Path:
    """Write the run's weights in half precision: half the size; `voxrack_evc.model` widens them again."""
    found = weights.load(file_of(run))
    halved = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in found.tensors.items()}
    weights.save(target, halved, found.metadata | {"stored": "float16"})
    return target


def file_of(run: Path) -> Path:
    """The run's weights, or those of its snapshot."""
    return Run(run).model_file if Run(run).finished else Run(run).snapshot_file


def steps_of(run: Path) -> int:
    """Steps that were trained until the weights were written."""
    stopped = 0 if Run(run).finished else Run(run).outcome.get("step", 0)
    return sum(line["steps"] for line in Run(run).metrics()) + stopped


def use(converter: Converter) -> str:
    model = converter.model
    speaker = "our own encoder, in this file" if model.speaker else "Resemblyzer's"
    return USE.format(emotions=", ".join(converter.emotions), speaker=speaker, encoder=model.emotion_encoder)


def data(run: Path, features: FeatureFile) -> str:
    """Who trained, and the options of every stage that differ from one another."""
    parts = divide(features.items)
    readers = {features.items[row].speaker for row in parts.train if features.items[row].corpus != "ravdess"}
    held = {features.items[row].speaker for row in parts.validation if features.items[row].corpus != "ravdess"}
    stages, config = [], Run(run).config()["asked"]
    content = Run(config["options"]["content_run"]).config()["asked"]
    for stage, path in chain(run, config["options"]):
        stages.append(described(stage, path))
    encoder = weights.load(file_of(run)).metadata["emotion_encoder"]
    return DATA.format(
        readers=len(readers), held=len(held), train=len(parts.train), encoder=encoder,
        clusters=content["options"]["clusters"], stages="\n".join(("Made by", "", PREPARED, "", *stages)),
    )  # fmt: skip


def chain(run: Path, options: Mapping[str, Any]) -> list[tuple[str, Path]]:
    """The runs that this one is made of, in order."""
    decoders, at = [("decoder", run)], options
    while at["start"]:
        decoders.append(("decoder", Path(at["start"])))
        at = Run(at["start"]).config()["asked"]["options"]
    found = [("content", Path(options["content_run"]))]
    if options["speaker_run"]:
        found.append(("speaker", Path(options["speaker_run"])))
    return [*found, *reversed(decoders)]


def described(stage: str, path: Path) -> str:
    """A run's command, and what its last epoch measured on validation speakers."""
    from voxrack_evc.specs_diffevc import DIFFEVC_RECIPE

    asked = Run(path).config()["asked"]
    defaults = {param.id: param.default for param in DIFFEVC_RECIPE.options}
    kept = {name: value for name, value in asked["options"].items() if value != defaults.get(name, value)}
    words = "".join(f" --set {name}={Path(value).name if str(name).endswith('_run') or name == 'start' else value}"
                    for name, value in kept.items())  # fmt: skip
    lines = Run(path).metrics()
    measured = lines[-1]["validation"].items() if lines else ()
    words_for = [f"{name.removeprefix('validation_').replace('_', ' ')} {value:.3f}" for name, value in measured]
    ended = f"validation speakers at the end: {', '.join(words_for)}" if lines else "stopped, a snapshot taken"
    return (
        f"    voxrack train {DEVICE} --features features.safetensors --epochs {asked['epochs']} "
        f"--seed {asked['seed']}{words} -o {path.name}\n\n"
        f"({stage}: {steps_of(path):,} steps; {ended}.)\n"
    )


def figures(converter: Converter, features: FeatureFile, asked: argparse.Namespace) -> list[str]:
    """Of the test speakers, measured now."""
    command = f"python tools/ship_evc.py RUN features.safetensors{f' --most {asked.most}' if asked.most != 48 else ''}"
    lines = [f"`{command}` (spectra only: no vocoder, no prosody, no recogniser; test speakers):", ""]
    lines += ["Recordings with their own speaker and emotion: mean distance from them, dB per band and frame:", ""]
    rows = []
    for corpus in sorted(Counter(features.items[row].corpus for row in divide(features.items).test)):
        most = max(1, asked.most // 3)
        deep, flat = (copying(converter, features, Setting(depth=depth), most, corpus) for depth in DEPTHS)
        rows.append((corpus, str(deep["n"]), f"{deep['decoder']:.2f}", f"{flat['decoder']:.2f}",
                     f"{deep['average voice']:.2f}"))  # fmt: skip
    lines += markdown(("corpus", "n", "decoder, depth 1", "depth 0.3", "average voice"), rows)
    lines += ["", "Long-term spectra: share of the way to the same actor's real recordings of the same words with the"]
    lines += ["wanted emotion (1: all of it; 0: none), and the cosine between the two steps, actors 21 to 24:", ""]
    heads = ("guidance", "away from", "depth", "n", *(f"to {emotion}" for emotion in EMOTIONS), "all", "cosine")
    rows = []
    for setting in SETTINGS:
        print(f"measuring guidance {setting.guidance:g}", file=sys.stderr, flush=True)
        with torch.no_grad():
            found = shifts(converter, features, setting, EMOTIONS, asked.most)
        cells = [f"{found[name]['share']:.3f}" if name in found else "" for name in (*EMOTIONS, "all")]
        every = found["all"]
        rows.append((f"{setting.guidance:g}", setting.negative, f"{setting.depth:g}", str(every["n"]), *cells,
                     f"{every['cosine']:.2f}"))  # fmt: skip
    return lines + markdown(heads, rows)


def limits(run: Path, converter: Converter, features: FeatureFile) -> str:
    options = Run(run).config()["asked"]["options"]
    decoders = [path for stage, path in chain(run, options) if stage == "decoder"]
    size = sum(weight.numel() for weight in converter.model.decoder.parameters())
    voices = len({features.items[row].speaker for row in divide(features.items).train})
    begun = len(Run(run).metrics()) + (not Run(run).finished)
    apart = WARM if options["disentangle"] and begun <= options["club_warm"] else ""
    return apart + LIMITS.format(
        width=converter.model.decoder.width, size=size, voices=voices, batch=options["batch"],
        steps=sum(map(steps_of, decoders)),
    )  # fmt: skip


if __name__ == "__main__":
    main()
