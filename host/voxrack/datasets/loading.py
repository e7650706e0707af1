"""Load a corpus from its folder: recognise it, read its file names, and say what is missing."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, UsageError
from . import esd, iemocap
from .folders import SUFFIXES, audio_files, names_below
from .manifest import read_manifest
from .remarks import missing, remarks
from .rules import CORPORA, Named, Rule, by_name
from .utterance import Corpus, Utterance
from .words import listed, natural, number

ANNOTATE = {"iemocap": iemocap.annotate, "esd": esd.annotate}


def load(root: str | os.PathLike[str], name: str = "") -> Corpus:
    """Load a corpus; its audio is not read.

    Parameters
    ----------
    root : str or Path
        The folder of the corpus (any folder above its audio files will do), or a CSV manifest. A folder in which
        no corpus is recognised and which holds ``manifest.csv`` is read by that.
    name : str
        ``"ravdess"``, ``"ravdess-song"``, ``"tess"``, ``"savee"``, ``"emodb"``, ``"iemocap"``, ``"esd"``,
        ``"crema-d"`` or ``"manifest"``; by default the corpus is recognised by its file names.

    Returns
    -------
    Corpus
        Utterances of the files that follow the corpus's rule; ``notes`` say which files do not, which speakers are
        missing, which files have no label, are empty or are copies.

    Raises
    ------
    InputError
        Where the folder is not there or holds something else: what was expected, what is there, what to do.
    UsageError
        For a name that is no corpus.
    """
    root = Path(root)
    rule = by_name(name) if name else None
    if name and rule is None and name != "manifest":
        names = ", ".join([*(rule.name for rule in CORPORA), "manifest"])
        raise UsageError(f"there is no corpus '{name}'; it takes {names}, or no name to recognise it")
    if root.is_file() or name == "manifest":
        if rule is not None:
            raise InputError(f"{root}: it is a file; {rule.title} is a folder with files like {rule.example}")
        return read_manifest(root if root.is_file() else root / "manifest.csv")
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; check the name")
    files, notes = audio_files(root)
    if rule is None:
        rule = _recognised(root, files)
        if rule is None:
            return read_manifest(root / "manifest.csv")
    return _load(rule, root, files, notes)


def _load(rule: Rule, root: Path, files: Sequence[Path], notes: list[str]) -> Corpus:
    spoken = _spoken(root, files)
    named = [(path, found) for path, text in spoken.items() if (found := _named(rule, text))]
    if not named:
        raise InputError(
            f"{root}: not {rule.title}. Expected files like {rule.example}; saw {_seen(root, files)}. "
            "Name the folder of the corpus, or describe the files in a CSV with the columns path, speaker, label"
        )
    strange = sorted(set(files).difference(path for path, _ in named))
    if strange:
        notes.append(_strange(rule, root, strange))
    named, copies = _without_copies(named)
    if copies:
        notes.append(f"{number(len(copies), 'file')} left out as copies of others: {names_below(root, copies)}")
    whose = rule.name.removesuffix("-song")  # who sings in RAVDESS speaks there as well: one person, one name
    utterances = [
        Utterance(
            f"{rule.name}/{path.relative_to(root).as_posix()}", path, rule.name, f"{whose}/{found.speaker}",
            found.label, found.text, found.intensity, found.attributes,
        )
        for path, found in named
    ]  # fmt: skip
    if rule.name in ANNOTATE:
        utterances, more = ANNOTATE[rule.name](root, utterances)
        notes += more
    utterances.sort(key=lambda utterance: natural(utterance.id))
    notes += missing(rule, [found.speaker for _, found in named])
    notes += remarks(utterances, labels=rule.name != "iemocap")
    return Corpus(rule.name, root, tuple(utterances), tuple(notes))


# ---- the folder -----------------------------------------------------------------------------
def _recognised(root: Path, files: Sequence[Path]) -> Rule | None:
    """The corpus that most file names follow; None where a manifest is there instead; or a refusal."""
    spoken = _spoken(root, files)
    counts = {rule.name: sum(_named(rule, text) is not None for text in spoken.values()) for rule in CORPORA}
    known = [rule for rule in CORPORA if counts[rule.name]]
    speech = [rule for rule in known if rule.name != "ravdess-song" or not counts["ravdess"]]
    if len(speech) == 1 and counts[speech[0].name] >= 0.5 * (len(files) - counts["ravdess-song"]):
        return speech[0]
    if (root / "manifest.csv").is_file():
        return None
    if len(speech) > 1:
        there = ", ".join(f"{rule.title} ({number(counts[rule.name], 'file')})" for rule in speech)
        raise InputError(
            f"{root}: it holds files of several corpora: {there}; "
            "name the folder of each one, or the one to take by its name"
        )
    expected = "; ".join(f"{rule.title}: {rule.example}" for rule in CORPORA)
    raise InputError(
        f"{root}: no corpus is recognised by its file names, and there is no manifest.csv. Saw {_seen(root, files)}. "
        f"Expected one of {expected}. Name the folder of a corpus, or write a CSV with the columns path, speaker, label"
    )


def _spoken(root: Path, files: Sequence[Path]) -> dict[Path, str]:
    """What the rules are searched in: ``/folder/below/it`` without the suffix."""
    top, skip = f"/{root.absolute().name}/", len(root.parts)
    return {path: top + os.path.splitext("/".join(path.parts[skip:]))[0] for path in files}


def _named(rule: Rule, text: str) -> Named | None:
    found = rule.pattern.search(text)
    try:
        return rule.read(found) if found else None
    except KeyError:  # a code that the corpus does not have, such as a thirteenth sentence of CREMA-D
        return None


def _without_copies(named: Sequence[tuple[Path, Named]]) -> tuple[list[tuple[Path, Named]], list[Path]]:
    """Some archives hold the corpus twice, a folder inside itself; the file with the shorter path stays."""
    first: dict[str, Path] = {}
    out, copies = [], []
    for path, found in sorted(named, key=lambda pair: (len(pair[0].parts), pair[0])):
        other = first.setdefault(found.take, path)
        if other != path and filecmp.cmp(other, path, shallow=False):
            copies.append(path)
        else:
            out.append((path, found))
    return out, copies


# ---- what there is to say -------------------------------------------------------------------
def _strange(rule: Rule, root: Path, paths: Sequence[Path]) -> str:
    sung = next((other for other in CORPORA if other.name == "ravdess-song" and rule.name == "ravdess"), None)
    if sung and all(_named(sung, text) for text in _spoken(root, paths).values()):
        return f"{number(len(paths), 'sung take')} left out; the name 'ravdess-song' loads them"
    return f"{number(len(paths), 'audio file')} left out, not named like {rule.example}: {names_below(root, paths)}"


def _seen(root: Path, files: Sequence[Path]) -> str:
    if files:
        return names_below(root, files)
    names = sorted(path.name for path in root.iterdir())
    kinds = ", ".join(SUFFIXES)
    return f"no audio file ({kinds})" + (f", only {listed(names)}" if names else ": the folder is empty")
