"""``evc.diffevc``: the same words with another feeling by the diffusion model, with a melody and tempo to match.

The recording is levelled and heard (mel, pitch, speaker, emotion), the decoder makes another mel of it, the plan of
:mod:`voxrack_evc.prosody.plan` another melody, and the vocoder sound of both. What the source is spoken with is told by
the likeness of its emotion embedding to the model's prototypes, and so is what a reference is spoken with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack.device import Block, Progress
from voxrack.errors import InputError, UsageError

from .conversion import Converter
from .emotion import ROLE, EmotionEncoder
from .guidance import Conditions
from .level import levelled
from .mel import RATE, SHORTEST, log_mel
from .prosody.device import louder
from .prosody.manner import Manner, manners
from .prosody.overlap import Time
from .prosody.plan import plan
from .prosody.speech import FRAME, hear
from .vocoder import GriffinLim, Vocoder, load

Frames = NDArray[np.float32]
DECIDABLE = 1.0
"""Seconds: a shorter source in which no speech is heard is taken for neutral; a longer one is refused."""
_SHARP = 12.0  # of the softmax over cosines to the prototypes


class DiffEvc:
    """Whole-signal processor of mono at 22,050 Hz; see the parameters in :mod:`voxrack_evc.specs`."""

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values, self.assets = dict(values), dict(assets)
        self.encoder = EmotionEncoder(needs[ROLE])

    def set(self, id: str, value: Any) -> None:
        """Change a parameter; for another file the host makes the device anew."""
        self.values[id] = value

    # ---- what it consists of ----------------------------------------------------------------------
    @cached_property
    def converter(self) -> Converter:
        """The model; InputError where its weights, or the recogniser it was trained with, are not there."""
        made = Converter.load(self.assets.get("weights", ""))
        trained, here = made.model.emotion_encoder, self.encoder.described()
        if trained != here:
            raise InputError(
                f"{made.model.source} was trained with the emotion embeddings of {trained}, and {here} is here; "
                f"hand that one over: needs={{'{ROLE}': ID}}, or train again"
            )
        return made

    @property
    def vocoder(self) -> Vocoder | GriffinLim:
        """What the parameter names; InputError where its weights are not there."""
        if self.values["vocoder"] == "griffin-lim":
            return GriffinLim(seed=self.values["seed"])
        return self._vocoder if self.values["vocoder"] == "trained" else Vocoder(seed=self.values["seed"])

    @cached_property
    def _vocoder(self) -> Vocoder:
        return load(self.assets.get("vocoder_weights", ""))

    @property
    def weights(self) -> dict[str, str]:
        """SHA-256 of each file of weights in use, for provenance."""
        from voxrack.weights import find, sha256

        run = self.assets.get("weights")
        path = run / "model.safetensors" if run and run.is_dir() else run or find("evc.diffevc", "voxrack_evc")
        digests = {"evc.diffevc": sha256(path)}
        return digests | ({"evc.vocoder": self._vocoder.sha256} if self.values["vocoder"] == "trained" else {})

    # ---- converting -------------------------------------------------------------------------------
    def convert(self, signal: Block, sample_rate: int, progress: Progress) -> Block:
        """(1, n) at 22,050 Hz to (1, m): ``m`` is another length where the tempo is another.

        Raises
        ------
        InputError
            No speech is heard in more than a second of source, or in the reference; or weights are missing.
        UsageError
            An emotion that the model was not trained with.
        """
        if signal.shape[1] < SHORTEST or not signal.any():
            progress(1.0)
            return signal.copy()
        asked, converter = self.values, self.converter
        samples, gain = levelled(signal[0], RATE)
        mel = log_mel(torch.from_numpy(samples)).numpy()
        source = self._source_emotion(samples)
        conditions, target = self._conditions(mel, samples, source)
        progress(0.1)
        made = converter(
            mel, conditions, steps=asked["steps"], guidance=asked["guidance"], negative=asked["negative"],
            seed=asked["seed"], progress=lambda share: progress(0.1 + 0.7 * share),
        )  # fmt: skip
        speech = hear(samples[None], RATE)
        assert speech is not None  # it is long enough
        move = target - self._manner(source) if asked["prosody"] else Manner()
        edits = {name: asked[name] for name in ("pitch_range", "energy", "tempo")}
        planned = plan(speech.f0, speech.level, move, **edits)
        mel, (f0, spoken), voicing = warped(made, np.stack([planned.f0, speech.f0]), speech.voicing, planned.warp)
        moved = not np.array_equal(planned.f0, speech.f0)  # where it is not, the ridges of the mel may stay
        sound = self.vocoder.synthesise(mel, f0, voicing, spoken if moved else None)
        sound *= np.float32(10 ** (-gain / 20))
        progress(0.95)
        out = louder(sound[None], RATE, speech, planned, float(np.abs(signal).max()))
        progress(1.0)
        missing = signal.shape[1] - out.shape[1]
        return np.pad(out, ((0, 0), (0, missing))) if (planned.warp == 1.0).all() and missing > 0 else out

    def _conditions(self, mel: Frames, samples: Frames, source: Frames) -> tuple[Conditions, Manner]:
        """What the decoder is told, and how the target is spoken."""
        converter = self.converter
        speaker = converter.speaker_vector(mel, samples)
        reference = self.assets.get("reference")
        if reference is None:
            emotion = self.values["emotion"]
            return converter.conditions(speaker, source, emotion), manners()[emotion]
        heard, other = self._reference(reference)
        return converter.conditions(speaker, source, heard, other), self._manner(heard)

    def _reference(self, path: Path) -> tuple[Frames, Any]:
        """Emotion and speaker of the reference."""
        from voxrack import read

        audio = read(path).mono().resample(RATE)
        try:
            samples, _ = levelled(audio.samples[0], RATE)
            emotion = self.encoder(samples, RATE)
        except InputError as error:
            raise InputError(f"the reference {path}: {error}; give a recording of speech") from None
        return emotion, self.converter.speaker_vector(log_mel(torch.from_numpy(samples)).numpy(), samples)

    def _source_emotion(self, samples: Frames) -> Frames:
        try:
            return self.encoder(samples, RATE)
        except InputError:
            if len(samples) > DECIDABLE * RATE:
                raise
        model = self.converter.model
        row = model.emotions.index("neutral") if "neutral" in model.emotions else 0
        return model.emotion_prototypes[row].numpy()

    def _manner(self, emotion: Frames) -> Manner:
        """Of an embedding: the manners of the emotions that it is like, by how much it is."""
        model, known = self.converter.model, manners()
        vector = torch.as_tensor(emotion)
        likeness = torch.cosine_similarity(model.emotion_prototypes, vector[None], dim=-1)
        shares = torch.softmax(_SHARP * likeness, 0).tolist()
        total = Manner()
        for name, share in zip(model.emotions, shares, strict=True):
            if name not in known:
                raise UsageError(f"{model.source} knows '{name}', of which there are no statistics; set prosody off")
            total = total + known[name] * share
        return total


def warped(
    mel: Frames, f0: NDArray[np.float64], voicing: NDArray[np.float64], warp: NDArray[np.float64]
) -> tuple[Frames, Frames, Frames]:
    """Frames laid out anew in time: mel (80, n), voicing and pitch between neighbours; pitch (…, n) at the ends of a
    voice is that of the nearer frame."""
    if (warp == 1.0).all():
        return mel, f0.astype(np.float32), voicing.astype(np.float32)
    time = Time.of(warp, len(warp) * FRAME)
    count = max(2, round(float(warp.sum())))
    places = np.clip(time.back((np.arange(count, dtype=np.float64) + 0.5) * FRAME) / FRAME - 0.5, 0, len(warp) - 1)
    before = np.floor(places).astype(int)
    after, share = np.minimum(before + 1, len(warp) - 1), (places - before).astype(np.float32)
    nearest = np.where(share < 0.5, before, after)
    both = (f0[..., before] > 0) & (f0[..., after] > 0)
    pitch = np.where(both, f0[..., before] + share * (f0[..., after] - f0[..., before]), f0[..., nearest])
    spectra = mel[:, before] + share * (mel[:, after] - mel[:, before])
    periodic = voicing[before] + share * (voicing[after] - voicing[before])
    return spectra.astype(np.float32), pitch.astype(np.float32), periodic.astype(np.float32)
