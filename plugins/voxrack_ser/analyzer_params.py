"""What every recogniser has: parameters as an analyzer, protocols of its recipe. Light: a plugin's specs import it."""

from __future__ import annotations

from voxrack.params import Param

WINDOW, HOP, WHOLE = 1.5, 0.5, 10.0  # s
THRESHOLD = 0.4
LEAST_SPEECH = 0.25  # s: a short word

PROTOCOLS = ("folds", "paper", "pairs", "loso", "kfold:5", "iemocap-10", "iemocap-5", "cross:tess", "cross:ravdess")

PARAMS: tuple[Param, ...] = (
    Param("weights", "", kind="asset", structural=True, fit=False, help="weight file; empty: the shipped one"),
    Param("window", WINDOW, lo=0.5, hi=10.0, unit="s", structural=True, fit=False,
          help="length of the stretches that the timeline judges"),
    Param("hop", HOP, lo=0.1, hi=5.0, unit="s", structural=True, fit=False, help="from one window to the next"),
    Param("threshold", THRESHOLD, fit=False, help="below this confidence the verdict is 'unsure'"),
    Param("least_speech", LEAST_SPEECH, lo=0.05, hi=5.0, unit="s", fit=False,
          help="with less speech than this in it, a window or a recording is 'no speech'"),
    Param("whole", WHOLE, lo=0.0, hi=60.0, unit="s", structural=True, fit=False,
          help="recordings up to this long are judged in one piece, longer ones by pooling their windows"),
    Param("batch", 32, kind="int", lo=1, hi=256, structural=True, fit=False,
          help="windows judged at a time; adds to the latency of a live signal"),
)  # fmt: skip
