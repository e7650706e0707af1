"""The log-mel spectrum of the converters, against librosa's filters and the published definition."""

import numpy as np
import pytest
import torch

from voxrack.errors import InputError
from voxrack_evc.mel import HOP, MELS, RATE, SILENCE, log_mel


def by_definition(x):
    """HiFi-GAN's ``mel_spectrogram`` written out with NumPy and librosa's filters."""
    import librosa

    mirrored = np.pad(x, 384, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, 1024)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(1025)[:-1])
    magnitude = np.sqrt(np.abs(spectrum) ** 2 + 1e-9)
    bank = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=MELS, fmin=0, fmax=8000)
    return np.log(np.maximum(bank @ magnitude.T, 1e-5))


def test_log_mel_is_hifi_gans():
    x = np.random.default_rng(0).normal(size=10_007) * np.linspace(0.0, 0.3, 10_007)
    np.testing.assert_allclose(log_mel(torch.from_numpy(x)).numpy(), by_definition(x), atol=1e-5)


def test_a_frame_for_every_256_samples_of_any_batch():
    x = torch.randn(2, 3, 5 * HOP + 17)
    found = log_mel(x)
    assert found.shape == (2, 3, MELS, 5)
    torch.testing.assert_close(found[1, 2], log_mel(x[1, 2]))


def test_silence_is_the_floor_and_gradients_pass():
    floor = log_mel(torch.zeros(2048))
    torch.testing.assert_close(floor, torch.full_like(floor, SILENCE))
    x = torch.zeros(2048, requires_grad=True)
    log_mel(x + 0.0).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_a_snippet_is_refused_by_its_length():
    with pytest.raises(InputError, match="511 samples"):
        log_mel(torch.zeros(511))
