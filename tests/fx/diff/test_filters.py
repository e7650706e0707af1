"""The filters behind one function: each back end against float64 recursions of SciPy, and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as dsp

from voxrack.errors import InputError, UsageError
from voxrack_fx import coefficients as plain
from voxrack_fx.diff import filters

BACKENDS = ("recursion", "sampling", "scan")
FORMS = (filters.cascade, filters.parallel)
KINDS = ("peak", "peak", "low_shelf", "high_shelf", "low_pass", "high_pass")
FREQUENCIES = (300.0, 3500.0, 60.0, 6000.0, 14000.0, 40.0)
Q = (4.0, 1.0, 0.707, 0.707, 0.707, 1.5)
GAINS = (6.0, -9.0, 3.0, -4.0, 0.0, 0.0)


def _settings(*batch: int) -> list[torch.Tensor]:
    return [torch.tensor(values, dtype=torch.float64).expand(*batch, 6).clone() for values in (FREQUENCIES, Q, GAINS)]


def _sections(frequencies, q, gains, rate=44100):
    pairs = [
        filters.biquad_coefficients(kind, rate, frequencies[..., i], q[..., i], gains[..., i])
        for i, kind in enumerate(KINDS)
    ]
    return torch.stack([b for b, _ in pairs], -2), torch.stack([a for _, a in pairs], -2)


def _noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _sosfilt(x, b, a):
    return torch.from_numpy(dsp.sosfilt(torch.cat([b, a], -1).numpy(), x.numpy()))


def _relative(got, want):
    return float((got.double() - want).norm() / want.norm())


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("kind", filters.KINDS)
def test_coefficients_are_those_of_the_streaming_devices(kind, rate):
    make = {
        "peak": plain.peak, "low_shelf": plain.low_shelf, "high_shelf": plain.high_shelf,
        "low_pass": plain.low_pass_or_off, "high_pass": plain.high_pass_or_off,
    }[kind]  # fmt: skip
    for frequency in (10.0, 10.1, 1000.0, 21999.0, 22000.0):
        for q in (0.05, 0.707, 40.0):
            gain = [] if kind.endswith("pass") else [-7.0]
            b0, b1, b2, a1, a2 = make(*gain, frequency, q, rate)
            b, a = filters.biquad_coefficients(kind, rate, *torch.tensor([frequency, q, *gain], dtype=torch.float64))
            np.testing.assert_allclose(b, [b0, b1, b2], rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(a, [1.0, a1, a2], rtol=1e-12, atol=1e-15)


def test_passes_stay_on_where_the_caller_says_so():
    for kind, frequency in (("low_pass", 22000.0), ("high_pass", 10.0)):
        b, _ = filters.biquad_coefficients(
            kind, 48000, torch.tensor(frequency), torch.tensor(0.707), passes_off=False
        )  # fmt: skip
        assert abs(float(b[0]) - 1.0) > 1e-4


def test_coefficients_pass_gradcheck():
    frequencies, q, gains = _settings()
    for i, kind in enumerate(filters.KINDS):
        given = [frequencies[i], q[i], gains[i] + 1.0]
        inputs = [t.clone().requires_grad_() for t in given[: 2 if kind.endswith("pass") else 3]]
        assert torch.autograd.gradcheck(
            lambda *p, kind=kind: filters.biquad_coefficients(kind, 44100, *p), inputs, eps=1e-4, atol=1e-9, rtol=1e-4
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_long_signals_equal_scipy_in_float64(backend, form):
    x, (b, a) = _noise(2, 2, 60_000), _sections(*_settings())
    got = form(x, b, a, backend)
    assert got.dtype == torch.float64 and got.shape == x.shape
    assert _relative(got, _sosfilt(x, b, a)) < (1e-10 if backend != "sampling" else 1e-7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_float32_signals_stay_below_minus_110_db(backend, form):
    x, (b, a) = _noise(1, 2, 60_000), _sections(*_settings())
    got = form(x.float(), b, a, backend)
    assert got.dtype == torch.float32
    assert _relative(got, _sosfilt(x.float().double(), b, a)) < 10 ** (-110 / 20)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 7, 8, 249, 250, 256, 257, 1000])
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_length(backend, frames):
    x, (b, a) = _noise(1, 1, frames), _sections(*_settings())
    for form in FORMS:
        torch.testing.assert_close(form(x, b, a, backend), _sosfilt(x, b, a), rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("sections", [1, 2, 6, 8, 9, 17])
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_number_of_sections(backend, sections):
    frequencies = torch.logspace(2, 4, sections, dtype=torch.float64)
    b, a = filters.biquad_coefficients("peak", 44100, frequencies, torch.full((sections,), 2.0), torch.tensor(2.0))
    x = _noise(1, 1, 3000)
    for form in FORMS:
        assert _relative(form(x, b, a, backend), _sosfilt(x, b, a)) < 1e-7


@pytest.mark.parametrize(
    "a",
    [[1.0, -1.8, 0.81], [1.0, 0.0, 0.0], [1.0, -1.89, 0.891], [1.0, 0.5, 0.0], [2.0, -3.0, 1.9]],
    ids=["double pole", "no pole", "two real poles", "one pole", "not normalised"],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_pair_of_poles(backend, a):
    x, b = _noise(1, 1, 5000), torch.tensor([[0.3, 0.2, 0.1]], dtype=torch.float64)
    a = torch.tensor([a], dtype=torch.float64)
    assert _relative(filters.cascade(x, b, a, backend), torch.from_numpy(dsp.lfilter(b[0], a[0], x))) < 1e-9


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_are_items_one_by_one(backend):
    frequencies, q, gains = _settings(3)
    frequencies[1] *= 1.1
    gains[2] += 2.0
    b, a = _sections(frequencies, q, gains)
    x = _noise(3, 2, 4000)
    for form in FORMS:
        together = form(x, b, a, backend)
        for i in range(3):
            torch.testing.assert_close(together[i : i + 1], form(x[i : i + 1], b[i], a[i], backend), atol=1e-8, rtol=0)
        shared = form(x[:1], b, a, backend)
        torch.testing.assert_close(shared[2:], form(x[:1], b[2:], a[2:], backend), atol=1e-8, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradcheck_to_signal_and_sections(backend, form):
    frequencies = torch.tensor([[9000.0, 3000.0, 12000.0], [7000.0, 4000.0, 11000.0]], dtype=torch.float64)
    b, a = filters.biquad_coefficients("peak", 44100, frequencies, torch.tensor(0.8), torch.tensor(5.0))
    x, b, a = (t.clone().requires_grad_() for t in (_noise(2, 1, 270), b, a))
    assert torch.autograd.gradcheck(
        lambda *t: form(*t, backend), (x, b, a), atol=1e-5, rtol=1e-4, fast_mode=True
    )  # fmt: skip


def test_gradcheck_of_every_single_derivative_of_the_recursion():
    b, a = _sections(*_settings())
    inputs = [t.clone().requires_grad_() for t in (_noise(1, 1, 12), b, a)]
    assert torch.autograd.gradcheck(filters.cascade, inputs)


@pytest.mark.parametrize("backend", ["sampling", "scan"])
def test_gradients_of_the_back_ends_agree_on_long_signals(backend):
    x, weight = _noise(2, 1, 88_200), _noise(2, 1, 88_200, seed=1)

    def gradients(name, form):
        settings = [t.requires_grad_() for t in _settings(2)]
        signal = x.clone().requires_grad_()
        (form(signal, *_sections(*settings), name) * weight).sum().backward()
        return [t.grad for t in (signal, *settings)]

    want = gradients("recursion", filters.cascade)
    for form in FORMS:
        for got, reference in zip(gradients(backend, form), want):
            assert _relative(got, reference) < 1e-6


def test_a_signal_alone_or_settings_alone_may_want_gradients():
    x, (b, a) = _noise(1, 1, 500), _sections(*_settings())
    for tensor in (x, b, a):
        tensor.requires_grad_()
        filters.cascade(x, b, a).sum().backward()
        assert tensor.grad is not None and bool(tensor.grad.isfinite().all())
        tensor.requires_grad_(False)


def test_gradients_of_gradients_are_refused():
    b, a = _sections(*_settings())
    x = _noise(1, 1, 100).requires_grad_()
    (grad,) = torch.autograd.grad(filters.cascade(x, b, a).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_silence_after_sound_dies_out_and_stays_finite():
    b, a = _sections(*_settings())
    x = torch.zeros(1, 1, 100_000, dtype=torch.float64)
    x[..., :100] = 1.0
    x.requires_grad_()
    out = filters.cascade(x, b, a)
    assert float(out[..., -100:].detach().abs().max()) < 1e-100
    out[..., :200].sum().backward()
    assert bool(x.grad.isfinite().all())


def test_an_unstable_filter_is_followed_by_the_recursions_and_refused_by_sampling():
    b, a = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, -2.0, 1.001]])
    x = _noise(1, 1, 500)
    want = torch.from_numpy(dsp.lfilter(b[0].double(), a[0].double(), x))
    for backend in ("recursion", "scan"):
        assert _relative(filters.cascade(x, b, a, backend), want) < 1e-8
    with pytest.raises(InputError, match="needs stable filters"):
        filters.cascade(x, b, a, "sampling")


def test_coinciding_poles_have_no_parallel_form():
    frequencies = torch.tensor([1000.0, 1000.0, 3000.0], dtype=torch.float64)
    b, a = filters.biquad_coefficients("peak", 44100, frequencies, torch.tensor(1.0), torch.tensor(5.0))
    with pytest.raises(InputError, match="share their poles"):
        filters.parallel(_noise(1, 1, 100), b, a)


def test_neighbouring_poles_cost_the_parallel_form_digits_but_not_the_result():
    frequencies = torch.tensor([1000.0, 1000.1, 3000.0], dtype=torch.float64)
    b, a = filters.biquad_coefficients("peak", 44100, frequencies, torch.tensor(1.0), torch.tensor(5.0))
    x = _noise(1, 1, 5000)
    assert _relative(filters.parallel(x, b, a), _sosfilt(x, b, a)) < 1e-8


def test_sections_that_are_off_change_nothing_in_either_form():
    frequencies, q, gains = _settings()
    frequencies[4:] = torch.tensor([22000.0, 10.0])
    b, a = _sections(frequencies, q, gains)
    x = _noise(1, 1, 5000)
    for form in FORMS:
        torch.testing.assert_close(form(x, b, a), _sosfilt(x, b[:4], a[:4]), atol=1e-9, rtol=0)


def test_what_does_not_fit_is_refused_with_the_shapes():
    x, (b, a) = _noise(2, 1, 100), _sections(*_settings(3))
    with pytest.raises(InputError, match="3 and 3 sets of sections do not fit a batch of 2"):
        filters.cascade(x, b, a)
    with pytest.raises(InputError, match=r"\(2, 100\)"):
        filters.cascade(x[:, 0], b, a)
    with pytest.raises(InputError, match="float32 or float64"):
        filters.cascade(x.to(torch.int64), b, a)
    with pytest.raises(InputError, match="b and a alike"):
        filters.cascade(x, b[:2, :, :2], a[:2])
    with pytest.raises(UsageError, match="backend 'fast' is unknown"):
        filters.cascade(x, b[:2], a[:2], "fast")
    with pytest.raises(UsageError, match="needs a gain"):
        filters.biquad_coefficients("peak", 44100, b[0, 0, 0], b[0, 0, 0])
    with pytest.raises(UsageError, match="kind 'notch' is unknown"):
        filters.biquad_coefficients("notch", 44100, b[0, 0, 0], b[0, 0, 0])


def test_nothing_in_nothing_out():
    b, a = _sections(*_settings())
    assert filters.cascade(torch.zeros(1, 2, 0), b, a).shape == (1, 2, 0)
