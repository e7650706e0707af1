"""Noise sets, split by source recording: two takes of one recording never stand on two sides."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, UsageError
from .folders import audio_files
from .manifest import read_manifest
from .utterance import Corpus, Utterance
from .words import listed, natural, number

NOISE = "noise"
"""Label of a noise among utterances: :meth:`NoiseSet.corpus`."""

TEST_ONLY = "test"
"""Value of the attribute ``use`` of a noise that nothing is to be trained with."""

ESC = re.compile(r"^[1-5]-(?P<clip>\d+)-[A-Z](?:-(?P<target>\d+))?$")
"""ESC-50 and ESC-10: ``fold-clip-take-target``; ``clip`` is the recording on freesound (Piczak 2015)."""


@dataclass(frozen=True, slots=True)
class NoiseClip:
    """One file of a noise set.

    Parameters
    ----------
    id : str
        The set's name, then the path below its folder.
    path : Path
    category : str
        ``"rain"``; ``""`` where it is not known.
    recording : str
        The recording it was cut from; clips that share it stay together.
    """

    id: str
    path: Path
    category: str
    recording: str


@dataclass(frozen=True)
class NoiseSet:
    """The clips of a folder, in natural order of their ids, with what there is to say about them."""

    name: str
    root: Path
    clips: tuple[NoiseClip, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def categories(self) -> tuple[str, ...]:
        """By alphabet."""
        return tuple(sorted({clip.category for clip in self.clips}))

    @property
    def recordings(self) -> tuple[str, ...]:
        """In natural order."""
        return tuple(sorted({clip.recording for clip in self.clips}, key=natural))

    def corpus(self, *, test_only: bool = False) -> Corpus:
        """The clips as utterances of nobody, to be prepared beside speech.

        Their label is :data:`NOISE`; their attributes are ``recording`` and, where it is known, ``category``. With
        ``test_only`` the attribute ``use`` is :data:`TEST_ONLY`.
        """
        use = {"use": TEST_ONLY} if test_only else {}
        utterances = tuple(
            Utterance(
                clip.id, clip.path, self.name, "", NOISE,
                attributes={
                    "recording": clip.recording, **({"category": clip.category} if clip.category else {}), **use,
                },
            )
            for clip in self.clips
        )  # fmt: skip
        return Corpus(self.name, self.root, utterances, self.notes)


@dataclass(frozen=True, slots=True)
class NoiseSplit:
    """The clips of each side; no recording is on two of them."""

    train: tuple[NoiseClip, ...]
    test: tuple[NoiseClip, ...]
    validation: tuple[NoiseClip, ...] = ()


def noise_set(root: str | os.PathLike[str], name: str = "") -> NoiseSet:
    """Read a folder of noises; the audio is not read.

    Parameters
    ----------
    root : str or Path
        A folder, or a CSV manifest. ``manifest.csv`` in the folder is used: its ``label`` is the category, and a
        column ``recording`` tells the source. Otherwise the category is the name of the folder a file lies in.
    name : str
        Of the set; by default the folder's.

    Returns
    -------
    NoiseSet
        The source recording is the manifest's, or the clip number in a name of ESC (``1-211527-A.flac``); a file of
        neither kind is a recording of its own, which the notes say.
    """
    root = Path(root)
    manifest = root if root.is_file() else root / "manifest.csv"
    folder = manifest.parent
    name = name or folder.absolute().name
    notes: list[str] = []
    sources: list[tuple[Path, str, str]] = []
    if manifest.is_file():
        for utterance in read_manifest(manifest).utterances:
            sources.append((utterance.path, utterance.label, utterance.attributes.get("recording", "")))
    elif folder.is_dir():
        files, notes = audio_files(folder)
        sources = [(path, path.parent.name if path.parent != folder else "", "") for path in files]
    else:
        raise InputError(f"{root}: there is no such folder; check the name")
    if not sources:
        raise InputError(f"{root}: no audio in this folder; a noise set is a folder of noises, or a manifest of them")
    clips, alone = [], 0
    for path, category, recording in sources:
        esc = ESC.match(path.stem)
        inside = Path(os.path.relpath(path, folder)).as_posix()
        if not recording:
            recording = f"freesound {esc['clip']}" if esc else os.path.splitext(inside)[0]
            alone += esc is None
        if esc and esc["target"] and category in ("", "audio"):
            category = f"class {esc['target']}"
        clips.append(NoiseClip(f"{name}/{inside}", path, category, recording))
    if alone:
        notes.append(f"{number(alone, 'file')} taken for a recording each: neither name nor manifest tells the source")
    return NoiseSet(name, folder, tuple(sorted(clips, key=lambda clip: natural(clip.id))), tuple(notes))


def split_noise(noises: NoiseSet, *, test: float = 0.3, validation: float = 0.0, seed: int = 0) -> NoiseSplit:
    """Split the recordings of each category; deterministic for a seed.

    Parameters
    ----------
    noises : NoiseSet
    test, validation : float
        Share of each category's recordings, 0 … 1, rounded; at least one recording where the share is not 0.
    seed : int

    Raises
    ------
    UsageError
        Where the shares leave nothing to train with.
    InputError
        For a category with fewer recordings than sides.
    """
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise UsageError(f"test {test} and validation {validation}: shares of 0 or more, together below 1")
    sides: dict[str, str] = {}
    wanted = [(side, share) for side, share in (("test", test), ("validation", validation)) if share]
    for category in noises.categories:
        here = {clip.recording for clip in noises.clips if clip.category == category}.difference(sides)
        waiting = sorted(here, key=lambda recording: _hash(f"{seed}/{recording}"))
        if here and len(here) <= len(wanted):
            raise InputError(
                f"{noises.name}: category '{category}' has {number(len(here), 'source recording')} for "
                f"{len(wanted) + 1} sides; give it more recordings, or split into fewer sides"
            )
        most = len(waiting) - 1  # one is left to train with
        for position, (side, share) in enumerate(wanted):
            still = len(wanted) - position - 1
            count = min(max(1, round(share * len(here))), most - still)
            most -= count
            sides.update(dict.fromkeys(waiting[:count], side))
            del waiting[:count]
        sides.update(dict.fromkeys(waiting, "train"))
    kept = {side: tuple(clip for clip in noises.clips if sides[clip.recording] == side) for side in
            ("train", "test", "validation")}  # fmt: skip
    split = NoiseSplit(kept["train"], kept["test"], kept["validation"])
    check_noise_split(split)
    return split


def check_noise_split(split: NoiseSplit) -> None:
    """Prove that no recording is on two sides; InputError names those that are."""
    named: Sequence[tuple[str, tuple[NoiseClip, ...]]] = (
        ("training", split.train), ("validation", split.validation), ("test", split.test),
    )  # fmt: skip
    where: dict[str, str] = {}
    crossing = []
    for side, clips in named:
        for recording in dict.fromkeys(clip.recording for clip in clips):
            if where.setdefault(recording, side) != side:
                crossing.append(f"{recording} ({where[recording]} and {side})")
    if crossing:
        raise InputError(f"source recordings on two sides: {listed(crossing)}; give every recording to one side")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
