"""What a recogniser heard over time: windows with probabilities, and the stretches of one verdict.

A recogniser is an analyzer whose track ``emotion`` holds a probability per label and window, zeros where there was
no speech to judge, and whose summary states ``threshold`` (below it the verdict is "unsure"), ``window_s`` and
``duration_s``. Pictures, tables and the notebook's timeline are made from that, whoever made the recogniser.

A recogniser that listens through an enhancer may add a track ``trust`` with one number per window, 0 … 1: how far the
recording is believed as it came (1), or only what the enhancer made of it (0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .device import Track
from .errors import UsageError

UNSURE, NO_SPEECH = "unsure", "no speech"
TRACK = "emotion"  # the track that makes a result a timeline
TRUST = "trust"  # the track, and the summary's number, of a recogniser that weighs what was enhanced


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of one verdict.

    Parameters
    ----------
    start, end : float
        Seconds.
    label : str
        An emotion, "unsure" or "no speech".
    confidence : float
        Mean over the stretch of the likeliest label's probability; 0 without speech.
    """

    start: float
    end: float
    label: str
    confidence: float

    def json(self) -> dict[str, Any]:
        """As an entry of a summary's ``segments``."""
        return {
            "start": round(self.start, 3), "end": round(self.end, 3),
            "emotion": self.label, "confidence": round(self.confidence, 4),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timeline:
    """Windows of one recording and what was heard in each.

    Parameters
    ----------
    labels : tuple of str
        The emotions, k of them.
    times : ndarray, shape (n,)
        Centre of each window in seconds, ascending.
    probabilities : ndarray, shape (n, k)
        Rows sum to 1, or are all zero where there was no speech.
    speech : ndarray, shape (n,)
        Share of each window that is speech, 0 … 1.
    threshold : float
        The confidence below which a verdict is "unsure".
    window, duration : float
        Seconds that a window lasts, and the recording.
    trust : ndarray, shape (n,), optional
        How far each window is believed as it came, 0 … 1; NaN where it was not judged.
    """

    labels: tuple[str, ...]
    times: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    speech: NDArray[np.float64]
    threshold: float
    window: float
    duration: float
    trust: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, tracks: Iterable[Track | Mapping[str, Any]], summary: Mapping[str, Any] | None = None) -> Timeline:
        """The timeline in a recogniser's tracks.

        Parameters
        ----------
        tracks : iterable of Track or mapping
            Tracks of ``voxrack.analyze``, or the ``tracks`` of an object of ``voxrack analyze --json``; then
            ``summary`` is the object's too.

        Raises
        ------
        UsageError
            Where there is no such track: another kind of analyzer made them. Where the track of trust has another
            number of windows.
        """
        found = {_field(track, "name"): track for track in tracks}
        said = dict(summary or {})
        if summary is None:
            for track in found.values():
                said.update(_field(track, "summary"))
        missing = [key for key in ("threshold", "window_s", "duration_s") if key not in said]
        if TRACK not in found or missing:
            lacks = f"no track '{TRACK}'" if TRACK not in found else f"no '{missing[0]}' in the summary"
            raise UsageError(
                f"these tracks are no timeline of emotions: {lacks} (tracks: {', '.join(found) or 'none'}); "
                "take what a recogniser such as ser.best found"
            )
        emotion = found[TRACK]
        labels = tuple(_field(emotion, "labels"))
        times = np.asarray(_field(emotion, "times_s"), dtype=np.float64)
        probabilities = np.asarray(_field(emotion, "values"), dtype=np.float64).reshape(len(times), len(labels))
        voiced = found.get("voiced")
        judged = (probabilities.sum(axis=1) > 0).astype(np.float64)
        speech = judged if voiced is None else np.asarray(_field(voiced, "values"), dtype=np.float64).reshape(-1)
        trust = None if TRUST not in found else np.asarray(_field(found[TRUST], "values"), dtype=np.float64).reshape(-1)
        if trust is not None and trust.shape != times.shape:
            raise UsageError(f"the track '{TRUST}' has {len(trust)} values for {len(times)} windows; it takes one each")
        return cls(
            labels, times, probabilities, speech, float(said["threshold"]), float(said["window_s"]),
            float(said["duration_s"]), trust,
        )  # fmt: skip

    @property
    def confidences(self) -> NDArray[np.float64]:
        """Probability of each window's likeliest label, shape (n,); 0 without speech."""
        return self.probabilities.max(axis=1) if len(self.times) else np.zeros(0)

    def verdicts(self) -> tuple[str, ...]:
        """One word for each window."""
        return tuple(verdict(row, self.labels, self.threshold) for row in self.probabilities)

    def spans(self) -> NDArray[np.float64]:
        """Where each window begins and ends, shape (n, 2), seconds."""
        edges = self.times[:, None] + 0.5 * self.window * np.array([-1.0, 1.0])
        return np.clip(edges, 0.0, self.duration)

    def cells(self) -> NDArray[np.float64]:
        """The part of the time axis that each window stands for, shape (n + 1,): halfway to its neighbours."""
        if not len(self.times):
            return np.array([0.0])
        inner = 0.5 * (self.times[1:] + self.times[:-1])
        return np.concatenate(([0.0], inner, [self.duration]))

    def bands(self) -> tuple[Band, ...]:
        """Neighbouring windows of one verdict as one band; the bands cover the recording without gaps."""
        edges, words, sure = self.cells(), self.verdicts(), self.confidences
        firsts = [0, *(i for i in range(1, len(words)) if words[i] != words[i - 1])] if words else []
        ends = [*firsts[1:], len(words)]
        return tuple(
            Band(float(edges[a]), float(edges[b]), words[a], float(sure[a:b].mean()))
            for a, b in zip(firsts, ends, strict=False)
        )


def verdict(probabilities: Sequence[float] | NDArray[np.float64], labels: Sequence[str], threshold: float) -> str:
    """The word for one row of probabilities, shape (k,): a label, "unsure" or, for zeros, "no speech"."""
    row = np.asarray(probabilities)
    if not row.any():
        return NO_SPEECH
    best = int(row.argmax())
    return labels[best] if row[best] >= threshold else UNSURE


def is_timeline(tracks: Iterable[Track | Mapping[str, Any]], summary: Mapping[str, Any]) -> bool:
    """Whether :meth:`Timeline.of` takes them."""
    named = any(_field(track, "name") == TRACK for track in tracks)
    return named and all(key in summary for key in ("threshold", "window_s", "duration_s"))


def _field(track: Track | Mapping[str, Any], name: str) -> Any:
    return track.get(name, {}) if isinstance(track, Mapping) else getattr(track, name)
