"""What a rendering sounds like, in nine numbers with units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio, Preset, analyze, default_host, render
from voxrack.errors import InputError
from voxrack.rack import as_rack
from voxrack.report import loudness

from .response import decay_time, echo_density, response, weighted, wetness

LEVEL = -18.0  # LUFS at which a dry vocal is described: what DiffVox's presets were fitted at
_FRAME, _HOP = 2048, 1024  # samples at 44.1 kHz; scaled with the rate
_HEARD = 40.0  # dB below the loudest frame down to which a frame counts


@dataclass(frozen=True)
class Descriptor:
    """One thing that can be heard.

    Attributes
    ----------
    id, title, unit : str
    step : float
        The smallest change that is told apart by ear, on the scale of :meth:`change`. After ISO 3382-1, table A.1,
        for decay (5 %) and wetness (1 dB); 1 dB or 1 LU for levels; the rest is our own judgement.
    ratio : bool
        Changes are factors, counted in octaves (``log2``), not differences.
    more, less : str
        What a listener calls a change.
    """

    id: str
    title: str
    unit: str
    step: float
    ratio: bool
    more: str
    less: str

    def change(self, before: Any, after: Any) -> Any:
        """From ``before`` to ``after``: a difference, or octaves; a decay of 0 (no tail) counts as 50 ms."""
        if not self.ratio:
            return np.subtract(after, before)
        low = 0.05 if self.unit == "s" else 1e-9
        return np.log2(np.maximum(after, low)) - np.log2(np.maximum(before, low))


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("loudness", "loudness", "LUFS", 1.0, False, "louder", "quieter"),
    Descriptor("brightness", "brightness (spectral centroid)", "Hz", 0.1, True, "brighter", "darker"),
    Descriptor("loudness_range", "loudness range", "LU", 1.0, False, "larger loudness range", "smaller loudness range"),
    Descriptor("crest", "dynamic range (peak to loudness)", "dB", 1.0, False, "peakier", "denser level"),
    Descriptor("width", "stereo width", "%", 2.0, False, "wider", "narrower"),
    Descriptor("balance", "balance, right minus left", "dB", 1.0, False, "further right", "further left"),
    Descriptor("decay", "decay time", "s", math.log2(1.05), True, "longer decay", "shorter decay"),
    Descriptor("wetness", "wetness, late to early energy", "dB", 1.0, False, "wetter", "drier"),
    Descriptor("echo_density", "echo density", "", 0.1, False, "denser echoes", "sparser echoes"),
)  # fmt: skip
OF_AUDIO = ("loudness", "brightness", "loudness_range", "crest", "width", "balance")  # the others need the rack


def describe(sound: Any, dry: Audio | None = None) -> dict[str, float]:
    """Describe a recording, or what a preset does to a vocal.

    Parameters
    ----------
    sound : Audio; or Preset, Rack, Chain, device
        A recording, or what renders ``dry``.
    dry : Audio, optional
        For a preset: the vocal, which is brought to -18 LUFS first.

    Returns
    -------
    dict
        Of a recording ``loudness`` (LUFS), ``brightness`` (Hz), ``loudness_range`` (LU; NaN under 3 s), ``crest``
        (dB, true peak over loudness), ``width`` (%, 0 mono, 50 unrelated channels, 100 opposite), ``balance`` (dB);
        of a preset also ``decay`` (s, 0: no tail), ``wetness`` (dB, at least -60) and ``echo_density`` (0 … about 1).

    Raises
    ------
    InputError
        For silence, less than 0.4 s, more than two channels, or a preset without a vocal.
    """
    if isinstance(sound, Audio):
        return _of_audio(sound)
    if dry is None:
        raise InputError("a preset is described by what it does to a vocal; give one as the second argument")
    rack = sound.rack() if isinstance(sound, Preset) else as_rack(sound)
    source = levelled(dry)
    found = _of_audio(render(rack, source, tail=False))
    ringing = response(rack, source)
    sung = weighted(ringing, source.mono().samples[0].astype(np.float64))
    return found | {
        "decay": decay_time(sung, source.sample_rate),
        "wetness": wetness(sung, source.sample_rate),
        "echo_density": echo_density(ringing, source.sample_rate),
    }


def levelled(dry: Audio, level: float = LEVEL) -> Audio:
    """``dry`` in mono at ``level`` LUFS (BS.1770, integrated)."""
    return Audio(dry.mono().samples * np.float32(10 ** (gain_to(dry, level) / 20)), dry.sample_rate)


def gain_to(audio: Audio, level: float) -> float:
    """Gain in dB that brings the mono sum of ``audio`` to ``level`` LUFS; InputError where it has no loudness."""
    now = loudness(audio.mono())
    if not math.isfinite(now):
        raise InputError(f"a vocal of {audio.duration:.3g} s with a loudness of {now:g} LUFS: it takes 0.4 s of sound")
    return level - now


def _of_audio(audio: Audio) -> dict[str, float]:
    if audio.channels > 2:
        raise InputError(f"a recording of {audio.channels} channels cannot be described; it takes one or two")
    summary = analyze(default_host().create("fx.loudness"), audio)[0].summary  # pyright: ignore[reportArgumentType]
    level = summary["integrated_lufs"]
    if level is None:
        raise InputError(f"the recording cannot be described: {summary['reasons']['integrated_lufs']}")
    spread, peak = summary["loudness_range_lu"], summary["true_peak_dbtp"]
    samples = audio.samples.astype(np.float64)
    return {
        "loudness": float(level),
        "brightness": brightness(samples, audio.sample_rate),
        "loudness_range": math.nan if spread is None else float(spread),
        "crest": float(peak) - float(level),
        "width": width(samples),
        "balance": balance(samples),
    }


def brightness(samples: NDArray[np.float64], sample_rate: int) -> float:
    """Spectral centroid in Hz of (channels, frames): of the magnitudes in frames of 46 ms, mean over those that sound
    (down to 40 dB below the loudest)."""
    frame, hop = (max(16, round(n * sample_rate / 44100)) for n in (_FRAME, _HOP))
    padded = np.pad(samples, ((0, 0), (0, max(0, frame - samples.shape[1]))))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, frame, axis=1)[:, ::hop]
    power = np.zeros((pieces.shape[1], frame // 2 + 1))
    for channel in pieces:
        power += np.abs(np.fft.rfft(channel * np.hanning(frame))) ** 2
    energy = power.sum(axis=1)
    heard = energy > energy.max() * 10 ** (-_HEARD / 10)
    if not heard.any():
        return math.nan
    magnitude = np.sqrt(power[heard])
    hertz = np.fft.rfftfreq(frame, 1 / sample_rate)
    return float(np.mean(magnitude @ hertz / magnitude.sum(axis=1)))


def width(samples: NDArray[np.float64]) -> float:
    """Stereo width in % of (channels, frames): half of one minus the correlation of the channels. Where only one
    channel sounds, as in mono, 0."""
    if samples.shape[0] == 1:
        return 0.0
    left, right = samples
    power = float(np.sum(left**2) * np.sum(right**2))
    return 50.0 * (1.0 - float(np.sum(left * right)) / math.sqrt(power)) if power > 0 else 0.0


def balance(samples: NDArray[np.float64]) -> float:
    """Level of the right channel minus that of the left in dB, held within 60; 0 for mono."""
    if samples.shape[0] == 1:
        return 0.0
    left, right = np.sum(samples**2, axis=1) + 1e-12 * float(np.sum(samples**2)) + 1e-30
    return float(np.clip(10 * math.log10(right / left), -60.0, 60.0))
