"""A recogniser as an analyzer: which emotion is heard, when, and how sure the model is.

Windows (1.5 s, every 0.5 s) are judged in batches as the signal comes in, those without speech are not judged at all.
A recording of up to 10 s is also judged in one piece, which is its verdict; a longer one's verdict is the mean of its
windows' probabilities, weighed by the speech in each. Memory does not grow with the audio, only with what was found:
a few numbers and an embedding for each window, about 70 MB in two hours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import weights
from voxrack.device import Track
from voxrack.timeline import TRUST, Timeline

from .gating import SpeechGate
from .loading import Judge, Judgement, load_judge
from .verdict import decide, described, pooled
from .windows import Rechunk, Window, Windows

LONGEST_CHUNK = 1.0  # s: the signal is taken in pieces of this length, whatever the blocks; few pieces are fast
SHORTEST = 0.5  # s; anything shorter is filled up with silence for the model's sake
AHEAD = 2  # batches that the network may lie behind the signal: it works while the next are heard
DECIMALS = 6  # of what is found: more would be noise of the arithmetic


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows that are judged together: ``count`` of them, those at ``judged`` by the network, the others silent.

    ``trust`` is how far each of the windows is believed as it came, where something tells.
    """

    count: int
    judged: NDArray[np.int64]
    answers: Future[Judgement] | None
    trust: Future[NDArray[np.float32]] | None = None

    def wait(self) -> None:
        for asked in (self.answers, self.trust):
            if asked is not None:
                asked.result()

    def fill(
        self, probabilities: NDArray[np.float64], embeddings: NDArray[np.float64], trust: NDArray[np.float64]
    ) -> None:
        """Write its rows, (count, k), (count, d) and (count,), rounded; what has no speech stays as it is."""
        if self.answers is not None:
            found = self.answers.result()
            probabilities[self.judged] = found.probabilities
            embeddings[self.judged] = np.round(found.embeddings, DECIMALS)
        if self.trust is not None:
            trust[:] = np.round(self.trust.result(), DECIMALS)


