"""Training pairs: the ratio and the level that were drawn are reached, and noisy and target agree sample by sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from voxrack import read
from voxrack.activity_level import active_level
from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_enhance import synthetic
from voxrack_enhance.mixing import Mixer, MixerSettings

RATE = 16_000
SPEECH = [voice(seconds, RATE, seed).samples[0] for seed, seconds in enumerate((0.4, 1.5, 2.5, 6.0))]
NOISES = [synthetic.make(name, default_rng(0), 5 * RATE) for name in ("coloured", "knocks", "fan")]
ALWAYS = MixerSettings(clean=0, noise_only=0, clipped=0, ridden=0, faint=0, entering=0, rumbling=0)
BARE = replace(ALWAYS, reverberant=0, equalised=0, noise_equalised=0, band_limited=0, respeeded=0)


def pairs(settings: MixerSettings, count: int = 30, seed: int = 0, seconds: float = 2.0):
    return Mixer(SPEECH, NOISES, seconds=seconds, settings=settings).draw(default_rng(seed), count)


def level(samples: np.ndarray) -> float:
    return active_level(samples, RATE)


@pytest.mark.parametrize("snr", [-5.0, 10.0, 25.0])
def test_the_ratio_and_the_level_are_reached(snr):
    noisy, target = pairs(replace(ALWAYS, snr=(snr, snr), level=(-35.0, -35.0)))
    ratios = [level(wanted) - level(heard - wanted) for heard, wanted in zip(noisy, target, strict=True)]
    assert ratios == pytest.approx([snr] * 30, abs=0.02)
    levels = np.array([level(wanted) for wanted in target])
    assert np.mean(np.abs(levels + 35) < 0.01) > 0.6  # the others are stretches of pause, or were scaled to fit
    assert levels.max() < -34.99


def test_levels_and_ratios_spread_over_their_ranges():
    noisy, target = pairs(MixerSettings(clipped=0, ridden=0, rumbling=0), 200, seconds=1.0)
    loud = np.array([level(wanted) for wanted in target if wanted.any()])
    assert np.percentile(loud, 2) < -45 and np.percentile(loud, 97) > -20
    ratios = [
        level(wanted) - level(heard - wanted)
        for heard, wanted in zip(noisy, target, strict=True)
        if wanted.any() and not np.array_equal(heard, wanted)
    ]
    assert min(ratios) >= -5.1 and max(ratios) <= 25.1 and np.ptp(ratios) > 20


def test_noisy_and_target_run_through_one_chain():
    """With next to no noise they are the same, though a room, a band limit, speed and gain riding changed both."""
    settings = replace(ALWAYS, snr=(70.0, 70.0), level=(-25.0, -25.0), reverberant=1, equalised=1, band_limited=1,
                       ridden=1, respeeded=1)  # fmt: skip
    noisy, target = pairs(settings)
    for heard, wanted in zip(noisy, target, strict=True):
        assert np.sum((heard - wanted) ** 2) < 1e-5 * np.sum(wanted**2)


def test_clean_pairs_are_equal_and_pairs_without_speech_have_a_silent_target():
    noisy, target = pairs(replace(ALWAYS, clean=1.0, ridden=1, clipped=1))
    assert np.array_equal(noisy, target) and all(each.any() for each in target)
    noisy, target = pairs(replace(ALWAYS, noise_only=1.0, level=(-40.0, -40.0)))
    assert not target.any()
    assert [level(each) for each in noisy] == pytest.approx([-40.0] * 30, abs=0.01)


def test_how_often_pairs_are_clean_or_without_speech():
    noisy, target = pairs(MixerSettings(clean=0.2, noise_only=0.3), 300, seconds=0.2)
    clean = np.mean([np.array_equal(*pair) for pair in zip(noisy, target, strict=True)])
    silent = np.mean([not wanted.any() for wanted in target])
    assert clean == pytest.approx(0.2, abs=0.07) and silent == pytest.approx(0.3, abs=0.08)


def test_clipping_is_in_the_noisy_signal_alone():
    settings = replace(BARE, snr=(60.0, 60.0), level=(-20.0, -20.0), clipped=1)
    noisy, target = pairs(settings)
    peaks = np.abs(noisy).max(1) / np.abs(target).max(1)
    assert np.all(peaks < 0.995) and np.median(peaks) < 0.95


def test_everything_stays_within_full_scale():
    noisy, target = pairs(MixerSettings(level=(-5.0, 5.0)), 60)
    assert np.abs(noisy).max() <= 1 and np.abs(target).max() <= 1
    assert np.isfinite(noisy).all() and np.isfinite(target).all()
    assert noisy.shape == target.shape == (60, 2 * RATE) and noisy.dtype == target.dtype == np.float32


def test_a_seed_gives_the_same_pairs_whatever_was_drawn_before():
    used, fresh = Mixer(SPEECH, NOISES, seconds=1), Mixer(SPEECH, NOISES, seconds=1)
    used.draw(default_rng(8), 5)
    one, other = used.draw(default_rng(9), 6), fresh.draw(default_rng(9), 6)
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0], fresh.draw(default_rng(10), 6)[0])


def test_what_is_given_is_not_written_to():
    given = [each.copy() for each in (*SPEECH, *NOISES)]
    pairs(MixerSettings(), 20)
    assert all(np.array_equal(was, now) for was, now in zip(given, (*SPEECH, *NOISES), strict=True))


def test_a_stretch_of_pause_is_not_taken_for_speech():
    """A minute of room tone 60 dB under a few words: it must not be amplified to the level of speech."""
    tone = 1e-4 * default_rng(0).standard_normal(60 * RATE).astype(np.float32)
    tone[: 2 * RATE] += 0.1 * SPEECH[2][: 2 * RATE] / np.abs(SPEECH[2]).max()
    settings = replace(BARE, level=(-20.0, -20.0), snr=(20.0, 20.0))
    _, target = Mixer([tone], [], seconds=1, settings=settings).draw(default_rng(0), 40)
    assert np.median([level(each) for each in target]) < -50


def test_noises_may_begin_within_a_pair():
    settings = replace(BARE, entering=1, noise_only=1.0, recorded=1.0)
    noise, _ = Mixer(SPEECH, NOISES[:1], seconds=4, settings=settings).draw(default_rng(0), 20)
    quiet = [min(np.mean(each[:4000] ** 2), np.mean(each[-4000:] ** 2)) / np.mean(each**2) for each in noise]
    assert np.median(quiet) < 1e-3


def test_recordings_are_looped_without_clicks():
    """A low tone that does not fit the loop: a hard joint would spread it over the spectrum."""
    tone = np.sin(2 * np.pi * 100.7 * np.arange(int(0.77 * RATE)) / RATE).astype(np.float32)
    settings = replace(BARE, noise_only=1.0, recorded=1.0)
    noise, _ = Mixer(SPEECH, [tone], seconds=4, settings=settings).draw(default_rng(0), 12)
    for each in noise:
        power = np.abs(np.fft.rfft(np.hanning(len(each)) * each)) ** 2
        high = power[np.fft.rfftfreq(len(each), 1 / RATE) > 1000].sum()
        assert high < 1e-6 * power.sum()


def test_without_recordings_and_with_tiny_ones():
    noisy, target = Mixer(SPEECH[:1], [], seconds=0.5).draw(default_rng(0), 20)
    assert not np.array_equal(noisy, target)
    tiny = default_rng(0).standard_normal(50).astype(np.float32)
    noisy, _ = Mixer([tiny], [tiny], seconds=0.5).draw(default_rng(0), 20)
    assert np.isfinite(noisy).all() and all(each.any() for each in noisy)


@pytest.mark.parametrize(
    "speech, noises, seconds, said",
    [
        ([], [], 1, "0 utterances, none of them audible"),
        ([np.zeros(1000, np.float32)], [], 1, "1 utterances, none of them audible"),
        ([np.zeros((2, 1000), np.float32)], [], 1, r"speech of shape \(2, 1000\)"),
        ([np.arange(1000)], [], 1, "type int64"),
        (SPEECH, [np.full(1000, np.nan, np.float32)], 1, "noise holds NaN"),
    ],
)
def test_bad_input_is_named(speech, noises, seconds, said):
    with pytest.raises(InputError, match=said):
        Mixer(speech, noises, seconds=seconds)


@pytest.mark.parametrize("seconds", [0.0, 61.0, float("nan")])
def test_the_length_of_a_pair_has_its_range(seconds):
    with pytest.raises(UsageError, match=r"0\.1 to 60 s"):
        Mixer(SPEECH, [], seconds=seconds)


def test_silent_recordings_are_left_out():
    mixer = Mixer([*SPEECH, np.zeros(100, np.float32)], [*NOISES, np.zeros(100, np.float32)])
    assert (len(mixer.speech), len(mixer.noises)) == (len(SPEECH), len(NOISES))


# ---- real recordings ------------------------------------------------------------------------------
def test_real_speech_under_real_noise(shared):
    def of(folder: str, every: int) -> list[np.ndarray]:
        files = sorted(path for path in (shared / "data" / folder).rglob("*") if path.suffix in (".flac", ".opus"))
        return [read(path).mono().resample(RATE).samples[0] for path in files[::every]]

    mixer = Mixer([*of("ravdess", 120), *of("librispeech", 20)], of("esc10", 5), seconds=4)
    noisy, target = mixer.draw(default_rng(0), 60)
    assert np.isfinite(noisy).all() and np.abs(noisy).max() <= 1
    speaking = [pair for pair in zip(noisy, target, strict=True) if pair[1].any()]
    assert len(speaking) >= 55
    levels = [level(wanted) for _, wanted in speaking]
    assert min(levels) > -85 and np.median(levels) == pytest.approx(-32, abs=6) and max(levels) < -10


def test_rumble_lies_below_the_voice_and_is_no_part_of_the_target():
    """With the same draws as without: one more noise, nearly all of it below 100 Hz."""
    noisy, target = pairs(replace(BARE, snr=(60.0, 60.0), level=(-20.0, -20.0), rumbling=1))
    power = np.abs(np.fft.rfft(noisy - target)) ** 2
    low = np.fft.rfftfreq(noisy.shape[1], 1 / RATE) < 100
    assert np.median(power[:, low].sum(1) / power.sum(1)) > 0.9
    over = np.array([level(rest) - level(wanted) for rest, wanted in zip(noisy - target, target, strict=True)])
    assert over.min() < -10 and over.max() > -2 and over.max() < 12


def test_corpora_are_drawn_alike_however_many_takes_they_have():
    """Nineteen takes of one tone and one of another, in two groups: each is heard in about half of the pairs."""
    time = np.arange(RATE) / RATE
    tones = [np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (400.0, 1600.0)]
    settings = replace(BARE, clean=1)
    mixer = Mixer([tones[0]] * 19 + [tones[1]], [], seconds=0.5, settings=settings, groups=["many"] * 19 + ["few"])
    _, target = mixer.draw(default_rng(0), 60)
    power = np.abs(np.fft.rfft(target)) ** 2
    high = power[:, 400:].sum(1) > power[:, :400].sum(1)  # bins of 2 Hz
    assert 0.3 < high.mean() < 0.7
