"""Noise sets beside speech (``--noise``, ``--unmatched``) and recordings that are prepared in pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from mini_corpora import put, ravdess, sound
from toy_recipe import SPEC

from voxrack import Audio, write
from voxrack.datasets import noise_set, read_manifest
from voxrack.datasets.noise import NOISE, TEST_ONLY
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.hooks import hookimpl
from voxrack.host import Host
from voxrack.preparation import extract, utterance_ids

MIXING = replace(SPEC, id="toy.mixing", noise=True)


class Plugin:
    @hookimpl
    def voxrack_recipes(self):
        return (SPEC, MIXING)


@pytest.fixture
def host(monkeypatch) -> Host:
    made = Host({"toy": Plugin()}, discover=False)
    monkeypatch.setattr("voxrack.host.default_host", lambda: made)
    return made


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    for name in ("rain/1-100-A.wav", "rain/1-100-B.wav", "dog/1-200-A.wav"):
        sound(put(tmp_path / "noises" / name, ""))
    return tmp_path / "noises"


# ---- noise sets as a corpus -----------------------------------------------------------------------
def test_a_noise_set_is_a_corpus_of_nobody(noises):
    corpus = noise_set(noises).corpus()
    assert [each.id for each in corpus.utterances] == [
        "noises/dog/1-200-A.wav", "noises/rain/1-100-A.wav", "noises/rain/1-100-B.wav",
    ]  # fmt: skip
    assert {(each.speaker, each.label, each.corpus) for each in corpus.utterances} == {("", NOISE, "noises")}
    assert corpus.utterances[0].attributes == {"recording": "freesound 200", "category": "dog"}
    kept_for_testing = noise_set(noises).corpus(test_only=True).utterances[0].attributes
    assert kept_for_testing == {"recording": "freesound 200", "category": "dog", "use": TEST_ONLY}


def test_noises_are_prepared_beside_speech(host, noises, tmp_path):
    for name in ("a.wav", "b.wav"):
        sound(put(tmp_path / "street" / name, ""))
    speech, out = ravdess(tmp_path / "speech", [1, 2]), tmp_path / "f.safetensors"
    words = ["prepare", "toy.mixing", "--data", speech, "--noise", noises, "--unmatched", tmp_path / "street"]
    made = run(*words, "-o", out)
    assert made.exit_code == 0, made.stderr
    shown = {row.split()[0]: row.split()[1:3] for row in made.stdout.splitlines() if "1 s" in row or "0 s" in row}
    assert shown == {"ravdess": ["6", "2"], "noises": ["3", "0"], "street": ["2", "0"]}
    items = FeatureFile(out).items
    assert [item.corpus for item in items] == ["ravdess"] * 6 + ["noises"] * 3 + ["street"] * 2
    assert [item.attributes.get("use", "") for item in items] == [""] * 9 + [TEST_ONLY] * 2
    assert [item.label == NOISE for item in items] == [False] * 6 + [True] * 5
    assert all(item.duration == 0.05 and item.sha256 for item in items)


@pytest.mark.parametrize(
    "words, said",
    [
        (["toy.tone", "--data", "SPEECH", "--noise", "NOISES"], "recipe toy.tone mixes no noise"),
        (["toy.tone", "--data", "SPEECH", "--unmatched", "NOISES"], "recipe toy.tone mixes no noise"),
        (["toy.mixing", "--noise", "NOISES"], "name what to prepare"),
        (["toy.mixing", "--data", "SPEECH", "--noise", "NOWHERE"], "no such folder"),
        (["toy.mixing", "--data", "SPEECH", "--noise", "NOISES", "--unmatched", "NOISES"], "is one folder given twice"),
    ],
)
def test_wrong_use_is_told(host, noises, tmp_path, words, said):
    places = {"SPEECH": ravdess(tmp_path / "speech", [1]), "NOISES": noises}
    made = run("prepare", *(places.get(word, word) for word in words), "-o", tmp_path / "f.safetensors")
    assert made.exit_code in (2, 3) and said in made.stderr
    assert not (tmp_path / "f.safetensors").exists()


def test_a_recipe_says_that_it_takes_noise(host):
    assert "takes --noise" in run("recipes", "toy.mixing").stdout
    assert "takes --noise" not in run("recipes", "toy.tone").stdout
    assert '"noise": true' in run("recipes", "toy.mixing", "--json").stdout


# ---- pieces ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Seconds:
    """The samples, cut at every full second."""

    def __call__(self, audio):
        samples = audio.mono().samples[0]
        return [{"samples": samples[at : at + 1000]} for at in range(0, len(samples), 1000)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_recording_may_become_several_items(tmp_path, workers):
    lengths = {"long": 2500, "short": 800}
    for name, frames in lengths.items():
        write(tmp_path / f"{name}.wav", Audio(np.linspace(0.1, 0.2, frames, dtype=np.float32), 1000))
    (tmp_path / "m.csv").write_text("path,speaker,label\nlong.wav,1,low\nshort.wav,2,high\n")
    corpus = read_manifest(tmp_path / "m.csv")
    with FeatureWriter(tmp_path / "f.safetensors", SPEC.id, {}, workers=workers) as writer:
        extract(corpus, writer, Seconds())
    file = FeatureFile(tmp_path / "f.safetensors")
    long, short = (utterance.id for utterance in corpus.utterances)
    assert [item.id for item in file.items] == [f"{long}#1", f"{long}#2", f"{long}#3", short]
    assert [item.duration for item in file.items] == [1.0, 1.0, 0.5, 0.8]
    assert [item.speaker.rpartition("/")[2] for item in file.items] == ["1", "1", "1", "2"]
    assert [bool(item.sha256) for item in file.items] == [False, False, False, True]
    assert utterance_ids(file.items) == {long, short}
    whole = np.concatenate([file.get("samples", row).numpy() for row in range(3)])
    assert np.array_equal(whole, np.linspace(0.1, 0.2, 2500, dtype=np.float32))
