"""Several corpora as one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from .loading import load
from .utterance import Corpus
from .words import choice, listed, number
from .words import classes as ordered


def load_all(roots: Sequence[str | os.PathLike[str]], names: Sequence[str] = (), *, classes: str = "all") -> Corpus:
    """Load every folder or manifest of ``roots`` (``--data A --data B``) and merge them; see :func:`merge`.

    Parameters
    ----------
    roots : sequence of str or Path
    names : sequence of str
        A corpus's name for each root, ``""`` to recognise it; empty to recognise all.
    classes : str
        ``"all"`` or ``"shared"``.
    """
    if not roots:
        raise UsageError("no corpus given; name the folder of one, as in --data ravdess")
    if names and len(names) != len(roots):
        raise UsageError(f"{number(len(names), 'corpus name')} for {number(len(roots), 'folder')}; give one for each")
    return merge([load(root, name) for root, name in zip(roots, names or [""] * len(roots), strict=True)], classes)


def merge(corpora: Sequence[Corpus], classes: str = "all") -> Corpus:
    """One corpus of several.

    Parameters
    ----------
    corpora : sequence of Corpus
    classes : str
        ``"shared"`` keeps the labels that every corpus has (and says what it leaves out); ``"all"`` keeps everything.

    Returns
    -------
    Corpus
        Named ``"a+b"``; its notes say which corpus they are about. One corpus comes back as it is.

    Raises
    ------
    UsageError
        Where two corpora have utterances of one id, or share fewer than two classes.
    """
    choice("classes", classes, ("all", "shared"))
    if not corpora:
        raise UsageError("there is no corpus to merge; give one or more")
    if len(corpora) == 1:
        return corpora[0]
    names = "+".join(dict.fromkeys(corpus.name for corpus in corpora))
    seen: set[str] = set()
    twice = [u.id for corpus in corpora for u in corpus.utterances if u.id in seen or seen.add(u.id)]
    if twice:
        raise UsageError(
            f"{number(len(twice), 'utterance')} in two of the corpora {names}: {listed(twice)}; "
            "is one folder given twice? Name the folder above both instead"
        )
    notes = [f"{corpus.name}: {note}" for corpus in corpora for note in corpus.notes]
    utterances = [utterance for corpus in corpora for utterance in corpus.utterances]
    if classes == "shared":
        shared = set(corpora[0].classes).intersection(*(corpus.classes for corpus in corpora[1:]))
        if len(shared) < 2:
            there = "; ".join(f"{corpus.name}: {', '.join(corpus.classes) or 'none'}" for corpus in corpora)
            raise UsageError(f"the corpora share fewer than two classes ({there}); merge them with classes='all'")
        for corpus in corpora:
            out = sum(utterance.label not in shared for utterance in corpus.utterances)
            if out:
                gone = ordered(u.label for u in corpus.utterances if u.label not in shared) or ("unlabelled",)
                notes.append(f"{corpus.name}: {number(out, 'utterance')} left out, not shared: {', '.join(gone)}")
        utterances = [utterance for utterance in utterances if utterance.label in shared]
    return Corpus(names, _above([corpus.root for corpus in corpora]), tuple(utterances), tuple(notes))


def _above(roots: Sequence[Path]) -> Path:
    """The nearest folder above all of them; the first one's where they lie on different drives."""
    try:
        return Path(os.path.commonpath([root.absolute() for root in roots]))
    except ValueError:
        return roots[0]
