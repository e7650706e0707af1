"""The player that an Audio shows in a notebook: one self-contained piece of HTML."""

from __future__ import annotations

import base64
import io
import math
import wave
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .audio import Audio

LONGEST = 120.0  # seconds that are embedded; a notebook that holds hours cannot be opened
_WIDTH, _LANE = 640, 64  # pixels of the waveform
_RATES = (8000, 96_000)  # Hz that every browser plays
_SOFTER = 6.0  # dB: nothing starts at full scale


def player(audio: Audio) -> str:
    """HTML with sound (16-bit WAV), waveform, duration, sample rate and channels.

    What the player changes for listening (only the first two minutes, mono for more than two channels, 6 dB softer
    and more where it would clip) is stated below it; the audio itself is not touched.
    """
    from .audio import channels_text

    remarks = []
    heard = audio
    if audio.duration > LONGEST:
        heard = audio[0:LONGEST]
        remarks.append(f"plays the first {LONGEST:.0f} s")
    if heard.channels > 2:
        heard = heard.mono()
        remarks.append("plays the mean of the channels")
    if not _RATES[0] <= heard.sample_rate <= _RATES[1]:
        heard = heard.resample(48_000)
        remarks.append("plays at 48000 Hz")
    over = 20 * math.log10(max(1.0, heard.peak))
    remarks.append(f"plays {_SOFTER + over:.1f} dB softer")
    data = base64.b64encode(_wav(heard)).decode("ascii")
    level = "silence" if audio.peak == 0 else f"peak {20 * math.log10(audio.peak):.1f} dBFS"
    facts = [f"{audio.duration:.3f} s", f"{audio.sample_rate} Hz", channels_text(audio.channels), level]
    return (
        f'<figure class="voxrack-audio" style="margin:0;max-width:{_WIDTH}px">{_waveform(audio)}'
        f'<audio controls preload="auto" style="width:100%" src="data:audio/wav;base64,{data}"></audio>'
        f'<figcaption style="font-size:smaller">{" · ".join(facts + remarks)}</figcaption></figure>'
    )


def _wav(audio: Audio) -> bytes:
    scaled = audio.samples / max(1.0, audio.peak) * 10 ** (-_SOFTER / 20) * 32767.0
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(audio.channels)
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate)
        file.writeframes(np.rint(scaled).astype("<i2").T.tobytes())
    return out.getvalue()


def _waveform(audio: Audio) -> str:
    """SVG with one lane per channel: lowest and highest sample of each of up to 640 columns."""
    lanes = []
    scale = (_LANE / 2 - 1) / max(1.0, audio.peak)
    columns = min(_WIDTH, audio.frames)
    edges = np.linspace(0, audio.frames, columns, endpoint=False).astype(np.intp)
    x = np.linspace(0, _WIDTH, columns)
    for index, lane in enumerate(audio.samples):
        middle = (index + 0.5) * _LANE
        top = middle - np.maximum.reduceat(lane, edges) * scale - 0.5
        bottom = middle - np.minimum.reduceat(lane, edges) * scale + 0.5
        points = np.concatenate([np.stack([x, top], 1), np.stack([x, bottom], 1)[::-1]])
        lanes.append(f'<polygon points="{_points(points)}" fill="currentColor" fill-opacity="0.75"/>')
    height = _LANE * audio.channels
    return (
        f'<svg role="img" aria-label="waveform" width="100%" viewBox="0 0 {_WIDTH} {height}" '
        f'preserveAspectRatio="none" style="height:{height}px">{"".join(lanes)}</svg>'
    )


def _points(points: NDArray[np.float64]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
