"""``python -m benchmarks.enhance``: what enhancers cost on one core, beside noisereduce and, where it can be imported,
RNNoise (pyrnnoise).

Processor seconds per second of audio, of the best of several rounds in turns. ``enhance.light`` and RNNoise get the
signal in the blocks of a live stream; noisereduce (spectral gating) and the same network in torch get it whole.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .timing import best_of, one_thread, write_json

one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from voxrack import default_host, weights  # noqa: E402
from voxrack.errors import InputError  # noqa: E402
from voxrack.testing import noise, voice  # noqa: E402
from voxrack_enhance.light_features import features  # noqa: E402
from voxrack_enhance.light_network import LightNetwork  # noqa: E402
from voxrack_enhance.light_spectrum import analyse, masked, synthesise  # noqa: E402

Samples = NDArray[np.float32]
BLOCK = 0.016  # s
GOAL = 0.03


def noisy(seconds: float, rate: int) -> Samples:
    """A voice in noise, shape (1, frames)."""
    return voice(seconds, rate, 1).samples + noise(seconds, rate, 2, level=-35.0).samples


def sizes(text: str) -> dict[str, int]:
    """Options of a network from ``"channels=48,blocks=2"``."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    return {name.strip(): int(value) for name, _, value in pairs}


def weight_file(given: str, options: dict[str, int], folder: Path) -> tuple[Path, str]:
    """The weights to run, and what to call them: the given, the shipped, or untrained ones of other sizes."""
    if given:
        return Path(given), given
    if not options:
        try:
            return weights.find("enhance.light", "voxrack_enhance"), "shipped weights"
        except InputError:
            pass
    network = LightNetwork(**options)
    path = folder / "untrained.safetensors"
    weights.save(path, network.state_dict(), {"device": "enhance.light", "options": network.options})
    return path, f"untrained, {', '.join(f'{name} {value}' for name, value in network.options.items())}"


# ---- contestants -------------------------------------------------------------------------------
def streamed(device: Any, signal: Samples, rate: int) -> None:
    block = round(BLOCK * rate)
    device.prepare(rate, signal.shape[0], block)
    for start in range(0, signal.shape[1], block):
        device.process(np.ascontiguousarray(signal[:, start : start + block]))


@torch.inference_mode()
def in_torch(network: LightNetwork, signal: Samples) -> None:
    samples = torch.from_numpy(signal)
    spectrogram = analyse(samples)
    synthesise(masked(spectrogram, *network(features(spectrogram))), signal.shape[1])


@torch.inference_mode()
def frame_by_frame(network: LightNetwork, signal: Samples) -> None:
    """What eager torch costs in a stream: the network alone, without carrying its state from frame to frame."""
    for spectrum in analyse(torch.from_numpy(signal)).split(1, 1):
        network(features(spectrum))


def rnnoise(signal: Samples) -> None:
    from pyrnnoise import rnnoise as library  # pyright: ignore[reportMissingImports]

    state = library.create()
    for start in range(0, signal.shape[1] - 479, 480):  # frames of 10 ms at 48 kHz
        library.process_mono_frame(state, signal[0, start : start + 480])
    library.destroy(state)


def contestants(path: Path, seconds: float) -> dict[str, Callable[[], Any]]:
    found = weights.load(path)
    network = LightNetwork(**found.metadata["options"]).eval()
    network.load_state_dict(found.tensors)
    low, high = noisy(seconds, 16_000), noisy(seconds, 48_000)
    stereo = np.concatenate([high, high[:, ::-1]])
    make = partial(default_host().create, "enhance.light", weights=str(path))
    out: dict[str, Callable[[], Any]] = {
        "enhance.light, 16 kHz": partial(streamed, make(), low, 16_000),
        "enhance.light, 48 kHz": partial(streamed, make(), high, 48_000),
        "enhance.light, 48 kHz stereo": partial(streamed, make(), stereo, 48_000),
        "its network in torch, 16 kHz, whole": partial(in_torch, network, low),
        "its network in torch, 16 kHz, 16 ms at a time": partial(frame_by_frame, network, low),
    }
    if find_spec("noisereduce"):
        import noisereduce

        for kind in (True, False):
            name = f"noisereduce, 16 kHz, whole, {'stationary' if kind else 'non-stationary'}"
            out[name] = partial(noisereduce.reduce_noise, y=low[0], sr=16_000, stationary=kind)
    if find_spec("pyrnnoise"):
        out["RNNoise (pyrnnoise), 48 kHz, 10 ms"] = partial(rnnoise, high)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enhance", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", default="", help="a weight file; by default the shipped one")
    parser.add_argument("--sizes", default="", help="untrained weights of such sizes instead: channels=48,blocks=2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path, called = weight_file(given.weights, sizes(given.sizes), Path(folder))
        best = best_of(contestants(path, given.seconds), given.rounds, time.process_time)
    cost = {name: seconds / given.seconds for name, seconds in best.items()}
    title = f"enhance.light: {called}; {given.seconds:.0f} s, one thread, blocks of {1000 * BLOCK:.0f} ms"
    table = Table("", "CPU s per s of audio", "times real time", title=title)
    for name, value in cost.items():
        table.add_row(name, f"{value:.4f}", f"{1 / value:,.0f}")
    console = Console(width=110)
    console.print(table)
    for name in ("noisereduce", "pyrnnoise"):
        if not find_spec(name):
            console.print(f"{name} is not installed: pip install {name}")
    console.print(f"goal: {GOAL} CPU s per s of audio at 16 kHz; measured {cost['enhance.light, 16 kHz']:.4f}")
    written = {"weights": called, "audio_seconds": given.seconds, "cpu_seconds_per_second": cost}
    console.print(f"written: {write_json('enhance', written)}")


if __name__ == "__main__":
    main()
