"""Level, waveshaping and filters."""

from __future__ import annotations

from voxrack.params import Param

from .spec_parts import built_in, cutoff, decibels, share

_SQRT_HALF = 0.7071067690849304  # 1/sqrt(2) in single precision, pedalboard's default Q


def _q() -> Param:
    return Param("q", _SQRT_HALF, lo=0.05, hi=40.0, scale="log", help="quality factor: 0.707 is no resonance")


def _shelf_gain() -> Param:
    return decibels("gain_db", 0.0, -48.0, 48.0, "gain of the shelf or peak")


MODES = ("LPF12", "HPF12", "BPF12", "LPF24", "HPF24", "BPF24")

SPECS = (
    built_in(
        "gain", "Gain", "Louder or softer.",
        decibels("gain_db", 1.0, -100.0, 48.0, "level; -100 dB is silence"),
        transparent={"gain_db": 0.0},
    ),
    built_in("invert", "Invert", "Flips the polarity."),
    built_in(
        "clipping", "Clipping", "Hard clipping at a threshold.",
        decibels("threshold_db", -6.0, -72.0, 24.0, "what exceeds this level is cut off"),
        transparent={"threshold_db": 24.0},
    ),
    built_in(
        "distortion", "Distortion", "Soft saturation: tanh(gain * x).",
        decibels("drive_db", 25.0, -24.0, 72.0, "gain in front of the tanh"),
    ),
    built_in(
        "bitcrush", "Bitcrush", "Rounds every sample to a number of bits.",
        Param("bit_depth", 8.0, lo=0.0, hi=32.0, unit="bit", help="2 ** bit_depth steps up to full scale"),
        transparent={"bit_depth": 32.0},
    ),
    built_in(
        "high_shelf_filter", "HighShelfFilter", "Raises or lowers the high frequencies.",
        cutoff("cutoff_frequency_hz", 440.0, "where the shelf begins"), _shelf_gain(), _q(),
        transparent={"gain_db": 0.0},
    ),
    built_in(
        "low_shelf_filter", "LowShelfFilter", "Raises or lowers the low frequencies.",
        cutoff("cutoff_frequency_hz", 440.0, "where the shelf ends"), _shelf_gain(), _q(),
        transparent={"gain_db": 0.0},
    ),
    built_in(
        "peak_filter", "PeakFilter", "Raises or lowers a band.",
        cutoff("cutoff_frequency_hz", 440.0, "centre of the band"), _shelf_gain(), _q(),
        transparent={"gain_db": 0.0},
    ),
    built_in(
        "highpass_filter", "HighpassFilter", "First-order high-pass, 6 dB an octave.",
        cutoff("cutoff_frequency_hz", 50.0, "3 dB down here"),
    ),
    built_in(
        "lowpass_filter", "LowpassFilter", "First-order low-pass, 6 dB an octave.",
        cutoff("cutoff_frequency_hz", 50.0, "3 dB down here"),
    ),
    built_in(
        "ladder_filter", "LadderFilter", "Multi-mode filter after Moog's ladder, with saturation.",
        Param("mode", "LPF12", "choice", choices=MODES, help="low, high or band pass of 12 or 24 dB an octave"),
        cutoff("cutoff_hz", 200.0, "corner or centre frequency"),
        share("resonance", 0.0, "peak at the cutoff; near 1 it rings by itself"),
        Param("drive", 1.0, lo=1.0, hi=100.0, scale="log", help="gain into the saturating stages"),
    ),
)  # fmt: skip
