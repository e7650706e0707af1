"""Specifications of the converters and of their recipes. Nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import replace

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

from .evaluation_options import OPTIONS, PART, PROTOCOL
from .specs_diffevc import DIFFEVC_RECIPE, NEGATIVES, ROLE
from .specs_vocoder import RECIPES as VOCODER

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""Those that ``evc.prosody`` has statistics of."""

EDITS = (
    Param("pitch_range", 1.0, lo=0.0, hi=3.0, fit=False,
          help="of the melody that the emotion asks for: 0 is one tone, 1 as asked, 2 twice as wide"),
    Param("energy", 0.0, lo=-24.0, hi=24.0, unit="dB", fit=False, help="louder or softer than the emotion asks for"),
    Param("tempo", 1.0, lo=0.5, hi=2.0, scale="log", fit=False, help="faster (above 1) or slower than it asks for"),
)  # fmt: skip
"""What a hand may change of the prosody, in both converters."""

PROSODY = DeviceSpec(
    "evc.prosody", "processor", "voxrack_evc.prosody.device:Prosody",
    (
        Param("emotion", "happy", kind="choice", choices=EMOTIONS, help="what is to be heard"),
        Param("source", "neutral", kind="choice", choices=EMOTIONS, help="what is heard now"),
        Param("strength", 1.0, lo=0.0, hi=2.0, fit=False,
              help="share of the way: 0 is the signal as it came, 1 as people do it on average"),
        Param("contrast", 2.0, lo=0.0, hi=4.0, fit=False,
              help="how far the timbre is led away from what the other emotions have in common; 0: the average"),
        *EDITS,
    ),
    streaming=False, length="free", transparent={"strength": 0.0},
    title="Another feeling (prosody)",
    summary="Melody, loudness, tempo and timbre as people change them with a feeling; no training, any sample rate.",
)  # fmt: skip

DIFFEVC = DeviceSpec(
    "evc.diffevc", "processor", "voxrack_evc.diffevc_device:DiffEvc",
    (
        Param("emotion", "happy", kind="choice", choices=("neutral", "angry", "happy", "sad"),
              help="what is to be heard"),
        Param("reference", "", kind="asset", help="a recording of speech with the feeling to take, instead"),
        Param("guidance", 1.5, lo=1.0, hi=5.0, fit=False,
              help="how far away from the negative condition; 1 is plain conditioning"),
        Param("negative", "emotion", kind="choice", choices=NEGATIVES,
              help="what guidance leads away from: the reference's speaker, the source's emotion, or both"),
        Param("steps", 6, kind="int", lo=1, hi=100, fit=False, help="of the sampler"),
        Param("seed", 0, kind="int", lo=0, hi=2**31 - 1, fit=False, help="of its noise"),
        Param("prosody", True, kind="bool",
              help="melody, loudness and tempo of the emotion too; off: the source's, as published"),
        *EDITS,
        Param("vocoder", "trained", kind="choice", choices=("trained", "plain", "griffin-lim"),
              help="what makes sound of the spectrum; plain and griffin-lim need no weights"),
        Param("weights", "", kind="asset", structural=True, fit=False, help="weight file or run; empty: the shipped"),
        Param("vocoder_weights", "", kind="asset", structural=True, fit=False, help="of the vocoder, likewise"),
    ),
    streaming=False, length="free", rates=(22050,), channels=(1,), needs={ROLE: "analyzer"},
    weights="evc.diffevc.safetensors", title="Another feeling (DiffEVC)",
    summary="Diffusion model with expressive guidance; by an emotion's name or a reference. Mono, up to 8 kHz.",
)  # fmt: skip

DEVICES: tuple[DeviceSpec, ...] = (PROSODY, DIFFEVC)

PROSODY_RECIPE = RecipeSpec(
    "evc.prosody", "evc.prosody", "voxrack_evc.recipes.prosody:recipe", stages=("prepare", "evaluate"),
    options=(PART, *OPTIONS), protocols=(PROTOCOL,),
    title="Another feeling (prosody)", summary="Not trained; packs recordings of test speakers and judges converters.",
)  # fmt: skip

JUDGED_DIFFEVC = replace(
    DIFFEVC_RECIPE, stages=("prepare", "train", "evaluate"), protocols=(PROTOCOL,),
    options=(
        *DIFFEVC_RECIPE.options,
        Param("recordings", "", kind="text", help="evaluating: what `voxrack prepare evc.prosody` wrote"),
        *OPTIONS,
    ),
)  # fmt: skip
"""The recipe as it trains (`specs_diffevc`, which a bare machine imports), with what evaluating asks for."""

RECIPES: tuple[RecipeSpec, ...] = (PROSODY_RECIPE, JUDGED_DIFFEVC, *VOCODER)
