"""Pitch on the mel's frames: glides, octaves, pauses, and real voices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from evc.small_voice import glide, vowel
from scipy.signal import lfilter

from voxrack import read
from voxrack.errors import InputError
from voxrack.features_pitch import pitch
from voxrack_evc.f0 import smoothed, track
from voxrack_evc.mel import HOP, RATE, log_mel


def cents(found, wanted):
    return 1200 * np.abs(np.log2(found / wanted))


@pytest.mark.parametrize("ends", [(80.0, 160.0), (180.0, 420.0), (520.0, 260.0)])
def test_a_glide_is_followed_to_a_tenth_of_a_semitone(ends):
    wanted = glide(*ends)
    f0, voicing = track(vowel(wanted))
    inner = slice(4, -4)
    assert (f0[inner] > 0).all()
    assert np.percentile(cents(f0[inner], wanted[inner]), 95) < 10
    assert voicing[inner].min() > 0.8


def test_frames_are_those_of_the_mel_spectrogram():
    for samples in (512, 1000, 256 * 20, 256 * 20 + 255):
        sound = vowel(np.full(30, 150.0))[:samples]
        f0, voicing = track(sound)
        assert f0.shape == voicing.shape == (log_mel(torch.from_numpy(sound)).shape[-1],)


def test_the_pitch_stands_at_the_frames_centre():
    """A step in the middle of frame 40 (sample 40 * 256 + 128) shows there and not a frame beside it."""
    wanted = np.where(np.arange(80) < 40, 140.0, 210.0)
    f0, _ = track(vowel(wanted))
    assert cents(f0[:38], 140.0).max() < 20
    assert cents(f0[42:-3], 210.0).max() < 20


@pytest.mark.parametrize("depth", [0.3, 0.5])
def test_a_creak_is_not_taken_for_the_octave_below(depth):
    """For ten frames every other pulse is weaker: correlation alone finds two periods there, the path does not."""
    frames = np.arange(90)
    sound = rattled(160.0, len(frames), lambda frame: 1.0 - depth if 40 <= frame < 50 else 1.0)
    f0, _ = track(sound)
    inner = slice(4, -4)
    assert cents(f0[inner], 160.0).max() < 100
    alone = pitch(torch.from_numpy(sound), RATE, hop=HOP / RATE)[0].numpy()[: len(f0)]
    assert (cents(alone[inner], 160.0) > 1000).sum() >= 6


def rattled(pitch_hz, frames, odd):
    """Pulses, every second of them as strong as ``odd`` says for its frame, through three resonances."""
    pulses = np.zeros(frames * HOP)
    for count, at in enumerate(np.arange(0, frames * HOP - 1, RATE / pitch_hz)):
        whole = int(at)
        gain = odd(at / HOP) if count % 2 else 1.0
        pulses[whole : whole + 2] += gain * np.array([whole + 1 - at, at - whole])
    sound = pulses
    for centre, width in ((600, 90), (1200, 120), (2500, 180)):
        radius = np.exp(-np.pi * width / RATE)
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * centre / RATE), radius**2]
        sound = lfilter([1 - radius], poles, sound)
    hiss = 1e-4 * np.random.default_rng(0).normal(size=len(sound))
    return (0.3 * sound / np.abs(sound).max() + hiss).astype(np.float32)


def test_pauses_and_noise_have_no_pitch():
    sound = vowel(np.full(120, 150.0), noise=0.0)
    hiss = 0.05 * np.random.default_rng(1).normal(size=len(sound)).astype(np.float32)
    f0, voicing = track(np.concatenate((sound, np.zeros_like(sound), hiss)))
    assert (f0[4:116] > 0).all()
    assert not f0[124:236].any() and not voicing[124:236].any()
    assert (f0[244:] > 0).mean() < 0.1


def test_silence_has_none():
    f0, voicing = track(np.zeros(5000, np.float32))
    assert not f0.any() and not voicing.any()


def test_a_single_frame_is_smoothed_and_a_rise_is_not():
    rise = np.array([0.0, 100.0, 110.0, 121.0, 133.0, 0.0, 140.0])
    assert smoothed(rise).tolist() == rise.tolist()
    assert smoothed(np.array([100.0, 102.0, 200.0, 103.0, 104.0]))[2] == 103.0


@pytest.mark.parametrize("bad", [np.zeros(300), np.zeros((2, 5000)), np.full(5000, np.nan)])
def test_what_is_no_recording_is_refused(bad):
    with pytest.raises(InputError):
        track(bad)


ACTORS = [("01", 75, 200), ("02", 150, 330), ("05", 75, 220), ("14", 150, 330)]


@pytest.mark.parametrize(("actor", "low", "high"), ACTORS)
def test_real_voices_lie_where_men_and_women_speak_and_do_not_leap(shared, actor, low, high):
    file = shared / "data" / "ravdess" / f"Actor_{actor}" / f"03-01-01-01-01-01-{actor}.flac"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    f0, _ = track(read(file).mono().resample(RATE).samples[0])
    voiced = f0[f0 > 0]
    assert 0.15 < len(voiced) / len(f0) < 0.8
    assert low < np.median(voiced) < high
    both = (f0[1:] > 0) & (f0[:-1] > 0)
    steps = np.abs(np.log2(f0[1:][both] / f0[:-1][both]))
    assert (steps > 0.4).sum() <= 1
