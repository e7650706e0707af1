"""voxrack convert: files, folders, several emotions, references, long recordings, and what cannot be converted."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import done, lines, run

from voxrack import Audio, Host, availability, read, write
from voxrack.testing import noise, voice

RATE = 16_000


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "in" / "talk.wav"
    path.parent.mkdir()
    write(path, voice(2.0, RATE, 3))
    return path


@pytest.fixture
def hears(monkeypatch):
    """A recogniser of one's own: what it hears is ``hears(...)``; it counts how often it was asked."""
    from voxrack_evc import converting

    asked = []

    def say(emotion, **probabilities):
        def answer(path, host=None):
            asked.append(path)
            return emotion, probabilities, "test.ear"

        monkeypatch.setattr(converting, "heard_emotion", answer)
        return asked

    return say


# ---- what it makes -----------------------------------------------------------------------------
def test_one_file_to_one_file(talk, tmp_path):
    (report,) = lines(done("convert", talk, "-o", tmp_path / "out.wav", "--emotion", "angry", "--no-gate", "--json"))
    out = read(tmp_path / "out.wav")
    assert (out.sample_rate, out.channels) == (RATE, 1)
    assert report["device"] == "evc.prosody" and len(report["weights"]["manners"]) == 64
    assert report["values"] | {"emotion": "angry", "source": "neutral", "strength": 1.0} == report["values"]
    assert report["seconds_out"] == pytest.approx(out.duration) and report["seconds_out"] > report["seconds_in"]
    assert not np.array_equal(out.samples[:, :RATE], read(talk).samples[:, :RATE])


def test_several_emotions_bear_their_names_and_a_tree_is_kept(talk, tmp_path):
    (talk.parent / "deep").mkdir()
    write(talk.parent / "deep" / "other.flac", voice(1.2, RATE, 4))
    words = ("--emotion", "happy,sad", "--no-gate", "--json")
    reports = lines(done("convert", talk.parent, "-o", tmp_path / "out", *words))
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == ["deep/other-happy.flac", "deep/other-sad.flac", "talk-happy.wav", "talk-sad.wav"]
    assert sorted(report["values"]["emotion"] for report in reports) == ["happy", "happy", "sad", "sad"]


def test_the_same_call_gives_the_same_file(talk, tmp_path):
    for name in ("one", "other"):
        done("convert", talk, "-o", tmp_path / f"{name}.wav", "--emotion", "sad", "--no-gate")
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "other.wav").read_bytes()


def test_edits_and_settings_reach_the_device(talk, tmp_path):
    edits = ("--strength", 0.5, "--contrast", 1.0, "--pitch-range", 1.2, "--energy", "-3 dB", "--tempo", 0.8)
    words = ("--emotion", "sad", "--source", "happy", *edits, "--no-gate", "--json")
    report = lines(done("convert", talk, "-o", tmp_path / "o.wav", *words))[0]
    wanted = {"strength": 0.5, "contrast": 1.0, "pitch_range": 1.2, "energy": -3.0, "tempo": 0.8, "source": "happy"}
    assert report["values"] == wanted | {"emotion": "sad"}


def test_a_seed_where_nothing_is_drawn_is_told(talk, tmp_path):
    result = done("convert", talk, "-o", tmp_path / "o.wav", "--emotion", "sad", "--seed", 3)
    assert "--seed changes nothing" in result.stderr


# ---- references and sources ----------------------------------------------------------------------
def test_a_reference_gives_its_emotion(talk, tmp_path, hears):
    hears("unsure", angry=0.3, happy=0.35, sad=0.2, bored=0.9)
    result = done("convert", talk, "-o", tmp_path / "o.wav", "--reference", talk, "--no-gate", "--json")
    assert lines(result)[0]["values"]["emotion"] == "happy"
    assert "sounds happy (0.35, test.ear)" in result.stderr


