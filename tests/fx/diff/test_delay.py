"""The delay's module: equal to the streaming device and to the oracle, gradients equal to differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import oracle_cases
from fx.diff.published_settings import assert_case, case_input, settings, stacked
from fx.streams import noise
from scipy.signal import lfilter

from voxrack.errors import InputError
from voxrack.instance import build
from voxrack_fx import coefficients
from voxrack_fx.delay import STABLE_GAIN
from voxrack_fx.delay import Delay as Streaming
from voxrack_fx.diff.delay import Delay
from voxrack_fx.diff.delay_paper import geometric
from voxrack_fx.diff.echo import fast_length
from voxrack_fx.specs_space import DELAY

RATE = 44100
IDS = tuple(param.id for param in DELAY.params)
SHORT = {
    "time": 20.0, "feedback": 0.8, "level": -3.0, "low_pass.frequency": 600.0, "low_pass.q": 0.6,
    "odd_pan": -80.0, "even_pan": 35.0,
}  # fmt: skip
OTHER = SHORT | {"time": 7.5, "feedback": 0.4, "low_pass.frequency": 300.0, "low_pass.q": 0.5, "odd_pan": 20.0}
GROWING = SHORT | {"feedback": 0.98, "low_pass.q": 1.9}
PATHS = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "spectra"])


def _module(values=SHORT, rate: int = RATE, mode: str = "exact", compiled: bool = True) -> Delay:
    return Delay(dict(values), rate, mode, compiled=compiled)


def _tensors(values, grad: bool = False) -> dict[str, torch.Tensor]:
    return {id: torch.tensor(float(v), dtype=torch.float64, requires_grad=grad) for id, v in values.items()}


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _smooth(frames: int, seed: int) -> torch.Tensor:
    """Noise below a sixth of the rate that begins and ends softly."""
    taps = np.hanning(13) / 6.0
    wave = np.convolve(np.convolve(_noise(frames, seed=seed).numpy(), taps, "same"), taps, "same")
    return torch.from_numpy(wave * np.hanning(frames))


def _streamed(values, signal: np.ndarray) -> tuple[np.ndarray, bool]:
    device = Streaming(values, {}, {})
    device.prepare(RATE, 1, signal.shape[1])
    return device.process(signal), device.guarded


@PATHS
@pytest.mark.parametrize("frames", [15, 70])
def test_gradients_equal_differences(compiled, frames):
    module = _module(rate=2000, compiled=compiled)
    x = _noise(2, 1, frames).requires_grad_()
    ids = [id for id in IDS if id != "time"]
    numbers = [torch.tensor([SHORT[id], OTHER[id]], dtype=torch.float64, requires_grad=True) for id in ids]
    delays = torch.tensor([SHORT["time"], OTHER["time"]])

    def run(x, *numbers):
        return module(x, {"time": delays, **dict(zip(ids, numbers))})

    assert torch.autograd.gradcheck(run, (x, *numbers), eps=1e-6 if compiled else 1e-5, atol=1e-6, rtol=1e-4)


def test_gradients_where_the_guard_closes():
    module, ids = _module(rate=2000), ("feedback", "level", "low_pass.frequency", "low_pass.q", "odd_pan", "even_pan")
    x = 0.2 * _noise(1, 1, 900, seed=3)
    x[..., 5] = 1.0  # the peak, to which the guard's ceiling refers
    values = GROWING | {"level": 0.0, "feedback": 1.0, "low_pass.frequency": 350.0}
    numbers = [torch.tensor(values[id], dtype=torch.float64, requires_grad=True) for id in ids]

    def run(x, *numbers):
        return module(x, {"time": torch.tensor(20.0), **dict(zip(ids, numbers))})

    held = run(x, *numbers).abs().max()
    assert held < 20.0, "the guard has not closed"
    assert torch.autograd.gradcheck(lambda *numbers: run(x, *numbers), numbers, eps=1e-7, atol=1e-5, rtol=1e-4)
    direction, weight = _noise(1, 1, 900, seed=4), _noise(1, 2, 900, seed=5)
    direction[..., 5] = 0.0
    x.requires_grad_()
    slope = (torch.autograd.grad((run(x, *numbers) * weight).sum(), x)[0] * direction).sum()
    with torch.no_grad():
        ahead, behind = ((run(x + e * direction, *numbers) * weight).sum() for e in (1e-7, -1e-7))
    assert slope.item() == pytest.approx((ahead - behind).item() / 2e-7, rel=1e-4)


def _fractional_echoes(u: torch.Tensor, d: float, values, rate: int) -> torch.Tensor:
    """Echoes one after the other, each delayed by a fraction with the help of a long DFT."""
    frames = u.shape[-1]
    size = 8 * frames
    omega = 2.0 * math.pi * np.fft.rfftfreq(size)
    b0, b1, b2, a1, a2 = coefficients.low_pass(values["low_pass.frequency"], values["low_pass.q"], rate)
    out, echo = np.zeros((2, frames)), u.numpy().copy()
    for j in range(1, int(frames // d) + 2):
        late = np.fft.irfft(np.fft.rfft(echo, size) * np.exp(-1j * omega * d * j), size)[:frames]
        angle = (values["odd_pan" if j % 2 else "even_pan"] + 100.0) / 400.0 * math.pi
        out += math.sqrt(2.0) * 10 ** (values["level"] / 20) * np.outer([math.cos(angle), math.sin(angle)], late)
        echo = values["feedback"] * lfilter([b0, b1, b2], [1.0, a1, a2], echo)
    return torch.from_numpy(out)


@PATHS
def test_gradient_to_the_time_is_that_of_a_fractional_line(compiled):
    rate, frames = 2000, 600
    u, weight = _smooth(frames, 1), torch.stack([_smooth(frames, 2), _smooth(frames, 3)])
    numbers = _tensors(SHORT, grad=True)
    out = _module(rate=rate, compiled=compiled)(u[None, None], numbers)[0]
    torch.testing.assert_close(out, _fractional_echoes(u, 40.0, SHORT, rate), atol=1e-6, rtol=0)
    got = torch.autograd.grad((out * weight).sum(), numbers["time"])[0].item() * 1000.0 / rate
    ahead, behind = ((_fractional_echoes(u, 40.0 + e, SHORT, rate) * weight).sum().item() for e in (1e-4, -1e-4))
    assert got == pytest.approx((ahead - behind) / 2e-4, rel=1e-3)


@PATHS
def test_log_damp_chooses_the_surrogate_s_gradient_and_no_other_value(compiled):
    """One echo: the gradient is that of a convolution with the reference's surrogate, on its grid of 4 s."""
    values, frames, size = SHORT | {"feedback": 0.0, "time": 9.0}, 3000, 4 * RATE
    u, weight = _noise(frames), _noise(2, frames, seed=1)
    numbers = _tensors(values | {"log_damp": -0.01}, grad=True)
    module = _module(values, compiled=compiled)
    out = module(u[None, None], numbers)[0]
    torch.testing.assert_close(out, module(u[None, None], _tensors(values))[0])
    got = torch.autograd.grad((out * weight).sum(), [numbers["time"], numbers["log_damp"]])

    d = torch.tensor(float(round(9.0 * RATE / 1000.0)), dtype=torch.float64, requires_grad=True)
    damp = torch.tensor(-0.01, dtype=torch.float64, requires_grad=True)
    k = torch.arange(size // 2 + 1, dtype=torch.float64)
    tap = torch.fft.irfft(torch.polar(torch.exp(k * damp), -k * d * 2.0 * math.pi / size), size)
    spectrum = torch.fft.rfft(tap, size) * torch.fft.rfft(u, size)
    late = torch.fft.irfft(spectrum, size)[:frames]
    angle, level = (values["odd_pan"] + 100.0) / 400.0 * math.pi, 10 ** (values["level"] / 20)
    want_out = math.sqrt(2.0) * level * torch.stack([math.cos(angle) * late, math.sin(angle) * late])
    want = torch.autograd.grad((want_out * weight).sum(), [d, damp])
    assert got[0].item() == pytest.approx(want[0].item() * RATE / 1000.0, rel=1e-3)
    assert got[1].item() == pytest.approx(want[1].item(), rel=1e-3)


def test_the_surrogate_sees_an_echo_that_is_far_away():
    """An echo at 20 ms is to come to 23 ms: by the fractional line's gradient the way is not to be seen."""
    u = torch.zeros(1, 1, 4000, dtype=torch.float64)
    u[..., 0] = 1.0
    target = _module(SHORT | {"time": 23.0})(u)
    numbers = _tensors(SHORT | {"log_damp": -0.01}, grad=True)
    loss = (_module()(u, numbers) - target).square().sum()
    assert torch.autograd.grad(loss, numbers["time"])[0] < 0.0
    numbers = _tensors(SHORT | {"time": 26.0, "log_damp": -0.01}, grad=True)
    loss = (_module()(u, numbers) - target).square().sum()
    assert torch.autograd.grad(loss, numbers["time"])[0] > 0.0


@pytest.mark.parametrize("values", [SHORT, OTHER, SHORT | {"feedback": 0.999, "time": 1.0, "low_pass.frequency": 2e4}])
def test_spectra_equal_the_compiled_recursion(values):
    x, weight = _noise(2, 1, 30000).requires_grad_(), _noise(2, 2, 30000, seed=1)
    results = []
    for compiled in (True, False):
        numbers = _tensors(values, grad=True)
        out = _module(compiled=compiled)(x, numbers)
        results.append((out, *torch.autograd.grad(out, [x, *numbers.values()], weight)))
    for name, ours, theirs in zip(("output", "x", *IDS), *results):
        assert torch.linalg.norm(ours - theirs) <= 1e-6 * torch.linalg.norm(ours), name


def test_equals_the_streaming_device_on_every_published_preset(shared):
    values = settings(shared, "delay")
    signal = noise(1, 120000)
    stable, closed = 0, 0
    for first in range(0, len(values), 64):
        part = values[first : first + 64]
        outs = _module(part[0])(torch.from_numpy(signal)[None], stacked(part)).numpy()
        for one, out in zip(part, outs):
            want, guarded = _streamed(one, signal)
            error = np.abs(out - want).max() / max(np.abs(want).max(), 1e-9)
            assert error < 1e-4, f"{20 * math.log10(error):.0f} dB with {one}"
            stable += Streaming(one, {}, {}).loop_gain <= STABLE_GAIN
            closed += guarded
    assert stable > 300


@PATHS
def test_the_guard_closes_as_in_the_streaming_device(compiled):
    signal = noise(1, 60000)
    both = {id: torch.tensor([GROWING[id], SHORT[id]], dtype=torch.float64) for id in IDS}
    both["low_pass.frequency"] = torch.tensor([5000.0, 5000.0])
    out = _module(compiled=compiled)(torch.from_numpy(signal)[None].double(), both).numpy()
    want, guarded = _streamed(GROWING | {"low_pass.frequency": 5000.0}, signal)
    assert guarded
    assert np.abs(out[0] - want).max() < 1e-5 * np.abs(want).max()
    want, guarded = _streamed(SHORT | {"low_pass.frequency": 5000.0}, signal)
    assert not guarded and np.abs(out[1] - want).max() < 1e-5 * np.abs(want).max()


@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_a_batch_of_settings_equals_one_by_one(mode):
    module, x = _module(mode=mode), _noise(2, 1, 6000)
    both = {id: torch.tensor([SHORT[id], OTHER[id]]) for id in IDS}
    out = module(x, both)
    for row, values in enumerate((SHORT, OTHER)):
        alone = module(x[row : row + 1], {id: torch.tensor(values[id]) for id in IDS})
        torch.testing.assert_close(out[row : row + 1], alone, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(module(x[:1], both), module(x[:1].repeat(2, 1, 1), both))


def test_missing_parameters_are_the_device_s():
    device = build(DELAY, SHORT)
    module, x = device.processor.module(RATE), _noise(1, 1, 4000)
    want = module(x, _tensors(SHORT))
    torch.testing.assert_close(module(x, {"feedback": torch.tensor(0.8, dtype=torch.float64)}), want)
    device.set("level", -43.0)
    torch.testing.assert_close(module(x), 0.01 * want)


@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_float32_is_near_float64_in_value_and_gradient(mode):
    weight, found = _noise(1, 2, 40000, seed=1), []
    for dtype in (torch.float32, torch.float64):
        x = _noise(1, 1, 40000).to(dtype).requires_grad_()
        numbers = _tensors(SHORT | {"log_damp": -0.01}, grad=True)
        out = _module(mode=mode)(x, numbers)
        assert out.dtype == dtype
        grads = torch.autograd.grad(out, [x, *numbers.values()], weight.to(dtype))
        found.append([g.double() for g in (out, *grads)])
    for name, single, double in zip(("output", "x", *IDS, "log_damp"), *found):
        assert torch.linalg.norm(single - double) <= 3e-4 * torch.linalg.norm(double), name


@pytest.mark.parametrize("mode", ["exact", "paper"])
@pytest.mark.parametrize("damped", [False, True])
def test_extremes_stay_finite(mode, damped):
    for frames in (1, 3000):
        x = 0.5 * torch.ones(1, 1, frames)
        for pick in ("lo", "hi"):
            extreme = {p.id: float(getattr(p, pick)) for p in DELAY.params}
            for values in (extreme, extreme | {"time": 1.0, "low_pass.q": 0.7, "feedback": 1.0}):
                if mode == "paper" and values["low_pass.q"] > 0.71:
                    continue  # the reference's powers grow beyond every number, and so may its copy
                numbers = _tensors(values | ({"log_damp": -0.01} if damped else {}), grad=True)
                x.requires_grad_()
                out = _module(values, 8000, mode)(x, numbers)
                used = [t for id, t in numbers.items()]
                grads = torch.autograd.grad(out.sum(), [x, *used], allow_unused=True)
                assert out.isfinite().all(), (pick, frames)
                assert all(g is None or g.isfinite().all() for g in grads), (pick, frames)


def test_more_than_one_channel_is_refused():
    with pytest.raises(InputError, match="one channel"):
        _module()(_noise(1, 2, 10), {})


def _powers(module: Delay, x: torch.Tensor, params, size: int) -> torch.Tensor:
    """Section 6 of the specification as it is written, power by power."""
    d, damp = params["time"] * module.sample_rate / 1000.0, params.get("log_damp")
    tap = torch.sinc(torch.arange(size, dtype=torch.float64) - d)
    if damp is not None:
        k = torch.arange(size // 2 + 1, dtype=torch.float64)
        surrogate = torch.fft.irfft(torch.exp(k * damp - 1j * k * d * 2.0 * math.pi / size), size)
        tap = surrogate + (tap - surrogate).detach()
    w0 = 2.0 * math.pi * params["low_pass.frequency"] / module.sample_rate
    alpha = torch.sin(w0) / (2.0 * params["low_pass.q"])
    a0, b0 = 1.0 + alpha, 0.5 * (1.0 - torch.cos(w0))
    state, past, filtered = [torch.zeros(())] * 2, [torch.zeros(())] * 2, []
    for v in tap:
        y = (b0 * (v + 2.0 * past[0] + past[1]) + 2.0 * torch.cos(w0) * state[0] - (1.0 - alpha) * state[1]) / a0
        past, state = [v, past[0]], [y, state[0]]
        filtered.append(y)
    spectrum = torch.fft.rfft(torch.stack(filtered))
    places = {1: [], 0: []}
    for j in range(1, size // int(d.item() + 1.0) + 1):
        power = torch.polar(spectrum.abs() ** j, j * spectrum.angle())
        places[j % 2].append(params["feedback"] ** (j - 1) * torch.fft.irfft(power, size))
    out = 0.0
    for parity, pan in ((1, "odd_pan"), (0, "even_pan")):
        angle = (params[pan] + 100.0) / 400.0 * math.pi
        gains = math.sqrt(2.0) * 10 ** (params["level"] / 20.0) * torch.stack([torch.cos(angle), torch.sin(angle)])
        out = out + gains[:, None] * sum(places[parity])
    spectra = torch.fft.rfft(x, 4 * size) * torch.fft.rfft(out, 4 * size)
    return torch.fft.irfft(spectra, 4 * size)[..., : x.shape[-1]]


@pytest.mark.parametrize("damp", [None, -0.01, -0.3])
def test_paper_mode_is_section_6_in_value_and_gradient(damp):
    rate = 120
    values = SHORT | {"time": 333.3, "low_pass.frequency": 30.0} | ({} if damp is None else {"log_damp": damp})
    x, weight = _noise(1, 1, 700).requires_grad_(), _noise(1, 2, 700, seed=1)
    module, results = _module(values, rate, "paper"), []
    for run in (module, lambda x, numbers: _powers(module, x, numbers, 4 * rate)):
        numbers = _tensors(values, grad=True)
        out = run(x, numbers)
        results.append((out, *torch.autograd.grad(out, [x, *numbers.values()], weight)))
    for name, ours, theirs in zip(("output", "x", *numbers), *results):
        torch.testing.assert_close(ours, theirs.reshape(ours.shape), rtol=1e-8, atol=1e-8, msg=name)


def test_geometric_sums_hold_near_one():
    ratio = torch.tensor([[1.0, 1.0 + 1e-9j, 0.999 * np.exp(1e-3j), -1.0, 1.01j]] * 3, dtype=torch.complex128)
    terms = torch.tensor([0, 1, 441])
    want = torch.stack([sum((r**j for j in range(n)), torch.zeros(5) + 0j) for r, n in zip(ratio, terms.tolist())])
    torch.testing.assert_close(geometric(ratio, terms), want, rtol=1e-10, atol=1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("damp", [None, -0.01])
def test_oracle(shared, dtype, damp):
    cases, numbers = oracle_cases("single", effect="DLY")
    for case in cases:
        p = case["physical"]
        values = {
            "time": p["d"], "feedback": p["f"], "level": 20.0 * math.log10(p["g"]), "low_pass.frequency": p["lp"],
            "low_pass.q": p["q"], "odd_pan": p["o"], "even_pan": p["e"],
        }  # fmt: skip
        tensors = {id: torch.tensor(float(value), dtype=dtype) for id, value in values.items()}
        tensors |= {} if damp is None else {"log_damp": torch.tensor(damp)}
        signal = torch.from_numpy(case_input(case, numbers).copy()).to(dtype)[None]
        assert_case(case, _module(values, case["sr"], "paper")(signal, tensors)[0], numbers)


@pytest.mark.parametrize("least", [1, 7, 1000, 176401, 705600])
def test_fast_lengths_are_long_enough_and_smooth(least):
    size = fast_length(least)
    assert least <= size <= max(16, 1.1 * least)
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    assert size == 1
