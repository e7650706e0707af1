"""How well a voice was converted: emotion heard, likeness of the speaker, quality, prosody, words.

The recogniser is a device of the host; DNSMOS comes from the host's measures; Resemblyzer is used where it can be
imported. Distances of words are those of mel cepstra along a warping path, each recording's mean and deviation taken
away, so that another voice or level costs little and other words much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError

from .alignment import align
from .prosody.speech import hear
from .recordings import RATE

if TYPE_CHECKING:
    from voxrack.host import Host
    from voxrack.instance import AnalyzerDevice

Sound = NDArray[np.float32]
NO_SPEECH = "no speech"
ROLE = "emotion-embedding"
_CEPSTRA = 13


# ---- emotion --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Judge:
    """A recogniser that is asked which of ``emotions`` is heard.

    Parameters
    ----------
    device : AnalyzerDevice
    emotions : tuple of str
    """

    device: AnalyzerDevice
    emotions: tuple[str, ...]

    @classmethod
    def of(cls, id: str, weights: str, emotions: tuple[str, ...], host: Host | None = None) -> Judge:
        """The recogniser of that id, or the first available one of the role; with weights of one's own."""
        from voxrack.host import default_host
        from voxrack.instance import AnalyzerDevice

        host = host or default_host()
        if not id:
            offered = [e.spec.id for e in host.devices("analyzer") if e.spec.role == ROLE and e.status == "available"]
            if not offered:
                raise UsageError(f"no device of the role '{ROLE}' is available; name one: --set judge=ID")
            id = offered[0]
        device = host.create(id, {"weights": weights} if weights else {})
        if not isinstance(device, AnalyzerDevice):
            raise UsageError(f"the judge must be a recogniser; '{id}' is a {device.spec.kind}")
        return cls(device, emotions)

    def __call__(self, sound: Sound) -> str:
        """The likeliest of ``emotions``, or ``"no speech"``; other classes that it knows are passed over."""
        self.device.prepare(RATE, 1)
        self.device.push(np.ascontiguousarray(sound[None]))
        summary: dict[str, Any] = {}
        for track in self.device.finish():
            summary.update(track.summary)
        known: Mapping[str, float] = summary["probabilities"]
        missing = [emotion for emotion in self.emotions if emotion not in known]
        if missing:
            raise UsageError(f"{self.device.spec.id} knows no '{missing[0]}'; it knows {', '.join(known)}")
        shares = [known[emotion] for emotion in self.emotions]
        return self.emotions[int(np.argmax(shares))] if any(shares) else NO_SPEECH

    def described(self) -> str:
        """Id and the beginning of its weights' digest."""
        from .emotion import EmotionEncoder

        return EmotionEncoder(self.device).described()


# ---- speaker --------------------------------------------------------------------------------------
def speaker_measure() -> str:
    """Which encoder tells the speaker: ``"Resemblyzer"``, or nothing where it is not installed."""
    from .speaker import resemblyzer_is_there

    return "Resemblyzer" if resemblyzer_is_there() else ""


def speaker_vector(sound: Sound) -> NDArray[np.float32] | None:
    """(256,), of length 1; None where there is no encoder, or nothing that it takes for speech."""
    encoder = _encoder()
    if encoder is None:
        return None
    try:
        return np.asarray(encoder(sound, RATE), np.float32)
    except InputError:
        return None


@lru_cache(maxsize=1)
def _encoder() -> Any:
    from .speaker import Resemblyzer

    return Resemblyzer() if speaker_measure() else None


# ---- prosody --------------------------------------------------------------------------------------
def prosody(sound: Sound) -> dict[str, float] | None:
    """Mean pitch in semitones above 1 Hz and level of voice in dB; None without voice."""
    from .prosody.manner import measure

    speech = hear(sound[None], RATE)
    try:
        found = measure(speech) if speech is not None else None
    except InputError:
        return None
    return {"pitch": found.pitch, "energy": found.energy} if found else None


# ---- words ----------------------------------------------------------------------------------------
def cepstra(sound: Sound) -> NDArray[np.float32]:
    """Mel cepstra 1 to 12 of the audible frames, (frames, 12), every one of mean 0 and deviation 1."""
    import soxr
    import torch
    from scipy.fft import dct

    from .material import trimmed
    from .mel import RATE as MEL_RATE
    from .mel import SHORTEST, log_mel

    heard = np.ascontiguousarray(soxr.resample(sound, RATE, MEL_RATE), np.float32)
    if len(heard) < SHORTEST:
        raise InputError("too short to compare words")
    mel = trimmed(log_mel(torch.from_numpy(heard)).T.numpy())
    found = np.asarray(dct(mel, axis=1, norm="ortho"), np.float32)[:, 1:_CEPSTRA]
    return (found - found.mean(0)) / np.maximum(found.std(0), 1e-5)


def word_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean distance of the frames of two :func:`cepstra` along a warping path."""
    path = align([one], other)[0]
    return float(np.sqrt(np.square(one - other[path]).sum(axis=1)).mean())
