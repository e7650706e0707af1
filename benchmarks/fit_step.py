"""``python -m benchmarks.fit_step DRY WET``: one training step of the reference composition beside one of ours.

It also says how far the gradient of our step agrees with that of the reference's own composition (mode ``paper``) of
the same rack at the same point: where the two modes coincide (equaliser, compressor, pan, levels), and of the whole
rack, whose first echo and first reflection differ by definition between the approximation and what is heard.
"""

from __future__ import annotations

import argparse
from typing import Any, Literal

import numpy as np
import torch

from voxrack import Audio, read
from voxrack_match.chunks import Chunk
from voxrack_match.coordinates import Coordinates
from voxrack_match.levelled import levelled
from voxrack_match.objective import Objective
from voxrack_match.problem import Pair, prepare
from voxrack_match.rack_module import RackModule
from voxrack_match.start import starting_values
from voxrack_match.vocal import vocal_rack
from voxrack_match.weighting import a_weighting_taps

from . import reference_step
from .timing import best_of, write_json

SECONDS = 12.0
MODES: tuple[Literal["exact"], Literal["paper"]] = ("exact", "paper")


def measure(dry: Audio, wet: Audio, rounds: int = 3) -> dict[str, Any]:
    """Seconds of a step: the reference composition's parts and total, ours, and how many times cheaper."""
    pair = prepare(_filled(dry), _filled(wet))
    rate = pair.sample_rate
    x, y = torch.as_tensor(pair.dry[0].copy()), torch.as_tensor(pair.wet.copy())
    taps = torch.as_tensor(a_weighting_taps(rate).copy(), dtype=torch.float32)
    theirs = reference_step.fresh_parameters()
    parts: list[dict[str, float]] = []
    desk = levelled(vocal_rack())
    values, _ = starting_values(desk.rack, pair, "typical")
    values |= {desk.pre: 0.0, desk.post: 0.0}
    coordinates = Coordinates(desk.rack.layout(), values, desk.held)
    chunk = Chunk(0, 12 * rate, 5 * rate, 7 * rate)  # scored as the reference scores it
    module = RackModule(desk.rack, rate)
    objective = Objective(module, coordinates, pair, batch=1, seed=0, device="cpu", chunks=[chunk])
    point = coordinates.pack(values)
    times = best_of(
        {
            "reference": lambda: parts.append(reference_step.step(x, y, theirs, rate, taps)),
            "ours": lambda: objective(point, 0),
        },
        rounds,
    )
    best = min(parts, key=lambda part: part["total"])
    return {
        "reference": best, "ours": times["ours"], "times": best["total"] / times["ours"],
        "cosine": cosine(pair, ("delay", "reverb")), "cosine_whole": cosine(pair, ()),
    }  # fmt: skip


def cosine(pair: Pair, ablate: tuple[str, ...]) -> float:
    """Of the gradients of one loss in the two modes, by numbers on the optimiser's own scales."""
    desk = levelled(vocal_rack(), ablate)
    values, _ = starting_values(desk.rack, pair, "typical")
    values |= {desk.pre: 0.0, desk.post: 0.0}
    coordinates = Coordinates(desk.rack.layout(), values, desk.held)
    rate = pair.sample_rate
    chunk = Chunk(0, 12 * rate, 5 * rate, 7 * rate)
    gradients = []
    for mode in MODES:
        module = RackModule(desk.rack, rate, mode)
        objective = Objective(
            module, coordinates, pair, batch=1, seed=0, device="cpu", chunks=[chunk], scored="exact"
        )  # fmt: skip
        gradients.append(objective(coordinates.pack(values), 0).gradient * coordinates.steps)
    return float(np.dot(*gradients) / np.prod([np.linalg.norm(g) for g in gradients]))


def _filled(audio: Audio) -> Audio:
    """12 s: cut, or repeated."""
    frames = round(SECONDS * audio.sample_rate)
    return Audio(np.resize(audio.samples.T, (frames, audio.channels)).T.copy(), audio.sample_rate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_step", description=__doc__)
    parser.add_argument("dry", help="recording before processing")
    parser.add_argument("wet", help="the same after processing")
    given = parser.parse_args()
    figures = measure(read(given.dry), read(given.wet))
    reference = figures["reference"]
    print(f"{torch.get_num_threads()} threads, 12 s at 44.1 kHz")
    print("reference composition: " + ", ".join(f"{key} {value:.2f} s" for key, value in reference.items()))
    print(f"ours: {figures['ours']:.2f} s, {figures['times']:.1f} times cheaper")
    print(
        f"cosine of our gradient and that of mode 'paper': {figures['cosine']:.6f} without delay and reverb, "
        f"{figures['cosine_whole']:.6f} with them"
    )
    print(f"written to {write_json('fit_step', figures)}")


if __name__ == "__main__":
    main()
