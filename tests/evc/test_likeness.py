"""Measures of the speaker: what they are by hand, which there are, and that they tell voices apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evc.small_evc import train, write
from evc.small_voice import glide, vowel

from voxrack import Audio, read, weights
from voxrack.errors import InputError
from voxrack_evc import judging, likeness
from voxrack_evc.likeness import Likeness, compared, sphericity, spread
from voxrack_evc.mel import RATE as MEL_RATE
from voxrack_evc.recordings import RATE

OTHER = ((500.0, 80.0), (1700.0, 130.0), (2900.0, 200.0))  # formants


@pytest.fixture(autouse=True)
def without_resemblyzer(monkeypatch):
    monkeypatch.setattr(judging, "speaker_vector", lambda sound: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train(write(tmp_path_factory.mktemp("features") / "f.safetensors"), folder, "speaker", 1)
    return folder / "speaker"


def sound(first, last, **how):
    return Audio(vowel(glide(first, last), **how)[None], MEL_RATE).resample(RATE).samples[0]


# ---- the distance that needs no weights --------------------------------------------------------------
def test_sphericity_is_its_definition():
    """The ratio of the arithmetic to the harmonic mean of the relative eigenvalues (Bimbot et al. 1995)."""
    generator = np.random.default_rng(0)
    one, other = (a @ a.T for a in generator.normal(size=(2, 5, 9)))
    values = np.linalg.eigvals(np.linalg.inv(other) @ one).real
    assert sphericity(one, other) == pytest.approx(np.log(values.mean() * (1 / values).mean()))
    assert sphericity(one, other) == pytest.approx(sphericity(other, one))
    assert sphericity(one, 7.0 * one) == pytest.approx(0.0, abs=1e-9)


def test_a_level_changes_nothing_and_too_little_sound_is_not_judged():
    mel = np.random.default_rng(0).normal(size=(200, 80)).astype(np.float32)
    louder, here = spread(mel + 2.0), spread(mel)
    assert here is not None and np.allclose(louder, here, atol=1e-4)
    assert spread(mel[:60]) is None


def test_other_formants_are_farther_than_another_melody():
    without = Likeness(None, "")
    source = without(sound(120.0, 180.0))
    melody, formants = (
        compared(without(one), source)["voice"] for one in (sound(130.0, 170.0), sound(120.0, 180.0, formants=OTHER))
    )
    assert 0.0 < melody < formants
    assert compared(source, source) == {"secs": None, "secs_own": None, "voice": pytest.approx(0.0, abs=1e-9)}


def test_silence_and_snippets_have_no_voice(run):
    measures = Likeness.of(str(run))
    for nothing in (np.zeros(RATE, np.float32), np.ones(100, np.float32)):
        voice = measures(nothing)
        assert (voice.resemblyzer, voice.own, voice.spread) == (None, None, None)
        assert set(compared(voice, measures(sound(120.0, 180.0))).values()) == {None}


def test_actors_are_told_apart(shared):
    """Seven of ten times a recording is nearer to another one by the same actor than to one by another actor."""

    def voice(actor, emotion, sentence):
        name = f"03-01-{emotion}-01-{sentence}-01-{actor}.flac"
        audio = read(Path(shared) / f"data/ravdess/Actor_{actor}" / name).mono().resample(RATE)
        return Likeness(None, "")(audio.samples[0])

    actors = ("01", "02", "03", "04", "05", "06")
    sources, same = ([voice(actor, "01", words) for actor in actors] for words in ("01", "02"))
    apart = np.array([[compared(a, b)["voice"] for b in same] for a in sources])
    own = np.diag(apart)[:, None]
    assert (own < apart)[~np.eye(len(actors), dtype=bool)].mean() > 0.7


# ---- our own encoder ---------------------------------------------------------------------------------
def test_a_runs_encoder_measures(run):
    measures = Likeness.of(str(run))
    assert measures.source.startswith("model.safetensors ")
    one, other = measures(sound(120.0, 180.0)), measures(sound(120.0, 180.0, formants=OTHER))
    assert compared(one, one)["secs_own"] == pytest.approx(1.0, abs=1e-5)
    assert compared(one, other)["secs_own"] < 0.9999


def test_weights_of_a_converter_hold_it_too(run, tmp_path):
    held = weights.load(run)
    tensors = {f"speaker.{name}": tensor.half() for name, tensor in held.tensors.items()}
    about = {"device": "evc.diffevc", "speaker": held.metadata["speaker"]}
    weights.save(tmp_path / "converter.safetensors", tensors | {"decoder.x": next(iter(tensors.values()))}, about)
    one, other = (Likeness.of(str(path))(sound(120.0, 180.0)).own for path in (run, tmp_path / "converter.safetensors"))
    assert np.allclose(one, other, atol=1e-2)


def test_what_holds_no_encoder_is_refused_and_said_where_nothing_was_asked(run, tmp_path, monkeypatch):
    held = weights.load(run)
    path = tmp_path / "weights" / "evc.diffevc.safetensors"
    path.parent.mkdir()
    weights.save(path, held.tensors, {"device": "evc.diffevc", "speaker": "resemblyzer"})
    with pytest.raises(InputError, match=r"takes Resemblyzer's vectors; name a run of .*stage=speaker"):
        Likeness.of(str(path))
    with pytest.raises(InputError, match=r"nowhere"):
        Likeness.of(str(tmp_path / "nowhere.safetensors"))
    monkeypatch.setattr(weights, "folder_of", lambda package: path.parent)
    assert Likeness.of().encoder is None and "--set speaker_weights=RUN" in Likeness.of().source
    path.unlink()
    assert Likeness.of().encoder is None and "no weights of evc.diffevc are installed" in Likeness.of().source


def test_names_are_those_of_rows():
    voice = likeness.Voice(None, None, None)
    assert tuple(compared(voice, voice)) == likeness.NAMES
