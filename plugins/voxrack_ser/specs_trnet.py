"""Specification of TRNet, which listens through an enhancer, and of its recipe. Nothing heavy is imported here."""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

from .analyzer_params import PARAMS, PROTOCOLS

SYSTEMS = ("trnet", "c", "n", "e", "no_low", "no_high", "snr")
NEEDS = {"enhancer": "processor"}

TRNET = DeviceSpec(
    "ser.trnet", "analyzer", "voxrack_ser.trnet.analyzer:Trnet", PARAMS, role="emotion-embedding", needs=NEEDS,
    weights="ser.trnet.safetensors", rates=(16000,), title="Emotion (TRNet)",
    summary="Weighs a noisy recording against what an enhancer makes of it, and tells how far it trusted which.",
)  # fmt: skip

TRNET_RECIPE = RecipeSpec(
    "ser.trnet", "ser.trnet", "voxrack_ser.recipes.trnet:trnet", needs=NEEDS, noise=True,
    options=(
        Param("enhancer", "", kind="text", structural=True,
              help="id of the device that stands in front; empty: the first available enhancer"),
        Param("system", "trnet", kind="choice", choices=SYSTEMS,
              help="what is trained: TRNet; its baselines on clean speech (c), in noise (n), enhanced (e); TRNet "
              "without the loss of its spectrogram (no_low) or of its representation (no_high); TRNet with its "
              "coefficient read off the SNR that the enhancer finds (snr, ours)"),
        Param("learning_rate", 1e-3, lo=1e-7, hi=1.0, scale="log", help="Adam's"),
        Param("batch", 32, kind="int", lo=2, hi=4096, help="clips per step"),
        Param("epochs", 80, kind="int", lo=1, hi=100_000, help="of the full tier; the CPU tier takes 40 at most"),
        Param("draws", 6, kind="int", lo=1, hi=6,
              help="in how many of the six conditions, drawn anew, an epoch hears each clip; the paper's: all"),
        Param("alpha", 0.5, lo=0.0, hi=100.0, help="weight of the spectrogram's loss (eq. 5)"),
        Param("beta", 0.5, lo=0.0, hi=100.0, help="weight of the representation's loss (eq. 7)"),
        Param("twin", "", kind="text", help="run folder of system=c, whose network is the frozen clean twin; empty: "
              "it is trained first"),
        Param("pretrain", 40, kind="int", lo=1, hi=100_000,
              help="epochs that train the twin where none is given; --epochs shortens both in proportion"),
        Param("width", 32, kind="int", lo=2, hi=512, help="channels of the first block; the others double it"),
        Param("frames", 500, kind="int", lo=32, hi=100_000, help="a clip is cut to its first frames of 10 ms"),
        Param("patience", 0, kind="int", lo=0, hi=100_000,
              help="epochs without better recall of validation speakers until training stops; 0: never"),
    ),
    protocols=tuple(name for name in PROTOCOLS if not name.startswith("cross:")), title="TRNet",
    summary="Residual convolutions over a recording blended with its enhanced version; 1.12 million parameters.",
)  # fmt: skip
