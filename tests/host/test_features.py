"""Features are librosa's and python_speech_features', to 1e-4, on recordings and on synthetic signals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import data_root

from voxrack import features
from voxrack.features_filters import chroma_filters, dct_matrix, htk_filters, mel_filters, semitone_filters

librosa = pytest.importorskip("librosa", reason="a machine for training, without librosa")
RATE = 22050


def recordings(rate: int, count: int = 4) -> list[np.ndarray]:
    """RAVDESS clips of several actors, from loud to -60 dBFS."""
    import soundfile
    import soxr

    paths = sorted((data_root() / "data" / "ravdess").glob("Actor_*/*.flac"))
    read = [soundfile.read(path, dtype="float32") for path in paths[:: len(paths) // count]]
    return [soxr.resample(samples, own, rate) for samples, own in read]


def synthetic(rate: int) -> dict[str, np.ndarray]:
    random, t = np.random.default_rng(3), np.arange(2 * rate) / rate
    return {
        "noise": 0.1 * random.standard_normal(2 * rate),
        "faint noise": 1e-4 * random.standard_normal(2 * rate),
        "sweep": 0.5 * np.sin(2 * np.pi * (100 + 1500 * t) * t),
        "tone then silence": np.where(t < 1, 0.3 * np.sin(2 * np.pi * 440 * t), 0.0),
        "click": np.eye(1, 2 * rate, 12345)[0],
        "silence": np.zeros(2 * rate),
    }


def signals(rate: int) -> list[np.ndarray]:
    return [*synthetic(rate).values(), *recordings(rate)]


def close(ours: torch.Tensor, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    """Equal to 1e-4, or to what float32 can tell (cepstral coefficient 0 is about -700, its last place 6e-5)."""
    difference = np.abs(ours.numpy() - theirs)
    allowed = (
        tolerance
        if ours.dtype == torch.float64
        else np.maximum(tolerance, 4 * np.spacing(np.float32(np.abs(theirs).max())))
    )
    assert ours.shape == theirs.shape
    assert difference.max() <= allowed, f"{difference.max():.2e}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_fft", [2048, 4096])
def test_mfcc_of_the_paper_is_librosas(n_fft: int, dtype: type) -> None:
    for x in signals(RATE):
        theirs = librosa.feature.mfcc(y=x.astype(dtype), sr=RATE, n_mfcc=40, n_fft=n_fft, hop_length=728)
        close(features.mfcc(torch.as_tensor(x.astype(dtype)), RATE, n_fft=n_fft, hop_length=728), theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [
        {"n_fft": 1024, "hop_length": 256, "n_mels": 80},
        {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "f_min": 50.0, "f_max": 7000.0},
        {"n_fft": 1024, "win_length": 400, "hop_length": 160, "n_mels": 64, "htk": True, "norm": False},
        {"n_fft": 1024, "hop_length": 300, "n_mels": 40, "pad_mode": "reflect", "top_db": None},
        {"n_fft": 1025, "hop_length": 256, "n_mels": 40, "center": False, "top_db": 60.0},
    ],
)
def test_log_mel_is_librosas(options: dict, dtype: type) -> None:
    named = {"f_min": "fmin", "f_max": "fmax"}
    theirs = {named.get(key, key): value for key, value in options.items() if key != "top_db"}
    theirs["norm"] = "slaney" if theirs.get("norm", True) else None
    for x in signals(16000):
        mel = librosa.feature.melspectrogram(y=x.astype(dtype), sr=16000, **theirs)
        expected = librosa.power_to_db(mel, top_db=options.get("top_db", 80.0))
        close(features.log_mel(torch.as_tensor(x.astype(dtype)), 16000, **options), expected)


def test_float32_spectra_are_close_as_well() -> None:
    for x in recordings(RATE):
        expected = librosa.power_to_db(librosa.feature.melspectrogram(y=x, sr=RATE))
        close(features.log_mel(torch.as_tensor(x), RATE, exact=False), expected, 5e-3)


def logfbank(x: np.ndarray, rate: int = 16000, bands: int = 40) -> np.ndarray:
    """``python_speech_features.logfbank(x, rate, nfilt=bands)`` from its definition."""
    x = np.append(x[0], x[1:] - 0.97 * x[:-1])
    width, hop = int(0.025 * rate + 0.5), int(0.01 * rate + 0.5)
    count = 1 if len(x) <= width else 1 + math.ceil((len(x) - width) / hop)
    x = np.append(x, np.zeros((count - 1) * hop + width - len(x)))
    power = np.abs(np.fft.rfft([x[k * hop : k * hop + width] for k in range(count)], 512)) ** 2 / 512
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands + 2)
    corner = np.floor(513 * 700 * (10 ** (mel / 2595) - 1) / rate).astype(int)
    filters = np.zeros((bands, 257))
    for j in range(bands):
        for i in range(corner[j], corner[j + 1]):
            filters[j, i] = (i - corner[j]) / (corner[j + 1] - corner[j])
        for i in range(corner[j + 1], corner[j + 2]):
            filters[j, i] = (corner[j + 2] - i) / (corner[j + 2] - corner[j + 1])
    energy = power @ filters.T
    return np.log(np.where(energy == 0, np.finfo(float).eps, energy))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_filter_bank_is_that_of_python_speech_features(dtype: type) -> None:
    for x in signals(16000):
        x = x.astype(dtype)
        close(features.log_filterbank(torch.as_tensor(x)), logfbank(x.astype(float)))


def test_log_filter_bank_and_deltas_are_those_of_the_installed_library() -> None:
    psf = pytest.importorskip("python_speech_features", reason="python_speech_features is not installed")
    for x in signals(16000):
        theirs = psf.logfbank(x, 16000, nfilt=40)
        ours = features.log_filterbank(torch.as_tensor(x.astype(np.float64)))
        close(ours, theirs)
        close(features.deltas(features.deltas(ours)), psf.delta(psf.delta(theirs, 2), 2))


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_are_librosas(order: int) -> None:
    x = synthetic(RATE)["sweep"]
    coefficients = librosa.feature.mfcc(y=x, sr=RATE, n_mfcc=20)
    for width in (3, 9, 15):
        if order < width - 1:
            theirs = librosa.feature.delta(coefficients, width=width, order=order)
            close(features.librosa_deltas(torch.as_tensor(coefficients), width, order), theirs)


def test_chroma_is_librosas_without_its_tuning() -> None:
    for x in [*recordings(RATE, 2), synthetic(RATE)["sweep"], synthetic(RATE)["silence"]]:
        theirs = librosa.feature.chroma_stft(y=x, sr=RATE, tuning=0.0, n_fft=4096, hop_length=728)
        close(features.chroma(torch.as_tensor(x), RATE, n_fft=4096, hop_length=728), theirs)


def test_filters_are_librosas() -> None:
    for options in ({}, {"htk": True}, {"fmin": 100.0, "fmax": 5000.0}):
        ours = {key.replace("fm", "f_m"): value for key, value in options.items()}
        theirs = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=80, **options)
        assert np.allclose(mel_filters(RATE, 2048, 80, **ours), theirs, atol=1e-8)
    assert np.allclose(chroma_filters(RATE, 4096), librosa.filters.chroma(sr=RATE, n_fft=4096), atol=1e-6)
    with pytest.warns(UserWarning, match="hold no bin"):
        mel_filters(16000, 256, 128)


def test_cosine_transform_is_orthonormal() -> None:
    matrix = dct_matrix(40, 40)
    assert np.allclose(matrix @ matrix.T, np.eye(40))


def test_htk_triangles_add_up_to_one_between_the_first_and_last_peak() -> None:
    filters = htk_filters(16000, 512, 26)
    first, last = filters[0].argmax(), filters[-1].argmax()
    assert np.allclose(filters.sum(axis=0)[first : last + 1], 1.0)


def test_a_sinusoid_is_loudest_in_the_band_of_its_frequency() -> None:
    t = torch.arange(32000, dtype=torch.float64) / 16000
    centres = librosa.mel_frequencies(42, fmin=0, fmax=8000)[1:-1]
    for hz in (300.0, 1000.0, 3500.0):
        level = features.log_mel(torch.sin(2 * math.pi * hz * t), 16000, n_mels=40)[:, 10:50].mean(dim=1)
        assert abs(int(level.argmax()) - int(np.argmin(np.abs(centres - hz)))) <= 1


def test_an_octave_is_a_shift_by_twelve_semitone_bands() -> None:
    t = torch.arange(32000, dtype=torch.float64) / 16000
    tops = [
        int(features.log_semitones(torch.sin(2 * math.pi * hz * t), 16000)[:, 60].argmax()) for hz in (260, 520, 1040)
    ]
    assert np.diff(tops).tolist() == [12, 12]
    assert (semitone_filters(16000, 2048).max(axis=1) > 0.5).all()  # no band without a bin


def test_twice_the_amplitude_is_six_decibels_more_in_every_band() -> None:
    x = torch.as_tensor(synthetic(16000)["noise"])
    difference = features.log_mel(2 * x, 16000) - features.log_mel(x, 16000)
    assert torch.allclose(difference, torch.full_like(difference, 20 * math.log10(2)))


def test_the_longest_clip_of_the_corpus_has_160_frames() -> None:
    assert features.frame_counts(116246, 4096, 728) == 160
