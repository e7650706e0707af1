"""A listening test as one page: recordings of several systems, blind and in an order of each listener's own.

The page holds everything: no server, no network. Recordings bear numbers made of the test's seed and their names, so
that neither the page nor the answers tell a system; whoever has the folder and the seed reads the answers back.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack.errors import InputError, UsageError

if TYPE_CHECKING:
    from voxrack import Audio

LONGEST = 60.0
"""Seconds of a recording."""
PEAK = 0.9
"""Of the loudest recording of a page."""
SIZE = 200_000_000
"""Bytes of a page at the most."""
SCORES = ("quality", "naturalness", "similarity")
TELLING = ("neutral", "happy", "sad", "angry")


@dataclass(frozen=True)
class Clip:
    """One recording of a test.

    Parameters
    ----------
    id : str
        Blind.
    system, name : str
        Folder and name without its suffix.
    path : Path
    """

    id: str
    system: str
    name: str
    path: Path


def clips(folder: str | Path, seed: int) -> list[Clip]:
    """The recordings of a folder: one folder for each system in it, sorted.

    Raises
    ------
    InputError
        No such folder, or no folder of recordings in it.
    """
    from voxrack.commands.targets import AUDIO

    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; it holds one folder of recordings for each system")
    found = []
    for system in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in sorted(system.rglob("*")):
            if path.suffix.lower() in AUDIO and path.is_file():
                name = path.relative_to(system).with_suffix("").as_posix()
                found.append(Clip(_blind(f"{seed}/{system.name}/{name}"), system.name, name, path))
    if not found:
        raise InputError(f"{root}: no folder in it holds recordings ({', '.join(AUDIO)}); make one for each system")
    return found


def page(folder: str | Path, *, seed: int = 0, reference: str = "", emotions: Sequence[str] = TELLING) -> str:
    """The test as HTML.

    Parameters
    ----------
    folder : str or Path
        See :func:`clips`.
    seed : int
        Of the blind numbers: another seed is another test.
    reference : str
        The system whose recordings are the voices to be compared with: of the same name as the recording, or the
        beginning of its name (``talk`` for ``talk-happy``). Empty: the one called ``source``, if there is one.
    emotions : sequence of str
        To choose from.

    Raises
    ------
    UsageError
        No such reference, or a page beyond 200 MB.
    InputError
        A recording that cannot be read, or lasts over a minute.
    """
    found = clips(folder, seed)
    systems = list(dict.fromkeys(clip.system for clip in found))
    if reference and reference not in systems:
        raise UsageError(f"there is no system '{reference}' in {folder}; there are {', '.join(systems)}")
    voices = {clip.name: clip for clip in found if clip.system == (reference or "source")}
    sounds = {clip.path: _sound(clip.path) for clip in found}
    gain = PEAK / max(max(sound.peak for sound in sounds.values()), 1e-9)  # one for all: levels stay as they compare
    shown, references = [], {}
    for clip in found:
        voice = _voice(clip.name, voices)
        entry = {"id": clip.id, "audio": _data(sounds[clip.path], gain)}
        if voice is not None:
            entry["reference"] = _blind(f"voice/{voice.id}")
            references[entry["reference"]] = _data(sounds[voice.path], gain)
        shown.append(entry)
    shown.sort(key=lambda entry: entry["id"])  # the order in the file tells nothing either
    test = {"id": test_id(found), "emotions": list(emotions), "clips": shown, "references": references}
    text = json.dumps(test, ensure_ascii=False).replace("<", "\\u003c")
    if len(text) > SIZE:
        raise UsageError(f"the page would hold {len(text) / 1e6:.0f} MB; {SIZE / 1e6:.0f} MB are the most: fewer clips")
    template = files("voxrack_evc").joinpath("listening_test.html").read_text(encoding="utf-8")
    return template.replace("/*TEST*/", text)


def test_id(found: Iterable[Clip]) -> str:
    """Of the same recordings by the same seed: eight hexadecimal digits."""
    return _blind("/".join(sorted(clip.id for clip in found)))[:8]


def results(folder: str | Path, answers: Sequence[str | Path], seed: int) -> list[dict[str, Any]]:
    """Answers by system: listeners, answers, mean scores with 95 % intervals over listeners and clips, and emotions.

    Raises
    ------
    InputError
        A file that holds no answers, or answers to another test.
    """
    found = clips(folder, seed)
    known, own = {clip.id: clip for clip in found}, test_id(found)
    by_system: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for path in answers:
        for row in _answers(Path(path)):
            if row["test"] != own or row["clip"] not in known:
                raise InputError(f"{path}: answers to another test ({row['test']}, not {own}): other clips or --seed")
            by_system[known[row["clip"]].system].append(row)
    return [_summary(system, rows) for system, rows in sorted(by_system.items())]


def _summary(system: str, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    out: dict[str, Any] = {"system": system, "listeners": len({row["listener"] for row in rows}), "answers": len(rows)}
    for name in SCORES:
        values = np.array([float(row[name]) for row in rows if row[name]])
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
        out[name] = {"mean": float(values.mean()), "half": float(half)} if len(values) else None
    words = [row["emotion"] for row in rows]
    out["emotions"] = {word: words.count(word) for word in dict.fromkeys(words)}
    return out


def _answers(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: it cannot be read as answers: {error}") from None
    wanted = {"test", "listener", "clip", *SCORES, "emotion"}
    if not rows or not wanted <= set(rows[0]):
        raise InputError(f"{path}: no answers of a listening test; it has the columns {', '.join(sorted(wanted))}")
    return rows


def _voice(name: str, voices: Mapping[str, Clip]) -> Clip | None:
    """The reference of a recording: its namesake, else the longest name that its own begins with."""
    fitting = [other for other in voices if name == other or name.startswith(f"{other}-")]
    return voices[max(fitting, key=len)] if fitting else None


def _sound(path: Path) -> Audio:
    from voxrack import read

    audio = read(path)
    if audio.duration > LONGEST:
        raise InputError(f"{path} lasts {audio.duration:.0f} s; recordings of a test last {LONGEST:.0f} s at the most")
    return audio


def _data(audio: Audio, gain: float) -> str:
    """A recording as a data address: FLAC of 16 bits, which every browser plays."""
    import soundfile

    held = io.BytesIO()
    soundfile.write(held, audio.samples.T * gain, audio.sample_rate, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(held.getvalue()).decode()


def _blind(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