def test_a_reference_without_speech_is_refused(talk, tmp_path, hears):
    hears("no speech", angry=0.0)
    result = run("convert", talk, "-o", tmp_path / "o.wav", "--reference", talk)
    assert result.exit_code == 3 and "no speech is heard in the reference" in result.output
    assert not (tmp_path / "o.wav").exists()


def test_silence_is_no_reference(talk, tmp_path):
    """With the recogniser that ships."""
    write(tmp_path / "silence.wav", Audio(np.zeros((1, 2 * RATE), np.float32), RATE))
    result = run("convert", talk, "-o", tmp_path / "o.wav", "--reference", tmp_path / "silence.wav")
    assert result.exit_code == 3 and "no speech" in result.output


@pytest.mark.parametrize(("heard", "taken"), [("sad", "sad"), ("unsure", "neutral"), ("no speech", "neutral")])
def test_the_source_is_listened_to_when_asked(talk, tmp_path, hears, heard, taken):
    asked = hears(heard, sad=0.8)
    words = ("--emotion", "angry", "--source", "auto", "--no-gate", "--json")
    report = lines(done("convert", talk, "-o", tmp_path / "o.wav", *words))[0]
    assert report["values"]["source"] == taken and asked == [talk]
    assert any(f"taken for {taken}" in note for note in report["notes"])


