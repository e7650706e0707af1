"""Recognisers as analyzers: windows, verdicts, what is no speech, strange signals, weights that are none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import data_root
from random_recogniser import LABELS, random_recogniser

from voxrack import Audio, Rack, analyze, default_host, read, stream, write
from voxrack.errors import InputError
from voxrack.testing import check_device, emotional_voice, noise, voice
from voxrack.timeline import NO_SPEECH, UNSURE, Timeline
from voxrack_ser.analyzer import Recogniser
from voxrack_ser.loading import load_judge
from voxrack_ser.verdict import pooled

RATE = 16_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return random_recogniser(tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.fixture
def make(path):
    """Creates the analyzer with those weights."""
    return lambda **values: default_host().create("ser.best", {"weights": str(path), **values})


def heard(analyzer, source) -> tuple[dict, Timeline]:
    tracks = analyze(analyzer, source)
    assert [track.name for track in tracks] == ["emotion", "voiced", "embedding"]
    json.dumps(dict(tracks[0].summary), allow_nan=False)
    return dict(tracks[0].summary), Timeline.of(tracks)


def speech(seconds: float, rate: int = RATE, channels: int = 1) -> Audio:
    return voice(seconds, rate, seed=3, channels=channels)


def tune(seconds: float, rate: int = RATE) -> Audio:
    """A plucked melody over chords."""
    rng, out = np.random.default_rng(1), np.zeros(round(seconds * rate))
    beat = round(0.4 * rate)
    for begin in range(0, len(out) - beat, beat):
        time = np.arange(beat) / rate
        for note in (48, 52, 55, 60 + rng.choice([0, 2, 4, 5, 7, 9])):
            for partial in range(1, 7):
                sound = np.sin(2 * np.pi * partial * 440 * 2 ** ((note - 69) / 12) * time) * np.exp(-4 * time)
                out[begin : begin + beat] += sound / partial
    return Audio((0.3 * out / np.abs(out).max()).astype(np.float32)[None], rate)


# ---- the contract -------------------------------------------------------------------------------
def test_the_contract_of_devices_is_kept(path):
    spec = replace(default_host().spec("ser.best", {"weights": str(path)}), weights="")  # those of the test
    check_device(spec, values={"weights": str(path), "batch": 3}).raise_if_failed()


def test_a_long_signal_gives_the_same_however_it_is_cut(make):
    audio = speech(14.0, 48_000)
    rng = np.random.default_rng(0)
    found = []
    for size in (audio.frames, 4096, 777, 0):
        analyzer = make(batch=4)
        analyzer.prepare(48_000, 1)
        start = 0
        while start < audio.frames:
            stop = start + (size or int(rng.integers(1, 9000)))
            analyzer.push(audio.samples[:, start:stop])
            start = stop
        found.append(analyzer.finish())
    for other in found[1:]:
        for one, again in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one.values, again.values)
            assert one.summary == again.summary


# ---- windows and verdicts -----------------------------------------------------------------------
def test_windows_stand_every_half_second_and_the_last_ends_with_the_signal(make):
    summary, timeline = heard(make(), speech(4.4))
    assert timeline.times.tolist() == [0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.65]
    assert summary["windows"] == 7
    assert (summary["segments"][0]["start"], summary["segments"][-1]["end"]) == (0.0, 4.4)


def test_a_short_recording_is_judged_as_a_whole_and_a_long_one_by_its_windows(make, path):
    short, _ = heard(make(), speech(6.0))
    assert short["method"] == "whole recording"
    expected = load_judge(path).recording(speech(6.0).samples[0], RATE)[0][0]
    assert list(short["probabilities"].values()) == pytest.approx(expected, abs=1e-6)
    long, timeline = heard(make(), speech(12.0))
    assert long["method"] == "mean of windows"
    weights = timeline.speech * timeline.probabilities.any(axis=1)
    assert list(long["probabilities"].values()) == pytest.approx(
        weights @ timeline.probabilities / weights.sum(), abs=2e-6
    )
    assert heard(make(whole=0.0), speech(6.0))[0]["method"] == "mean of windows"


def test_a_window_is_judged_as_if_it_were_alone(make, path):
    audio = speech(4.0)
    _, timeline = heard(make(batch=2), audio)
    alone = load_judge(path).windows(audio.samples[:, RATE : RATE + 24_000], RATE)[0][0]
    assert timeline.probabilities[2] == pytest.approx(alone, abs=1e-5)


def test_pooling_weighs_by_speech_and_leaves_out_windows_without():
    rows = np.array([[0.2, 0.8], [0.0, 0.0], [1.0, 0.0]])
    assert pooled(rows, np.array([0.5, 0.9, 1.0])).tolist() == pytest.approx([1.1 / 1.5, 0.4 / 1.5])
    assert pooled(np.zeros((2, 2)), np.ones(2)).tolist() == [0.0, 0.0]


def test_below_the_threshold_the_verdict_is_unsure_and_says_why(make):
    sure, _ = heard(make(threshold=0.0), speech(3.0))
    assert sure["emotion"] in LABELS
    assert sure["reason"] == ""
    assert sure["confidence"] == max(sure["probabilities"].values())
    assert sum(sure["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    doubt, timeline = heard(make(threshold=1.0), speech(3.0))
    assert doubt["emotion"] == UNSURE
    assert doubt["probabilities"] == sure["probabilities"]
    assert doubt["reason"].startswith(f"the likeliest, {sure['emotion']}, has ")
    assert set(timeline.verdicts()) == {UNSURE}


def test_temperatures_are_those_of_the_file(make, tmp_path):
    hot = random_recogniser(tmp_path / "hot.safetensors", temperature=0.1, window_temperature=5.0)
    whole, timeline = heard(make(weights=str(hot)), speech(3.0))
    plain, sharper = heard(make(), speech(3.0))
    ratios = [np.log(list(summary["probabilities"].values())) for summary in (whole, plain)]
    spans = [float(ratio.max() - ratio.min()) for ratio in ratios]
    assert spans[1] / spans[0] == pytest.approx(2.0, rel=0.05)  # 0.05 against 0.1
    assert timeline.confidences.max() < 0.3 < sharper.confidences.max()


def test_the_embedding_is_a_track(make, path):
    embedding = analyze(make(), speech(3.0))[2]
    assert embedding.values.shape == (4, load_judge(path).width)
    assert embedding.values.std() > 0
    assert len(embedding.labels) == embedding.values.shape[1]
    assert default_host().spec("ser.best", {"weights": str(path)}).role == "emotion-embedding"


# ---- no speech ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "audio",
    [
        Audio(np.zeros((1, 3 * RATE), np.float32), RATE),
        noise(6.0, RATE, level=-20.0),
        noise(6.0, RATE, level=-60.0),
        Audio((0.4 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)).astype(np.float32)[None], RATE),
        tune(15.0),
        Audio(np.full((1, 2 * RATE), 0.5, np.float32), RATE),
    ],
    ids=["silence", "noise", "faint noise", "tone", "music", "constant"],
)
def test_what_is_no_speech_gets_no_emotion(make, audio):
    summary, timeline = heard(make(threshold=0.0), audio)
    assert summary["emotion"] == NO_SPEECH
    assert summary["confidence"] == 0.0
    assert set(summary["probabilities"].values()) == {0.0}
    assert "a verdict takes 0.25 s" in summary["reason"]
    assert {band.label for band in timeline.bands()} == {NO_SPEECH}


def test_pauses_between_phrases_are_no_speech(make):
    pause = np.zeros(4 * RATE, np.float32)
    phrase = speech(3.0).samples[0]
    summary, timeline = heard(make(threshold=0.0), Audio(np.concatenate((pause, phrase, pause))[None], RATE))
    labels = [band.label for band in timeline.bands()]
    assert labels[0] == labels[-1] == NO_SPEECH
    assert NO_SPEECH not in labels[1:-1]
    first, last = timeline.bands()[0], timeline.bands()[-1]
    assert first.end == pytest.approx(4.0, abs=0.76)  # half a window: one that reaches into the phrase is judged
    assert last.start == pytest.approx(7.0, abs=1.01)  # and the gate holds a vowel for a quarter of a second
    assert summary["speech_s"] == pytest.approx(3.0, abs=0.4)
    assert summary["windows_with_speech"] < summary["windows"]


@pytest.mark.parametrize("level", [-50.0, -30.0, 0.0])
def test_speech_is_found_at_any_level(make, level):
    audio = speech(4.0)
    quiet = Audio(audio.samples * np.float32(10 ** (level / 20)), RATE)
    assert heard(make(threshold=0.0), quiet)[0]["emotion"] in LABELS


def test_real_speech_is_heard_and_real_noise_is_not(make):
    root = data_root() / "data"
    clips = sorted(root.glob("ravdess/Actor_*/*.flac"))[::48]
    noises = sorted(root.glob("speechdnn_noises/**/*.flac"))[::3] + sorted(root.glob("esc10/rain/*.flac"))[:5]
    if not clips or not noises:
        pytest.skip("RAVDESS and noises are not among the data")
    analyzer = make(threshold=0.0)
    speaking = [heard(analyzer, clip)[0]["emotion"] != NO_SPEECH for clip in clips]
    noisy = [heard(analyzer, clip)[0]["emotion"] != NO_SPEECH for clip in noises]
    print(f"\nspeech in {sum(speaking)} of {len(clips)} clips, {sum(noisy)} of {len(noises)} noises taken for speech")
    assert np.mean(speaking) >= 0.9
    assert np.mean(noisy) <= 0.2


# ---- strange signals ----------------------------------------------------------------------------
def test_one_sample_and_a_click_have_no_speech_in_them(make):
    for frames in (1, 7, 800):
        summary, timeline = heard(make(), Audio(np.full((1, frames), 0.5, np.float32), 8000))
        assert (summary["emotion"], summary["windows"], len(timeline.times)) == (NO_SPEECH, 1, 1)


def test_a_word_shorter_than_a_window_is_judged(make):
    summary, timeline = heard(make(threshold=0.0), emotional_voice("angry", 0.7))
    assert summary["emotion"] in LABELS
    assert timeline.times.tolist() == [pytest.approx(0.35)]
    assert timeline.spans().tolist() == [[0.0, pytest.approx(0.7)]]


def test_rate_and_channels_change_little(make):
    """The host folds and resamples; a voice without anything above 6 kHz stays what it is."""
    plain, _ = heard(make(), speech(3.0))
    for rate, channels in ((48_000, 1), (192_000, 1), (44_100, 6), (RATE, 2)):
        loud = speech(3.0, rate)
        other, _ = heard(make(), Audio(np.repeat(loud.samples, channels, axis=0), rate))
        assert other["emotion"] == plain["emotion"], (rate, channels)
        assert list(other["probabilities"].values()) == pytest.approx(list(plain["probabilities"].values()), abs=0.15)
    narrow, _ = heard(make(threshold=0.0), speech(3.0, 8000))
    assert narrow["emotion"] in LABELS


def test_what_is_not_finite_is_refused_by_place(make):
    samples = speech(1.0).samples.copy()
    samples[0, 4000] = np.nan
    with pytest.raises(InputError, match=r"NaN or infinity, first at sample 4000 \(0\.250 s\)"):
        list(stream(Rack([]), [samples], RATE, taps={"in": make()}))
    with pytest.raises(InputError, match=r"sample 4000 of channel 0 \(0\.25 s\) is NaN"):
        Audio(samples, RATE)


# ---- a live signal ------------------------------------------------------------------------------
def test_a_window_is_judged_within_the_declared_latency(make):
    analyzer = make(batch=2)
    analyzer.prepare(RATE, 1)
    processor: Recogniser = analyzer.processor
    audio = speech(6.0)
    begun = 0
    for start in range(0, audio.frames, 160):
        analyzer.push(audio.samples[:, start : start + 160])
        heard_of = start + 160
        judged = len(processor.so_far()[0].times_s)
        due = 0 if heard_of < processor.latency else 2 * ((heard_of - processor.latency) // (2 * RATE // 2) + 1)
        assert judged >= min(due, 10), heard_of
        begun = max(begun, judged)
    assert begun >= 6
    assert processor.latency / RATE == pytest.approx(processor.so_far()[0].summary["latency_s"], abs=1e-4)


def test_memory_does_not_grow_with_the_signal(make):
    analyzer = make()
    analyzer.prepare(RATE, 1)
    processor: Recogniser = analyzer.processor
    block = speech(5.0).samples
    sizes = []
    for _ in range(24):  # two minutes
        analyzer.push(block)
        gate, windows = processor._gate, processor._windows
        waiting = sum(window.samples.nbytes for window in processor._waiting)
        sizes.append(waiting + windows._held.nbytes + gate._activity._held.nbytes + gate._mask.nbytes)
    assert processor._whole is None
    assert max(sizes) < (32 + 10 + 3) * 24_000 * 4  # a batch of windows, those of a block, and a little
    assert max(sizes[12:]) < 1.2 * max(sizes[:12])


# ---- weights ------------------------------------------------------------------------------------
def test_a_run_folder_stands_for_its_model(make, path, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes(path.read_bytes())
    assert (
        heard(make(weights=str(run)), speech(2.0))[0]["probabilities"] == heard(make(), speech(2.0))[0]["probabilities"]
    )


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"labels": ["angry", "angry", "sad", "happy"]}, "names two emotions or more, each once"),
        ({"labels": ["angry", "sad"]}, "4 answers and the file names 2 labels"),
        ({"network": "transformer_xl"}, "this voxrack knows"),
        ({"temperature": 0.0}, "a temperature lies within"),
        ({"frontend": {"name": "ears"}}, "ears"),
        ({"frontend": {"name": "mfcc", "n_mfcc": 13}}, "does not describe a recogniser"),
    ],
)
def test_a_file_that_is_no_recogniser_is_told(make, tmp_path, metadata, why):
    file = random_recogniser(tmp_path / "w.safetensors", **metadata)
    with pytest.raises(InputError, match=why):
        analyze(make(weights=str(file)), speech(1.0))


def test_a_pickle_and_a_cut_file_are_refused(make, path, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "evil.safetensors")
    with pytest.raises(InputError, match="pickle"):
        analyze(make(weights=str(tmp_path / "evil.safetensors")), speech(1.0))
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="truncated"):
        analyze(make(weights=str(tmp_path / "cut.safetensors")), speech(1.0))
    with pytest.raises(InputError, match="does not exist"):
        analyze(make(weights=str(tmp_path / "none.safetensors")), speech(1.0))


def test_a_file_and_audio_in_memory_give_the_same(make, tmp_path):
    write(tmp_path / "a.wav", speech(3.0))
    assert heard(make(), tmp_path / "a.wav")[0] == heard(make(), read(tmp_path / "a.wav"))[0]
