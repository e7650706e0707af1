"""Measure how actors change their voice with an emotion, and write the table that ``evc.prosody`` works from.

    python tools/prosody_statistics.py ../shared/data/ravdess

RAVDESS actors 1 to 18 (19 and 20 choose settings, 21 to 24 are tested). Each clip is compared with the mean of the same
actor's neutral clips of the same sentence; what stands in the table is the mean over actors, and beside it the standard
deviation between actors.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from voxrack import read
from voxrack.datasets import load
from voxrack.errors import InputError
from voxrack.replace import write_text
from voxrack_evc.mel import RATE
from voxrack_evc.prosody.manner import BANDS, Manner, measure
from voxrack_evc.prosody.speech import hear
from voxrack_evc.specs import EMOTIONS

ACTORS = range(1, 19)
TARGET = Path(__file__).resolve().parent.parent / "plugins/voxrack_evc/prosody/manners.json"


def mean(manners: list[Manner]) -> Manner:
    total = manners[0]
    for one in manners[1:]:
        total = total + one
    return total * (1 / len(manners))


def measured(folder: str) -> tuple[dict[tuple[str, str, str], list[Manner]], list[str]]:
    """Manners by actor, emotion and sentence; and what could not be measured."""
    found: dict[tuple[str, str, str], list[Manner]] = defaultdict(list)
    failed = []
    wanted = {f"ravdess/{actor:02d}" for actor in ACTORS}
    for utterance in load(folder, "ravdess").utterances:
        if utterance.speaker not in wanted:
            continue
        audio = read(utterance.path).mono().resample(RATE)
        speech = hear(audio.samples, audio.sample_rate)
        try:
            if speech is None:
                raise InputError("too short")
            key = utterance.speaker, utterance.label, utterance.attributes["statement"]
            found[key].append(measure(speech))
        except InputError as error:
            failed.append(f"{utterance.id}: {error}")
    return found, failed


def table(found: dict[tuple[str, str, str], list[Manner]], failed: list[str]) -> dict:
    """As ``manners.json`` holds it."""
    emotions, between, clips = {}, {}, {}
    for emotion in EMOTIONS:
        by_actor: dict[str, list[Manner]] = defaultdict(list)
        for (actor, label, statement), here in found.items():
            neutral = found.get((actor, "neutral", statement))
            if label == emotion and neutral:
                by_actor[actor] += [one - mean(neutral) for one in here]
        actors = [mean(differences) for differences in by_actor.values()]
        emotions[emotion] = mean(actors).record() if emotion != "neutral" else Manner().record()
        spread = {name: np.std([one.record()[name] for one in actors], axis=0) for name in ("pitch", "energy", "tempo")}
        between[emotion] = {name: round(float(value), 3) for name, value in spread.items()}
        clips[emotion] = sum(len(differences) for differences in by_actor.values())
    return {
        "about": "mean difference to neutral of the same actor and sentence; fields as in voxrack_evc.prosody.manner",
        "command": "python tools/prosody_statistics.py ../shared/data/ravdess",
        "data": f"RAVDESS (CC BY-NC-SA 4.0, Livingstone and Russo 2018), actors {ACTORS[0]} to {ACTORS[-1]}",
        "bands": list(BANDS), "clips": clips, "left_out": failed, "emotions": emotions, "between_actors": between,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ravdess")
    parser.add_argument("-o", "--out", default=str(TARGET))
    arguments = parser.parse_args()
    found, failed = measured(arguments.ravdess)
    write_text(arguments.out, json.dumps(table(found, failed), indent=1) + "\n")


if __name__ == "__main__":
    main()
