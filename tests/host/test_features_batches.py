"""Batches, lengths, types, gradients, and what is refused."""

from __future__ import annotations

import warnings

import pytest
import torch

from voxrack import features
from voxrack.errors import InputError, UsageError

LENGTHS = [20000, 15001, 9000, 9001]


def both_pitch(x, **options):
    return torch.stack(features.pitch(x, 16000, **options), dim=-2)


def bank(x, **options):
    return features.log_filterbank(x, **options).transpose(-1, -2)


KINDS = {
    "mfcc": lambda x, **o: features.mfcc(x, 22050, **o),
    "mfcc, float32 spectra": lambda x, **o: features.mfcc(x, 22050, exact=False, **o),
    "log mel": lambda x, **o: features.log_mel(x, 16000, n_mels=64, **o),
    "reflected": lambda x, **o: features.log_mel(x, 16000, n_mels=64, pad_mode="reflect", **o),
    "not centred": lambda x, **o: features.log_mel(x, 16000, n_mels=64, center=False, **o),
    "bank": bank,
    "chroma": lambda x, **o: features.chroma(x, 16000, **o),
    "semitones": lambda x, **o: features.log_semitones(x, 16000, **o),
    "pitch": both_pitch,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest):
    return KINDS[request.param]


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(dtype)


def test_what_is_padded_to_a_batch_comes_out_as_it_does_alone(kind) -> None:
    x = noise(len(LENGTHS), 20000)
    x[2, 9000:] = torch.nan  # what lies beyond the end is nobody's business
    batch = kind(x, lengths=LENGTHS)
    for row, own, length in zip(batch, x, LENGTHS):
        alone = kind(own[:length])
        assert torch.allclose(row[:, : alone.shape[-1]], alone, atol=1e-5)
        assert not row[:, alone.shape[-1] :].any()


def test_any_number_of_dimensions_is_a_batch(kind) -> None:
    x = noise(2, 3, 9000)
    assert torch.allclose(kind(x)[1, 2], kind(x[1, 2]), atol=1e-5)


def test_the_loudest_frame_of_one_clip_hides_nothing_in_another() -> None:
    x = torch.stack([noise(16000), 1e-5 * noise(16000)])
    assert torch.allclose(features.log_mel(x, 16000)[1], features.log_mel(x[1], 16000), atol=1e-5)


def test_double_precision_stays_double(kind) -> None:
    x = noise(9000, dtype=torch.float64)
    assert kind(x).dtype == torch.float64
    assert kind(x.float()).dtype == torch.float32


def test_long_signals_in_pieces_are_the_same_as_in_one(kind, monkeypatch: pytest.MonkeyPatch) -> None:
    from voxrack import features_frames

    x = noise(2, 30000)
    monkeypatch.setattr(features_frames, "_AT_ONCE", {"cpu": 1 << 30})
    whole = kind(x)
    monkeypatch.setattr(features_frames, "_AT_ONCE", {"cpu": 1 << 15})
    assert torch.allclose(kind(x), whole, atol=1e-5)


@pytest.mark.parametrize("name", ["mfcc", "log mel", "reflected", "bank", "chroma", "semitones"])
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    x = noise(6000, dtype=torch.float64).requires_grad_()
    kind = KINDS[name]
    weights = torch.randn_like(kind(x).detach())
    (kind(x) * weights).sum().backward()
    step = torch.randn(6000, dtype=torch.float64) * 1e-7
    with torch.no_grad():
        numeric = ((kind(x + step) - kind(x - step)) * weights).sum() / 2
    assert x.grad is not None
    assert float(numeric) == pytest.approx(float((x.grad * step).sum()), rel=1e-3, abs=1e-9)


def test_silence_has_finite_gradients() -> None:
    x = torch.zeros(8000, requires_grad=True)
    total = features.mfcc(x, 22050).sum() + features.log_filterbank(x).sum() + features.chroma(x, 16000).sum()
    (total + features.pitch(x, 16000)[1].sum()).backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()


def test_deltas_of_a_batch_are_those_of_each() -> None:
    x = noise(2, 40, 12)
    for deltas in (lambda f, **o: features.deltas(f, **o), lambda f, **o: features.librosa_deltas(f, dim=-2, **o)):
        batch = deltas(x, lengths=[40, 23])
        assert torch.allclose(batch[0], deltas(x[0]))
        assert torch.allclose(batch[1, :23], deltas(x[1, :23]))
        assert not batch[1, 23:].any()


def test_a_ramp_has_its_slope_for_delta() -> None:
    ramp = 3.0 * torch.arange(30.0)[:, None].repeat(1, 2)
    assert torch.allclose(features.deltas(ramp)[2:-2], torch.tensor(3.0))
    assert torch.allclose(features.librosa_deltas(ramp, dim=-2), torch.tensor(3.0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same(kind) -> None:
    x = noise(4, 20000)
    assert torch.allclose(kind(x.cuda(), lengths=LENGTHS).cpu(), kind(x, lengths=LENGTHS), atol=1e-3)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.full((20000,), torch.nan), "not finite"),
        (torch.full((20000,), torch.inf), "not finite"),
        (torch.zeros(0), "no samples"),
        (torch.zeros(3, 0), "no samples"),
        (torch.tensor(1.0), "no samples"),
        (torch.zeros(50), "shorter than one window"),
        (torch.zeros(20000, dtype=torch.int16), "int16; float32 or float64"),
        (torch.zeros(20000, dtype=torch.float16), "float16; float32 or float64"),
        ([0.0] * 20000, "a tensor .* is needed"),
    ],
)
def test_what_is_no_signal_is_refused(kind, x, says: str) -> None:
    with pytest.raises(InputError, match=says):
        kind(x)


@pytest.mark.parametrize("lengths", [[1, 2, 3], [20000, 30000], [20000, 5], [1.5, 2.0]])
def test_lengths_that_do_not_fit_are_refused(kind, lengths) -> None:
    with pytest.raises(InputError, match=r"length|samples"):
        kind(noise(2, 20000), lengths=lengths)


def test_huge_samples_are_not_taken_for_infinite_ones() -> None:
    assert torch.isfinite(features.log_mel(torch.full((20000,), 1e36, dtype=torch.float64), 16000)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features.log_mel(torch.full((20000,), 3e38), 16000)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: features.log_mel(x, 16000, f_max=9000.0),
        lambda x: features.log_mel(x, 16000, f_min=5000.0, f_max=4000.0),
        lambda x: features.log_mel(x, 16000, hop_length=0),
        lambda x: features.log_mel(x, 16000, win_length=5000),
        lambda x: features.log_mel(x, 16000, top_db=-1.0),
        lambda x: features.log_mel(x, 16000, pad_mode="wrap"),
        lambda x: features.log_mel(x, 0),
        lambda x: features.mfcc(x, 16000, n_mfcc=129),
        lambda x: features.log_semitones(x, 16000, bands=120),
        lambda x: features.pitch(x, 16000, f_min=500.0, f_max=400.0),
        lambda x: features.deltas(noise(9, 9), n=0),
        lambda x: features.librosa_deltas(noise(9, 9), width=4),
    ],
)
def test_impossible_settings_are_refused(wrong) -> None:
    with pytest.raises(UsageError):
        wrong(noise(20000))


def test_fewer_frames_than_a_delta_needs_are_refused() -> None:
    with pytest.raises(InputError, match="5 frames are fewer than the 9"):
        features.librosa_deltas(noise(40, 5))
