"""Specification of the vocoder's recipe. Nothing heavy is imported here."""

from __future__ import annotations

from voxrack.params import Param
from voxrack.recipe import RecipeSpec

PROTOCOL = "copies"
"""The only one: recordings of speakers that training left out, to mel and back."""

VOCODER_RECIPE = RecipeSpec(
    "evc.vocoder", "", "voxrack_evc.recipes.vocoder:recipe", protocols=(PROTOCOL,),
    options=(
        Param("width", 256, kind="int", lo=16, hi=2048, help="channels of the network"),
        Param("blocks", 4, kind="int", lo=1, hi=32),
        Param("rounds", 0, kind="int", lo=0, hi=16, help="training: fits of the sound to the mel; 0: none"),
        Param("learning_rate", 2e-3, lo=1e-7, hi=1.0, scale="log", help="AdamW's, at its height"),
        Param("weight_decay", 0.01, lo=0.0, hi=1.0, help="AdamW's"),
        Param("batch", 4, kind="int", lo=1, hi=4096, help="stretches of speech per step"),
        Param("frames", 64, kind="int", lo=16, hi=4096, help="length of a stretch, 11.6 ms each"),
        Param("steps", 100, kind="int", lo=1, hi=1_000_000, help="per epoch; stretches are drawn without end"),
        Param("epochs", 20, kind="int", lo=1, hi=100_000, help="at the most"),
        Param("start", "", kind="text", help="a run or weights to begin with; they must be of the same sizes"),
        Param("weights", "", kind="asset", help="evaluating: weight file; empty: the shipped one"),
        Param("utterances", 20, kind="int", lo=1, hi=100_000, help="evaluating: test clips of each corpus"),
    ),
    title="Vocoder (harmonics and noise)",
    summary="From log-mel and pitch to sound: pulses and noise, filters of a small network, fitted to the mel.",
)  # fmt: skip

RECIPES: tuple[RecipeSpec, ...] = (VOCODER_RECIPE,)
