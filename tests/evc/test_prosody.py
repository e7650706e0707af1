"""evc.prosody: the contract, what is moved and by how much, and what it does with what is no voice."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack import Audio, default_host, read, render
from voxrack.errors import ParamError
from voxrack.testing import check_device, noise, voice
from voxrack_evc.prosody.colour import colour, filter_of
from voxrack_evc.prosody.manner import BANDS, Manner, manners, measure, toward
from voxrack_evc.prosody.marks import pitch_marks
from voxrack_evc.prosody.overlap import Time, lay_out, overlap_add
from voxrack_evc.prosody.plan import Plan, plan
from voxrack_evc.prosody.speech import FRAME, hear

RATE = 16_000


def pulses(f0: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A buzz of a formant: (1, n)."""
    t = np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(np.full(len(t), f0 / rate)) % 1.0 / f0
    return (0.3 * np.exp(-400.0 * phase) * np.sin(2 * np.pi * 700.0 * phase)).astype(np.float32)[None]


def converted(samples, rate=RATE, **values) -> np.ndarray:
    return render(default_host().create("evc.prosody", values), Audio(samples, rate), tail=False).samples


def moved(samples, move, rate=RATE, **edits):
    """Resynthesis by a plan alone: samples, what was heard before."""
    speech = hear(samples, rate)
    made = plan(speech.f0, speech.level, move, **edits)
    time = Time.of(made.warp, samples.shape[1] / rate)
    length = float(time.out(samples.shape[1] / rate))
    marks = lay_out(speech, made, time, samples.shape[1] / rate)
    return overlap_add(samples, rate, marks, length), speech


# ---- the contract ----------------------------------------------------------------------------
def test_contract():
    report = check_device("evc.prosody")
    report.raise_if_failed()
    assert {check.name for check in report.checks if check.outcome != "passed"} == {"module"}


def test_an_unknown_emotion_lists_the_known():
    with pytest.raises(ParamError, match="neutral, calm, happy, sad, angry, fearful, disgust, surprised"):
        default_host().create("evc.prosody", emotion="bored")


@pytest.mark.parametrize("values", [{"strength": 0.0}, {"emotion": "sad", "source": "sad"}])
def test_nothing_asked_changes_nothing(values):
    signal = voice(1.0, RATE).samples
    assert np.array_equal(converted(signal, **values), signal)


# ---- melody and time ---------------------------------------------------------------------------
def test_marks_are_a_period_apart():
    for f0 in (90.0, 210.0, 430.0):
        (marks,) = pitch_marks(hear(pulses(f0), RATE))
        assert np.diff(marks) == pytest.approx(np.full(len(marks) - 1, 1 / f0), rel=4e-3)


def test_marks_laid_out_as_they_were_give_the_signal_back():
    signal = voice(2.0, 44_100, 3).samples
    out, _ = moved(signal, Manner(), 44_100)
    assert out.shape == signal.shape
    assert np.abs(out - signal).max() < 0.02 * np.abs(signal).max()


@pytest.mark.parametrize("semitones", [-5.0, -2.0, 3.0, 7.0])
@pytest.mark.parametrize("f0", [110.0, 220.0])
def test_the_pitch_moves_as_far_as_it_is_told(f0, semitones):
    out, before = moved(pulses(f0), Manner(pitch=semitones))
    after = hear(out, RATE)
    both = before.voiced[5:-5] & after.voiced[5:-5]
    assert both.mean() > 0.8
    shift = 12 * np.log2(after.f0[5:-5][both] / before.f0[5:-5][both])
    assert np.median(shift) == pytest.approx(semitones, abs=0.15)


def test_a_formant_stays_where_it_is_when_the_pitch_moves():
    out, _ = moved(pulses(110.0), Manner(pitch=7.0))
    for samples in (pulses(110.0), out):
        power = np.square(np.abs(np.fft.rfft(samples[0])))
        frequencies = np.fft.rfftfreq(samples.shape[1], 1 / RATE)
        near = (frequencies > 300) & (frequencies < 1500)
        assert power[near] @ frequencies[near] / power[near].sum() == pytest.approx(700.0, abs=60.0)


