"""From log-mel, fundamental frequency and voicing to sound.

:func:`load` gives the trained :class:`Vocoder`; ``Vocoder()`` works without weights, and so does
:class:`GriffinLim`, which does without pitch as well. All have ``synthesise(log_mel, f0, voicing)``. A mel spectrogram
that was spoken with another pitch than it is to be sung with goes through :func:`flattened` first.
"""

from .flattening import flattened
from .griffin_lim import GriffinLim
from .synthesis import Vocoder, load

__all__ = ["GriffinLim", "Vocoder", "flattened", "load"]
