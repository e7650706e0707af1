"""A model of evc.diffevc that is small enough to train in seconds."""

from __future__ import annotations

import pytest
from evc.small_evc import train, write


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Run folder of a decoder, trained for an epoch."""
    folder = tmp_path_factory.mktemp("runs")
    features = write(tmp_path_factory.mktemp("features") / "f.safetensors")
    for stage in ("content", "speaker", "decoder"):
        train(features, folder, stage, 1)
    return folder / "decoder"


@pytest.fixture
def named_encoder(monkeypatch):
    """The recogniser's name is the one that the features of ``run`` name."""
    from voxrack_evc.emotion import EmotionEncoder

    monkeypatch.setattr(EmotionEncoder, "described", lambda self: "small")