# ---- what is no speech, and what is long ---------------------------------------------------------
@pytest.mark.parametrize("what", ["silence", "hiss", "music"])
def test_what_is_no_speech_is_left_as_it_is_and_told(tmp_path, what):
    time = np.arange(3 * RATE) / RATE
    chord = 0.1 * sum(np.sin(2 * np.pi * f * time) for f in (261.6, 329.6, 392.0))
    samples = {
        "silence": np.zeros((1, 3 * RATE)), "hiss": noise(3.0, RATE, level=-30.0).samples, "music": chord[None],
    }[what].astype(np.float32)  # fmt: skip
    write(tmp_path / "in.wav", Audio(samples, RATE))
    report = lines(done("convert", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--emotion", "angry", "--json"))[0]
    assert np.array_equal(read(tmp_path / "out.wav").samples, samples)
    assert report["unchanged"] == report["pieces"] == 1
    said = "only silence was found" if what == "silence" else "no speech was found"
    assert report["notes"] == [f"{tmp_path / 'in.wav'}: {said} in 1 of 1 pieces; they stay as they were" + (
        "" if what == "silence" else " (--no-gate converts them too)"
    )]  # fmt: skip


def test_a_snippet_is_converted(tmp_path):
    write(tmp_path / "in.wav", voice(0.2, RATE, 3))
    report = lines(done("convert", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--emotion", "angry", "--json"))[0]
    assert report["unchanged"] == 0 and 0.1 < report["seconds_out"] < 0.5


@pytest.mark.parametrize("frames", [1, 300])
def test_what_is_shorter_than_two_frames_stays_as_it_is_and_is_told(tmp_path, frames):
    samples = voice(0.2, RATE, 3).samples[:, 800 : 800 + frames]
    write(tmp_path / "in.wav", Audio(samples, RATE))
    report = lines(done("convert", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--emotion", "angry", "--json"))[0]
    assert np.array_equal(read(tmp_path / "out.wav").samples, samples) and report["unchanged"] == 1
    assert any("less than 24 ms was found" in note for note in report["notes"])


def test_different_voices_on_the_channels_are_told(tmp_path):
    one, other = (voice(2.0, RATE, seed).samples for seed in (3, 9))
    for name, samples, said in (
        ("two", np.concatenate([one, other]), True), ("wide", np.concatenate([one, 0.7 * one + 0.2 * other]), False),
        ("left", np.concatenate([one, 0.0 * one]), False),
    ):  # fmt: skip
        write(tmp_path / f"{name}.wav", Audio(samples, RATE))
        words = ("--emotion", "angry", "--no-gate", "--json")
        report = lines(done("convert", tmp_path / f"{name}.wav", "-o", tmp_path / "out.wav", *words))[0]
        assert any("hold different sounds" in note for note in report["notes"]) == said, name


def test_a_long_recording_goes_through_in_pieces(tmp_path):
    long = np.tile(voice(4.0, RATE, 3).samples, 12)
    write(tmp_path / "in.wav", Audio(long, RATE))
    words = ("--emotion", "angry", "--segment", 10, "--no-gate", "--json")
    report = lines(done("convert", tmp_path / "in.wav", "-o", tmp_path / "out.wav", *words))[0]
    assert report["pieces"] >= 5 and report["seconds_in"] == pytest.approx(48.0)
    assert read(tmp_path / "out.wav").duration == pytest.approx(report["seconds_out"])
    same = lines(done("convert", tmp_path / "in.wav", "-o", tmp_path / "same.wav", "--strength", 0, *words))[0]
    assert np.array_equal(read(tmp_path / "same.wav").samples, long) and same["pieces"] >= 5


def test_a_real_voice_passes_the_gate(shared, tmp_path):
    source = shared / "data/ravdess/Actor_19/03-01-01-01-01-01-19.flac"
    report = lines(done("convert", source, "-o", tmp_path / "out.flac", "--emotion", "happy", "--json"))[0]
    assert report["unchanged"] == 0 and report["clipped"] == 0


# ---- wrong use -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--emotion NAMES (of neutral, calm, happy"),
        (("--emotion", "bored"), "knows no 'bored'; it knows neutral, calm, happy, sad, angry"),
        (("--emotion", "sad", "--reference", "x.wav"), "--emotion NAMES"),
        (("--emotion", "sad", "--device", "fx.gain"), "takes no emotion"),
        (("--emotion", "sad", "--device", "evc.nobody"), "there is no device 'evc.nobody'"),
        (("--emotion", "sad", "--guidance", "2"), "evc.prosody has no parameter 'guidance'"),
        (("--emotion", "sad", "--strength", "9"), "it takes 0 to 2"),
        (("--emotion", "sad,happy"), "is one file, and there are 2 emotions"),
    ],
)
def test_wrong_use_is_told(talk, tmp_path, words, said):
    result = run("convert", talk, "-o", tmp_path / "o.wav", *words)
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert not (tmp_path / "o.wav").exists()


def test_missing_weights_fail_and_name_the_command(talk, tmp_path, monkeypatch):
    monkeypatch.setattr(availability, "weights_path", lambda spec: tmp_path / "none" / spec.weights)
    without = Host()
    monkeypatch.setattr("voxrack.host.default_host", lambda: without)
    result = run("convert", talk, "-o", tmp_path / "o.wav", "--emotion", "sad", "--device", "evc.diffevc")
    assert result.exit_code == 2 and "voxrack train evc.diffevc" in result.output
    assert not (tmp_path / "o.wav").exists()


def test_a_bad_file_costs_itself_only(talk, tmp_path):
    (talk.parent / "bad.wav").write_bytes(b"nothing")
    result = run("convert", talk.parent, "-o", tmp_path / "out", "--emotion", "sad", "--no-gate", "--json")
    assert result.exit_code == 1
    assert {bool(report.get("error")) for report in lines(result)} == {True, False}
    assert (tmp_path / "out" / "talk.wav").is_file()
    alone = run("convert", talk.parent / "bad.wav", "-o", tmp_path / "o.wav", "--emotion", "sad")
    assert alone.exit_code == 3 and not (tmp_path / "o.wav").exists()


def test_samples_that_are_not_finite_are_refused(tmp_path):
    import soundfile

    samples = voice(1.5, RATE, 3).samples[0].copy()
    samples[500] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, RATE, subtype="FLOAT")
    result = run("convert", tmp_path / "nan.wav", "-o", tmp_path / "o.wav", "--emotion", "sad")
    assert result.exit_code == 3 and "NaN" in result.output and not (tmp_path / "o.wav").exists()