class Recogniser:
    """Analyzer of mono audio. A subclass for each device says which weights it ships with.

    Attributes
    ----------
    latency : int
        Frames after which a window that began is judged, at the latest: its own length, the gate's look-ahead and
        the wait for its batch.
    """

    device = "ser.best"
    rows: tuple[int, ...] = ()  # signals that are judged side by side; none: one alone

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values, self.needs = dict(values), dict(needs)
        self.assets = dict(assets)
        self.latency = 0
        self._judge: Judge | None = None
        self._worker: ThreadPoolExecutor | None = None

    @property
    def judge(self) -> Judge:
        """The model; read at first use."""
        if self._judge is None:
            path = self.assets.get("weights")
            self._judge = load_judge(path or weights.find(self.device, "voxrack_ser"))
        return self._judge

    def prepare(self, sample_rate: int, channels: int) -> None:
        self.rate = sample_rate
        self.judge  # noqa: B018 - now: a weight file that cannot be used is told before any audio is read
        length, hop = (max(1, round(self.values[id] * sample_rate)) for id in ("window", "hop"))
        batch = int(self.values["batch"])
        self._chunks = Rechunk(min(batch * hop, round(LONGEST_CHUNK * sample_rate)))
        self._windows = Windows(length, hop, self.rows)
        self._gate = SpeechGate(sample_rate)
        self._waiting: list[Window] = []  # complete, not judged
        self._batches: list[Batch] = []
        self._speech: list[float] = []  # share of each judged window
        self._stops: list[tuple[int, int]] = []  # where each judged window begins and ends
        self._whole: list[NDArray[np.float32]] | None = []  # the recording, while it is short
        self.latency = length + (batch - 1) * hop + self._gate.latency + self._chunks.size

    def push(self, block: NDArray[np.float32]) -> None:
        for chunk in self._chunks.push(block.mean(axis=0, dtype=np.float32)):
            self._hear(chunk)

    def finish(self) -> tuple[Track, ...]:
        rest = self._chunks.rest()
        if len(rest):
            self._hear(rest)
        self._end()
        self._gate.finish()
        self._waiting += self._windows.finish()
        while self._waiting:
            self._judge_batch()
        tracks = self._tracks()
        if self._worker is not None:
            self._worker.shutdown()
            self._worker = None
        return tracks

    def so_far(self) -> tuple[Track, ...]:
        """The tracks of what was judged until now, for a signal that still goes on; the verdict is pooled."""
        return self._tracks(ended=False)

    # ---- hearing ------------------------------------------------------------------------------
    def _hear(self, chunk: NDArray[np.float32]) -> None:
        if self._whole is not None:
            self._whole.append(chunk.copy())
            if self._windows.frames + chunk.shape[-1] > self.values["whole"] * self.rate:
                self._whole = None
        self._gate.push(chunk[-1] if self.rows else chunk)
        self._waiting += self._windows.push(chunk)
        batch = int(self.values["batch"])
        while len(self._waiting) >= batch and self._waiting[batch - 1].stop <= self._gate.decided:
            self._judge_batch()

    def _end(self) -> None:
        """The signal has ended; what is still held back is heard now."""

    def _judge_batch(self) -> None:
        """Judge the windows of one batch that hold speech; the others are zeros."""
        batch = int(self.values["batch"])
        now, self._waiting = self._waiting[:batch], self._waiting[batch:]
        speech = np.array([self._gate.seconds(window.start, window.stop) for window in now])
        judged = np.flatnonzero(speech >= min(self.values["least_speech"], self.values["window"]))
        answers = None
        if len(judged):
            samples = np.stack([self._filled(now[index].samples) for index in judged])
            answers = self._aside(self.judge.windows, samples, self.rate)
        self._batches.append(Batch(len(now), judged, answers, self._weighed(now)))
        if len(self._batches) > AHEAD:
            self._batches[-1 - AHEAD].wait()  # no more of the signal is held than the network can keep up with
        self._speech += [s * self.rate / w.samples.shape[-1] for s, w in zip(speech, now, strict=True)]
        self._stops += [(window.start, window.stop) for window in now]

    def _weighed(self, windows: Sequence[Window]) -> Future[NDArray[np.float32]] | None:
        """Trust in each of some windows, where the recogniser weighs what it hears."""
        return None

    def _aside(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have something done while the signal goes on; one thing after the other."""
        self._worker = self._worker or ThreadPoolExecutor(1, "voxrack-recogniser")
        return self._worker.submit(function, *arguments)

    def _filled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = max(0, round(SHORTEST * self.rate) - samples.shape[-1])
        return np.pad(samples, [*[(0, 0)] * len(self.rows), (0, missing)])

    # ---- telling ------------------------------------------------------------------------------
    def _tracks(self, ended: bool = True) -> tuple[Track, ...]:
        judge, values, rate = self.judge, self.values, self.rate
        labels, count = judge.labels, len(self._stops)
        probabilities, embeddings = np.zeros((count, len(labels))), np.zeros((count, judge.width))
        trust = np.zeros(count)
        row = 0
        for batch in self._batches:
            rows = slice(row, row + batch.count)
            batch.fill(probabilities[rows], embeddings[rows], trust[rows])
            row += batch.count
        speech = np.clip(np.array(self._speech, dtype=np.float64), 0.0, 1.0)
        times = np.array(self._stops, dtype=np.float64).reshape(count, 2).mean(axis=1) / rate
        duration = self._windows.frames / rate
        spoken = self._gate.total
        at_once = ended and bool(self._whole) and spoken >= values["least_speech"]
        believed = _mean(trust, speech)
        if at_once and self._whole:
            whole = judge.recording(self._filled(np.concatenate(self._whole, axis=-1)), rate)
            verdict = whole.probabilities[0]
            believed = None if whole.trust is None else float(whole.trust[0])
        else:
            verdict = pooled(probabilities, speech)
        told = decide(verdict, labels, values["threshold"], spoken, values["least_speech"])
        probabilities = np.round(probabilities, DECIMALS)
        summary = described(told, labels) | {
            "threshold": values["threshold"],
            "method": "whole recording" if at_once else "mean of windows",
            "speech_s": round(spoken, 3),
            "duration_s": duration,
            "windows": count,
            "windows_with_speech": int(probabilities.any(axis=1).sum()),
            "window_s": values["window"],
            "hop_s": values["hop"],
            "latency_s": round(self.latency / rate, 4),
            "weights": judge.source.name,
            **self._told(believed),
        }
        emotion = Track("emotion", times, probabilities, labels, "probability", summary)
        voiced = Track("voiced", times, np.round(speech, DECIMALS)[:, None], ("speech",), "share")
        timeline = Timeline.of((emotion, voiced))
        summary["segments"] = [band.json() for band in timeline.bands()]
        names = tuple(str(number) for number in range(judge.width))
        weighed = (Track(TRUST, times, trust[:, None], (TRUST,), "share"),) if self.rows else ()
        return emotion, voiced, *weighed, Track("embedding", times, embeddings, names)

    def _told(self, trust: float | None) -> dict[str, Any]:
        """What else the summary says; ``trust`` is in the recording as it came, None where nothing tells."""
        return {}


def _mean(trust: NDArray[np.float64], speech: NDArray[np.float64]) -> float | None:
    """Over the windows, weighed by the speech in them; None where there is none."""
    total = speech.sum()
    return float((trust * speech).sum() / total) if total > 0 else None


class MfccLstm(Recogniser):
    device = "ser.mfcc_lstm"


class MfccCnn(Recogniser):
    device = "ser.mfcc_cnn"


class Acrnn(Recogniser):
    device = "ser.acrnn"


class Cornn(Recogniser):
    device = "ser.cornn"


class Best(Recogniser):
    device = "ser.best"
