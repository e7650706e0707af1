"""Embeddings: what they do not hear, what they do, gradients; refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import data_root

from voxrack import Audio, read
from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_atlas.embedding import EMBEDDINGS, Differentiable, embedding
from voxrack_atlas.music import LABELS

RATE = 44100
VOICE = voice(3.0, RATE, 1)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_level_and_mono_make_no_difference(name: str) -> None:
    listen = embedding(name)
    found = listen(VOICE)
    assert found.shape == (len(listen.labels),) and np.isfinite(found).all()
    np.testing.assert_allclose(listen(Audio(VOICE.samples * np.float32(0.1), RATE)), found, atol=1e-3)
    np.testing.assert_allclose(listen(Audio(np.repeat(VOICE.samples, 2, axis=0), RATE)), found, atol=1e-3)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_the_sample_rate_makes_little_difference(name: str) -> None:
    listen = embedding(name)
    assert np.abs(listen(VOICE.resample(48000)) - listen(VOICE)).max() < 0.5  # dB


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_gradients_point_where_the_differences_do(name: str) -> None:
    """The slope along a random direction, against a difference quotient, in double precision."""
    listen = embedding(name)
    assert isinstance(listen, Differentiable)
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(1, 2, RATE // 2, generator=generator, dtype=torch.float64) * 0.1
    weight = torch.randn(len(listen.labels), generator=generator, dtype=torch.float64)
    along = torch.randn(signal.shape, generator=generator, dtype=torch.float64)
    point = signal.clone().requires_grad_()
    (listen.tensor(point, RATE)[0] @ weight).backward()
    step = 1e-7
    with torch.no_grad():
        there, back = (listen.tensor(signal + sign * step * along, RATE)[0] @ weight for sign in (1, -1))
    assert float((point.grad * along).sum()) == pytest.approx(float(there - back) / (2 * step), rel=1e-3)


def test_a_batch_is_its_items() -> None:
    listen = embedding("both")
    batch = torch.from_numpy(np.stack([VOICE.samples, voice(3.0, RATE, 2).samples]))
    apart = torch.cat([listen.tensor(row[None], RATE) for row in batch])
    torch.testing.assert_close(listen.tensor(batch, RATE), apart, atol=1e-3, rtol=1e-3)


def test_music_hears_what_its_labels_say() -> None:
    listen, at = embedding("music"), {label: place for place, label in enumerate(LABELS)}
    left, right = np.random.default_rng(1).normal(size=(2, RATE)) * 0.1
    wide, panned = listen(Audio(np.stack([left, right]), RATE)), listen(Audio(np.stack([left, 2 * left]), RATE))
    assert wide[at["correlation"]] == pytest.approx(0, abs=0.02)
    assert wide[at["side 300-3000 Hz (dB)"]] == pytest.approx(-3.01, abs=0.2)
    assert panned[at["balance (dB)"]] == pytest.approx(6.02, abs=0.05)
    assert panned[at["correlation"]] == pytest.approx(1, abs=0.01)
    times = np.arange(2 * RATE) / RATE
    tone = listen(Audio(np.sin(2 * np.pi * 1000 * times), RATE))
    assert tone[at["centroid (octaves)"]] == pytest.approx(np.log2(1000), abs=0.02)
    assert tone[at["band 1000 Hz (dB)"]] == pytest.approx(0, abs=0.05)
    assert tone[at["crest (dB)"]] == pytest.approx(3.01, abs=0.1)
    pulsing = np.sin(2 * np.pi * 1000 * times) * (1.01 + np.sin(2 * np.pi * 3 * times))
    assert listen(Audio(pulsing, RATE))[at["modulation 2-4 Hz (dB)"]] > tone[at["modulation 2-4 Hz (dB)"]] + 10


def test_a_processed_vocal_is_nearer_to_its_kind() -> None:
    """On real songs: wet recordings lie apart from dry ones along the side features."""
    folder = data_root() / "data/diffvox_demo/LizNelson_Coldwar"
    listen = embedding("music")
    place = LABELS.index("side 300-3000 Hz (dB)")
    assert listen(read(folder / "wet.mp3"))[place] > listen(read(folder / "dry.mp3"))[place] + 20


def test_refusals() -> None:
    with pytest.raises(UsageError, match="no embedding is called 'clap'"):
        embedding("clap")
    with pytest.raises(UsageError, match="labels"):
        embedding(3)
    for name in EMBEDDINGS:
        with pytest.raises(InputError, match="silent"):
            embedding(name)(Audio(np.zeros((1, RATE)), RATE))
        with pytest.raises(InputError, match="channels"):
            embedding(name)(Audio(np.ones((3, RATE)), RATE))
    own = embedding("mfcc")
    assert embedding(own) is own
