"""An utterance of a corpus, the corpus, and the item that a feature file keeps of an utterance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .words import classes, natural

if TYPE_CHECKING:
    from ..audio import Audio


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording of one speaker; its audio is not read.

    Parameters
    ----------
    id : str
        Unique and stable: the corpus, then the path below the corpus's folder, with ``/`` on every system.
    path : Path
        The audio file.
    corpus : str
        ``"ravdess"``.
    speaker : str
        ``"ravdess/01"``: unique over corpora; ``""`` where it is not known.
    label : str
        A word of :data:`~voxrack.datasets.EMOTIONS` or another lower-case word; ``""`` where there is none.
    text : str
        What is said, where the corpus tells.
    intensity : str
        ``"normal"``, ``"strong"``, where the corpus tells.
    attributes : mapping of str to str
        ``gender`` (female, male), ``statement``, ``repetition``, ``session``, ``style`` (improvised, scripted),
        ``valence``, ``arousal``, ``dominance`` (as annotated), and further columns of a manifest.
    """

    id: str
    path: Path
    corpus: str
    speaker: str
    label: str = ""
    text: str = ""
    intensity: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Item:
    """What a feature file keeps of an utterance: enough to split and to evaluate without its audio.

    Parameters
    ----------
    id, corpus, speaker, label : str
        As in :class:`Utterance`.
    duration : float
        Seconds.
    sha256 : str
        Of the decoded audio (:func:`~voxrack.datasets.audio_sha256`); ``""`` where it was not computed.
    attributes : mapping of str to str
        Those of the utterance, with its ``text`` and ``intensity`` where it has them.
    """

    id: str
    corpus: str
    speaker: str
    label: str = ""
    duration: float = 0.0
    sha256: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, utterance: Utterance, audio: Audio) -> Item:
        """The item of an utterance whose ``audio`` has been read: as in its file, neither resampled nor mixed down."""
        from .equal_audio import audio_sha256

        more = {"text": utterance.text, "intensity": utterance.intensity}
        attributes = {**utterance.attributes, **{name: value for name, value in more.items() if value}}
        return cls(
            utterance.id, utterance.corpus, utterance.speaker, utterance.label,
            audio.duration, audio_sha256(audio.samples), attributes,
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """As plain JSON; :meth:`from_record` reads it."""
        return {
            "id": self.id, "corpus": self.corpus, "speaker": self.speaker, "label": self.label,
            "duration": self.duration, "sha256": self.sha256, "attributes": dict(self.attributes),
        }  # fmt: skip

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Item:
        """The item of a :meth:`record`; InputError names the key that is missing or of the wrong kind."""
        kinds = {"id": str, "corpus": str, "speaker": str, "label": str, "sha256": str}
        for name, kind in {**kinds, "duration": (int, float), "attributes": Mapping}.items():
            if not isinstance(record.get(name), kind):
                raise InputError(f"the record of an item has {name} = {record.get(name)!r}; prepare the features again")
        attributes = {str(name): str(value) for name, value in record["attributes"].items()}
        return cls(**{name: record[name] for name in kinds}, duration=float(record["duration"]), attributes=attributes)


@dataclass(frozen=True)
class Corpus:
    """Utterances with what there is to say about them.

    Parameters
    ----------
    name : str
        ``"ravdess"``; ``"ravdess+tess"`` where several were merged.
    root : Path
        Its folder.
    utterances : tuple of Utterance
        In natural order of their ids.
    notes : tuple of str
        All that is missing, left out or unlabelled. Nothing is dropped without a note.
    """

    name: str
    root: Path
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels there are, in the project's order."""
        return classes(utterance.label for utterance in self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The speakers there are, in natural order."""
        return tuple(sorted({u.speaker for u in self.utterances if u.speaker}, key=natural))

    def counts(self) -> dict[str, dict[str, int]]:
        """Utterances by speaker and label; ``""`` stands for an unknown speaker and for no label."""
        names = [*self.speakers, *([""] if any(not u.speaker for u in self.utterances) else [])]
        out: dict[str, dict[str, int]] = {speaker: {} for speaker in names}
        for utterance in self.utterances:
            row = out[utterance.speaker]
            row[utterance.label] = row.get(utterance.label, 0) + 1
        return out

    def where(self, **wanted: str) -> Corpus:
        """The utterances with these fields or attributes, as in ``corpus.where(style="improvised")``; with a note."""
        kept = tuple(u for u in self.utterances if all(_value(u, name) == value for name, value in wanted.items()))
        condition = " and ".join(f"{name} {value}" for name, value in wanted.items())
        if not kept:
            raise InputError(
                f"no utterance of {self.name} has {condition}; `voxrack datasets FOLDER` shows what it has"
            )
        note = f"{len(kept)} of {len(self)} utterances chosen: {condition}"
        return replace(self, utterances=kept, notes=(*self.notes, note))


def _value(utterance: Utterance, name: str) -> str:
    if name in ("corpus", "speaker", "label", "text", "intensity"):
        return getattr(utterance, name)
    return utterance.attributes.get(name, "")
