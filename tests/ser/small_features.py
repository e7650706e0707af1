"""Feature files without audio, and a miniature IEMOCAP tree, for the tests of recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.files import write
from voxrack.testing import voice


def features(
    path: Path,
    *,
    bands: int = 40,
    speakers: int = 4,
    labels: Sequence[str] = ("neutral", "happy", "sad"),
    takes: int = 2,
    frames: tuple[int, int] = (60, 160),
    corpus: str = "toy",
) -> FeatureFile:
    """Noise whose bands carry the label: ``takes`` clips of every label by every speaker."""
    generator = np.random.default_rng(5)
    tints = generator.normal(size=(len(labels), bands))
    with FeatureWriter(path, "ser.toy", {}) as writer:
        for speaker in range(1, speakers + 1):
            for number, label in enumerate(labels):
                for take in range(takes):
                    length = int(generator.integers(*frames))
                    values = generator.normal(size=(length, bands)) + 2 * tints[number] + 10 * speaker
                    name = f"{corpus}/{speaker:02d}/{label}-{take}"
                    item = Item(name, corpus, f"{corpus}/{speaker:02d}", label, length / 100, name)
                    statistics = np.concatenate([values.mean(0), values.std(0)])[None]
                    writer.add(item, {"frames": values.astype(np.float32), "statistics": statistics})
    return FeatureFile(path)


def iemocap(root: Path, sessions: int = 5) -> Path:
    """Two improvised turns of each of the four classes, one frustrated and one scripted turn, by every speaker."""
    emotions = ("neu", "hap", "sad", "ang")
    for session in range(1, sessions + 1):
        for gender in "FM":
            for style, codes in (("impro01", (*emotions, *emotions, "fru")), ("script01_1", ("hap",))):
                dialog = f"Ses{session:02d}{gender}_{style}"
                lines = []
                for number, code in enumerate(codes):
                    turn = f"{dialog}_{gender}{number:03d}"
                    audio = voice(0.4, 16000, seed=1000 * session + 10 * number + (gender == "F") + len(style))
                    folder = root / f"Session{session}" / "sentences" / "wav" / dialog
                    folder.mkdir(parents=True, exist_ok=True)
                    write(folder / f"{turn}.wav", audio)
                    lines.append(f"[{number}.0000 - {number + 1}.0000]\t{turn}\t{code}\t[2.5000, 2.5000, 2.5000]\n")
                sheet = root / f"Session{session}" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"
                sheet.parent.mkdir(parents=True, exist_ok=True)
                sheet.write_text("% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "\n".join(lines))
    return root