@pytest.mark.parametrize("tempo", [0.7, 1.4])
def test_tempo_changes_the_length_and_not_the_pitch(tempo):
    signal = voice(3.0, RATE, 5).samples
    out = converted(signal, emotion="neutral", tempo=tempo)
    assert out.shape[1] == pytest.approx(signal.shape[1] / tempo, rel=0.06)
    before, after = hear(signal, RATE), hear(out, RATE)
    assert np.median(after.f0[after.voiced]) == pytest.approx(np.median(before.f0[before.voiced]), rel=0.04)


def test_consonants_keep_their_length():
    f0 = np.array([120.0] * 40 + [0.0] * 20 + [120.0] * 40)
    warp = plan(f0, np.full(100, -20.0), Manner(), tempo=0.8).warp
    assert warp[40:60] == pytest.approx(np.ones(20))
    assert warp.sum() == pytest.approx(100 / 0.8)


def test_the_range_is_stretched_around_its_mean_and_the_slope_added():
    f0 = 150.0 * 2 ** (np.sin(np.arange(200) / 8) / 12)
    level = np.full(200, -20.0)
    old, new = (12 * np.log2(plan(f0, level, Manner(spread=s)).f0) for s in (0.0, np.log(2.0)))
    assert (new - new.mean()) == pytest.approx(2 * (old - old.mean()), abs=1e-6)
    flat = plan(f0, level, Manner(), pitch_range=0.0).f0
    assert np.ptp(flat) < 1e-9 and flat[0] == pytest.approx(2 ** (old.mean() / 12))
    slope = 12 * np.log2(plan(f0, level, Manner(slope=4.0)).f0) - old
    assert slope[-1] - slope[0] == pytest.approx(4.0)


