"""Baselines: what the statistics are, that nothing of the test is seen, and the published level on RAVDESS."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import data_root

from voxrack.errors import InputError, UsageError
from voxrack_ser import baselines

RAVDESS_FOLDS = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))


def voice(seconds: float = 1.0, rate: int = 22_050, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    return (0.2 * np.sin(2 * np.pi * 180 * time * (1 + 0.1 * time)) + 0.01 * generator.normal(size=len(time))).astype(
        np.float32
    )


def test_statistics_are_those_of_librosas_mfcc():
    librosa = pytest.importorskip("librosa", reason="a machine for training, without librosa")
    samples = voice()
    found = baselines.statistics(samples, 22_050)
    assert found.shape == (baselines.SIZE,) and found.dtype == np.float32
    peer = librosa.feature.mfcc(y=samples, sr=22_050, n_mfcc=40, n_fft=4096, hop_length=728)
    parts = found.reshape(len(baselines.PARTS), 40)
    np.testing.assert_allclose(parts[0], peer.mean(1), atol=2e-3)
    np.testing.assert_allclose(parts[1], peer.std(1), atol=2e-3)
    np.testing.assert_allclose(parts[2], peer.min(1), atol=5e-3)
    np.testing.assert_allclose(parts[3], peer.max(1), atol=5e-3)
    np.testing.assert_allclose(parts[5], np.diff(peer, axis=1).std(1), atol=2e-3)


def test_channels_are_averaged_and_short_clips_are_filled_up():
    samples = voice()
    both = baselines.statistics(np.stack([2 * samples, np.zeros_like(samples)]), 22_050)
    np.testing.assert_allclose(both, baselines.statistics(samples, 22_050), atol=1e-4)
    assert np.isfinite(baselines.statistics(samples[:10], 22_050)).all()
    assert np.isfinite(baselines.statistics(np.zeros(8000), 16_000)).all()
    with pytest.raises(InputError, match="at least one"):
        baselines.statistics(np.zeros(0), 16_000)


def test_the_sample_rate_hardly_matters():
    librosa = pytest.importorskip("librosa", reason="a machine for training, without librosa")
    samples = voice(rate=44_100)
    low = baselines.statistics(librosa.resample(samples, orig_sr=44_100, target_sr=22_050), 22_050)
    mean = np.abs(baselines.statistics(samples, 44_100) - low)[1:40]
    assert mean.max() < 1.0  # of coefficients that spread over tens


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    from ser.tiny_features import tiny_features

    return tiny_features(tmp_path_factory.mktemp("baselines") / "f.safetensors", speakers=6, each=3)


@pytest.mark.parametrize("name", list(baselines.NAMES))
def test_a_baseline_learns_and_its_probabilities_are_some(features, name):
    train = [i for i, item in enumerate(features.items) if item.speaker < "toy/04"]
    test = [i for i, item in enumerate(features.items) if item.speaker >= "toy/04"]
    (own, unseen), classes = baselines.fit_predict(name, features, train, (train, test))
    assert own.shape == (len(train), 4) and unseen.shape == (len(test), 4)
    np.testing.assert_allclose(unseen.sum(1), 1)
    found = [classes[index] for index in unseen.argmax(1)]
    assert np.mean([a == features.items[i].label for a, i in zip(found, test)]) > 0.8


def test_svm_probabilities_order_as_its_decisions_do(features):
    train, test = list(range(36)), list(range(36, len(features)))
    (found,), classes = baselines.fit_predict("svm", features, train, (test,))
    model = baselines.classifier("svm").fit(baselines.table(features, train), [features.items[i].label for i in train])
    plain = model.predict(baselines.table(features, test))
    assert [classes[index] for index in found.argmax(1)] == plain.tolist()


def test_two_classes_will_do(tmp_path):
    from ser.tiny_features import tiny_features

    two = tiny_features(tmp_path / "two.safetensors", labels=("happy", "sad"))
    for name in baselines.NAMES:
        (found,), classes = baselines.fit_predict(name, two, range(16), (range(16, 24),))
        assert found.shape == (8, 2) and classes == ("happy", "sad")
        labels = [two.items[index].label for index in range(16, 24)]
        assert np.mean([classes[row] == label for row, label in zip(found.argmax(1), labels)]) > 0.8


def test_what_a_baseline_cannot_do_is_refused(features, tmp_path):
    from ser.tiny_features import tiny_features

    one = tiny_features(tmp_path / "one.safetensors", labels=("sad",))
    with pytest.raises(InputError, match="all 8 training items are 'sad'"):
        baselines.fit_predict("svm", one, range(8), (range(8, 12),))
    with pytest.raises(UsageError, match="'forest' is no baseline; there are logistic, svm"):
        baselines.classifier("forest")


def test_calm_and_angry_actors_are_told_apart_unheard():
    """Actors 1 to 8 of RAVDESS, first statement: the two emotions that differ most."""
    files = [file for file in _files() if _actor(file) <= 8 and file.stem[6:8] in ("02", "05")]
    files = [file for file in files if file.stem.split("-")[4] == "01"]
    assert len(files) == 8 * 8
    table, labels, actors = _read(files)
    test = actors <= 2
    model = baselines.classifier("logistic").fit(table[~test], labels[~test])
    assert model.score(table[test], labels[test]) > 0.8


def test_level_on_ravdess_is_the_published_one():
    """Logistic regression 0.475 UAR over the five folds, measured elsewhere; a leak would show at 0.6 and above."""
    from sklearn.metrics import recall_score

    files = _files()
    if os.environ.get("VOXRACK_ORACLE") != "all":
        pytest.skip("statistics of 1,440 clips take a minute or more; VOXRACK_ORACLE=all runs it")
    assert len(files) == 1440
    table, labels, actors = _read(files)
    found = np.empty_like(labels)
    for fold in RAVDESS_FOLDS:
        test = np.isin(actors, fold)
        found[test] = baselines.classifier("logistic").fit(table[~test], labels[~test]).predict(table[test])
    assert 0.45 < recall_score(labels, found, average="macro") < 0.53


def _files() -> list[Path]:
    return sorted((data_root() / "data" / "ravdess").glob("Actor_*/*.flac"))


def _actor(file: Path) -> int:
    return int(file.parent.name[-2:])


def _read(files: list[Path]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import soundfile

    table = np.stack([baselines.statistics(*soundfile.read(file, dtype="float32")) for file in files])
    return table, np.array([file.stem.split("-")[2] for file in files]), np.array([_actor(file) for file in files])
