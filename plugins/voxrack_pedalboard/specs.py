"""All specifications of this package, and the lookup that its devices use. Nothing heavy is imported."""

from __future__ import annotations

from .specs_codec import SPECS as CODEC
from .specs_dynamics import SPECS as DYNAMICS
from .specs_space import SPECS as SPACE
from .specs_tone import SPECS as TONE
from .specs_vst3 import SPECS as VST3

SPECS = (*TONE, *DYNAMICS, *SPACE, *CODEC, *VST3)
BY_ID = {spec.id: spec for spec in SPECS}