# ---- loudness and timbre -----------------------------------------------------------------------
def test_the_voice_gets_louder_and_the_room_stays():
    signal = noise(2.0, RATE, level=-60.0).samples.copy()
    signal[:, RATE // 2 : RATE] += pulses(150.0, 0.5)
    out = converted(signal, emotion="neutral", energy=6.0)
    inside, outside = slice(round(0.6 * RATE), round(0.9 * RATE)), slice(round(1.4 * RATE), None)

    def gain(part):
        return 20 * np.log10(np.std(out[:, part]) / np.std(signal[:, part]))

    assert gain(inside) == pytest.approx(6.0, abs=0.3)
    assert gain(outside) == pytest.approx(0.0, abs=0.3)


def test_what_would_clip_is_not_raised_beyond_full_scale():
    out = converted(2.5 * pulses(150.0), emotion="neutral", energy=24.0)
    assert 0.9 < np.abs(out).max() <= 0.991


def test_the_filter_has_the_gains_it_is_told():
    timbre = np.linspace(-6.0, 6.0, len(BANDS))
    for rate in (8_000, 16_000, 48_000, 192_000):
        taps = filter_of(timbre, rate)
        assert np.array_equal(taps, taps[::-1])
        for band, wanted in zip(BANDS, timbre):
            if 400 <= band < 0.4 * rate:
                response = np.abs(np.exp(-2j * np.pi * band / rate * np.arange(len(taps))) @ taps)
                assert 20 * np.log10(response) == pytest.approx(wanted, abs=0.4)


def test_timbre_changes_speech_alone_and_keeps_its_power():
    signal = np.concatenate([pulses(150.0), noise(1.0, RATE, level=-40.0).samples], axis=1)
    speech = hear(signal, RATE)
    out = colour(signal, RATE, speech, np.linspace(-8.0, 8.0, len(BANDS)))
    rest = slice(round(1.2 * RATE), None)
    assert np.array_equal(out[:, rest], signal[:, rest])
    ratio = np.square(out[:, :RATE]).sum() / np.square(signal[:, :RATE]).sum()
    assert 10 * np.log10(ratio) == pytest.approx(0.0, abs=0.3)
    assert np.abs(out[:, :RATE] - signal[:, :RATE]).max() > 0.01


# ---- the table ---------------------------------------------------------------------------------
def test_the_table_says_what_everybody_hears():
    table = manners()
    for loud in ("angry", "happy", "fearful"):
        assert table[loud].pitch > 3 and table[loud].energy > 8 and table[loud].timbre[-5:].mean() > 0
    assert table["sad"].tempo < 0 and table["calm"].energy < 0
    assert np.array_equal(table["neutral"].timbre, np.zeros(len(BANDS)))


def test_a_manner_is_the_sum_of_another_and_their_difference():
    one, other = manners()["angry"], manners()["sad"]
    again = other + (one - other) * 1.0
    assert again.pitch == pytest.approx(one.pitch) and again.timbre == pytest.approx(one.timbre)
    assert Manner.from_record(one.record()).record() == one.record()


def test_contrast_leads_away_from_the_other_emotions_and_none_of_it_is_the_average():
    table = manners()
    for emotion in table:
        others = np.mean([table[name].timbre for name in table if name != emotion], axis=0)
        own = table[emotion]
        assert np.array_equal(toward(emotion).timbre, own.timbre)
        assert toward(emotion, 2.0).timbre - others == pytest.approx(3.0 * (own.timbre - others))
        assert toward(emotion, 2.0).pitch == own.pitch


def test_a_conversion_moves_the_measured_manner_toward_the_target(shared):
    path = shared / "data/ravdess/Actor_19/03-01-01-01-01-01-19.flac"
    audio = read(path)
    before = measure(hear(audio.samples, audio.sample_rate))
    after = measure(hear(converted(audio.samples, audio.sample_rate, emotion="angry"), audio.sample_rate))
    wanted, found = toward("angry", 2.0), after - before
    assert found.pitch == pytest.approx(wanted.pitch, abs=1.2)
    assert found.energy == pytest.approx(wanted.energy, abs=3.0)
    assert found.tempo == pytest.approx(wanted.tempo, abs=0.08)
    assert found.timbre @ wanted.timbre / (wanted.timbre @ wanted.timbre) > 0.6


# ---- bad input ---------------------------------------------------------------------------------
def test_silence_and_noise_and_snippets_come_out_finite_and_as_loud():
    zeros = np.zeros((1, RATE), np.float32)
    assert np.array_equal(converted(zeros, emotion="angry"), zeros)
    hiss = noise(1.0, RATE, level=-30.0).samples
    assert np.isfinite(converted(hiss, emotion="sad")).all()
    short = voice(0.2, RATE).samples
    assert converted(short, emotion="angry").shape[1] == pytest.approx(short.shape[1], rel=0.4)
    one = np.full((1, 1), 0.5, np.float32)
    assert np.array_equal(converted(one, emotion="angry"), one)


def test_two_voices_at_once_are_moved_alike():
    both = 0.5 * (voice(2.0, RATE, 1).samples + voice(2.0, RATE, 2).samples)
    out = converted(both, emotion="angry")
    assert np.isfinite(out).all() and np.abs(out).max() <= 0.991


def test_channels_are_moved_together():
    signal = voice(1.5, RATE, 4, channels=2).samples  # the second is the first, softer
    out = converted(signal, emotion="happy")
    assert out[1] == pytest.approx(0.9 * out[0], abs=1e-5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000, 192_000])
def test_the_band_is_kept(rate):
    """Noise above the voice comes through at any rate."""
    signal = voice(1.0, rate, 2).samples + noise(1.0, rate, level=-50.0).samples
    out = converted(signal, rate, emotion="happy")
    frequencies = np.fft.rfftfreq(signal.shape[1], 1 / rate) / rate
    top = (frequencies > 0.42) & (frequencies < 0.48)
    before = np.square(np.abs(np.fft.rfft(signal)))[0, top].mean() / signal.shape[1]
    power = np.square(np.abs(np.fft.rfft(out)))[0]
    place = np.fft.rfftfreq(out.shape[1], 1.0)
    after = power[(place > 0.42) & (place < 0.48)].mean() / out.shape[1]
    assert abs(10 * np.log10(after / before)) < 15.0


def test_a_plan_of_no_frames_is_empty():
    empty = np.zeros(0)
    made = plan(empty, empty, Manner(pitch=3.0), tempo=0.8)
    assert isinstance(made, Plan) and made.f0.shape == made.gains.shape == made.warp.shape == (0,)


def test_frames_are_those_of_the_mel_spectrogram():
    assert pytest.approx(256 / 22_050) == FRAME
    speech = hear(pulses(200.0), RATE)
    assert speech.frames == len(speech.samples) // 256
