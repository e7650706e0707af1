"""Features of a batch of clips, ours beside librosa's: times in turns, on one thread and on more, and differences.

Everybody gets the same clips. librosa takes clip after clip, as it does, and the padded batch at once, as it can (its
floor is then the whole batch's, and so its numbers are not compared); ours takes the padded batch with its lengths.
librosa computes its spectra of float32 samples in float64 and the rest in float32; given float64 samples, it computes
all in float64: the difference from these numbers says who is nearer to the truth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from voxrack import features
from voxrack.testing import voice

RATE, CLIPS = 22050, 32
Clips = list[NDArray[np.float32]]
MFCC: dict[str, Any] = {"n_mfcc": 40, "n_fft": 4096, "hop_length": 728}
LOG_MEL: dict[str, Any] = {"n_fft": 1024, "hop_length": 256, "n_mels": 80}


def synthetic() -> Clips:
    """Voices of 3 to 5 s."""
    seconds = np.linspace(3.0, 5.27, CLIPS)
    return [np.ascontiguousarray(voice(s, RATE, seed=k).samples[0], np.float32) for k, s in enumerate(seconds)]


def recordings(folder: Path) -> Clips:
    """Up to 32 recordings of a folder, evenly chosen, at most 6 s each."""
    from voxrack import read

    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".wav", ".flac", ".opus", ".ogg", ".mp3"})
    if not paths:
        raise SystemExit(f"no recordings below {folder}; a folder with wav, flac, opus, ogg or mp3 files is needed")
    chosen = [paths[k * len(paths) // CLIPS] for k in range(min(CLIPS, len(paths)))]
    return [read(path).resample(RATE).mono().samples[0, : 6 * RATE] for path in chosen]


def librosa_mfcc(samples: NDArray[Any]) -> NDArray[Any]:
    return librosa.feature.mfcc(y=samples, sr=RATE, **MFCC)


def librosa_log_mel(samples: NDArray[Any]) -> NDArray[Any]:
    return librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE, **LOG_MEL))


def measure(clips: Clips, rounds: int, threads: int) -> dict[str, dict[str, dict[str, float]]]:
    """For every feature and contestant, all of them on ``threads`` threads.

    Returns
    -------
    dict
        ``seconds`` and ``processor_seconds`` (medians), ``times`` and ``processor_times`` (how many times faster than
        librosa clip after clip), ``from_librosa`` and ``from_float64`` (largest difference from librosa's numbers and
        from librosa's in float64, where they compare).
    """
    lengths = [len(clip) for clip in clips]
    batch = torch.zeros(len(clips), max(lengths))
    for row, clip in zip(batch, clips):
        row[: len(clip)] = torch.as_tensor(clip)
    kinds: dict[str, tuple[Callable[..., NDArray[Any]], Callable[..., torch.Tensor]]] = {
        "MFCC": (librosa_mfcc, partial(features.mfcc, **MFCC)),
        "log-mel": (librosa_log_mel, partial(features.log_mel, **LOG_MEL)),
    }
    out: dict[str, dict[str, dict[str, float]]] = {}
    for name, (theirs, ours) in kinds.items():
        contestants: dict[str, Callable[[], Any]] = {
            "librosa": lambda theirs=theirs: [theirs(clip) for clip in clips],
            "librosa, stacked": partial(theirs, batch.numpy()),
            "batch": partial(ours, batch, RATE, lengths=lengths),
            "batch, exact=False": partial(ours, batch, RATE, lengths=lengths, exact=False),
            "clip after clip": lambda ours=ours: [ours(torch.as_tensor(clip), RATE) for clip in clips],
        }
        if torch.cuda.is_available():
            contestants["batch, CUDA"] = partial(_on_cuda, ours, batch.cuda(), lengths)
        with _threads(threads):
            taken = medians(contestants, rounds)
        near, true = contestants["librosa"](), [theirs(clip.astype(np.float64)) for clip in clips]
        first = taken["librosa"]
        out[name] = {}
        for who, (wall, processor) in taken.items():
            found = {"seconds": wall, "processor_seconds": processor}
            found |= {"times": first[0] / wall, "processor_times": first[1] / processor}
            if who != "librosa, stacked":
                made = contestants[who]()
                found |= {"from_librosa": _difference(made, near), "from_float64": _difference(made, true)}
            out[name][who] = found
    return out


def medians(contestants: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median wall and processor seconds of each; turns are interleaved so that a busy machine hits all alike."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for run in contestants.values():
        run()  # compiled, cached, paged in
    for _ in range(rounds):
        for name, run in contestants.items():
            start, processor = time.perf_counter(), time.process_time()
            run()
            taken[name].append((time.perf_counter() - start, time.process_time() - processor))
    return {name: (median(t[0] for t in turns), median(t[1] for t in turns)) for name, turns in taken.items()}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch's, OpenBLAS's and OpenMP's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def _on_cuda(ours: Callable[..., torch.Tensor], batch: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    return ours(batch, RATE, lengths=lengths).cpu()


def _difference(ours: Any, theirs: list[NDArray[Any]]) -> float:
    return max(float(np.abs(np.asarray(own)[:, : other.shape[1]] - other).max()) for own, other in zip(ours, theirs))
