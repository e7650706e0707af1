"""From log-mel, fundamental frequency and voicing to sound.

:func:`load` gives the trained :class:`Vocoder`; ``Vocoder()`` works without weights, and so does
:class:`GriffinLim`, which does without pitch as well. All have ``synthesise(log_mel, f0, voicing)``; the vocoder also
takes the pitch that the mel spectrogram was ``spoken`` with, where another is wanted.
"""

from .griffin_lim import GriffinLim
from .synthesis import Vocoder, load

__all__ = ["GriffinLim", "Vocoder", "load"]
