"""Pitch of what has one, and none of what has not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import data_root

from voxrack.features import pitch

T = torch.arange(16000, dtype=torch.float64) / 16000


def voice(hz: float) -> torch.Tensor:
    """Harmonics up to 3.5 kHz, falling by 6 dB an octave."""
    return sum((torch.sin(2 * math.pi * hz * k * T) / k for k in range(1, int(3500 / hz) + 1)), torch.zeros_like(T))


@pytest.mark.parametrize("hz", [70.0, 110.0, 187.3, 220.0, 440.0, 600.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_harmonics_have_the_pitch_of_their_fundamental(hz: float, dtype: torch.dtype) -> None:
    f0, voicing = pitch(voice(hz).to(dtype), 16000)
    assert torch.allclose(f0[5:-5], torch.tensor(hz, dtype=dtype), rtol=5e-3)
    assert (voicing[5:-5] > 0.98).all()


def test_a_missing_fundamental_is_heard() -> None:
    f0, _ = pitch(voice(150.0) - torch.sin(2 * math.pi * 150 * T), 16000)
    assert torch.allclose(f0[5:-5], torch.tensor(150.0, dtype=torch.float64), rtol=5e-3)


def test_level_makes_no_difference() -> None:
    x = voice(200.0) + 0.1 * torch.randn(16000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for ours, quiet in zip(pitch(x, 16000), pitch(1e-4 * x, 16000)):
        assert torch.allclose(ours, quiet)


def test_a_glide_is_followed() -> None:
    phase = 2 * math.pi * (120 * T + 60 * T**2)
    f0, _ = pitch(torch.sin(phase) + 0.5 * torch.sin(2 * phase), 16000)
    expected = 120 + 120 * torch.arange(101, dtype=torch.float64) * 0.01
    assert torch.allclose(f0[5:-5], expected[5:-5], rtol=0.02)


def test_noise_and_silence_have_no_voice() -> None:
    noise = torch.randn(16000, generator=torch.Generator().manual_seed(0))
    assert pitch(noise, 16000)[1].median() < 0.3
    f0, voicing = pitch(torch.zeros(16000), 16000)
    assert not f0.any() and not voicing.any()
    assert not pitch(torch.full((16000,), 0.3), 16000)[1][5:-5].any()  # a constant repeats itself, and is no voice


def test_speakers_pitch_agrees_with_librosas_pyin() -> None:
    librosa = pytest.importorskip("librosa", reason="a machine for training, without librosa")
    import soundfile

    wrong = compared = 0
    for actor, emotion in (("01", "01"), ("02", "03"), ("11", "04"), ("12", "05")):
        path = next((data_root() / "data" / "ravdess" / f"Actor_{actor}").glob(f"03-01-{emotion}-01-01-01-*.flac"))
        x, rate = soundfile.read(path, dtype="float32")
        theirs, voiced, _ = librosa.pyin(x, fmin=65, fmax=600, sr=rate, frame_length=1024, hop_length=160)
        f0, voicing = (part.numpy() for part in pitch(torch.as_tensor(x), rate))
        n = min(len(theirs), len(f0))
        both = voiced[:n] & (voicing[:n] > 0.7)
        compared += int(both.sum())
        wrong += int((np.abs(np.log2(f0[:n][both] / theirs[:n][both])) > 0.25).sum())
    assert compared > 150
    assert wrong < 0.1 * compared, f"{wrong} of {compared} frames are off by more than a quarter of an octave"
