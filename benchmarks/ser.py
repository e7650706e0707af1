"""``python -m benchmarks.ser [FOLDER]``: features for recognisers, ours beside librosa's in the same run; with
``--hour`` how long an hour of audio takes ``ser.best``.

A batch of clips as long as those of a corpus (3 to 5 s, 22.05 kHz): the FOLDER's recordings, or synthetic voices.
librosa takes clip after clip, as it does; ours takes the padded batch with its lengths, all cores to both. Times are
of the best of several rounds in turns; the differences between the results stand beside them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from voxrack import features
from voxrack.testing import voice

from .ser_hour import HOUR, one_hour
from .timing import best_of, write_json

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


def librosa_mfcc(clips: Clips) -> list[NDArray[Any]]:
    return [librosa.feature.mfcc(y=clip, sr=RATE, **MFCC) for clip in clips]


def librosa_log_mel(clips: Clips) -> list[NDArray[Any]]:
    return [librosa.power_to_db(librosa.feature.melspectrogram(y=clip, sr=RATE, **LOG_MEL)) for clip in clips]


def measure(clips: Clips, rounds: int) -> dict[str, dict[str, Any]]:
    """For every feature: seconds of each contestant, how many times faster than librosa, largest difference."""
    lengths = [len(clip) for clip in clips]
    batch = torch.zeros(len(clips), max(lengths))
    for row, clip in zip(batch, clips):
        row[: len(clip)] = torch.as_tensor(clip)
    kinds: dict[str, tuple[Callable[[Clips], list[NDArray[Any]]], Callable[..., torch.Tensor]]] = {
        "MFCC": (librosa_mfcc, partial(features.mfcc, **MFCC)),
        "log-mel": (librosa_log_mel, partial(features.log_mel, **LOG_MEL)),
    }
    out: dict[str, dict[str, Any]] = {}
    for name, (theirs, ours) in kinds.items():
        contestants: dict[str, Callable[[], Any]] = {
            "librosa": partial(theirs, clips),
            "batch": partial(ours, batch, RATE, lengths=lengths),
            "batch, float32 spectra": partial(ours, batch, RATE, lengths=lengths, exact=False),
            "clip after clip": lambda ours=ours: [ours(torch.as_tensor(clip), RATE) for clip in clips],
        }
        if torch.cuda.is_available():
            contestants["batch, CUDA"] = partial(_on_cuda, ours, batch.cuda(), lengths)
        seconds = best_of(contestants, rounds)
        expected = theirs(clips)
        out[name] = {
            who: {
                "seconds": best,
                "times": seconds["librosa"] / best,
                "difference": 0.0 if who == "librosa" else _difference(contestants[who](), expected),
            }
            for who, best in seconds.items()
        }
    return out


def _on_cuda(ours: Callable[..., torch.Tensor], batch: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    return ours(batch, RATE, lengths=lengths).cpu()


def _difference(ours: Any, theirs: list[NDArray[Any]]) -> float:
    return max(float(np.abs(own[:, : other.shape[1]].numpy() - other).max()) for own, other in zip(ours, theirs))


def hour(device: str, weights: str, seconds: int) -> None:
    """Print and write what an hour takes."""
    found = one_hour(device, weights, seconds=seconds)
    console, share = Console(width=110), found["audio_seconds"] / HOUR
    table = Table("", "", title=f"{found['audio_seconds'] / 60:.0f} min of speech, {torch.get_num_threads()} threads")
    table.add_row("recogniser", f"{found['device']} ({found['weights']})")
    table.add_row(
        "an hour takes", f"{found['seconds'] / share:.1f} s ({found['processor_seconds'] / share:.0f} s of processor)"
    )
    table.add_row("times real time", f"{found['audio_seconds'] / found['seconds']:.0f}")
    table.add_row("windows with speech", f"{found['windows_with_speech']} of {found['windows']}")
    table.add_row("memory grown after the first minute", f"{found['grown_mb']:.0f} MB")
    console.print(table)
    console.print(f"written: {write_json('ser_hour', found | {'threads': torch.get_num_threads()})}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ser", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="recordings; synthetic voices without")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hour", action="store_true", help="analyse an hour of speech instead")
    parser.add_argument("--device", default="ser.best", help="of --hour")
    parser.add_argument("--weights", default="", help="of --hour: a weight file; by default the shipped one")
    parser.add_argument("--seconds", type=int, default=HOUR, help="of --hour: how much to analyse")
    given = parser.parse_args()
    if given.hour:
        return hour(given.device, given.weights, given.seconds)
    clips = recordings(given.folder) if given.folder else synthetic()
    seconds = sum(map(len, clips)) / RATE
    measured = measure(clips, given.rounds)
    console = Console(width=110)
    title = f"{len(clips)} clips, {seconds:.0f} s in all, {torch.get_num_threads()} threads"
    table = Table("", "ms", "times librosa's speed", "times real time", "largest difference", title=title)
    for feature, contestants in measured.items():
        for who, figures in contestants.items():
            table.add_row(
                f"{feature}: {who}", f"{1e3 * figures['seconds']:.0f}", f"{figures['times']:.1f}",
                f"{seconds / figures['seconds']:,.0f}", f"{figures['difference']:.1e}",
            )  # fmt: skip
    console.print(table)
    written = {"clips": len(clips), "audio_seconds": seconds, "threads": torch.get_num_threads(), "features": measured}
    console.print(f"written: {write_json('ser', written)}")


if __name__ == "__main__":
    main()
