"""The training's stand-in for PESQ: 0 for equal signals, blind to level, and in order where PESQ has an order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from voxrack import read
from voxrack.testing import voice
from voxrack_enhance.disturbance import disturbance

RATE = 16_000
SPEECH = torch.from_numpy(voice(3.0, RATE, 0).samples)
NOISE = torch.randn(1, SPEECH.shape[-1], generator=torch.Generator().manual_seed(0)) * SPEECH.square().mean().sqrt()


def under_noise(decibels: float) -> torch.Tensor:
    return SPEECH + 10 ** (-decibels / 20) * NOISE


def test_equal_signals_disturb_nobody():
    assert float(disturbance(SPEECH, SPEECH)) < 0.01


def test_level_does_not_count():
    noisy = under_noise(10)
    assert float(disturbance(0.01 * noisy, SPEECH)) == pytest.approx(float(disturbance(noisy, SPEECH)), rel=1e-3)


def test_more_noise_disturbs_more_up_to_the_end_of_the_scale():
    points = [float(disturbance(under_noise(snr), SPEECH)) for snr in (40, 30, 20, 10, 0)]
    assert points == sorted(points) and points[0] < 0.5 and 2 < points[-1] < 4.5


def test_what_is_added_disturbs_more_than_what_is_missing():
    """A band 10 dB louder against the same band 10 dB softer, behind a steady noise that fills it."""
    spectrum = torch.fft.rfft(under_noise(10))
    band = slice(spectrum.shape[-1] // 4, spectrum.shape[-1] // 2)  # 2 to 4 kHz

    def with_band(decibels: float) -> torch.Tensor:
        changed = spectrum.clone()
        changed[..., band] *= 10 ** (decibels / 20)
        return torch.fft.irfft(changed, SPEECH.shape[-1])

    assert float(disturbance(with_band(10), under_noise(10))) > 1.2 * float(
        disturbance(with_band(-10), under_noise(10))
    )


@pytest.mark.parametrize("found", [torch.zeros(1, 16_000), torch.full((1, 16_000), 1e-9), torch.ones(1, 16_000)])
def test_gradients_are_finite_whatever_is_found(found):
    found = found.clone().requires_grad_()
    disturbance(found, SPEECH[:, :16_000]).sum().backward()
    assert found.grad is not None and found.grad.isfinite().all()


def test_going_against_the_gradient_disturbs_less():
    noisy = under_noise(10).requires_grad_()
    before = disturbance(noisy, SPEECH).sum()
    (gradient,) = torch.autograd.grad(before, noisy)
    step = noisy.detach() - gradient / gradient.abs().max() * 0.01 * SPEECH.abs().max()
    assert float(disturbance(step, SPEECH)) < float(before.detach())


def test_it_orders_real_recordings_as_pesq_does(shared):
    pesq = pytest.importorskip("pesq", reason="the package pesq (extra metrics) is not installed").pesq
    clips = sorted((shared / "data" / "cmgan_vbd" / "clean").iterdir())
    ours, theirs = [], []
    for file in clips:
        clean = read(file).mono().resample(RATE).samples[0]
        for folder in ("noisy", "CMGAN"):
            heard = read(next((file.parents[1] / folder).glob(f"{file.stem}.*"))).mono().resample(RATE).samples[0]
            size = min(len(clean), len(heard))
            one, other = (torch.from_numpy(np.ascontiguousarray(each[None, :size])) for each in (heard, clean))
            ours.append(-float(disturbance(one, other)))
            theirs.append(pesq(RATE, clean[:size], heard[:size], "wb"))
    assert len(ours) >= 10
    assert spearmanr(ours, theirs)[0] > 0.85
