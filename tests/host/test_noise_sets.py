"""Noise sets split by source recording, and speech in noise at a ratio measured where both are active."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_corpora import put, sound

from voxrack import read
from voxrack.datasets import NoiseSet, NoiseSplit, load, mix, noise_set, split_noise
from voxrack.datasets.mixing import active_part, active_power
from voxrack.datasets.noise import check_noise_split
from voxrack.errors import InputError, UsageError

RATE = 16_000


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE))


def decibel(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def power(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def esc(root: Path) -> NoiseSet:
    """Two categories of four recordings each, some with several takes."""
    for category, names in {
        "rain": ("1-100-A", "1-100-B", "2-101-A", "3-102-A", "3-102-C", "4-103-A"),
        "dog": ("1-200-A", "2-201-A", "2-201-B", "3-202-A", "5-203-A"),
    }.items():
        for name in names:
            sound(root / category / f"{name}.wav")
    return noise_set(root)


# ---- noise sets -----------------------------------------------------------------------------
def test_the_recording_is_the_clip_number_of_an_esc_name(tmp_path: Path) -> None:
    noises = esc(tmp_path / "esc")
    assert (noises.name, len(noises), noises.categories) == ("esc", 11, ("dog", "rain"))
    assert len(noises.recordings) == 8 and noises.notes == ()
    takes = [clip.id for clip in noises.clips if clip.recording == "freesound 102"]
    assert takes == ["esc/rain/3-102-A.wav", "esc/rain/3-102-C.wav"]


def test_the_flat_folder_of_esc_50_tells_the_category_by_its_number(tmp_path: Path) -> None:
    sound(tmp_path / "audio" / "1-100032-A-0.wav")
    (clip,) = noise_set(tmp_path).clips
    assert (clip.category, clip.recording) == ("class 0", "freesound 100032")


def test_files_of_unknown_source_are_recordings_of_their_own_and_said_so(tmp_path: Path) -> None:
    for name in ("n1", "n2"):
        sound(tmp_path / f"{name}.wav")
    noises = noise_set(tmp_path, "mine")
    assert noises.recordings == ("n1", "n2") and noises.name == "mine"
    assert noises.notes == ("2 files taken for a recording each: neither name nor manifest tells the source",)


def test_a_manifest_tells_the_source(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        sound(tmp_path / f"{name}.wav")
    put(tmp_path / "manifest.csv", "path,speaker,label,recording\na.wav,,hum,one\nb.wav,,hum,one\nc.wav,,buzz,two\n")
    for given_root in (tmp_path, tmp_path / "manifest.csv"):
        noises = noise_set(given_root)
        assert [(c.category, c.recording) for c in noises.clips] == [("hum", "one"), ("hum", "one"), ("buzz", "two")]


def test_a_folder_without_audio_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no audio in this folder"):
        noise_set(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        noise_set(tmp_path / "nowhere")


# ---- splits by recording --------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(4))
def test_no_recording_is_on_two_sides_and_every_category_is_on_each(seed: int, tmp_path: Path) -> None:
    noises = esc(tmp_path)
    split = split_noise(noises, test=0.25, validation=0.25, seed=seed)
    sides = (split.train, split.validation, split.test)
    recordings = [{clip.recording for clip in side} for side in sides]
    assert not recordings[0] & recordings[1] and not recordings[0] & recordings[2] and not recordings[1] & recordings[2]
    assert sorted(clip.id for side in sides for clip in side) == sorted(clip.id for clip in noises.clips)
    assert all({clip.category for clip in side} == {"dog", "rain"} for side in sides)
    assert [len(names) for names in recordings] == [4, 2, 2]
    again = split_noise(replace(noises, clips=noises.clips[::-1]), test=0.25, validation=0.25, seed=seed)
    for side, other in zip(sides, (again.train, again.validation, again.test), strict=True):
        assert {clip.id for clip in side} == {clip.id for clip in other}


def test_seeds_draw_other_recordings(tmp_path: Path) -> None:
    noises = esc(tmp_path)
    assert len({split_noise(noises, test=0.5, seed=seed).test for seed in range(6)}) > 1
    everything = split_noise(noises, test=0.0)
    assert everything.train == noises.clips and everything.test == everything.validation == ()


def test_a_recording_in_two_categories_stays_on_one_side(tmp_path: Path) -> None:
    for category, name in (("dog", "1-7-A"), ("rain", "1-7-B"), ("dog", "1-8-A"), ("rain", "1-9-A"), ("rain", "1-5-A")):
        sound(tmp_path / category / f"{name}.wav")
    for seed in range(8):
        split = split_noise(noise_set(tmp_path), test=0.5, seed=seed)
        assert not {clip.recording for clip in split.train} & {clip.recording for clip in split.test}
        for side in (split.train, split.test):  # the shared recording is dealt out once, with the first category
            assert {clip.category for clip in side} == {"dog", "rain"}


def test_impossible_noise_splits_are_refused(tmp_path: Path) -> None:
    noises = esc(tmp_path)
    with pytest.raises(UsageError, match="together below 1"):
        split_noise(noises, test=0.6, validation=0.4)
    few = replace(noises, clips=tuple(clip for clip in noises.clips if clip.recording == "freesound 100"))
    with pytest.raises(InputError, match="category 'rain' has 1 source recording for 2 sides"):
        split_noise(few)
    with pytest.raises(InputError, match=r"freesound 100 \(training and test\)"):
        check_noise_split(NoiseSplit(noises.clips, few.clips[:1]))


# ---- activity -------------------------------------------------------------------------------
def test_active_power_does_not_count_silence_before_and_after() -> None:
    speech = noise(1.0)
    padded = np.concatenate((silence(2.0), speech, silence(3.0)))
    assert decibel(power(padded) / power(speech)) < -7
    assert -1.0 < decibel(active_power(padded, RATE) / power(speech)) <= 0.01  # P.56 holds on for 0.2 s


@pytest.mark.parametrize("gain", [1e-4, 0.03, 20.0])
def test_active_power_has_no_absolute_threshold(gain: float) -> None:
    speech = np.concatenate((silence(0.5), noise(1.0), noise(1.0, 1e-4), noise(0.5, 0.05)))
    assert decibel(active_power(gain * speech, RATE) / active_power(speech, RATE)) == pytest.approx(
        decibel(gain**2), abs=1e-6
    )


def test_the_active_part_of_a_noise_is_what_can_be_heard() -> None:
    barks = np.concatenate((silence(1.0), noise(0.4), silence(1.5), noise(0.6, 0.05), noise(1.5, 1e-4)))
    assert 1.0 <= len(active_part(barks, RATE)) / RATE <= 1.0 + 4 * 0.11
    assert np.allclose(active_part(1e-3 * barks, RATE), 1e-3 * active_part(barks, RATE))  # however quiet it is
    steady = noise(3.0)
    assert len(active_part(steady, RATE)) == len(steady)
    assert np.array_equal(active_part(steady, RATE)[100:-100], steady[100:-100])


# ---- mixing ---------------------------------------------------------------------------------
@settings(max_examples=40)
@given(
    snr=st.floats(-10, 40), seconds=st.floats(0.05, 4), long=st.floats(0.1, 3), seed=st.integers(0, 9),
    level=st.sampled_from([1e-3, 0.1, 0.9]),
)  # fmt: skip
def test_the_ratio_asked_for_is_the_ratio_reached(snr: float, seconds: float, long: float, seed: int, level) -> None:
    speech = np.concatenate((silence(0.3), noise(seconds, level, seed), silence(0.6)))
    sound = np.concatenate((silence(0.5), noise(long, 0.3, seed + 1), silence(0.7)))
    mixture = mix(speech, sound, snr, np.random.default_rng(seed))
    assert mixture.snr_db == pytest.approx(snr, abs=1e-6)
    assert decibel(active_power(mixture.speech, RATE) / power(mixture.noise)) == pytest.approx(snr, abs=0.02)
    assert np.allclose(mixture.noisy, mixture.speech + mixture.noise, atol=1e-6)
    assert np.abs(mixture.noisy).max() <= 1 + 1e-6
    assert np.allclose(mixture.speech, mixture.scale * speech, atol=1e-6)


def test_silence_in_either_changes_nothing() -> None:
    """The whole point: a gain set over a half-silent clip would be 3 dB off."""
    speech, sound = noise(2.0, 0.1, 1), noise(2.0, 0.1, 2)
    plain = mix(speech, sound, 5, np.random.default_rng(0))
    padded = mix(
        np.concatenate((speech, silence(2.0))), np.concatenate((sound, silence(4.0))), 5, np.random.default_rng(0)
    )
    assert abs(decibel(power(padded.noise) / power(plain.noise))) < 0.5
    by_the_whole_clip = decibel(power(padded.speech) / power(padded.noise))
    assert by_the_whole_clip == pytest.approx(5 - 3, abs=0.5)


def test_a_mixture_that_would_clip_is_scaled_with_its_speech() -> None:
    mixture = mix(noise(1.0, 0.5), noise(1.0, 0.5, 1), -10, np.random.default_rng(0))
    assert mixture.scale < 0.5
    assert np.abs(mixture.noisy).max() == pytest.approx(1.0, abs=1e-6)
    assert power(mixture.speech) == pytest.approx(power(noise(1.0, 0.5)) * mixture.scale**2, rel=1e-5)


def test_the_generator_alone_decides_which_stretch_is_laid() -> None:
    speech, sound = noise(0.5), noise(3.0, seed=5)
    first, again = (mix(speech, sound, 10, np.random.default_rng(3)).noise for _ in range(2))
    assert np.array_equal(first, again)
    assert len({mix(speech, sound, 10, np.random.default_rng(seed)).noise.tobytes() for seed in range(5)}) == 5


def test_a_short_word_never_meets_the_gap_between_two_ticks() -> None:
    """The gap is too short to be cut out, and as noise it has no power to be raised."""
    sound = np.concatenate([part for seed in range(4) for part in (noise(0.05, 0.3, seed), silence(0.15))])
    for seed in range(30):
        mixture = mix(noise(0.04, 0.05, 2), sound, 10, np.random.default_rng(seed))
        assert decibel(power(mixture.speech) / power(mixture.noise)) == pytest.approx(10, abs=0.5)


@pytest.mark.parametrize(
    ("speech", "sound", "message"),
    [
        (silence(1.0), noise(1.0), "the signal is silent throughout"),
        (noise(1.0), silence(1.0), "the noise is silent throughout"),
        (noise(1.0)[None], noise(1.0), r"speech has shape \(1, 16000\)"),
        (noise(1.0), np.array([]), r"noise has shape \(0,\)"),
        (np.full(100, np.nan), noise(1.0), "speech holds NaN"),
    ],
)
def test_what_cannot_be_mixed_is_refused(speech: np.ndarray, sound: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mix(speech, sound, 10, np.random.default_rng(0))


def test_a_ratio_must_be_finite() -> None:
    with pytest.raises(UsageError, match="snr_db is inf"):
        mix(noise(1.0), noise(1.0), float("inf"), np.random.default_rng(0))


# ---- the real ones --------------------------------------------------------------------------
def test_the_real_esc_10_splits_by_recording(shared: Path) -> None:
    noises = noise_set(shared / "data" / "esc10")
    assert (len(noises), len(noises.categories), len(noises.recordings), noises.notes) == (130, 10, 114, ())
    split = split_noise(noises, test=0.3, validation=0.2)
    assert len(split.train) + len(split.validation) + len(split.test) == 130
    sides = [{clip.recording for clip in side} for side in (split.train, split.validation, split.test)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert all({clip.category for clip in side} == set(noises.categories) for side in (split.train, split.test))


def test_a_fifth_of_the_real_clips_is_half_silent(shared: Path) -> None:
    shares = []
    for clip in noise_set(shared / "data" / "esc10").clips:
        audio = read(clip.path)
        shares.append(len(active_part(audio.samples[0], audio.sample_rate)) / audio.frames)
    assert 0.15 < np.mean(np.array(shares) < 0.5) < 0.3
    assert min(shares) > 0.02


@pytest.mark.parametrize("snr", [20, 10, 0])
def test_the_ratio_of_real_speech_in_real_noise(snr: int, shared: Path) -> None:
    """Measured again from the arrays, with an activity threshold of the test's own."""
    voices = load(shared / "data" / "ravdess").utterances[5::240]
    noises = noise_set(shared / "data" / "esc10").clips[3::22]
    rng = np.random.default_rng(snr)
    errors, naive = [], []
    for voice, clip in zip(voices, noises, strict=True):
        speech, sound = read(voice.path), read(clip.path)
        mixture = mix(speech.samples[0], sound.samples[0], snr, rng, sample_rate=speech.sample_rate)
        added = mixture.noisy.astype(np.float64) - mixture.speech
        frames = mixture.speech[: len(added) // 160 * 160].reshape(-1, 160).astype(np.float64)
        loud = np.mean(frames**2, axis=1)
        loud = loud[loud > np.percentile(loud, 95) / 1000]  # within 30 dB of the loud frames
        errors.append(decibel(loud.mean() / power(added)) - snr)
        naive.append(decibel(power(mixture.speech) / power(added)) - snr)
    assert np.abs(errors).max() < 1.0
    assert np.mean(naive) < -1.5  # what a ratio over whole clips would have missed by
