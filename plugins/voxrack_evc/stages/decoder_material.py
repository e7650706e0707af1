"""What the decoder is trained on: spectra, their average voices, and the vectors of the frozen encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from voxrack.datasets.words import EMOTIONS
from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile
from voxrack.task import move

from ..bands import Bands
from ..conditioning import Projections
from ..content import ContentEncoder
from ..decoder import Decoder
from ..heads import ATTRIBUTES, UNKNOWN
from ..material import EMOTION, ENCODER, MEL, SPEAKER, Parts
from ..model import Model, part
from ..speaker import SpeakerEncoder
from . import common

if TYPE_CHECKING:
    from ..recipes.diffevc import DiffEvcRecipe

Draw = tuple[int, float, float]  # an utterance, the places of its crop and of its reference's, 0 … 1


class Material:
    """Utterances as the decoder hears them; the frozen encoders listen once, at the beginning.

    Parameters
    ----------
    recipe : DiffEvcRecipe
    features : FeatureFile
    parts : Parts

    Attributes
    ----------
    voices, averages : dict of int to Tensor (frames, 80)
        Of training and validation utterances, bands at mean 0 and deviation 1.
    speakers, emotions : Tensor (n, 256), (n, size)
        Of every utterance of the file.
    names : tuple of str
        Training speakers.
    """

    def __init__(self, recipe: DiffEvcRecipe, features: FeatureFile, parts: Parts) -> None:
        self.recipe, self.parts, self.items = recipe, parts, features.items
        content = common.trained(recipe.content_run, "content", "content_run")
        self.bands, self.content = Bands(), ContentEncoder(**content.metadata["content"])
        self.bands.load_state_dict(part(content.tensors, "bands"))
        self.content.load_state_dict(part(content.tensors, "content"))
        self.speaker = None if SPEAKER in features.names else _speaker_encoder(recipe.speaker_run)
        for module in (self.bands, self.content, *([self.speaker] if self.speaker else [])):
            module.eval().requires_grad_(False)
        rows = [*parts.train, *parts.validation]
        self.emotions = torch.stack([features.get(EMOTION, row)[0] for row in range(len(features))])
        self.speakers = torch.zeros(len(features), 256)
        self.voices, self.averages = {}, {}
        for row in rows:
            mel = features.get(MEL, row)
            even = self.bands.even(mel.T[None])
            self.voices[row] = even[0].T.contiguous()
            with torch.no_grad():
                self.averages[row] = self.content(even)[0].T.contiguous()
            self.speakers[row] = features.get(SPEAKER, row)[0] if self.speaker is None else self.speaker.embed(mel)
        self.names = tuple(sorted({self.items[row].speaker for row in parts.train} - {""}))
        self._who = {name: index for index, name in enumerate(self.names)}
        self._class = {name: index for index, name in enumerate(recipe.emotions)}
        self._attributes = torch.tensor([[_number(i.attributes.get(name)) for name in ATTRIBUTES] for i in self.items])

    def batch(self, draws: Sequence[Draw], device: torch.device | None = None) -> dict[str, Any]:
        """Crops and everything that goes with them."""
        rows = [row for row, _, _ in draws]
        names = ("voice", "average", "mask")
        made: dict[str, Any] = dict(zip(names, self._crops([(row, at) for row, at, _ in draws])))
        if self.recipe.reference_block:
            names = ("reference", "reference_average", "reference_mask")
            made |= zip(names, self._crops([(row, at) for row, _, at in draws]))
        made["speaker"], made["emotion"] = self.speakers[rows], self.emotions[rows]
        made["who"] = torch.tensor([self._who.get(self.items[row].speaker, UNKNOWN) for row in rows])
        made["class"] = torch.tensor([self._class.get(self.items[row].label, UNKNOWN) for row in rows])
        made["attributes"] = self._attributes[rows]
        return made if device is None else move(made, device)

    def _crops(self, places: Sequence[tuple[int, float]]) -> tuple[Tensor, Tensor, Tensor | None]:
        frames = self.recipe.frames
        voice, mask = common.spectra([common.crop(self.voices[row], at, frames) for row, at in places])
        average, _ = common.spectra([common.crop(self.averages[row], at, frames) for row, at in places])
        return voice, average, mask

    # ---- what is handed over -----------------------------------------------------------------------
    def model(self, decoder: Decoder, projections: Projections) -> Model:
        """The finished model, with the prototypes of every emotion that training speakers have recordings of."""
        rows = {
            emotion: [row for row in self.parts.train if self.items[row].label == emotion] for emotion in EMOTIONS
        }
        known = tuple(emotion for emotion in EMOTIONS if rows[emotion])
        if not known:
            raise InputError("no training utterance has an emotion as its label: there is nothing to convert to")
        speakers = torch.stack([normalize(self.speakers[rows[emotion]].mean(0), dim=0) for emotion in known])
        emotions = torch.stack([self.emotions[rows[emotion]].mean(0) for emotion in known])
        told = sorted({item.attributes.get(ENCODER, "an encoder that the features do not name") for item in self.items})
        return Model(
            self.bands, self.content, decoder, projections, self.speaker, known, emotions, speakers, " and ".join(told)
        )


def _speaker_encoder(run: str) -> SpeakerEncoder:
    weights = common.trained(run, "speaker", "speaker_run")
    encoder = SpeakerEncoder(**weights.metadata["speaker"])
    encoder.load_state_dict(weights.tensors)
    return encoder


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
