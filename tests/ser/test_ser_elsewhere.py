"""The benchmark of a recogniser elsewhere: conditions do what their names say, and it scores whom it was asked to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import ser_elsewhere
from benchmarks.channel_conditions import CONDITIONS
from benchmarks.ser_elsewhere import Answer, chosen, scored
from random_recogniser import random_recogniser

from voxrack.datasets import Corpus, Utterance
from voxrack.datasets.mixing import active_power
from voxrack.testing import emotional_voices, voice

RATE = 16_000
CHANGE = {condition.name: condition for condition in CONDITIONS}


def spectrum(samples: np.ndarray, low: float, high: float) -> float:
    """Energy between two frequencies, dB."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    bins = np.fft.rfftfreq(len(samples), 1 / RATE)
    return 10 * np.log10(power[(bins >= low) & (bins < high)].sum() + 1e-20)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return voice(2.0, RATE, seed=1).samples[0]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_a_condition_is_the_same_every_time_and_finite(condition, speech):
    once, again = condition(speech, RATE, 3), condition(speech, RATE, 3)
    assert once.dtype == np.float32 and np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)
    silence = condition(np.zeros(RATE, np.float32), RATE, 0)
    assert not silence.any()  # noise has nothing to be set against


@pytest.mark.parametrize(("name", "ratio"), [("white noise, 20 dB", 20), ("white noise, 10 dB", 10),
                                             ("brown noise, 10 dB", 10)])  # fmt: skip
def test_noise_lies_below_the_active_speech(name, ratio, speech):
    noisy = CHANGE[name](speech, RATE, 0)
    scale = np.dot(noisy, speech) / np.dot(speech, speech)  # a peak beyond 1 scales both
    noise = noisy - scale * speech
    assert 10 * np.log10(active_power(scale * speech, RATE) / np.mean(noise**2)) == pytest.approx(ratio, abs=0.3)
    other = CHANGE[name](speech, RATE, 1)
    assert np.abs(noisy - other).max() > 0.1 * np.abs(noise).max()  # every recording has its own


def test_brown_noise_falls_by_6_db_an_octave(speech):
    noise = CHANGE["brown noise, 10 dB"](speech, RATE, 0) - speech
    octaves = [spectrum(noise, low, 2 * low) - 10 * np.log10(low) for low in (500.0, 2000.0)]
    assert octaves[0] - octaves[1] == pytest.approx(12, abs=1.5)


def test_a_telephone_passes_speech_and_nothing_below_or_above():
    impulse = np.zeros(RATE, np.float32)
    impulse[100] = 1.0
    made = CHANGE["telephone, 300 to 3400 Hz"](impulse, RATE, 0)
    response = np.abs(np.fft.rfft(made))  # 1 Hz a bin
    assert response[1000] == pytest.approx(1, abs=0.01)
    assert response[100] < 0.02 and response[6000] < 0.02
    np.testing.assert_allclose(response[[300, 3400]], 2**-0.5, atol=0.01)


def test_tilt_level_and_padding(speech):
    tilted = CHANGE["rising tilt of 15 dB"](np.eye(1, RATE, dtype=np.float32)[0], RATE, 0)
    response = 20 * np.log10(np.abs(np.fft.rfft(tilted)))
    assert response[-1] - response[0] == pytest.approx(15.1, abs=0.1)
    np.testing.assert_allclose(CHANGE["level -20 dB"](speech, RATE, 0), speech / 10, rtol=1e-6)
    padded = CHANGE["2 s of silence around"](speech, RATE, 0)
    assert len(padded) == len(speech) + 4 * RATE and not padded[: 2 * RATE].any()


def test_the_room_decays_by_60_db_in_0_4_s_and_is_as_loud_as_the_direct_sound():
    response = CHANGE["room, 0.4 s"](np.eye(1, RATE, dtype=np.float32)[0], RATE, 0)
    assert response[0] == pytest.approx(1) and np.square(response[1:]).sum() == pytest.approx(1, abs=0.02)
    early, late = (np.square(response[at : at + 800]).mean() for at in (100, 3300))
    assert 10 * np.log10(early / late) == pytest.approx(60 * 3200 / RATE / 0.4, abs=2)


def utterances() -> Corpus:
    made = [
        Utterance(f"toy/{speaker}/{label or 'none'}-{take}", Path("x.wav"), "toy", f"toy/{speaker}", label)
        for speaker in ("a", "b") for label in ("happy", "sad", "") for take in range(3)
    ]  # fmt: skip
    return Corpus("toy", Path("toy"), tuple(made))


def test_speakers_are_chosen_by_either_name_and_what_has_no_label_is_left_out():
    assert len(chosen(utterances(), [])) == 12
    assert {u.speaker for u in chosen(utterances(), ["a"])} == {"toy/a"}
    assert len(chosen(utterances(), ["toy/a", "b"])) == 12
    few = chosen(utterances(), [], most=4)
    assert len(few) == 4 and {u.speaker for u in few} == {"toy/a", "toy/b"}
    with pytest.raises(SystemExit, match="speaker 'c' in toy; there are toy/a, toy/b"):
        chosen(utterances(), ["c"])


def test_scores_are_of_the_shared_classes_and_verdicts_of_all():
    made = utterances().utterances
    happy, sad = made[0], made[3]
    answers = [
        Answer(happy, "calm", {"happy": 0.3, "sad": 0.1, "calm": 0.6}),  # right among the shared, wrong as a verdict
        Answer(sad, "unsure", {"happy": 0.2, "sad": 0.3, "calm": 0.5}),
        Answer(sad, "no speech", {"happy": 0.6, "sad": 0.2, "calm": 0.2}),
        Answer(happy, "happy", {"happy": 1.0, "sad": 0.0, "calm": 0.0}),
    ]
    found = scored(answers)
    assert found["classes"] == ["happy", "sad"] and found["n"] == 4
    assert found["uar"]["value"] == pytest.approx((1 + 0.5) / 2)
    assert (found["given"], found["right"], found["unsure"], found["no_speech"]) == (0.5, 0.5, 0.25, 0.25)


def test_the_command_prints_a_row_for_each_condition_and_keeps_the_figures(tmp_path, monkeypatch, capsys):
    emotional_voices(tmp_path / "corpus", ("sad", "angry"), speakers=2, takes=1, seconds=1.0)
    weights = random_recogniser(tmp_path / "random.safetensors")
    monkeypatch.chdir(tmp_path)
    words = ["ser_elsewhere", str(tmp_path / "corpus"), "--weights", str(weights), "--channels", "--name", "toy"]
    monkeypatch.setattr(sys, "argv", words)
    ser_elsewhere.main()
    text = capsys.readouterr().out
    written = json.loads((tmp_path / "out/benchmarks/ser_elsewhere_toy.json").read_text())
    for name, row in written["conditions"].items():
        assert name in text and f"{row['uar']['value']:.3f} [" in text
    assert list(written["conditions"]) == list(CHANGE)
    assert str(tmp_path) not in written["command"] and written["command"].endswith("--channels")
    assert "by drawing clips" in text
