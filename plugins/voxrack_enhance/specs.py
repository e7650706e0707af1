"""Specifications of the enhancers and of their recipes. Nothing heavy is imported here."""

from __future__ import annotations

import math

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

from .evaluation_options import OPTIONS as EVALUATION
from .evaluation_options import PROTOCOL

WEIGHTS = Param("weights", "", kind="asset", structural=True, fit=False, help="weight file; empty: the shipped one")

LIGHT = DeviceSpec(
    "enhance.light", "processor", "voxrack_enhance.light:Light",
    (
        Param("strength", 0.95, fit=False,
              help="how much of what is taken for noise is taken away; what stays holds breath and soft sounds, too"),
        Param("floor", -40.0, lo=-math.inf, hi=0.0, unit="dB", fit=False,
              help="no part of the spectrum is attenuated by more than this"),
        WEIGHTS,
    ),
    role="enhancer", weights="enhance.light.safetensors", transparent={"strength": 0.0},
    title="Enhancer (light)", summary="Less noise around speech: small, causal, 32 ms late; any sample rate.",
)  # fmt: skip

CMGAN = DeviceSpec(
    "enhance.cmgan", "processor", "voxrack_enhance.cmgan_device:Cmgan",
    (
        Param("strength", 1.0, fit=False, help="share of the enhanced signal: 0 is the signal as it came"),
        Param("chunk", 4.0, lo=0.25, hi=30.0, unit="s", structural=True, fit=False,
              help="what the network hears at once; memory grows with its square, and the signal comes so much later"),
        Param("overlap", 1.0, lo=0.05, hi=5.0, unit="s", structural=True, fit=False,
              help="of chunks, at most half of one; its middle half is cross-faded"),
        WEIGHTS,
    ),
    role="enhancer", weights="enhance.cmgan.safetensors", transparent={"strength": 0.0},
    title="Enhancer (CMGAN)",
    summary="The published conformer GAN, in chunks of 4 s; takes weights of one's own and published checkpoints.",
)  # fmt: skip

DEVICES: tuple[DeviceSpec, ...] = (LIGHT, CMGAN)

LIGHT_RECIPE = RecipeSpec(
    "enhance.light", "enhance.light", "voxrack_enhance.recipes.light:recipe",
    options=(
        Param("channels", 32, kind="int", lo=4, hi=256, help="numbers that a band is to the network"),
        Param("time_width", 48, kind="int", lo=4, hi=512, help="units of each block's LSTM along time"),
        Param("band_width", 24, kind="int", lo=4, hi=256, help="units of each direction of its LSTM across bands"),
        Param("blocks", 3, kind="int", lo=1, hi=16),
        Param("learning_rate", 1.5e-3, lo=1e-7, hi=1.0, scale="log", help="AdamW's, at its height"),
        Param("weight_decay", 0.01, lo=0.0, hi=1.0, help="AdamW's"),
        Param("batch", 4, kind="int", lo=1, hi=4096, help="mixtures per step; small ones learn more of an hour"),
        Param("seconds", 4.0, lo=0.5, hi=30.0, unit="s", help="length of a mixture"),
        Param("steps", 50, kind="int", lo=1, hi=1_000_000, help="per epoch; mixtures are drawn without end"),
        Param("epochs", 200, kind="int", lo=1, hi=100_000, help="at the most"),
        Param("start", "", kind="text", help="a run or weights to begin with; they must be of the same sizes"),
        *EVALUATION,
    ),
    title="Enhancer (light)", protocols=(PROTOCOL,), noise=True,
    summary="Band-split recurrent network on mixtures drawn anew for every step; 0.19 million parameters.",
)  # fmt: skip

CMGAN_RECIPE = RecipeSpec(
    "enhance.cmgan", "enhance.cmgan", "voxrack_enhance.recipes.cmgan:recipe", protocols=(PROTOCOL,),
    options=(
        Param("width", 64, kind="int", lo=4, hi=512, help="channels, a multiple of 4; 64 is the paper's"),
        Param("blocks", 4, kind="int", lo=1, hi=32, help="two-stage conformers; 4 is the paper's"),
        Param("dropout", 0.2, lo=0.0, hi=0.95, help="share of values left out in training"),
        Param("learning_rate", 5e-4, lo=1e-7, hi=1.0, scale="log", help="AdamW's; the discriminator's is twice that"),
        Param("batch", 4, kind="int", lo=1, hi=4096, help="pairs per step"),
        Param("seconds", 2.0, lo=0.5, hi=30.0, unit="s", help="length of a pair"),
        Param("steps", 2900, kind="int", lo=1, hi=1_000_000, help="per epoch; pairs are drawn without end"),
        Param("epochs", 120, kind="int", lo=1, hi=100_000, help="at the most"),
        Param("halve", 30, kind="int", lo=1, hi=100_000, help="epochs after which the learning rates are halved"),
        Param("adversarial", 0.05, lo=0.0, hi=10.0, help="weight of the discriminator; 0 trains without it and PESQ"),
        Param("workers", 0, kind="int", lo=0, hi=1024, help="processes that compute PESQ; 0: one per core"),
        Param("noisy", "", kind="text", structural=True,
              help="folder of noisy recordings with the names of --data's clean ones; empty: noise is mixed"),
        Param("start", "", kind="text",
              help="a run, weights or a checkpoint of the authors' code to begin with; it tells width and blocks"),
        *EVALUATION,
    ),
    title="CMGAN", noise=True,
    summary="Dense encoder, two-stage conformers, mask and complex decoder; a discriminator learns PESQ.",
)  # fmt: skip

RECIPES: tuple[RecipeSpec, ...] = (LIGHT_RECIPE, CMGAN_RECIPE)
