"""Audio: what it holds, what it refuses, what it turns into, and the player it shows."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from voxrack import Audio
from voxrack.audio import first_bad
from voxrack.errors import InputError, UsageError


def tone(frequency: float, seconds: float, rate: int, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def test_one_dimension_is_mono_and_float64_becomes_contiguous_float32() -> None:
    audio = Audio(tone(440, 0.5, 8000), 8000)
    assert audio.samples.shape == (1, 4000)
    assert audio.samples.dtype == np.float32
    assert (audio.channels, audio.frames, audio.duration) == (1, 4000, 0.5)
    assert Audio(np.zeros((100, 2), np.float32).T, 8000).samples.flags.c_contiguous


def test_float32_samples_are_not_copied() -> None:
    samples = np.zeros((2, 100), np.float32)
    assert Audio(samples, 8000).samples is samples


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.zeros((1000, 2)), "pass samples.T"),
        (np.zeros((2, 3, 4)), r"\(channels, frames\)"),
        (np.zeros((1, 0)), "one frame"),
        (np.zeros(0), "one frame"),
        (np.zeros((0, 5)), "one frame"),
        (np.zeros(5, np.int16), "32768"),
        (np.zeros(5, bool), "bool"),
        (np.zeros(5, complex), "complex"),
        (["a", "b"], "floating-point"),
        (np.array(0.5), "shape"),
        (np.array([0.0, 1.0, np.nan, np.inf]), r"sample 2 of channel 0 \(0.00025 s\) is NaN"),
        (np.array([[0.0, 0.0], [0.0, -np.inf]]), r"sample 1 of channel 1 .* is infinite"),
        (np.array([0.0, 1e300]), r"sample 1 .* is infinite"),  # beyond float32
    ],
)
def test_refused_samples_are_named_with_the_next_step(samples: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Audio(samples, 8000)


@pytest.mark.parametrize("rate", [0, -1, 768_001, 44_100.5, "44100", True, None, float("nan"), float("inf")])
def test_a_sample_rate_that_no_file_has_is_refused(rate: object) -> None:
    with pytest.raises(InputError, match=r"sample rate .*768000"):
        Audio(np.zeros(5), rate)


def test_a_whole_rate_of_any_number_type_is_taken() -> None:
    for rate in (8000.0, np.int64(8000), np.float32(8000)):
        assert type(Audio(np.zeros(5), rate).sample_rate) is int


def test_the_first_bad_sample_in_time_is_found_over_all_channels() -> None:
    samples = np.zeros((3, 50), np.float32)
    assert first_bad(samples) is None
    samples[0, 30], samples[2, 20] = np.nan, -np.inf
    assert first_bad(samples) == (2, 20, "infinite")
    samples[1, 10] = np.inf  # +inf and -inf add up to NaN: still found, still named rightly
    assert first_bad(samples) == (1, 10, "infinite")
    huge = np.full((1, 1000), 3e38, np.float32)  # their sum overflows float32, not float64
    assert first_bad(huge) is None


def test_peak_and_rms_of_a_sine() -> None:
    audio = Audio(tone(1000, 1, 48_000, level=0.5), 48_000)
    assert audio.peak == pytest.approx(0.5, abs=1e-6)
    assert audio.rms == pytest.approx(0.5 / np.sqrt(2), rel=1e-6)
    assert Audio(np.array([0.1, -0.7]), 8000).peak == pytest.approx(0.7)


def test_mono_is_the_mean_and_mono_stays_itself() -> None:
    stereo = Audio(np.array([[1.0, 0.0], [0.0, 0.5]]), 8000)
    assert stereo.mono() == Audio(np.array([0.5, 0.25]), 8000)
    assert stereo.mono().mono() == stereo.mono()


def test_a_tone_keeps_frequency_level_and_time_through_resampling() -> None:
    audio = Audio(np.stack([tone(1000, 1, 44_100), tone(3000, 1, 44_100, level=0.1)]), 44_100)
    made = audio.resample(16_000)
    assert (made.sample_rate, made.channels, made.frames) == (16_000, 2, 16_000)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(made.samples[0, middle], tone(1000, 1, 16_000)[middle], atol=1e-4)
    np.testing.assert_allclose(made.samples[1, middle], tone(3000, 1, 16_000, level=0.1)[middle], atol=1e-4)


def test_what_lies_above_the_new_nyquist_frequency_is_removed() -> None:
    assert Audio(tone(10_000, 1, 48_000), 48_000).resample(16_000)[0.1:0.9].peak < 1e-4


@given(st.integers(1, 300), st.tuples(st.sampled_from([1000, 8000, 44_100, 768_000]), st.integers(1000, 9000)))
def test_resampling_gives_the_stated_number_of_frames(frames: int, rates: tuple[int, int]) -> None:
    made = Audio(np.full(frames, 0.25), rates[0]).resample(rates[1])
    assert made.frames == -(-frames * rates[1] // rates[0])


def test_a_slice_is_taken_in_seconds() -> None:
    audio = Audio(np.arange(100) / 100, 10)
    assert audio[2:3] == Audio(np.arange(20, 30) / 100, 10)
    assert audio[-1.0:] == Audio(np.arange(90, 100) / 100, 10)
    assert audio[:] == audio
    with pytest.raises(UsageError, match=r"20 s to 30 s .* lasts 0 s to 10 s"):
        audio[20:30]
    with pytest.raises(UsageError, match="slice in seconds"):
        audio[3]


def test_equality_is_of_samples_and_rate() -> None:
    audio = Audio(np.zeros(5), 8000)
    assert audio == Audio(np.zeros(5), 8000)
    assert audio != Audio(np.zeros(5), 8001)
    assert audio != Audio(np.zeros(6), 8000)
    assert audio != "audio"


def embedded(html: str) -> Audio:
    found = re.search(r"data:audio/wav;base64,([^\"]+)", html)
    assert found
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(found[1])), always_2d=True)
    return Audio(samples.T, rate)


def test_the_player_holds_the_sound_the_waveform_and_the_facts() -> None:
    audio = Audio(np.stack([tone(440, 1, 22_050), tone(880, 1, 22_050)]), 22_050)
    html = audio._repr_html_()
    heard = embedded(html)
    assert heard.sample_rate == 22_050
    np.testing.assert_allclose(heard.samples, audio.samples * 10 ** (-6 / 20), atol=1 / 32768)
    assert html.count("<polygon") == 2
    for fact in ("1.000 s", "22050 Hz", "stereo", "peak -6.0 dBFS"):
        assert fact in html


@pytest.mark.parametrize(
    ("audio", "told"),
    [
        (Audio(tone(440, 0.1, 8000, level=4.0), 8000), "plays 18.0 dB softer"),
        (Audio(np.zeros((6, 800)), 8000), "mean of the channels"),
        (Audio(tone(440, 0.1, 192_000), 192_000), "plays at 48000 Hz"),
        (Audio(np.zeros(125 * 8000), 8000), "first 120 s"),
        (Audio(np.zeros(1), 8000), "silence"),
    ],
)
def test_the_player_states_what_it_changes_for_listening(audio: Audio, told: str) -> None:
    html = audio._repr_html_()
    assert told in html
    assert "nan" not in html
    assert embedded(html).peak <= 10 ** (-6 / 20) + 1e-4  # nothing starts at full scale


def test_the_waveform_is_drawn_to_scale() -> None:
    html = Audio(np.array([0.0, 1.0, -1.0, 0.0]), 8000)._repr_html_()
    found = re.search(r'points="([^"]+)"', html)
    assert found
    heights = [float(point.split(",")[1]) for point in found[1].split()]
    assert min(heights) == pytest.approx(0.5)  # one lane of 64 pixels, one pixel of margin, half a pixel of pen
    assert max(heights) == pytest.approx(63.5)
