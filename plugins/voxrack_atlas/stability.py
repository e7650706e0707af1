"""Does a preset stay in bounds? Measured by rendering a voice and the silence after it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from voxrack import Audio, Preset, Rack, render
from voxrack.errors import DeviceError, UsageError

LEVEL = -18.0  # LUFS of the probe: what presets of the vocal rack are made for
LOOP = 0.9999  # largest gain round a loop whose echoes still die
SILENCE = 6.0  # s after the probe in which the output must fall
GROWTH = 1.0  # dB by which the second half of that silence may be louder than the first
LOUDEST = 24.0  # dB that the output's peak may lie above the input's
SOFTEST = -60.0


@dataclass(frozen=True)
class Stability:
    """What a rendering showed.

    Attributes
    ----------
    reason : str
        Empty where the preset is stable; else ``"not finite"``, ``"feedback"``, ``"too loud"`` or ``"silent"``.
    loop_gain : float
        Largest gain from one echo to the next that a device of the rack tells of; 0 where none does.
    growth : float
        Level of the second half of the silence against the first, in dB; -inf where nothing is left.
    gain : float
        Peak of the output against that of the input, in dB.
    """

    reason: str
    loop_gain: float
    growth: float
    gain: float

    @property
    def stable(self) -> bool:
        return not self.reason


def check_stability(preset: Preset | Rack, probe: Audio | None = None) -> Stability:
    """Render ``probe`` and six seconds of silence, and look at what comes out.

    A loop is refused where its gain exceeds 0.9999, even if this rendering is too short to hear it grow: devices
    may guard such a setting, so that nothing bursts, but then it sounds other than it is written.

    Parameters
    ----------
    preset : Preset or Rack
    probe : Audio, optional
        By default two seconds of a synthetic voice; brought to -18 LUFS.
    """
    if not isinstance(preset, (Preset, Rack)):
        raise UsageError(f"check_stability takes a Preset or a Rack; got {type(preset).__name__}")
    rack = preset.rack(missing="refuse") if isinstance(preset, Preset) else preset
    voice = a_voice() if probe is None else levelled(probe)
    quiet = np.zeros((voice.channels, round(SILENCE * voice.sample_rate)), np.float32)
    try:
        out = render(rack, Audio(np.concatenate([voice.samples, quiet], axis=1), voice.sample_rate), tail=False)
    except DeviceError:  # the host stops a device that gives NaN or infinity
        return Stability("not finite", _loop_gain(rack), np.inf, np.inf)
    silence = out.samples[:, voice.frames :].astype(np.float64)
    half = silence.shape[1] // 2
    early, late = (float((part**2).mean()) for part in (silence[:, :half], silence[:, half:]))
    growth = _decibel(late) - _decibel(early) if late > 0.0 else -np.inf
    gain = 2.0 * (_decibel(out.peak) - _decibel(voice.peak))
    loop = _loop_gain(rack)
    if loop > LOOP or (growth > GROWTH and late > 1e-12):
        reason = "feedback"
    elif gain > LOUDEST:
        reason = "too loud"
    else:
        reason = "silent" if gain < SOFTEST else ""
    return Stability(reason, loop, growth, gain)


def levelled(audio: Audio, level: float = LEVEL) -> Audio:
    """The audio at an integrated loudness, in LUFS; silence as it is."""
    from voxrack.report import loudness

    now = loudness(audio)
    if not np.isfinite(now):
        return audio
    return Audio((audio.samples * 10.0 ** ((level - now) / 20.0)).astype(np.float32), audio.sample_rate)


@lru_cache(maxsize=1)
def a_voice() -> Audio:
    """The probe that is used where none is given."""
    from voxrack.testing import voice

    return levelled(voice(2.0, 44100, seed=1))


def _loop_gain(rack: Rack) -> float:
    """The largest ``loop_gain`` that a processor of the rack bears."""
    found: list[Any] = [getattr(slot.device.processor, "loop_gain", 0.0) for slot in rack.slots().values()]
    return max((float(gain) for gain in found), default=0.0)


def _decibel(power: float) -> float:
    return 10.0 * float(np.log10(power)) if power > 0.0 else -np.inf
