"""Make the bundled voice clip: python tools/make_clip.py (needs espeak-ng on the path).

eSpeak NG speaks two sentences at 22.05 kHz. What it leaves empty above 11 kHz is filled with its own
upper band shifted up, falling as speech does (a sibilant then reaches 20 kHz); three faint early
reflections and a noise floor stand for a small room; the level is -23 LUFS. Nobody's recording is in it.
"""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, hilbert, sosfiltfilt

TEXT = "This voice was made by a machine. Put it through the rack, and listen to what changes."
VOICE = ["espeak-ng", "-v", "en-us", "-s", "150", "-p", "42", "-g", "1", "--stdout"]
RATE = 44_100  # Hz
LOUDNESS = -23.0  # LUFS
REFLECTIONS = ((0.0031, -22.0), (0.0057, -26.0), (0.0093, -30.0))  # s, dB
SHIFTS = ((5000.0, -9.0), (10_000.0, -20.0))  # Hz, dB
FLOOR = -78.0  # dBFS RMS
LEAD_IN, LEAD_OUT = 0.15, 0.35  # s
TARGET = Path(__file__).resolve().parent.parent / "host" / "voxrack" / "data" / "voice.flac"


def speak() -> NDArray[np.float64]:
    """eSpeak NG's samples, (frames,), at RATE."""
    data = subprocess.run([*VOICE, TEXT], check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
        pcm = np.frombuffer(data[44:], dtype="<i2")  # a streamed WAV: its header does not know the length
    return soxr.resample(pcm / 32768.0, rate, RATE, quality="VHQ")


def extend(voice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copies of 5.5 … 10.5 kHz shifted up by whole bands (single sideband), under the original."""
    band = sosfiltfilt(butter(8, (5500, 10_500), "bandpass", fs=RATE, output="sos"), voice)
    analytic = np.asarray(hilbert(band))
    time = np.arange(len(voice)) / RATE
    out = voice.copy()
    for hertz, level in SHIFTS:
        out += 10 ** (level / 20) * np.real(analytic * np.exp(2j * np.pi * hertz * time))
    return out


def main() -> None:
    random = np.random.default_rng(2)
    voice = speak()
    spoken = np.flatnonzero(np.abs(voice) > 1e-3)
    voice = extend(voice[max(0, spoken[0] - 200) : spoken[-1] + 400])
    voice = np.pad(voice, (round(LEAD_IN * RATE), round(LEAD_OUT * RATE)))
    room = voice.copy()
    for delay, level in REFLECTIONS:
        shift = round(delay * RATE)
        room[shift:] += 10 ** (level / 20) * voice[:-shift]
    room = sosfiltfilt(butter(2, 50, "highpass", fs=RATE, output="sos"), room)
    room *= 10 ** ((LOUDNESS - pyloudnorm.Meter(RATE).integrated_loudness(room)) / 20)
    room += 10 ** (FLOOR / 20) * random.standard_normal(len(room))
    dither = (random.random(len(room)) - random.random(len(room))) / 32768  # triangular, one step of 16 bits
    soundfile.write(TARGET, room + dither, RATE, subtype="PCM_16")
    print(f"{TARGET.name}: {len(room) / RATE:.2f} s, peak {20 * np.log10(np.abs(room).max()):.1f} dBFS")


if __name__ == "__main__":
    main()
