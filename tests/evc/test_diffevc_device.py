"""evc.diffevc with a model small enough to train in seconds: the contract, parameters, references, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evc.small_ear import EAR
from evc.small_voice import glide, vowel

from voxrack import Audio, Host, availability, render
from voxrack import write as write_audio
from voxrack.errors import InputError, ParamError, PluginError, UsageError
from voxrack.testing import check_device, host_with, voice
from voxrack_evc.conversion import Converter
from voxrack_evc.diffevc_device import DiffEvc, warped
from voxrack_evc.emotion import EmotionEncoder
from voxrack_evc.f0 import track
from voxrack_evc.specs import DIFFEVC
from voxrack_evc.vocoder import Vocoder

RATE = 22_050
pytestmark = pytest.mark.usefixtures("named_encoder")
OWN = dataclasses.replace(DIFFEVC, weights="")  # with weights of one's own nothing else is needed
PLAIN = {"vocoder": "plain", "steps": 2}
WITHOUT = dataclasses.replace(DIFFEVC.param("vocoder"), default="griffin-lim", choices=("plain", "griffin-lim"))


@pytest.fixture(scope="module")
def host():
    return host_with([OWN, EAR], discover=False)


def device(host, run, **values):
    return host.create("evc.diffevc", {"weights": str(run), **PLAIN, **values})


def converted(host, run, samples, **values):
    return render(device(host, run, **values), Audio(samples, RATE), tail=False).samples


@pytest.fixture(scope="module")
def talk():
    return voice(1.5, RATE, 3).samples


# ---- the contract ----------------------------------------------------------------------------
def test_contract(host, run):
    shipped = dataclasses.replace(OWN, params=tuple(p if p.id != "vocoder" else WITHOUT for p in OWN.params))
    own = host_with([shipped, EAR], discover=False)
    values = {"weights": str(run / "model.safetensors"), "steps": 1}
    report = check_device(shipped, host=own, values=values, seconds=0.1)
    report.raise_if_failed()
    assert {check.name for check in report.checks if check.outcome != "passed"} == {"latency", "module"}


def test_without_weights_it_is_listed_with_the_command_that_makes_them(monkeypatch, tmp_path):
    monkeypatch.setattr(availability, "weights_path", lambda spec: tmp_path / "none" / spec.weights)
    host = Host()
    entry = next(entry for entry in host.devices() if entry.spec.id == "evc.diffevc")
    assert "voxrack train evc.diffevc" in entry.reason
    with pytest.raises(PluginError, match="needs the weights"):
        host.create("evc.diffevc")


def test_vocoder_weights_that_are_missing_are_told(host, run, talk, monkeypatch):
    from voxrack_evc import diffevc_device

    def absent(path):
        raise InputError("no weights; make them: voxrack train evc.vocoder")

    monkeypatch.setattr(diffevc_device, "load", absent)
    with pytest.raises(InputError, match=r"voxrack train evc\.vocoder"):
        converted(host, run, talk, vocoder="trained")


# ---- what is asked ---------------------------------------------------------------------------
def test_equal_seeds_give_equal_sound_and_others_another(host, run, talk):
    one, same, other = (converted(host, run, talk, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_without_prosody_length_and_melody_are_the_sources(host, run, talk):
    out = converted(host, run, talk, prosody=False)
    assert out.shape == talk.shape
    assert converted(host, run, talk, emotion="sad").shape[1] > talk.shape[1]


def test_prosody_can_be_edited(host, run, talk, monkeypatch):
    monkeypatch.setattr(Converter, "__call__", lambda self, mel, conditions, **how: mel)  # says what it heard
    plain = converted(host, run, talk, prosody=False)
    assert converted(host, run, talk, prosody=False, tempo=0.8).shape[1] > 1.1 * talk.shape[1]
    louder = converted(host, run, talk, prosody=False, energy=-6.0)
    assert 20 * np.log10(np.std(louder) / np.std(plain)) == pytest.approx(-6.0, abs=1.5)


@pytest.fixture
def told(monkeypatch):
    """What the vocoder was last told: ``f0``, ``voicing``, ``spoken``; the decoder says what it heard."""
    last = {}
    synthesise = Vocoder.synthesise

    def listen(self, mel, f0, voicing, spoken=None):
        last.update(frames=mel.shape[1], f0=f0, voicing=voicing, spoken=spoken)
        return synthesise(self, mel, f0, voicing, spoken)

    monkeypatch.setattr(Vocoder, "synthesise", listen)
    monkeypatch.setattr(Converter, "__call__", lambda self, mel, conditions, **how: mel)
    return last


def test_the_vocoder_is_told_the_pitch_that_was_spoken_laid_out_like_the_mel(host, run, told):
    pitch = glide(120.0, 180.0)
    converted(host, run, vowel(pitch)[None], emotion="happy", tempo=0.8, pitch_range=2.0)
    spoken, voiced = told["spoken"], told["f0"] > 0
    assert len(spoken) == len(told["f0"]) == told["frames"] == pytest.approx(len(pitch) / 0.8, rel=0.15)
    assert np.array_equal(spoken > 0, voiced) and voiced.mean() > 0.9
    expected = np.interp(np.linspace(0, 1, len(spoken)), np.linspace(0, 1, len(pitch)), pitch)
    inner = slice(5, -5)
    assert 12 * np.abs(np.log2(spoken[inner] / expected[inner])).max() < 0.3
    assert 12 * np.abs(np.log2(told["f0"][inner] / spoken[inner])).max() > 1.0


def test_a_melody_that_stays_keeps_the_ridges_of_the_mel(host, run, told):
    converted(host, run, vowel(glide(120.0, 180.0))[None], prosody=False, tempo=0.8)
    assert told["spoken"] is None and (told["f0"] > 0).mean() > 0.9


def test_a_room_that_hums_in_the_pause_is_given_no_voice(host, run, told):
    hum = vowel(np.full(100, 100.0), level=0.1 * 10 ** (-38 / 20), noise=0.0)
    sound = np.concatenate([vowel(glide(120.0, 150.0)), hum, vowel(glide(150.0, 120.0))])
    f0, _ = track(sound)
    first = len(glide(120.0, 150.0))
    pause = slice(first + 5, first + 95)
    assert (f0[pause] > 0).mean() > 0.9  # correlation alone takes the hum for a voice
    converted(host, run, sound[None], prosody=False)
    assert not told["f0"][pause].any() and not told["voicing"][pause].any()
    assert (told["f0"][: first - 5] > 0).mean() > 0.9


@pytest.mark.parametrize("negative", ["none", "speaker", "emotion", "both"])
def test_guidance_of_one_is_plain_conditioning(host, run, talk, negative):
    plain = converted(host, run, talk, guidance=1.0, negative="none", prosody=False)
    assert np.array_equal(converted(host, run, talk, guidance=1.0, negative=negative, prosody=False), plain)
    guided = converted(host, run, talk, guidance=3.0, negative=negative, prosody=False)
    assert np.array_equal(guided, plain) == (negative == "none")


def test_what_the_decoder_overdoes_stays_within_full_scale(host, run, talk):
    assert np.abs(converted(host, run, talk, prosody=False, guidance=5.0)).max() <= 0.991


def test_a_reference_is_taken_instead_of_a_name(host, run, talk, tmp_path):
    write_audio(tmp_path / "reference.wav", voice(1.2, 16_000, 7))
    like = converted(host, run, talk, reference=str(tmp_path / "reference.wav"), prosody=False)
    assert like.shape == talk.shape and not np.array_equal(like, converted(host, run, talk, prosody=False))


def test_the_source_is_told_by_its_likeness(host, run):
    processor = device(host, run).processor
    assert isinstance(processor, DiffEvc)
    model = processor.converter.model
    calm, angry = (processor._manner(model.emotion_prototypes[k].numpy()) for k in (0, 1))
    assert angry.energy > calm.energy + 3.0


# ---- what it cannot convert --------------------------------------------------------------------
def test_silence_stays_silent(host, run):
    zeros = np.zeros((1, RATE), np.float32)
    assert np.array_equal(converted(host, run, zeros), zeros)


def test_what_is_no_speech_is_refused_but_a_snippet_is_taken_for_neutral(host, run, monkeypatch):
    def deaf(self, samples, rate):
        raise InputError("'test.ear' hears no speech")

    monkeypatch.setattr(EmotionEncoder, "__call__", deaf)
    with pytest.raises(InputError, match="no speech"):
        converted(host, run, voice(1.5, RATE, 3).samples)
    assert np.isfinite(converted(host, run, voice(0.2, RATE, 3).samples)).all()


def test_a_reference_without_speech_is_refused(host, run, talk, tmp_path):
    write_audio(tmp_path / "silence.wav", Audio(np.zeros((1, RATE), np.float32), RATE))
    with pytest.raises(InputError, match=r"the reference .*silence\.wav"):
        converted(host, run, talk, reference=str(tmp_path / "silence.wav"))


def test_an_unknown_emotion_lists_the_known(host, run):
    with pytest.raises(ParamError, match="neutral, angry, happy, sad"):
        device(host, run, emotion="bored")


def test_an_emotion_that_the_model_never_learned_is_refused(host, run, talk, monkeypatch):
    made = device(host, run, emotion="angry")
    monkeypatch.setattr(made.processor.converter.model, "emotions", ("neutral", "furious", "happy", "sad"))
    with pytest.raises(UsageError, match="there is no emotion 'angry'"):
        render(made, Audio(talk, RATE), tail=False)


def test_another_recogniser_than_it_was_trained_with_is_refused(host, run, talk, monkeypatch):
    monkeypatch.setattr(EmotionEncoder, "described", lambda self: "test.other")
    with pytest.raises(InputError, match=r"was trained with the emotion embeddings of small, and test\.other is here"):
        converted(host, run, talk)


def test_provenance_names_the_weights(host, run):
    import hashlib

    digest = hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()
    assert device(host, run).processor.weights == {"evc.diffevc": digest}


# ---- time ---------------------------------------------------------------------------------------
def test_frames_are_laid_out_anew():
    mel = np.tile(np.arange(40, dtype=np.float32), (80, 1))
    f0 = np.array([0.0] * 20 + [200.0] * 20)
    longer, pitch, voicing = warped(mel, f0, (f0 > 0).astype(float), np.full(40, 1.5))
    assert longer.shape == (80, 60) and pitch.shape == voicing.shape == (60,)
    assert np.all(np.diff(longer[0]) >= 0) and longer[0, 30] == pytest.approx(19.8, abs=0.5)
    assert set(np.unique(pitch)) == {0.0, 200.0} and (pitch > 0).sum() == pytest.approx(30, abs=1)
    same, _, _ = warped(mel, f0, f0, np.ones(40))
    assert same is mel
    _, (one, other), _ = warped(mel, np.stack([f0, 1.5 * f0]), f0, np.full(40, 1.5))
    assert np.array_equal(one, pitch) and np.allclose(other, 1.5 * pitch)
