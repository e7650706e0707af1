"""Sample rate, codecs, pitch."""

from __future__ import annotations

from voxrack.params import Param

from .spec_parts import built_in

QUALITIES = (
    "ZeroOrderHold", "Linear", "CatmullRom", "Lagrange", "WindowedSinc", "WindowedSinc256", "WindowedSinc128",
    "WindowedSinc64", "WindowedSinc32", "WindowedSinc16", "WindowedSinc8",
)  # fmt: skip
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def _quality(default: str) -> Param:
    return Param("quality", default, "choice", choices=QUALITIES, structural=True, help="resampler: from rough to fine")


SPECS = (
    built_in(
        "resample", "Resample", "Down to a lower sample rate and back: aliasing and a narrow band.",
        Param("target_sample_rate", 8000.0, lo=100.0, hi=192_000.0, unit="Hz", scale="log", structural=True, fit=False,
              help="rate in between; its half is the band that is left"),
        _quality("WindowedSinc32"),
        module="buffered",
    ),
    built_in(
        "mp3_compressor", "MP3Compressor", "Encodes to MP3 (LAME, variable bit rate) and back.",
        Param("vbr_quality", 2.0, lo=0.0, hi=9.999, structural=True, fit=False,
              help="0 is best, towards 10 it gurgles"),
        module="buffered", rates=MP3_RATES, channels=(1, 2),
    ),
    built_in(
        "gsm_full_rate_compressor", "GSMFullRateCompressor", "A mobile telephone of the nineties: GSM 06.10, mono.",
        _quality("WindowedSinc8"),
        module="gsm",
        waivers=("silence: the GSM decoder answers silence with a noise floor near -65 dBFS",),
    ),
    built_in(
        "pitch_shift", "PitchShift", "Shifts the pitch and keeps the length (Rubber Band); wants the whole signal.",
        # pedalboard takes 72, where a second of sound takes half a minute
        Param("semitones", 0.0, lo=-36.0, hi=36.0, unit="semitones", help="12 is an octave up"),
        module="pitch", streaming=False, transparent={"semitones": 0.0},
    ),
)  # fmt: skip
