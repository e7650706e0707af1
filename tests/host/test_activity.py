"""Who speaks, where, and how loud: on synthetic sounds and on four corpora."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import data_root

from voxrack.activity import SpeechActivity, active_level, has_speech, speech_mask
from voxrack.errors import InputError, UsageError

RATE = 16000
T = np.arange(3 * RATE) / RATE
RANDOM = np.random.default_rng(5)


def clips(corpus: str, count: int, **wanted: str) -> list[tuple[np.ndarray, int]]:
    """Evenly chosen clips of a corpus, at most 8 s each."""
    import soundfile

    root = data_root() / "data" / corpus
    if not (root / "manifest.csv").is_file():
        pytest.skip(f"{corpus} is not there: {root}/manifest.csv is missing")
    with Path(root / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if all(row[key] == value for key, value in wanted.items())]
    chosen = [rows[k * len(rows) // count] for k in range(min(count, len(rows)))]
    read = [soundfile.read(root / row["path"], dtype="float32", always_2d=True) for row in chosen]
    return [(x[: 8 * rate].mean(axis=1), rate) for x, rate in read]


def speech() -> tuple[np.ndarray, int]:
    return clips("librispeech", 3)[1]


def bursts(rate: int, level: float = 0.1) -> np.ndarray:
    """Ten seconds with two tones of two seconds."""
    t = np.arange(10 * rate) / rate
    return np.where(((t >= 1) & (t < 3)) | ((t >= 5) & (t < 7)), level * np.sin(2 * np.pi * 440 * t), 0.0)


# --- level


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_level_is_that_of_the_bursts_and_not_of_the_pauses(rate: int) -> None:
    expected = 20 * math.log10(0.1 / math.sqrt(2))
    mean = 10 * math.log10(np.mean(bursts(rate) ** 2))
    # P.56 counts 200 ms of hangover after each burst as active
    assert active_level(bursts(rate), rate) == pytest.approx(expected + 10 * math.log10(2.0 / 2.25), abs=0.15)
    assert mean < expected - 3.9


def test_level_follows_gain_exactly_and_forgets_silence() -> None:
    x = bursts(RATE)
    assert active_level(1e-3 * x, RATE) == pytest.approx(active_level(x, RATE) - 60, abs=1e-6)
    assert active_level(np.concatenate([np.zeros(5 * RATE), x, np.zeros(60 * RATE)]), RATE) == pytest.approx(
        active_level(x, RATE), abs=0.01
    )


def test_level_of_a_steady_sound_is_its_power() -> None:
    noise = 0.1 * RANDOM.standard_normal(5 * RATE)
    assert active_level(noise, RATE) == pytest.approx(10 * math.log10(np.mean(noise**2)), abs=0.2)


def test_noise_between_words_does_not_count() -> None:
    x = bursts(RATE)
    noisy = x + 10 ** (-60 / 20) * RANDOM.standard_normal(x.size)
    assert active_level(noisy, RATE) == pytest.approx(active_level(x, RATE), abs=0.1)


def test_silence_has_no_level_and_one_sample_has() -> None:
    assert active_level(np.zeros(100), RATE) == -math.inf
    assert math.isfinite(active_level(np.array([0.0, 0.5, 0.0]), RATE))


def test_speakers_are_louder_than_their_recordings_on_average() -> None:
    for x, rate in clips("ravdess", 12):
        mean = 10 * math.log10(np.mean(x.astype(float) ** 2))
        assert mean < active_level(x, rate) < mean + 8


# --- mask

SILENT = {
    "silence": np.zeros(3 * RATE),
    "dc": np.full(3 * RATE, 0.3),
    "faint noise": 10 ** (-80 / 20) * RANDOM.standard_normal(3 * RATE),
    "faint voice": 1e-5 * np.sign(np.sin(2 * np.pi * (150 * T + 8 * np.sin(2 * np.pi * 3 * T)))),
    "click": np.eye(1, 3 * RATE, 20000)[0],
    "two clicks": np.eye(1, 3 * RATE, 20000)[0] + np.eye(1, 3 * RATE, 20080)[0],
    "white noise": 0.1 * RANDOM.standard_normal(3 * RATE),
    "hum": 0.1 * np.sin(2 * np.pi * 50 * T) + 0.03 * np.sin(2 * np.pi * 150 * T),
    "tone": 0.1 * np.sin(2 * np.pi * 200 * T),
    "buzz": 0.1 * ((120 * T) % 1 - 0.5),
    "chord": 0.1 * sum(np.sin(2 * np.pi * hz * T) for hz in (220.0, 277.18, 329.63)),
    "pulsing noise": 0.1 * RANDOM.standard_normal(3 * RATE) * (np.sin(2 * np.pi * 4 * T) > 0),
    "drum": np.exp(-((T % 0.5) / 0.05)) * np.sin(2 * np.pi * 80 * (T % 0.5)) + 0.01 * RANDOM.standard_normal(3 * RATE),
    "hi-hat": np.exp(-((T % 0.25) / 0.02)) * RANDOM.standard_normal(3 * RATE),
    "arpeggio": 0.1 * np.sin(2 * np.pi * np.array([220.0, 277.18, 329.63, 440.0])[(T * 4).astype(int) % 4] * T),
}


@pytest.mark.parametrize("name", SILENT)
def test_nobody_speaks_in(name: str) -> None:
    assert not speech_mask(SILENT[name], RATE).any()


@pytest.mark.parametrize(("corpus", "count"), [("ravdess", 48), ("librispeech", 12), ("tess", 40)])
def test_almost_every_spoken_clip_is_speech(corpus: str, count: int) -> None:
    heard = [has_speech(x, rate) for x, rate in clips(corpus, count)]
    assert np.mean(heard) > 0.95


@pytest.mark.parametrize("sound", ["rain", "sea_waves", "helicopter", "clock_tick", "chainsaw", "fire_crackling"])
def test_few_sounds_without_a_throat_are_speech(sound: str) -> None:
    heard = [has_speech(x, rate) for x, rate in clips("esc10", 13, label=sound)]
    assert sum(heard) <= 1


def test_few_of_another_sources_noises_are_speech() -> None:
    heard = [has_speech(x, rate) for x, rate in clips("speechdnn_noises", 60)]  # yawns, cries and sirens among them
    assert np.mean(heard) < 0.2


def test_speech_is_found_where_it_is() -> None:
    x, rate = speech()
    still = np.zeros(3 * rate, np.float32)
    mask = speech_mask(np.concatenate([still, x, still]), rate)
    assert not mask[:280].any() and not mask[-240:].any()
    assert mask[300:-300].mean() > 0.6


def test_level_does_not_decide() -> None:
    x, rate = speech()
    mask = speech_mask(x, rate)
    quiet = speech_mask(0.25 * x, rate)
    assert np.mean(mask != quiet) < 0.02


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_any_rate_hears_the_same(rate: int) -> None:
    import soxr

    x, own = speech()
    mask, other = speech_mask(x, own), speech_mask(soxr.resample(x, own, rate), rate)
    n = min(len(mask), len(other))
    assert abs(len(mask) - len(other)) <= 1
    assert np.mean(mask[:n] != other[:n]) < 0.15


@pytest.mark.parametrize("block", [7, 160, 1000, 16000])
@pytest.mark.parametrize("rate", [16000, 22050])
def test_blocks_of_any_size_give_the_same_decisions(block: int, rate: int) -> None:
    x = speech()[0][: 3 * rate]
    stream = SpeechActivity(rate)
    parts = [stream.push(x[at : at + block]) for at in range(0, len(x), block)]
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), speech_mask(x, rate))
    stream.reset()
    assert np.array_equal(np.concatenate([stream.push(x), stream.finish()]), speech_mask(x, rate))


def test_decisions_come_within_the_latency_and_memory_does_not_grow() -> None:
    x, rate = speech()
    stream = SpeechActivity(rate)
    decided = 0
    for round_ in range(20):
        decided += len(stream.push(x[:rate]))
        assert decided >= 100 * (round_ + 1 - stream.latency)
    assert stream._known is not None
    assert len(stream._known.vowel) < 400 and len(stream._held) < 2 * rate


def test_what_comes_later_than_the_latency_changes_nothing() -> None:
    x, rate = speech()
    early = speech_mask(x[: 4 * rate], rate)
    late = speech_mask(np.concatenate([x[: 4 * rate], 0.5 * RANDOM.standard_normal(rate)]), rate)
    same = 400 - math.ceil(100 * SpeechActivity.latency)
    assert np.array_equal(early[:same], late[:same])


def test_channels_are_averaged_and_frames_counted() -> None:
    x, rate = speech()
    assert np.array_equal(speech_mask(np.stack([x, x]), rate), speech_mask(x, rate))
    assert len(speech_mask(np.zeros(1), RATE)) == 1
    assert len(speech_mask(np.zeros(RATE), RATE)) == 100
    assert len(speech_mask(np.zeros(RATE + 1), RATE)) == 101


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0), "no samples"),
        (np.full(1000, np.nan), "not finite"),
        (np.zeros(1000, np.int16), "int16; floating point"),
        (np.zeros((1000, 2)), "channels, frames"),
    ],
)
def test_what_is_no_recording_is_refused(samples: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        speech_mask(samples, RATE)
    with pytest.raises(InputError):
        active_level(samples, RATE)


def test_telephone_rate_is_the_least() -> None:
    with pytest.raises(UsageError, match="8000"):
        speech_mask(np.zeros(1000), 4000)
