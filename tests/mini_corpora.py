"""Miniature trees of speech corpora, named by each corpus's rules; each file holds 50 ms of noise."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
FRAMES = 800


def sound(path: Path, name: str = "", level: float = 0.1) -> Path:
    """A tiny file; its samples depend on ``name`` (by default the path's last three parts) alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32((name or "/".join(path.parts[-3:])).encode())
    samples = level * np.random.default_rng(seed).standard_normal(FRAMES)
    soundfile.write(path, np.clip(samples, -1, 1), RATE)
    return path


def ravdess(root: Path, actors: Iterable[int] = range(1, 25), suffix: str = ".flac") -> Path:
    """A neutral and two strong takes of each actor."""
    for actor, take in product(actors, ("01-01-01", "05-02-01", "03-02-02")):
        sound(root / f"Actor_{actor:02d}" / f"03-01-{take}-01-{actor:02d}{suffix}")
    return root


def tess(root: Path) -> Path:
    for speaker, word, emotion in product(("OAF", "YAF"), ("back", "bite"), ("angry", "fear", "neutral", "ps")):
        misnamed = (speaker, word, emotion) == ("OAF", "bite", "neutral")  # as in the release
        folder = f"{speaker}_{'pleasant_surprise' if emotion == 'ps' else emotion}"
        sound(root / folder / f"{'OA' if misnamed else speaker}_{word}_{emotion}.wav")
    return root


def savee(root: Path, flat: bool = False) -> Path:
    for speaker, take in product(("DC", "JE", "JK", "KL"), ("a01", "d02", "f03", "h04", "n30", "sa05", "su06")):
        sound(root / (f"ALL/{speaker}_{take}.wav" if flat else f"AudioData/{speaker}/{take}.wav"))
    return root


def emodb(root: Path) -> Path:
    for take in ("03a01Wa", "03b10Lb", "08a02Ea", "09a04Ac", "10a05Fd", "16b03Td", "16a07Nb", "11b01Na"):
        sound(root / "wav" / f"{take}.wav")
    return root


LINES = (
    ("impro01_F000", "neu"), ("impro01_M001", "ang"), ("impro01_M002", "xxx"), ("impro01_F003", "hap"),
    ("impro01_F004", "exc"), ("impro01_M005", "sad"), ("script01_1_F000", "sad"), ("script01_1_M001", "fru"),
)  # fmt: skip


def iemocap(root: Path, sessions: Iterable[int] = range(1, 6)) -> Path:
    """Six improvised turns and two scripted ones of each session, with their evaluations and transcripts."""
    for session in sessions:
        about: dict[str, list[tuple[str, str]]] = {}
        for turn, emotion in LINES:
            dialogue = f"Ses0{session}F_{turn.rpartition('_')[0]}"
            about.setdefault(dialogue, []).append((f"Ses0{session}F_{turn}", emotion))
            sound(root / f"Session{session}/sentences/wav/{dialogue}/Ses0{session}F_{turn}.wav")
        for dialogue, turns in about.items():
            text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            said = ""
            for turn, emotion in turns:
                text += f"[6.2901 - 8.2357]\t{turn}\t{emotion}\t[2.5000, 3.5000, 4.0000]\n"
                text += "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
                said += f"{turn} [006.2901-008.2357]: Words of {turn}.\n"
            put(root / f"Session{session}/dialog/EmoEvaluation/{dialogue}.txt", text)
            put(root / f"Session{session}/dialog/EmoEvaluation/Categorical/{dialogue}_e1_cat.txt", "not a summary\n")
            put(root / f"Session{session}/dialog/transcriptions/{dialogue}.txt", said)
    return root


def esd(root: Path, parts: bool = True) -> Path:
    emotions = (("Neutral", 21), ("Angry", 371), ("Happy", 721), ("Sad", 1071), ("Surprise", 1421))
    for speaker, (emotion, number) in product(("0001", "0011", "0020"), emotions):
        sound(root / speaker / emotion / ("train/" if parts else "") / f"{speaker}_{number:06d}.wav")
    lines = "".join(f"0011_{number:06d}\tThe nine, the eggs, I keep.\t{emotion}\n" for emotion, number in emotions)
    put(root / "0011/0011.txt", lines)
    put(root / "0001/0001.txt", "0001_000021\t打远一看\t中立\n", encoding="gb18030")
    return root


def crema_d(root: Path) -> Path:
    for take in ("1001_DFA_ANG_XX", "1001_IEO_SAD_HI", "1002_IEO_HAP_LO", "1091_TSI_NEU_XX", "1040_ITH_SAD_X"):
        sound(root / "AudioWAV" / f"{take}.wav")
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    "ravdess": ravdess, "tess": tess, "savee": savee, "emodb": emodb, "iemocap": iemocap, "esd": esd,
    "crema-d": crema_d,
}  # fmt: skip


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A text file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path
