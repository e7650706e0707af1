"""Reading TRNet's features: what is heard of an utterance in a condition, and the clean speech in it."""

from __future__ import annotations

import torch
from torch import Tensor

from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile

from .conditions import ALL, CLEAN, LEVELS, Condition
from .frontend import louder


def check(features: FeatureFile) -> None:
    """InputError where the file lacks a condition."""
    missing = [name for one in ALL for name in (one.name, one.enhanced) if name not in features.names]
    if missing:
        raise InputError(
            f"{features.path} holds no '{missing[0]}'; prepare it with `voxrack prepare ser.trnet --data SPEECH "
            "--noise FOLDER --unmatched FOLDER`"
        )


def pair(features: FeatureFile, index: int, condition: Condition) -> Tensor:
    """The recording's bands and the enhanced one's beside them, (frames, 2 bands)."""
    return torch.cat([features.get(name, index) for name in (condition.name, condition.enhanced)], -1)


def level(features: FeatureFile, index: int, condition: Condition) -> float:
    """dB by which the mixture was scaled, 0 or less."""
    return float(features.get(LEVELS, index)[0, ALL.index(condition)])


def speech(features: FeatureFile, index: int, gain: float = 0.0) -> Tensor:
    """Bands (frames, bands) of the clean speech, as loud as it is in a mixture that was scaled by ``gain`` dB."""
    return louder(features.get(CLEAN.name, index), gain)


def enhancer(features: FeatureFile) -> str:
    """What stood in front when the features were prepared."""
    named = {item.attributes.get("enhancer", "an enhancer that the features do not name") for item in features.items}
    return " and ".join(sorted(named))
