"""Packing recordings: level, silence, embeddings, and who is in which part."""

import numpy as np
import pytest

from voxrack import Audio
from voxrack.datasets import Item
from voxrack.device import Track
from voxrack.errors import InputError, UsageError
from voxrack.testing import emotional_voice
from voxrack_evc.emotion import pooled
from voxrack_evc.level import level, levelled
from voxrack_evc.material import Packing, divide, trimmed

RATE = 16_000


def embedding(values, speech=None):
    times = np.arange(len(values), dtype=np.float64)
    tracks = [Track("embedding", times, np.array(values, dtype=np.float64))]
    return tracks if speech is None else [*tracks, Track("voiced", times, np.array(speech, dtype=np.float64)[:, None])]


def test_embeddings_are_weighed_by_the_speech_in_them_and_unjudged_windows_left_out():
    found = pooled(embedding([[1.0, 0.0], [3.0, 2.0], [0.0, 0.0]], [0.25, 0.75, 0.9]), "any")
    np.testing.assert_allclose(found, [2.5, 1.5])
    np.testing.assert_allclose(pooled(embedding([[1.0], [3.0], [0.0]]), "any"), [2.0])


def test_no_speech_and_no_embedding_are_refused_by_name():
    with pytest.raises(InputError, match="'any' hears no speech"):
        pooled(embedding([[0.0, 0.0]], [1.0]), "any")
    with pytest.raises(UsageError, match=r"no track 'embedding' \(it gives loudness\)"):
        pooled([Track("loudness", np.zeros(1), np.zeros((1, 1)))], "any")


def test_the_level_is_the_voices_whatever_the_pauses():
    time = np.arange(RATE) / RATE
    voice = (0.1 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    quiet = np.zeros(3 * RATE, np.float32)
    assert level(voice, RATE) == pytest.approx(-23.0, abs=0.1)
    assert level(np.concatenate((quiet, voice, quiet)), RATE) == pytest.approx(-23.0, abs=0.1)
    made, gain = levelled(voice * np.float32(1e-3), RATE)
    assert gain == pytest.approx(63.0, abs=0.1)
    assert level(made, RATE) == pytest.approx(-20.0, abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.full(RATE, 1e-7, np.float32)])
def test_silence_has_no_voice_to_convert(samples):
    with pytest.raises(InputError, match="no voice to convert"):
        levelled(samples, RATE)


def test_silence_at_both_ends_is_taken_off_but_for_a_margin():
    mel = np.full((200, 80), -11.5, np.float32)
    mel[60:100] = -2.0
    assert len(trimmed(mel)) == 40 + 2 * 12


def test_packing_keeps_frames_and_an_embedding_and_is_the_same_at_any_level():
    packing = Packing(lambda samples, rate: np.ones(3, np.float32))
    voice = emotional_voice("happy")
    loud = packing(voice)
    assert loud["mel"].shape[1] == 80
    assert loud["emotion"].shape == (1, 3)
    soft = packing(Audio(voice.samples * np.float32(0.01), voice.sample_rate))
    np.testing.assert_allclose(soft["mel"], loud["mel"], atol=1e-2)
    with pytest.raises(InputError, match=r"0\.2"):
        packing(Audio(voice.samples[:, 6000:9200], voice.sample_rate))


def items(corpus, count):
    return [Item(f"{corpus}/{n}", corpus, f"{corpus}/{n:02}") for n in range(1, count + 1)]


def test_test_actors_and_every_seventh_reader_are_in_no_other_part():
    every = items("ravdess", 24) + items("librispeech", 30)
    parts = divide(every)
    assert [every[i].speaker for i in parts.test] == [
        *(f"ravdess/{n}" for n in range(21, 25)), *(f"librispeech/{n:02}" for n in (7, 14, 21, 28)),
    ]  # fmt: skip
    assert [every[i].speaker for i in parts.validation] == [
        "ravdess/19", "ravdess/20", "librispeech/08", "librispeech/22",
    ]  # fmt: skip
    assert sorted(parts.train + parts.validation + parts.test) == list(range(54))


def test_few_and_unknown_speakers_train_and_nobody_at_all_is_refused():
    assert divide([*items("tess", 2), Item("x", "own", "")]).train == (0, 1, 2)
    with pytest.raises(InputError, match="nobody to train on"):
        divide(items("ravdess", 24)[18:])
