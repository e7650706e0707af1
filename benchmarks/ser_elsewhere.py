"""``python -m benchmarks.ser_elsewhere CORPUS``: a finished recogniser on a corpus and in conditions of its own.

Every labelled recording of CORPUS (as `voxrack datasets` reads it) goes through the analyzer as a user's would; with
``--channels`` again and again, changed as telephones, rooms and noise change it. Scored are the classes that both
sides know, with probabilities that sum to one over these; what the gate calls "no speech" is judged by the network all
the same. Intervals draw speakers, or clips where there are fewer than five. Verdicts are the analyzer's own, over all
of its classes: given (not "unsure" or "no speech"), and how many of these are right. Of a corpus that was trained on,
name ``--speakers`` that the weights have not heard.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from voxrack import Audio, analyze, default_host, weights
from voxrack.datasets import Corpus, Utterance, load, read_utterances
from voxrack.instance import AnalyzerDevice
from voxrack.metrics import Predictions, bootstrap
from voxrack.timeline import NO_SPEECH, UNSURE
from voxrack_ser.loading import Judge, load_judge

from .channel_conditions import CONDITIONS, Condition
from .timing import write_json

DEVICE = "ser.best"
MEASURES = ("uar", "accuracy", "ece")


@dataclass(frozen=True)
class Answer:
    """What the analyzer said of one recording."""

    utterance: Utterance
    emotion: str
    probabilities: dict[str, float]


def chosen(corpus: Corpus, speakers: Sequence[str], most: int = 0) -> list[Utterance]:
    """Labelled utterances of these speakers (``02`` or ``ravdess/02``; none: all), at most so many, evenly taken."""
    own = [u for u in corpus.utterances if u.label and u.speaker]
    unknown = [name for name in speakers if all(not _is(name, u) for u in own)]
    if unknown:
        names = ", ".join(corpus.speakers)
        raise SystemExit(f"no labelled recording of speaker '{unknown[0]}' in {corpus.root}; there are {names}")
    own = [u for u in own if not speakers or any(_is(name, u) for name in speakers)]
    if not own:
        raise SystemExit(f"{corpus.root} has no recording with a label and a speaker; nothing can be scored")
    return [own[k * len(own) // most] for k in range(most)] if 0 < most < len(own) else own


def _is(name: str, utterance: Utterance) -> bool:
    return name in (utterance.speaker, utterance.speaker.partition("/")[2])


def answers(
    device: AnalyzerDevice, judge: Judge, clips: Sequence[tuple[Utterance, Audio]], condition: Condition
) -> Iterator[Answer]:
    """The analyzer's answer to each recording under a condition."""
    for number, (utterance, audio) in enumerate(clips):
        made = condition(audio.mono().samples[0], audio.sample_rate, number)
        summary = analyze(device, Audio(made[None], audio.sample_rate))[0].summary
        probabilities = summary["probabilities"]
        if summary["emotion"] == NO_SPEECH:
            probabilities = dict(zip(judge.labels, judge.recording(made, audio.sample_rate)[0][0], strict=True))
        yield Answer(utterance, summary["emotion"], probabilities)


def scored(found: Sequence[Answer]) -> dict[str, Any]:
    """Figures of one condition."""
    classes = tuple(found[0].probabilities)
    ids, speakers, labels = ([getattr(a.utterance, field) for a in found] for field in ("id", "speaker", "label"))
    chances = np.array([[a.probabilities[name] for name in classes] for a in found])
    shared = Predictions.shared(ids, speakers, labels, chances, classes)
    known = [a for a in found if a.utterance.label in shared.classes]
    given = [a for a in known if a.emotion not in (UNSURE, NO_SPEECH)]
    right = sum(a.emotion == a.utterance.label for a in given)
    return {
        "n": len(shared), "classes": list(shared.classes),
        **{name: asdict(bootstrap(name, shared)) for name in MEASURES},
        "given": len(given) / len(known), "right": right / len(given) if given else None,
        "unsure": sum(a.emotion == UNSURE for a in known) / len(known),
        "no_speech": sum(a.emotion == NO_SPEECH for a in known) / len(known),
    }  # fmt: skip


def shown(title: str, rows: dict[str, dict[str, Any]]) -> Table:
    table = Table("", "n", "UAR", "ECE", "given", "of these right", "unsure", "no speech", title=title)
    for name, row in rows.items():
        cells = [f"{row[m]['value']:.3f} [{row[m]['low']:.3f}, {row[m]['high']:.3f}]" for m in ("uar", "ece")]
        shares = [f"{100 * row[key]:.0f} %" if row[key] is not None else "" for key in
                  ("given", "right", "unsure", "no_speech")]  # fmt: skip
        table.add_row(name, str(row["n"]), *cells, *shares)
    return table


def command(given: argparse.Namespace, corpus: str) -> str:
    """What was asked, as somebody else would type it: the corpus by its name, a run by the end of its path."""
    words = ["python", "-m", "benchmarks.ser_elsewhere", corpus]
    words += ["--device", given.device] if given.device != DEVICE else []
    words += ["--weights", "/".join(Path(given.weights).parts[-3:])] if given.weights else []
    words += ["--speakers", *given.speakers] if given.speakers else []
    words += ["--channels"] if given.channels else []
    return shlex.join([*words, "--most", str(given.most)] if given.most else words)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ser_elsewhere", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder of recordings that `voxrack datasets` knows, or a CSV")
    parser.add_argument("--weights", default="", help="a weight file or the folder of a run; by default the shipped")
    parser.add_argument("--device", default=DEVICE)
    parser.add_argument("--speakers", nargs="+", default=[], help="these alone, as 02 or ravdess/02")
    parser.add_argument("--channels", action="store_true", help="noise, telephone, tilt, room and silence as well")
    parser.add_argument("--most", type=int, default=0, help="so many recordings, evenly taken; 0: all")
    parser.add_argument("--name", default="", help="of the JSON in out/benchmarks; by default the corpus's")
    given = parser.parse_args()
    device = default_host().create(given.device, {"weights": given.weights})
    assert isinstance(device, AnalyzerDevice)
    judge = load_judge(Path(given.weights) if given.weights else weights.find(given.device, "voxrack_ser"))
    corpus = load(given.corpus)
    notes = list(corpus.notes)
    clips = list(read_utterances(chosen(corpus, given.speakers, given.most), notes))
    rows = {}
    for condition in CONDITIONS if given.channels else CONDITIONS[:1]:
        rows[condition.name] = scored(list(answers(device, judge, clips, condition)))
    first = next(iter(rows.values()))
    speakers = len({utterance.speaker for utterance, _ in clips})
    title = f"{given.device} ({given.weights or 'shipped weights'}) on {corpus.name}: {speakers} speakers"
    console = Console(width=130)
    console.print(shown(title, rows))
    console.print(f"classes: {', '.join(first['classes'])}; 95 % intervals by drawing {first['uar']['by']}s")
    for note in notes:
        console.print(f"note: {note}")
    written = {
        "command": command(given, corpus.name),
        "device": given.device, "weights": given.weights, "corpus": corpus.name, "speakers": speakers,
        "conditions": rows, "notes": notes,
    }  # fmt: skip
    console.print(f"written: {write_json(f'ser_elsewhere_{given.name or corpus.name}', written)}")


if __name__ == "__main__":
    main()
