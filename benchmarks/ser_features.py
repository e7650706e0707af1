"""Features of a batch of clips, ours beside librosa's: times in turns, on one thread and on more, and differences.

Everybody gets the same clips. librosa takes clip after clip, as it does, and the padded batch at once, as it can (its
floor is then the whole batch's, and so its numbers are not compared); ours takes the padded batch with its lengths.
librosa computes its spectra of float32 samples in float64 and the rest in float32; given float64 samples, it computes
all in float64: the difference from these numbers says who is nearer to the truth. "FFTs alone" transforms as many
frames, windowed beforehand, a cache's worth at a time, in the precision that the feature needs: what is left to save
is the difference from it, and how many times librosa's speed torch's FFTs leave within reach on one thread.

What was tried on one thread (processor time of 32 synthetic voices, AMD Zen 4, torch 2.13 with MKL), and what it gave:

- Products over all bands of a clip at once, spectra a cache's worth at a time, the two squares of a bin added before
  the product instead of within it: MFCC 51 to 47 ms, log-mel 46 to 43 ms. In place.
- All clips in one signal, framed by one view with preallocated buffers and products written in place: 40 ms at best
  for log-mel. Not worth a second path beside that for gradients and for long signals.
- Groups of 4 or 8 bands instead of 16: fewer products with zeros, yet 2 to 4 times slower, as MKL is slow with narrow
  matrices; 32: no faster; all at once: 3 times slower. Transposed products: slower with 16. ``complex.abs``: 10 times
  slower than squares and a sum.
- Log-mel from float32 spectra, only doubtful frames again in float64, as MFCC does it: one band in doubt makes the
  frame so, 20 % of RAVDESS's frames and 68 % of the synthetic ones, and what is saved is lost.
- Less dynamic range by pre-emphasis before a float32 FFT, taken out of the powers again: farther off (up to 0.09 dB),
  as noise is raised where the filter is undone, below the lowest harmonics.
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
    kinds: dict[
        str, tuple[Callable[..., NDArray[Any]], Callable[..., torch.Tensor], Mapping[str, int], torch.dtype]
    ] = {
        "MFCC": (librosa_mfcc, features.mfcc, MFCC, torch.float32),
        "log-mel": (librosa_log_mel, features.log_mel, LOG_MEL, torch.float64),
    }
    out: dict[str, dict[str, dict[str, float]]] = {}
    for name, (theirs, feature, options, precision) in kinds.items():
        ours = partial(feature, **options)
        contestants: dict[str, Callable[[], Any]] = {
            "librosa": lambda theirs=theirs: [theirs(clip) for clip in clips],
            "librosa, stacked": partial(theirs, batch.numpy()),
            "batch": partial(ours, batch, RATE, lengths=lengths),
            "batch, exact=False": partial(ours, batch, RATE, lengths=lengths, exact=False),
            "clip after clip": lambda ours=ours: [ours(torch.as_tensor(clip), RATE) for clip in clips],
            "FFTs alone": _transforms(lengths, options, precision),
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
            if who not in ("librosa, stacked", "FFTs alone"):
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


def _transforms(lengths: list[int], options: Mapping[str, int], dtype: torch.dtype) -> Callable[[], None]:
    """As many FFTs as the clips have frames, of noise that is framed and windowed already."""
    n_fft = options["n_fft"]
    many = (1 << 20) // (n_fft * dtype.itemsize)
    frames = torch.randn(many, n_fft, dtype=dtype, generator=torch.Generator().manual_seed(0))
    turns, rest = divmod(sum(features.frame_counts(n, n_fft, options["hop_length"]) for n in lengths), many)

    def run() -> None:
        for _ in range(turns):
            torch.fft.rfft(frames)
        torch.fft.rfft(frames[:rest])

    return run


def _on_cuda(ours: Callable[..., torch.Tensor], batch: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    return ours(batch, RATE, lengths=lengths).cpu()


def _difference(ours: Any, theirs: list[NDArray[Any]]) -> float:
    return max(float(np.abs(np.asarray(own)[:, : other.shape[1]] - other).max()) for own, other in zip(ours, theirs))
