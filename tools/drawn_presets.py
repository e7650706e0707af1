"""The factory presets ``drawn-*``: one draw of the shipped prior for each of three tones in four places.

    python tools/drawn_presets.py        # writes presets/drawn-*.json, the same ones every time

Of the first draws of a seed, each that leaves the level of a voice sensible is described (see
``voxrack_atlas.describe``) and named by what is measured; of those with one name the most probable is kept. The gain
at the end is set so that the voice comes out as loud as it came in; all else is as drawn.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pyloudnorm

from voxrack import Audio, Preset, render
from voxrack.testing import voice
from voxrack_atlas import describe
from voxrack_atlas.sampling import Draw, draws

FOLDER = Path(__file__).resolve().parents[1] / "presets"
SEED, COUNT = 1, 600
RATE = 48_000
LEVEL = -18.0  # LUFS
# Centroid against that of the dry voice, and decay time in s: from, to. Between the names lies a gap, so that a
# measurement that differs a little gives no other name.
TONES = {"dark": (0.0, 1.05), "plain": (1.15, 1.35), "bright": (1.5, 9.0)}
PLACES = {"booth": (0.0, 0.65), "room": (0.75, 1.35), "hall": (1.65, 2.9), "cavern": (3.4, 12.0)}
WET = {"booth": (-60.0, -9.0), "room": (-16.0, -3.0), "hall": (-12.0, 3.0), "cavern": (-12.0, 3.0)}  # dB


def main() -> None:
    best: dict[str, tuple[float, Preset]] = {}
    dry = at_level(voice(3.0, RATE, seed=5))
    centre = describe(dry)["brightness"]
    for draw in islice(draws(seed=SEED), COUNT):
        preset = settled(draw, dry)
        if preset is None:
            continue
        found = describe(preset, dry)
        tone = named(TONES, found["brightness"] / centre)
        place = named(PLACES, found["decay"])
        if not tone or not place or not WET[place][0] <= found["wetness"] <= WET[place][1]:
            continue
        name = f"drawn-{tone}-{place}"
        if name not in best or draw.log_density > best[name][0]:
            about = (
                f"Drawn, not made by hand: draw {draw.number} of seed {SEED} from the prior of vocal presets. "
                f"{WORDS[tone]}; the tail lasts {found['decay']:.1f} s."
            )
            title = f"Drawn: {tone} {place}"
            best[name] = (draw.log_density, preset.replace(name=title, about=about, tags=["vocal", "drawn", tone]))
    missing = [f"drawn-{tone}-{place}" for tone in TONES for place in PLACES if f"drawn-{tone}-{place}" not in best]
    for name, (_, preset) in sorted(best.items()):
        print(preset.save(FOLDER / f"{name}.json"))
    if missing:
        print("none of the draws is", ", ".join(missing))


WORDS = {"dark": "The treble is held back", "plain": "The tone of the voice stays", "bright": "The treble stands out"}


def settled(draw: Draw, dry: Audio) -> Preset | None:
    """The draw with its last gain set, where voices of several kinds come out at a sensible level."""
    rack = draw.preset.rack()
    gain = LEVEL - loudness(render(rack, dry))
    if not -12.0 < gain < 12.0:
        return None
    rack.set("master.post.level", round(gain, 1))
    others = [voice(3.0, RATE, seed=8), voice(3.0, 16_000, seed=9)]
    for audio in (dry, *(at_level(other) for other in others)):
        out = render(rack, audio)
        if abs(loudness(out) - LEVEL) > 2.0 or decibel(out.peak) > max(-1.0, decibel(audio.peak)):
            return None
    told = draw.preset.provenance
    return Preset.of(
        rack, how="sample", created="", made_by=told["made_by"], losses=told["losses"], sources=told["sources"],
        parents=[draw.preset],
    )  # fmt: skip


def named(table: dict[str, tuple[float, float]], value: float) -> str:
    return next((name for name, (low, high) in table.items() if low <= value <= high), "")


def loudness(audio: Audio) -> float:
    """Per channel, in LUFS."""
    meter = pyloudnorm.Meter(audio.sample_rate)
    return meter.integrated_loudness(audio.samples.T.astype(np.float64)) - 10.0 * np.log10(audio.channels)


def at_level(audio: Audio) -> Audio:
    return Audio((audio.samples * 10.0 ** ((LEVEL - loudness(audio)) / 20.0)).astype(np.float32), audio.sample_rate)


def decibel(peak: float) -> float:
    return 20.0 * np.log10(max(peak, 1e-9))


if __name__ == "__main__":
    main()
