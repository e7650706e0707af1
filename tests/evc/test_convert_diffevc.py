"""What `voxrack convert` does with evc.diffevc: pieces without a voice, what is narrowed, what is missing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evc.small_ear import EAR

from voxrack import Audio, read
from voxrack import write as write_audio
from voxrack.errors import InputError
from voxrack.testing import host_with, voice
from voxrack_evc.converting import Job, convert
from voxrack_evc.emotion import EmotionEncoder
from voxrack_evc.level import NoVoice
from voxrack_evc.specs import DIFFEVC

RATE = 22_050
pytestmark = pytest.mark.usefixtures("named_encoder")


@pytest.fixture
def converted(run, tmp_path):
    """Convert samples and give the report and what was written."""
    host = host_with([dataclasses.replace(DIFFEVC, weights=""), EAR], discover=False)

    def go(samples, rate=RATE, *, values=None, **how):
        source, target = tmp_path / "in.wav", tmp_path / "out.wav"
        target.unlink(missing_ok=True)
        write_audio(source, Audio(samples, rate))
        given = {"weights": str(run), "vocoder": "plain", "steps": 1, "emotion": "angry", **(values or {})}
        return convert(Job("evc.diffevc", given, source, target, **how), host=host), read(target)

    return go


def test_a_piece_in_which_the_recogniser_hears_nobody_stays_and_is_told(converted, monkeypatch):
    """The gate lets a piece pass, and the recogniser is stricter: the rest of a long recording is not lost."""
    hear = EmotionEncoder.__call__

    def strict(self, samples, rate):
        if len(samples) > 1.9 * RATE:
            raise NoVoice("'test.ear' hears no speech")
        return hear(self, samples, rate)

    monkeypatch.setattr(EmotionEncoder, "__call__", strict)
    monkeypatch.setattr("voxrack.activity.has_speech", lambda piece, rate: True)
    long = np.concatenate([voice(2.3, RATE, 3).samples, np.zeros((1, 2000)), voice(1.2, RATE, 4).samples], 1)
    report, out = converted(long.astype(np.float32), longest=2.4)
    assert (report["pieces"], report["unchanged"]) == (2, 1)
    assert any("no speech was found in 1 of 2 pieces" in note for note in report["notes"])
    assert np.array_equal(out.samples[:, : RATE], long.astype(np.float32)[:, : RATE])
    with pytest.raises(InputError, match="hears no speech"):
        converted(long.astype(np.float32), longest=2.4, gate=False)


def test_a_band_and_channels_that_are_lost_are_told(converted):
    samples = voice(1.5, 48_000, 3).samples
    report, out = converted(np.concatenate([samples, samples]), 48_000, gate=False)
    assert out.channels == 1 and out.sample_rate == 48_000
    assert any("evc.diffevc works at 22050 Hz; above 11.025 kHz nothing is left" in note for note in report["notes"])
    assert any("evc.diffevc is mono; 2 channels became one" in note for note in report["notes"])
    assert converted(voice(1.5, RATE, 3).samples, gate=False)[0]["notes"] == []


def test_a_snippet_is_converted_and_nothing_of_silence_is(converted):
    report, out = converted(voice(0.2, RATE, 3).samples)
    assert report["unchanged"] == 0 and np.isfinite(out.samples).all() and out.samples.any()
    report, out = converted(np.zeros((1, RATE), np.float32), gate=False)
    assert report["unchanged"] == 1 and not out.samples.any()


def test_weights_that_are_missing_cost_every_piece(converted, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        converted(voice(1.5, RATE, 3).samples, values={"weights": str(tmp_path / "none.safetensors")}, gate=False)
    assert not (tmp_path / "out.wav").exists()
