"""Recordings made ready, and those that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from match.pairs import RATE, bright, dry, stereo

from voxrack import Audio
from voxrack.errors import InputError, UsageError
from voxrack_match.problem import LOUDNESS, gain_to_level, prepare


def test_both_come_out_at_minus_18_lufs_and_alike_long():
    import pyloudnorm

    pair = prepare(dry(), bright())
    assert pair.dry.shape == (1, dry().frames) and pair.wet.shape == (2, dry().frames)
    for signal in (pair.dry, pair.wet):
        assert pyloudnorm.Meter(RATE).integrated_loudness(signal.T.astype(float)) == pytest.approx(LOUDNESS, abs=0.01)


def test_a_late_wet_gives_an_offset():
    late = Audio(np.pad(bright().samples, [(0, 0), (441, 0)]), RATE)
    pair = prepare(dry(), late)
    assert pair.offset_ms == pytest.approx(20.0, abs=1.0)


def test_rates_that_differ_are_brought_to_the_wets():
    pair = prepare(dry().resample(44_100), bright())
    assert pair.sample_rate == RATE
    assert abs(pair.offset) <= 2
    assert any("resampled from 44100" in note for note in pair.notes)


def test_lengths_that_differ_are_cut_and_said():
    pair = prepare(Audio(dry().samples[:, :20_000], RATE), bright())
    assert pair.frames == 20_000
    assert any("differ in length" in note for note in pair.notes)


def test_a_stereo_dry_is_averaged_and_said():
    wide = Audio(np.stack([dry().samples[0], 0.2 * dry().samples[0]]), RATE)
    pair = prepare(wide, bright())
    assert pair.dry.shape[0] == 1
    assert any("2 channels" in note and "may not be a dry vocal" in note for note in pair.notes)


def test_a_mono_wet_is_duplicated_and_said():
    pair = prepare(dry(), bright())
    np.testing.assert_array_equal(pair.wet[0], pair.wet[1])
    assert pair.mono and any("mono" in note for note in pair.notes)
    assert not prepare(dry(), stereo(bright())).mono


def test_a_clipped_wet_is_said():
    clipped = Audio(np.clip(20 * bright().samples, -1, 1), RATE)
    assert any("wet recording is clipped" in note for note in prepare(dry(), clipped).notes)
    assert not any("clipped" in note for note in prepare(dry(), bright()).notes)


@pytest.mark.parametrize("which", ["dry", "wet"])
def test_silence_is_refused_by_name(which):
    silent = Audio(np.zeros((1, RATE)), RATE)
    with pytest.raises(InputError, match=f"the {which} recording is silent"):
        prepare(*((silent, bright()) if which == "dry" else (dry(), silent)))


def test_a_wet_silent_wherever_it_is_scored_is_refused():
    tick = np.zeros((1, 2 * RATE), np.float32)
    tick[0, 5] = 1e-5
    pair = prepare(Audio(dry().samples, RATE), Audio(tick, RATE))
    quiet = Audio(np.zeros((2, 10)), RATE).samples
    object.__setattr__(pair, "wet", quiet)
    with pytest.raises(InputError, match="silent where it would be scored"):
        pair.chunks()


def test_too_short_is_refused_with_its_length():
    with pytest.raises(InputError, match=r"0\.04 s is too short"):
        prepare(Audio(dry().samples[:, :882], RATE), bright())


def test_less_than_a_loudness_block_goes_by_power():
    pair = prepare(Audio(dry().samples[:, 4000:8000], RATE), Audio(bright().samples[:, 4000:8000], RATE))
    assert any("too short or too soft for a loudness" in note for note in pair.notes)
    assert gain_to_level(pair.dry, RATE)[0] == pytest.approx(0.0, abs=0.01)


def test_what_is_no_recording_is_refused():
    with pytest.raises(UsageError, match="the dry recording is an Audio or the path"):
        prepare(np.zeros(100), bright())


def test_span_takes_a_part():
    pair = prepare(dry(), bright(), span=(0.5, 1.0))
    assert pair.frames == RATE // 2
    with pytest.raises(UsageError, match="outside the recording"):
        prepare(dry(), bright(), span=(5.0, 9.0))
