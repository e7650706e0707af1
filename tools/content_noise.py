"""How far readers lie apart in the embedding ``music`` under one preset: a covariance that ships with voxrack.

    python tools/content_noise.py ../shared/data/librispeech            # write
    python tools/content_noise.py ../shared/data/librispeech --check    # compare with what is there

The folder holds one utterance for each reader of LibriSpeech's train-clean-100 (CC BY 4.0). The recordings end at
8 kHz: features of bands above it get the variance of the band at 4 kHz, and no correlations.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from voxrack import read
from voxrack_atlas.descriptors import levelled
from voxrack_atlas.embedding import embedding
from voxrack_atlas.music import LABELS
from voxrack_atlas.playing import Desk, excerpt, vocal_files
from voxrack_atlas.prior import default_flow
from voxrack_atlas.sampling import spread_points
from voxrack_atlas.spaces import space_of
from voxrack_atlas.style_noise import shipped, within

TARGET = Path(__file__).resolve().parents[1] / "plugins" / "voxrack_atlas" / "data" / "content_noise.safetensors"
ABOVE = ("band 14000 Hz (dB)",)
LIKE = "band 4000 Hz (dB)"
PRESETS, SECONDS, RATE, EVERY = 8, 6.0, 44100, 2


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    recordings = vocal_files(given.folder)[::EVERY]
    covariance = measure(recordings)
    if given.check:
        far = float(np.abs(covariance - shipped()["covariance"]).max())
        print(f"largest difference from what ships: {far:.2g}")
        return 0 if far < 1e-3 else 1
    from safetensors.numpy import save_file

    told = {"labels": json.dumps(LABELS), "origin": "https://www.openslr.org/12", "licence": "CC BY 4.0, see NOTICE",
            "recordings": str(len(recordings)), "presets": str(PRESETS)}  # fmt: skip
    save_file({"covariance": covariance}, TARGET, told)
    print(f"{TARGET}: {len(recordings)} recordings, {PRESETS} presets")
    return 0


def measure(recordings: list[Path]) -> np.ndarray:
    """Covariance (33, 33) over readers, averaged over drawn presets."""
    prior, listen = default_flow(), embedding("music")
    template = prior.preset()
    space, desk = space_of(template, "raw"), Desk(template)
    rows = space.inverse(spread_points(prior, space, template, prior.sample(PRESETS, np.random.default_rng(0))))
    table = []
    for path in recordings:
        voice = levelled(excerpt(read(path).resample(RATE), SECONDS))
        table.append([listen(desk.play(row, voice)) for row in rows])
    out = within(np.array(table))
    for label in ABOVE:
        place, other = LABELS.index(label), LABELS.index(LIKE)
        out[place, :] = out[:, place] = 0.0
        out[place, place] = out[other, other]
    return out


if __name__ == "__main__":
    sys.exit(main())
