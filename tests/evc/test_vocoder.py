"""Pulses, noise, the fit to the mel, and what the vocoder makes of voices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from evc.small_voice import glide, vowel

from voxrack.errors import InputError
from voxrack_evc.f0 import track
from voxrack_evc.mel import HOP, MELS, RATE, SILENCE, log_mel
from voxrack_evc.vocoder import GriffinLim, Vocoder, load
from voxrack_evc.vocoder.envelope import fitted
from voxrack_evc.vocoder.excitation import held, noise, pulses
from voxrack_evc.vocoder.flattening import flattened
from voxrack_evc.vocoder.frames import analyse, synthesise
from voxrack_evc.vocoder.network import Filters

SYSTEMS = [Vocoder(), Vocoder(Filters(24, 2).eval()), GriffinLim(8)]


def heard(sound):
    return log_mel(torch.from_numpy(sound)).numpy(), *track(sound)


def apart(one, other, floor=-7.0):
    """Mean distance of log-mel in nepers, of what is above a floor."""
    return float(np.abs(np.maximum(one, floor) - np.maximum(other, floor)).mean())


# ---- pulses ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("pitch", [80.0, 233.0, 611.0])
def test_pulses_are_band_limited_and_of_unit_power(pitch):
    sound = pulses(torch.full((1, 64), pitch))[0].double().numpy()
    spectrum = np.abs(np.fft.rfft(sound * np.blackman(len(sound)))) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert spectrum[frequency > 8010].sum() < 1e-7 * spectrum.sum()
    assert spectrum[frequency < pitch / 2].sum() < 1e-7 * spectrum.sum()
    assert np.mean(sound**2) == pytest.approx(1.0, rel=0.15)


def test_pulses_are_the_sum_of_their_harmonics_in_phase():
    pitch = 203.0
    sound = pulses(torch.full((1, 20), pitch))[0].double().numpy()
    turns = pitch / RATE * (np.arange(len(sound)) + 1)
    count = 8000 / pitch - 1
    wanted = sum(np.cos(2 * np.pi * k * turns) for k in range(1, int(count) + 1))
    wanted = wanted + (count - int(count)) * np.cos(2 * np.pi * (int(count) + 1) * turns)
    assert sound == pytest.approx(wanted * np.sqrt(2 / count), abs=2e-3)


def test_pulses_come_once_a_period_of_a_glide():
    f0 = torch.from_numpy(glide(100.0, 300.0)).float()[None]
    sound = pulses(f0)[0].numpy()
    centres = (np.arange(f0.shape[-1]) + 0.5) * HOP - 0.5
    turns = np.cumsum(np.interp(np.arange(len(sound)), centres, f0[0].numpy())) / RATE
    at = np.flatnonzero(np.diff(np.floor(turns)))[2:-2]  # where a period ends
    near = [np.abs(sound[k - 2 : k + 4]).max() for k in at]
    assert len(at) > 200
    assert min(near) > 4 * np.sqrt(np.mean(sound**2))


def test_no_voice_no_pulses_and_gaps_are_bridged():
    f0 = torch.tensor([[0.0, 0.0, 120.0, 0.0, 150.0, 0.0]])
    assert held(f0).tolist() == [[120.0, 120.0, 120.0, 120.0, 150.0, 150.0]]
    sound = pulses(f0)[0].reshape(6, HOP)
    assert [bool(frame.any()) for frame in sound] == [False, False, True, False, True, False]
    assert not pulses(torch.zeros(1, 5)).any()


def test_noise_is_white_of_unit_power_and_the_same_again():
    like = torch.zeros(1, 50_000)
    assert torch.equal(noise(like, 3), noise(like, 3))
    assert not torch.equal(noise(like, 3), noise(like, 4))
    assert float(noise(like, 3).square().mean()) == pytest.approx(1.0, rel=0.03)


# ---- spectra --------------------------------------------------------------------------------------
def test_sound_comes_back_from_its_spectra():
    sound = torch.from_numpy(vowel(glide(100.0, 200.0, 0.4)))[None]
    assert synthesise(analyse(sound)) == pytest.approx(sound.numpy(), abs=1e-5)


def test_a_spectrum_that_is_fitted_has_the_mel_and_keeps_its_phases():
    mel = log_mel(torch.from_numpy(vowel(np.full(24, 170.0))))[None]
    start = analyse(noise(torch.zeros(1, 24 * HOP), 0))
    made = start
    for _ in range(30):
        made = fitted(made, mel)
    again = fitted(made, mel)
    inner = slice(8, 360)
    assert (again[:, inner] / made[:, inner]).abs().log().abs().mean() < 0.02
    turned = (made * start.conj())[:, inner]
    assert (turned.imag.abs() < 1e-3 * turned.abs() + 1e-9).all() and (turned.real >= 0).all()
    assert not made[:, 372:].any() and not made[:, 0].any()


# ---- the vocoder ----------------------------------------------------------------------------------
def test_a_copy_without_weights_has_the_mel_and_the_pitch():
    sound = vowel(glide(120.0, 190.0))
    mel, f0, voicing = heard(sound)
    copied = Vocoder(rounds=8).synthesise(mel, f0, voicing)
    assert copied.shape == (mel.shape[1] * HOP,) and copied.dtype == np.float32
    other, found, _ = heard(copied)
    assert apart(mel, other) < 0.12
    voiced = (f0 > 0) & (found > 0)
    assert voiced.mean() > 0.9
    assert np.percentile(np.abs(12 * np.log2(found[voiced] / f0[voiced])), 90) < 0.2


def test_every_fit_brings_the_copy_nearer():
    mel, f0, voicing = heard(vowel(glide(120.0, 190.0)))
    found = [apart(mel, heard(Vocoder(rounds=rounds).synthesise(mel, f0, voicing))[0]) for rounds in (0, 1, 8)]
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("vocoder", [Vocoder(), Vocoder(rounds=4), Vocoder(Filters(24, 2).eval())])
@pytest.mark.parametrize("semitones", [4.0, -4.0])
def test_an_edited_pitch_is_heard_as_such(semitones, vocoder):
    f0 = glide(130.0, 180.0).astype(np.float32)
    mel = log_mel(torch.from_numpy(vowel(f0)))
    edited = f0 * np.float32(2 ** (semitones / 12))
    copied = vocoder.synthesise(mel, edited, np.ones(len(f0)), spoken=f0)
    moved = 12 * np.log2(np.maximum(track(copied)[0], 1.0) / f0)[6:-6]
    assert np.abs(moved - semitones).max() < 0.2
    inner = np.s_[:, :, 6:-6]
    colours = [
        flattened(one[None], torch.from_numpy(pitch)[None])[inner]
        for one, pitch in ((mel, f0), (log_mel(torch.from_numpy(copied)), edited))
    ]
    difference = (colours[0] - colours[1]).mean(-1)
    assert float((difference - difference.mean()).abs().mean()) < 0.4  # nepers: the formants are where they were


@pytest.mark.parametrize("vocoder", [Vocoder(), Vocoder(rounds=4), load()])
@pytest.mark.parametrize("semitones", [5.0, -4.0])
def test_an_edited_pitch_is_as_loud_as_it_was(semitones, vocoder):
    f0 = glide(130.0, 180.0).astype(np.float32)
    mel, periodic = log_mel(torch.from_numpy(vowel(f0))), np.full(len(f0), 0.95)
    copied = log_mel(torch.from_numpy(vocoder.synthesise(mel, f0 * 2 ** (semitones / 12), periodic, spoken=f0)))
    power = [10 * np.log10(np.square(np.exp(each.numpy()[:, 6:-6])).sum(0)) for each in (mel, copied)]
    assert np.abs(power[1] - power[0]).mean() < 1.0  # dB; flattened mels alone give 3 to 5 less


def test_a_flattened_mel_has_no_harmonics_and_the_same_formants():
    """Two pitches of one vowel: their mels differ by the harmonics, flattened they are alike."""
    low, high = torch.full((1, 40), 140.0), torch.full((1, 40), 187.0)
    one, other = (log_mel(torch.from_numpy(vowel(f0[0].numpy())))[None] for f0 in (low, high))
    before, after = one - other, flattened(one, low) - flattened(other, high)
    inner = np.s_[0, 4:30, 6:-6]
    level = after[inner].mean()  # of equal power, fewer harmonics have a lower mean
    assert float((before[inner] - level).abs().mean()) > 0.5
    assert float((after[inner] - level).abs().mean()) < 0.2
    assert torch.equal(flattened(one, torch.zeros(1, 40)), one)


@pytest.mark.parametrize("system", SYSTEMS)
def test_silence_gives_silence(system):
    made = system.synthesise(np.full((MELS, 40), SILENCE), np.zeros(40), np.zeros(40))
    assert np.abs(made).max() < 1e-6  # -120 dBFS


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_same_again_and_lengths_agree(system):
    for frames in (1, 2, 33):
        mel = np.random.default_rng(frames).uniform(-8.0, -2.0, (MELS, frames))
        f0, voicing = np.full(frames, 150.0), np.full(frames, 0.8)
        one, other = (system.synthesise(mel, f0, voicing) for _ in range(2))
        assert one.shape == (frames * HOP,) and one.dtype == np.float32
        assert np.isfinite(one).all()
        assert np.array_equal(one, other)


def test_another_seed_is_another_noise():
    mel, silent = np.full((MELS, 20), -4.0), np.zeros(20)
    one, other = (Vocoder(seed=seed).synthesise(mel, silent, silent) for seed in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


@pytest.mark.parametrize("system", SYSTEMS[:2])
def test_nothing_is_made_above_8_khz(system):
    """Of a recording with much above 8 kHz: the mel spectrogram does not hear it, and none is made up."""
    sound = vowel(np.full(80, 140.0), noise=0.05)
    mel, f0, voicing = heard(sound)

    def above(x):
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        return spectrum[np.fft.rfftfreq(len(x), 1 / RATE) > 8200].sum() / spectrum.sum()

    assert above(sound) > 0.01
    assert above(system.synthesise(mel, f0, voicing)) < 1e-4


def test_griffin_lims_copy_is_close():
    sound = vowel(glide(150.0, 220.0))
    mel, f0, voicing = heard(sound)
    far, near = (apart(mel, heard(GriffinLim(n).synthesise(mel, f0, voicing))[0]) for n in (0, 32))
    assert near < 0.35 < 0.7 < far


@pytest.mark.parametrize(("shape", "f0", "voicing", "said"), [
    ((79, 20), np.zeros(20), np.zeros(20), "log-mel of shape"),
    ((80, 20), np.zeros(19), np.zeros(20), "f0 has shape"),
    ((80, 20), np.zeros(20), np.zeros(21), "voicing has shape"),
    ((80, 20), np.full(20, -1.0), np.zeros(20), "-1 Hz"),
    ((80, 20), np.full(20, np.inf), np.zeros(20), "not finite"),
    ((80, 0), np.zeros(0), np.zeros(0), "log-mel of shape"),
])  # fmt: skip
def test_what_does_not_belong_together_is_refused(shape, f0, voicing, said):
    for system in SYSTEMS:
        with pytest.raises(InputError, match=said):
            system.synthesise(np.zeros(shape), f0, voicing)
