"""Our own speaker encoder and its loss."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from voxrack import read
from voxrack.errors import InputError, UsageError
from voxrack.testing import noise
from voxrack_evc import judging, speaker
from voxrack_evc.speaker import (
    FRAMES,
    GE2E,
    Resemblyzer,
    SpeakerEncoder,
    equal_error_rate,
    resemblyzer_is_there,
    stretches,
)
from voxrack_evc.stages.speaker import pairs


def test_ge2e_is_its_definition():
    """Wan et al. 2018, eq. 6 and 9, written out with loops."""
    vectors = normalize(torch.randn(3, 4, 256, dtype=torch.float64), dim=-1)
    loss = GE2E().double()
    scores = torch.zeros(3, 4, 3, dtype=torch.float64)
    for j in range(3):
        for i in range(4):
            for k in range(3):
                others = [vectors[k, m] for m in range(4) if not (k == j and m == i)]
                centroid = torch.stack(others).mean(0)
                scores[j, i, k] = 10.0 * cosine_similarity(vectors[j, i], centroid, dim=0) - 5.0
    torch.testing.assert_close(loss.similarities(vectors), scores)
    wanted = -torch.stack([scores[j, i].log_softmax(0)[j] for j in range(3) for i in range(4)]).mean()
    torch.testing.assert_close(loss(vectors), wanted)


def test_vectors_have_256_numbers_of_length_1_whatever_the_level():
    encoder = SpeakerEncoder(16, 1)
    mel = torch.randn(300, 80)
    vector = encoder.embed(mel)
    assert vector.shape == (256,)
    assert float(vector.norm()) == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(encoder.embed(mel + 2.0), vector, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frames", [5, FRAMES - 1, FRAMES, FRAMES + 1, 5 * FRAMES + 7])
def test_stretches_reach_from_the_first_frame_to_the_last(frames):
    mel = torch.arange(float(frames))[:, None].expand(-1, 80)
    found = stretches(mel)
    assert found.shape[1:] == (FRAMES, 80)
    assert set(found[:, :, 0].flatten().tolist()) == set(range(frames))


def test_equal_error_rate_of_scores_that_are_known():
    assert equal_error_rate(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == pytest.approx(0.0)
    assert equal_error_rate(np.array([0.1, 0.2]), np.array([0.8, 0.9])) == pytest.approx(1.0)
    scores = np.linspace(0.0, 1.0, 1001)
    assert equal_error_rate(scores, scores) == pytest.approx(0.5, abs=0.01)


def test_pairs_know_who_is_the_same():
    cosines, same = pairs(torch.eye(256)[[0, 0, 1]], torch.tensor([0, 0, 1]))
    assert cosines.tolist() == [1.0, 0.0, 0.0]
    assert same.tolist() == [True, False, False]


# ---- Resemblyzer ------------------------------------------------------------------------------------
@pytest.mark.parametrize("missing", ["resemblyzer", "pkg_resources"])
def test_resemblyzer_that_cannot_be_imported_is_refused_by_name(monkeypatch, missing):
    """pkg_resources is what its voice detector imports, and what setuptools no longer has."""
    find = speaker.find_spec
    monkeypatch.setattr(speaker, "find_spec", lambda name: None if name == missing else find(name))
    assert not resemblyzer_is_there()
    with pytest.raises(UsageError, match=r'pip install "voxrack\[metrics\]".*speaker=own'):
        Resemblyzer()


needs_resemblyzer = pytest.mark.skipif(
    not resemblyzer_is_there(), reason='Resemblyzer is not installed: pip install "voxrack[metrics]"'
)


@needs_resemblyzer
def test_resemblyzers_vectors_are_of_length_1_and_tell_actors_apart(shared):
    def vector(actor, emotion, words):
        audio = read(shared / f"data/ravdess/Actor_{actor}/03-01-{emotion}-01-{words}-01-{actor}.flac").mono()
        return encoder(audio.samples[0], audio.sample_rate)

    encoder = Resemblyzer()
    one, same, other = vector("01", "01", "01"), vector("01", "01", "02"), vector("02", "01", "02")
    assert one.shape == (256,) and one.dtype == np.float32
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-4)
    assert one @ same > one @ other + 0.1


@needs_resemblyzer
@pytest.mark.parametrize("what", ["silence", "hiss", "a click"])
def test_resemblyzer_gives_no_vector_of_nothing(what):
    sound = {
        "silence": np.zeros(16_000, np.float32), "hiss": noise(1.0, 16_000, level=-60.0).samples[0],
        "a click": np.eye(1, 3000, dtype=np.float32)[0],
    }[what]  # fmt: skip
    with pytest.raises(InputError, match="Resemblyzer finds no voice"):
        Resemblyzer()(sound, 16_000)
    assert judging.speaker_vector(sound) is None
