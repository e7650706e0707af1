"""What ``ser.best`` listens to: levels in semitone bands, where a change of pitch is a shift along the bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from voxrack.features import log_semitones

from .frontends import Frontend

_FLOOR = 1e-13  # power that counts as silence: below the noise of the quietest recordings, whose speech is at -64 dBFS


@dataclass(frozen=True)
class BestFrontend(Frontend):
    """Levels in bands a semitone wide, dB re full scale; the network itself takes the recording's level away.

    A window of 128 ms keeps the harmonics of a low voice apart (65 Hz from one to the next; the window's main lobe is
    31 Hz wide). Bands of equal ratio make melody a shape that does not depend on the speaker's own pitch.

    Parameters
    ----------
    n_fft, hop_length : int
        Samples at 16 kHz: 128 ms every 16 ms.
    bands : int
        From ``f_min`` upwards: 65 Hz to 7.8 kHz.
    f_min : float
        Hz, the centre of the lowest band.
    """

    name: ClassVar[str] = "best"
    shortest: ClassVar[int] = 2048
    sample_rate: int = 16000
    n_fft: int = 2048
    hop_length: int = 256
    bands: int = 84
    f_min: float = 65.0

    def stored(self, samples: Tensor) -> Tensor:
        levels = log_semitones(
            samples, self.sample_rate, n_fft=self.n_fft, hop_length=self.hop_length, bands=self.bands,
            f_min=self.f_min, floor=_FLOOR,
        )  # fmt: skip
        return levels.transpose(-1, -2)
