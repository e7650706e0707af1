"""Compressor, gate, limiters."""

from __future__ import annotations

from voxrack.params import Param

from .spec_parts import built_in, decibels, milliseconds


def _attack() -> Param:
    return milliseconds("attack_ms", 1.0, 0.01, 1_000.0, "how fast it follows a rising level")


def _release(default: float = 100.0) -> Param:
    return milliseconds("release_ms", default, 0.1, 10_000.0, "how fast it follows a falling level")


def _ratio(default: float, help: str) -> Param:
    return Param("ratio", default, lo=1.0, hi=100.0, scale="log", help=help)


SPECS = (
    built_in(
        "compressor", "Compressor", "Makes loud passages softer; every channel by itself.",
        decibels("threshold_db", 0.0, -100.0, 24.0, "level above which it works"),
        _ratio(1.0, "dB in for one dB out above the threshold"), _attack(), _release(),
        transparent={"ratio": 1.0},
    ),
    built_in(
        "noise_gate", "NoiseGate", "Makes soft passages softer; every channel by itself.",
        decibels("threshold_db", -100.0, -100.0, 24.0, "level below which it works"),
        _ratio(10.0, "dB out for one dB in below the threshold"), _attack(), _release(),
        transparent={"ratio": 1.0},
    ),
    built_in(
        "limiter", "Limiter", "Two compressors, make-up gain and a clip at 0 dBFS: loudness, not a ceiling.",
        decibels("threshold_db", -10.0, -60.0, 0.0, "level at which it sets in; what is softer gets louder"),
        _release(),
    ),
    built_in(
        "brickwall_limiter", "BrickwallLimiter", "Look-ahead limiter with a ceiling and no make-up gain.",
        decibels("ceiling_db", -1.0, -60.0, 24.0, "no sample exceeds this level"),
        _release(),
        milliseconds("lookahead_ms", 5.0, 0.1, 100.0, "how far it looks ahead; part of its latency", structural=True,
                     fit=False),
        Param("true_peak", False, "bool", structural=True, help="find peaks between samples, oversampling 4 times"),
        module="buffered", transparent={"ceiling_db": 24.0},
    ),
)  # fmt: skip
