"""What an evaluation's table says of its data: actors and recordings that are missing, copies that were removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxrack.datasets import Item
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack_ser.evaluation import evaluate
from voxrack_ser.recipes.mfcc import cnn

LABELS = ("neutral", "happy")


@pytest.fixture
def features(tmp_path: Path) -> FeatureFile:
    """RAVDESS without actor 2 and others; one clip of actor 1 is one of actor 3 again, and one was unreadable."""
    generator = np.random.default_rng(0)
    with FeatureWriter(tmp_path / "f.safetensors", "ser.mfcc_cnn", {"n_mfcc": 40}) as writer:
        for actor in (1, 3, 4):
            for label in LABELS:
                name = f"ravdess/Actor_{actor:02d}/{label}.flac"
                digest = "the same" if label == "happy" and actor in (1, 3) else name
                item = Item(name, "ravdess", f"ravdess/{actor:02d}", label, 1.0, digest)
                writer.add(item, {"frames": generator.normal(size=(60, 40)).astype(np.float32)})
        writer.skip("ravdess/Actor_04/sad.flac", "it is cut off")
    return FeatureFile(tmp_path / "f.safetensors")


def test_the_table_tells_what_is_missing_and_what_was_removed(features, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    recipe = cnn(
        n_mfcc=40, n_fft=4096, hop_length=728, normalise="train", padding="none", frames=60, learning_rate=1e-3,
        weight_decay=0.0, batch=4, epochs=1, balance="none", patience=0, bfloat16=False,
    )  # fmt: skip
    found = evaluate(recipe, features, protocol="paper", folder=tmp_path / "o", seeds=1, epochs=1, tier="cpu")
    found.tables()
    text = capsys.readouterr().out
    for words in (
        "ravdess: 21 speakers of 24 missing: 02, 05, 06",
        "ravdess: incomplete, RAVDESS (speech) has 60 files of each speaker: 01 has 2",
        "1 recording left out when preparing: ravdess/Actor_04/sad.flac",
        "test speaker not in the data: ravdess/02",
        "ravdess/Actor_03/happy.flac removed from training: the same audio as ravdess/Actor_01/happy.flac (test)",
    ):
        assert words in text
    assert found.json()["splits"][0]["train"] == 3
