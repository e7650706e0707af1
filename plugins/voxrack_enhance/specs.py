"""Specifications of the enhancers and of their recipes. Nothing heavy is imported here."""

from __future__ import annotations

import math

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

WEIGHTS = Param("weights", "", kind="asset", structural=True, fit=False, help="weight file; empty: the shipped one")

LIGHT = DeviceSpec(
    "enhance.light", "processor", "voxrack_enhance.light:Light",
    (
        Param("strength", 1.0, fit=False, help="how much of what is taken for noise is taken away"),
        Param("floor", -40.0, lo=-math.inf, hi=0.0, unit="dB", fit=False,
              help="no part of the spectrum is attenuated by more than this"),
        WEIGHTS,
    ),
    role="enhancer", weights="enhance.light.safetensors", transparent={"strength": 0.0},
    title="Enhancer (light)", summary="Less noise around speech: small, causal, 32 ms late; any sample rate.",
)  # fmt: skip

DEVICES: tuple[DeviceSpec, ...] = (LIGHT,)

RECIPES: tuple[RecipeSpec, ...] = ()
