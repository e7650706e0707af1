"""``python -m benchmarks.ser_in_noise CORPUS --noise SET --unmatched SET``: a finished recogniser in noise, by itself
and behind an enhancer.

Every recording is heard clean, and under a noise of either set at 20, 15, 10, 5 and 0 dB over active speech; of the
first set only those source recordings that `voxrack prepare ser.trnet` and `enhance.light` test with. Recall is the
mean over the five ratios; its intervals draw speakers, or clips where there are fewer than five. Name ``--speakers``
that the weights have not heard.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from voxrack import Audio, analyze, default_host
from voxrack.datasets import Utterance, audio_sha256, load, noise_set, read_utterances
from voxrack.instance import AnalyzerDevice
from voxrack.metrics import Predictions, bootstrap
from voxrack.task import derived_seed
from voxrack.timeline import NO_SPEECH
from voxrack_ser.trnet.conditions import CLEAN, TESTED, Condition
from voxrack_ser.trnet.figures import MEASURES, PLACES
from voxrack_ser.trnet.material import Noises

from .ser_elsewhere import chosen
from .timing import write_json

RATE = 16_000
DEVICE, FRONT = "ser.best", "enhance.light"
Clip = tuple[Utterance, Audio]


def heard(clip: Audio, condition: Condition, noises: Noises) -> Audio:
    """The clip in a condition; the noise and its place follow from the clip alone."""
    if condition is CLEAN:
        return clip
    rng = np.random.default_rng(derived_seed(0, audio_sha256(clip.samples), condition.name))
    return Audio(noises.laid_under(clip.samples[0], condition, RATE, rng).noisy[None], RATE)


def answered(
    device: AnalyzerDevice, front: Any, clips: Sequence[Clip], noises: Noises, condition: Condition
) -> tuple[Predictions, int]:
    """What the analyzer says in a condition, and for how many clips it heard no speech: these count as wrong."""
    summaries = [analyze(device, heard(audio, condition, noises), front=front)[0].summary for _, audio in clips]
    classes = tuple(summaries[0]["probabilities"])
    silent = [summary["emotion"] == NO_SPEECH for summary in summaries]
    chances = np.array([[summary["probabilities"][name] for name in classes] for summary in summaries], float)
    for row, (utterance, _) in enumerate(clips):
        if silent[row]:
            chances[row] = [0.0 if name == utterance.label else 1.0 for name in classes]
    chances /= chances.sum(axis=1, keepdims=True)
    ids, speakers, labels = ([getattr(u, field) for u, _ in clips] for field in ("id", "speaker", "label"))
    return Predictions(tuple(ids), tuple(speakers), tuple(labels), chances, classes), sum(silent)


def measured(device: AnalyzerDevice, front: Any, clips: Sequence[Clip], noises: Noises) -> dict[str, Any]:
    """Recall by place: clean, matched, unmatched."""
    said = {
        condition: answered(device, front, clips, noises, condition)
        for condition in track(TESTED, f"{device.spec.id}{' behind ' + FRONT if front else ''}")
    }
    out: dict[str, Any] = {"no_speech": sum(silent for _, silent in said.values())}
    for place, conditions in PLACES.items():
        told = [said[condition][0] for condition in conditions]
        out[place] = {measure: asdict(bootstrap(measure, told)) for measure in MEASURES}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ser_in_noise", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder of recordings that `voxrack datasets` knows, or a CSV")
    parser.add_argument("--noise", type=Path, required=True, help="the set that training heard other recordings of")
    parser.add_argument("--unmatched", type=Path, required=True, help="a set that training heard nothing of")
    parser.add_argument("--device", default=DEVICE)
    parser.add_argument("--weights", default="", help="a weight file or the folder of a run; by default the shipped")
    parser.add_argument("--speakers", nargs="+", default=[], help="these alone, as 02 or ravdess/02")
    parser.add_argument("--most", type=int, default=0, help="so many recordings, evenly taken; 0: all")
    given = parser.parse_args()
    host = default_host()
    device = host.create(given.device, {"weights": given.weights})
    assert isinstance(device, AnalyzerDevice)
    sets = noise_set(given.noise).corpus(), noise_set(given.unmatched).corpus(test_only=True)
    noises = Noises.of([one for each in sets for one in each.utterances])
    corpus = load(given.corpus)
    notes = list(corpus.notes)
    wanted = chosen(corpus, given.speakers, given.most)
    clips = [(one, audio.mono().resample(RATE)) for one, audio in read_utterances(wanted, notes)]
    rows = {"by itself": measured(device, (), clips, noises)}
    rows[f"behind {FRONT}"] = measured(device, host.create(FRONT), clips, noises)
    console = Console(width=120)
    speakers = sorted({utterance.speaker for utterance, _ in clips})
    title = f"{given.device} ({given.weights or 'shipped weights'}): {len(clips)} clips, speakers {', '.join(speakers)}"
    table = Table("", *PLACES, "no speech", title=f"{title}; unweighted recall")
    for name, row in rows.items():
        cells = [
            f"{row[p]['uar']['value']:.3f} [{row[p]['uar']['low']:.3f}, {row[p]['uar']['high']:.3f}]" for p in PLACES
        ]
        table.add_row(name, *cells, f"{row['no_speech']} of {len(clips) * len(TESTED)}")
    console.print(table)
    for note in notes:
        console.print(f"note: {note}")
    written = {
        "device": given.device,
        "weights": given.weights,
        "speakers": speakers,
        "clips": len(clips),
        "rows": rows,
    }
    console.print(f"written: {write_json('ser_in_noise', written)}")


if __name__ == "__main__":
    main()
