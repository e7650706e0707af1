"""All that a converter consists of, and how it is kept in one file of weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from voxrack.errors import InputError
from voxrack.weights import Weights, find, load

from .bands import Bands
from .conditioning import Projections
from .content import ContentEncoder
from .decoder import Decoder
from .speaker import SpeakerEncoder

DEVICE = "evc.diffevc"
PACKAGE = "voxrack_evc"
OWN, RESEMBLYZER = "own", "resemblyzer"


@dataclass
class Model:
    """Networks in evaluation mode, and what stands for an emotion that is asked for by name.

    Parameters
    ----------
    bands : Bands
    content : ContentEncoder
    decoder : Decoder
    projections : Projections
    speaker : SpeakerEncoder or None
        None: Resemblyzer's is used.
    emotions : tuple of str
        Emotions that have prototypes.
    emotion_prototypes : Tensor (emotions, size)
        Mean embedding of the training speakers' recordings.
    speaker_prototypes : Tensor (emotions, 256)
        Mean speaker vector of the same recordings, of length 1.
    emotion_encoder : str
        What made the emotion embeddings: ``"ser.best, weights 3fa9c1d2"``.
    source : str
        Name and digest of the file, where it was loaded.
    """

    bands: Bands
    content: ContentEncoder
    decoder: Decoder
    projections: Projections
    speaker: SpeakerEncoder | None
    emotions: tuple[str, ...]
    emotion_prototypes: Tensor
    speaker_prototypes: Tensor
    emotion_encoder: str
    source: str = ""

    def tensors(self) -> dict[str, Tensor]:
        """Everything with numbers, by name."""
        made = {"prototypes.emotion": self.emotion_prototypes, "prototypes.speaker": self.speaker_prototypes}
        for name, module in self._modules().items():
            made |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        return made

    def metadata(self) -> dict[str, Any]:
        """What :func:`from_weights` must know besides."""
        return {
            "device": DEVICE, "content": self.content.options, "decoder": self.decoder.options,
            "projections": self.projections.options, "speaker": self.speaker.options if self.speaker else RESEMBLYZER,
            "emotions": list(self.emotions), "emotion_encoder": self.emotion_encoder,
        }  # fmt: skip

    def _modules(self) -> dict[str, nn.Module]:
        made: dict[str, nn.Module] = {"bands": self.bands, "content": self.content, "decoder": self.decoder}
        made["projections"] = self.projections
        if self.speaker is not None:
            made["speaker"] = self.speaker
        return made

    def ready(self) -> Model:
        """Itself, for use: nothing is trained any more."""
        for module in self._modules().values():
            module.eval().requires_grad_(False)
        return self


def load_model(path: str | os.PathLike[str] = "") -> Model:
    """A model from a file of weights or a run folder; without a path the shipped one.

    Raises
    ------
    InputError
        No such weights (the message names the command that makes them), or those of another device.
    """
    return from_weights(load(path or find(DEVICE, PACKAGE)))


def from_weights(weights: Weights) -> Model:
    """A model from weights that were read; numbers stored in half precision are widened."""
    about, where = weights.metadata, weights.path
    if about.get("device") != DEVICE or "decoder" not in about:
        other = about.get("device") or about.get("recipe") or "nothing known"
        raise InputError(f"{where} holds no decoder's weights of {DEVICE} but those of '{other}'; {_MEND}")
    tensors = {name: t.float() if t.is_floating_point() else t for name, t in weights.tensors.items()}
    own = about["speaker"] != RESEMBLYZER
    model = Model(
        Bands(), ContentEncoder(**about["content"]), Decoder(**about["decoder"]), Projections(**about["projections"]),
        SpeakerEncoder(**about["speaker"]) if own else None, tuple(about["emotions"]),
        tensors["prototypes.emotion"], tensors["prototypes.speaker"], about["emotion_encoder"],
        f"{where.name} {weights.sha256[:8]}",
    )  # fmt: skip
    for name, module in model._modules().items():
        try:
            module.load_state_dict(part(tensors, name))
        except RuntimeError as error:
            said = " ".join(str(error).split())[:300]
            raise InputError(f"{where}: its '{name}' is not what its metadata says ({said}); {_MEND}") from None
    return model.ready()


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those of ``tensors`` that belong to one module, under the module's own names."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def speaker_vector(model: Model, mel: Tensor) -> Tensor:
    """(256,) of a levelled recording's log-mel (80, frames), by our own encoder."""
    if model.speaker is None:
        raise InputError(f"these weights ({model.source}) take Resemblyzer's speaker vectors, which need the samples")
    with torch.no_grad():
        return model.speaker.embed(mel.T)


_MEND = f"make them: voxrack train {DEVICE} --set stage=decoder"
