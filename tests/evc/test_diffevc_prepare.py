"""Preparing with a recogniser that the host offers, through the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import lines, run
from learned import need
from random_recogniser import random_recogniser

import voxrack
from voxrack import Audio, default_host
from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile
from voxrack.recipe import check_recipe, create, options
from voxrack.testing import emotional_voice
from voxrack_evc.emotion import ROLE, EmotionEncoder
from voxrack_evc.specs_diffevc import DIFFEVC_RECIPE as SPEC


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """An emotion encoder whose recogniser has learned nothing."""
    weights = random_recogniser(tmp_path_factory.mktemp("weights") / "random.safetensors")
    return EmotionEncoder(default_host().create("ser.mfcc_cnn", {"weights": str(weights)}))


def test_the_recipe_is_one_and_its_options_fit():
    assert check_recipe(SPEC) == ""
    assert ROLE in SPEC.needs
    assert SPEC.id in default_host().recipes()


def test_an_embedding_is_the_devices_and_the_same_from_another_process(encoder):
    import pickle

    voice = emotional_voice("angry")
    found = encoder(voice.samples[0], voice.sample_rate)
    assert found.ndim == 1
    assert found.dtype == np.float32
    again = pickle.loads(pickle.dumps(encoder))  # what a worker process gets: id and values, no device
    np.testing.assert_array_equal(again(voice.samples[0], voice.sample_rate), found)
    assert again.described() == encoder.described()
    assert "ser.mfcc_cnn, weights " in encoder.described()


def test_silence_has_no_emotion(encoder):
    with pytest.raises(InputError, match="hears no speech"):
        encoder(np.zeros(32_000, np.float32), 16_000)


def test_preparing_needs_a_device_of_the_role(tmp_path):
    with pytest.raises(UsageError, match=ROLE):
        create(SPEC, options(SPEC)).prepare(None, None, None)  # pyright: ignore[reportArgumentType]


def test_two_classes_or_more():
    with pytest.raises(UsageError, match="'classes'"):
        create(SPEC, options(SPEC, {"classes": "angry"})).emotions  # noqa: B018


def test_the_command_packs_what_is_heard_and_names_what_is_not(tmp_path: Path):
    """Two voices, one of them silence."""
    need("ser.best")
    rows = ["path,corpus,speaker,label"]
    for number, emotion in enumerate(("happy", "sad"), 1):
        voxrack.write(tmp_path / f"{emotion}.wav", emotional_voice(emotion, speaker=number))
        rows.append(f"{emotion}.wav,own,{number},{emotion}")
    voxrack.write(tmp_path / "silent.wav", Audio(np.zeros((1, 32_000), np.float32), 16_000))
    (tmp_path / "all.csv").write_text("\n".join([*rows, "silent.wav,own,1,sad"]) + "\n")
    done = run("prepare", SPEC.id, "--manifest", tmp_path / "all.csv", "-o", tmp_path / "f.safetensors", "--json")
    assert done.exit_code == 1, done.output  # something was left out
    features = FeatureFile(tmp_path / "f.safetensors")
    assert [item.label for item in features.items] == ["happy", "sad"]
    assert features.shape("mel") == (80,)
    assert features.lengths("emotion").tolist() == [1, 1]
    assert all(item.attributes["emotion_encoder"].startswith("ser.best, weights ") for item in features.items)
    ((id, why),) = features.failures
    assert "silent" in id
    assert "no voice" in why
    assert lines(done)
