"""Specifications of the converters and of their recipes. Nothing heavy is imported here."""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

from .evaluation_options import OPTIONS, PART, PROTOCOL
from .specs_diffevc import DIFFEVC_RECIPE
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
        *EDITS,
    ),
    streaming=False, length="free", transparent={"strength": 0.0},
    title="Another feeling (prosody)",
    summary="Melody, loudness, tempo and timbre as people change them with a feeling; no training, any sample rate.",
)  # fmt: skip

DEVICES: tuple[DeviceSpec, ...] = (PROSODY,)

PROSODY_RECIPE = RecipeSpec(
    "evc.prosody", "evc.prosody", "voxrack_evc.recipes.prosody:recipe", stages=("prepare", "evaluate"),
    options=(PART, *OPTIONS), protocols=(PROTOCOL,),
    title="Another feeling (prosody)", summary="Not trained; packs recordings of test speakers and judges converters.",
)  # fmt: skip

RECIPES: tuple[RecipeSpec, ...] = (PROSODY_RECIPE, DIFFEVC_RECIPE, *VOCODER)
