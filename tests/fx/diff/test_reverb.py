"""The reverb's torch module: the streaming device's sound, the paper's network, gradients to every parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.signal import lfilter
from torch import Tensor

from voxrack.errors import InputError, UsageError
from voxrack.params import check_values
from voxrack_fx import post_eq
from voxrack_fx.absorption import MAX_GAIN, absorption_filters, line_lengths
from voxrack_fx.absorption import peak_gain as streaming_peak_gain
from voxrack_fx.diff.absorption import absorption_taps, mirrored
from voxrack_fx.diff.reverb import ReverbModule
from voxrack_fx.reverb import Reverb
from voxrack_fx.specs_space import REVERB

RATE = 44100
FITTED = [param.id for param in REVERB.params if param.id != "size"]
PATHS = [("exact", "recursion"), ("exact", "sampling"), ("paper", "auto")]
RATES = {"exact": RATE, "paper": 16000}  # the paper's lines are as long at any rate, its 12 s are not


def drawn(seed: int, **more: Any) -> dict[str, Any]:
    """A setting of the whole device at random."""
    random = np.random.default_rng(seed)
    values: dict[str, Any] = {
        "decay": np.exp(random.uniform(np.log(0.2), np.log(2.0), 49)),
        "input": random.normal(size=(6, 2)), "output": random.normal(size=(2, 6)), "rotation": random.normal(size=15),
        "damping": 0.3,
    }  # fmt: skip
    for band in ("peak1", "peak2", "low_shelf", "high_shelf"):
        values[f"{band}.gain"] = random.uniform(-9, 9)
    return values | more


def reverb(values: dict[str, Any]) -> Reverb:
    return Reverb(check_values(REVERB.params, values, REVERB.id), {}, {})


def module(values: dict[str, Any], mode: str = "exact", path: str = "auto") -> ReverbModule:
    return ReverbModule(reverb(values).values, RATES[mode], mode, path)


def tensors(values: dict[str, Any]) -> dict[str, Tensor]:
    given = reverb(values).values
    return {id: torch.tensor(given[id], dtype=torch.float64, requires_grad=True) for id in FITTED}


def noise(batch: int, channels: int, frames: int, seed: int = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, channels, frames)))


def relative(got: Any, want: Any) -> float:
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


# ---- what it computes -------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["recursion", "sampling"])
@pytest.mark.parametrize(("rate", "size"), [(8000, 0.3), (22050, 1.0), (44100, 2.0), (48000, 1.0), (96000, 0.6)])
def test_sounds_like_the_streaming_device(rate, size, path):
    device = reverb(drawn(1, size=size))
    device.prepare(rate, 2, rate)
    x = noise(1, 2, rate // 2)
    heard = device.process(x[0].numpy().astype(np.float32))
    for dtype, limit in ((torch.float64, 1e-5), (torch.float32, 3e-5)):
        out = ReverbModule(device.values, rate, path=path)(x.to(dtype), {})
        assert out.dtype == dtype and out.shape == x.shape
        assert relative(out[0].numpy(), heard) <= limit


def test_module_of_the_device_follows_its_values():
    device, x = reverb(drawn(2)), noise(1, 2, 5000)
    made = device.module(RATE)
    before = made(x, {})
    device.prepare(RATE, 2, 4096)
    device.set("peak1.gain", 12.0)
    after = made(x, {})
    assert relative(after, before) > 0.01
    torch.testing.assert_close(made(x, {"peak1.gain": torch.tensor(12.0)}), after)


@pytest.mark.parametrize("seed", [1, 2])
def test_absorption_is_that_of_the_streaming_device(seed):
    decay = np.exp(np.random.default_rng(seed).uniform(np.log(0.001), np.log(60.0), 49))
    for rate in (16000, 44100, 96000):
        lengths = line_lengths(rate)
        want = absorption_filters(decay, lengths, rate)
        got = mirrored(absorption_taps(torch.from_numpy(decay)[None], torch.from_numpy(lengths)[None], rate))[0]
        np.testing.assert_allclose(got.numpy(), want, atol=1e-14)


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_absorption_of_a_batch_is_to_the_bit_that_of_each(rate):
    """Sampling grows what the last place of a tap does by 1e8: as much as 2e-12 of the output, 3e-11 of a gradient."""
    decay = torch.from_numpy(np.exp(np.random.default_rng(3).uniform(np.log(0.2), np.log(2.0), (7, 49))))
    lengths = torch.from_numpy(line_lengths(rate))[None]
    batch = absorption_taps(decay, lengths, rate)
    for row, alone in zip(batch, decay):
        assert torch.equal(row, absorption_taps(alone[None], lengths, rate)[0])


def test_gradient_goes_through_the_guard():
    """Sharp steps of the decay curve make the FIR overshoot: it is scaled down, and the scale has a gradient."""
    lengths = torch.from_numpy(line_lengths(RATE, 0.3))[None]
    decay = torch.full((1, 49), 60.0, dtype=torch.float64)
    decay[:, 20:] = 0.05
    wanted = absorption_filters(decay[0].numpy(), lengths[0].numpy(), RATE)
    held = np.isclose(streaming_peak_gain(wanted), MAX_GAIN, rtol=1e-12)
    assert held.any() and not held.all()
    decay.requires_grad_()
    assert torch.autograd.gradcheck(lambda d: absorption_taps(d, lengths, RATE).sum(-1), (decay,), atol=1e-7)


def paper_reference(values: dict[str, Any], x: np.ndarray, rate: int) -> np.ndarray:
    """Section 7 word for word in numpy."""
    size, m = 12 * rate, np.array([997, 1153, 1327, 1559, 1801, 2099])
    decay = values["decay"] / (1.0 + values["damping"] * np.linspace(0, rate / 2, 49) / 2000.0)
    gamma = 10.0 ** (-60.0 * 997 / (rate * decay) / 20.0)
    gamma = np.interp(np.linspace(0, 48, size // 2 + 1), np.arange(49), gamma)
    skew = np.zeros((6, 6))
    skew[np.triu_indices(6, 1)] = values["rotation"]
    u = expm(skew - skew.T)
    omega = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    system = np.exp(1j * omega[:, None] * m)[:, :, None] * np.eye(6) - u * (gamma[:, None] ** (m / 997))[:, None, :]
    spectrum = values["output"] @ np.linalg.solve(system, np.broadcast_to(values["input"] + 0j, (len(omega), 6, 2)))
    h = np.fft.irfft(spectrum, size, axis=0).transpose(1, 2, 0)
    for b0, b1, b2, a1, a2 in post_eq.sections(values, rate):
        h = lfilter([b0, b1, b2], [1.0, a1, a2], h)
    return np.stack([sum(np.convolve(x[i], h[o, i])[: x.shape[1]] for i in range(2)) for o in range(2)])


@pytest.mark.parametrize("frames", [300, 9000])
def test_paper_is_section_seven(frames):
    """At 400 Hz twelve seconds are 4800 samples: what is left then comes round, and a longer signal meets the cut."""
    decay = np.geomspace(2.0, 20.0, 49)
    values = reverb(drawn(3, decay=decay, **{"peak1.frequency": 60.0, "peak2.frequency": 120.0})).values
    values |= {"low_shelf.frequency": 20.0, "high_shelf.frequency": 150.0}
    x = noise(1, 2, frames)
    x[..., 300:] *= 0.1
    want = paper_reference(values, x[0].numpy(), 400)
    out = ReverbModule(values, 400, "paper")(x, {})
    if frames > 997:
        assert np.abs(want).max() > 0.1
    assert np.linalg.norm(out[0].numpy() - want) <= 1e-10 * max(1.0, np.linalg.norm(want))


# ---- shapes -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("mode", "path"), PATHS)
def test_batch_of_settings_is_each_alone(mode, path):
    made = module({}, mode, path)
    sets = [tensors(drawn(seed)) for seed in (4, 5, 6)]
    batch = {id: torch.stack([one[id] for one in sets]).detach().requires_grad_() for id in FITTED}
    x, weight = noise(3, 2, 6000), noise(3, 2, 6000, seed=2)
    for signal in (x, x[:1]):  # an own signal for each setting, and one for all
        out = made(signal, batch)
        assert out.shape == x.shape
        grads = dict(zip(FITTED, torch.autograd.grad((weight * out).sum(), list(batch.values()))))
        for row, one in enumerate(sets):
            alone = made(signal[row % len(signal)][None], one)
            assert relative(out[row].detach(), alone[0].detach()) < 1e-12
            for id, grad in zip(FITTED, torch.autograd.grad((weight[row] * alone[0]).sum(), list(one.values()))):
                assert torch.linalg.norm(grads[id][row] - grad) <= 1e-9 * (torch.linalg.norm(grad) + 1e-6), id


@pytest.mark.parametrize(("mode", "path"), PATHS)
def test_part_of_the_settings_may_be_a_batch(mode, path):
    made, x = module(drawn(7), mode, path), noise(2, 2, 4000)
    out = made(x, {"peak2.gain": torch.tensor([0.0, 6.0]), "damping": torch.tensor([0.3, 0.9])})
    for row, (gain, damping) in enumerate(((0.0, 0.3), (6.0, 0.9))):
        one = {"peak2.gain": torch.tensor(gain).double(), "damping": torch.tensor(damping)}
        assert relative(out[row], made(x[row : row + 1], one)[0]) < 1e-12


def test_sizes_may_differ_within_a_batch():
    made, x = module(drawn(8)), noise(2, 2, 4000)
    out = made(x, {"size": torch.tensor([0.5, 1.7])})
    for row, size in enumerate((0.5, 1.7)):
        assert relative(out[row], module(drawn(8, size=size))(x[row : row + 1], {})[0]) < 1e-6  # size came in float32
    with pytest.raises(UsageError, match="one `size`"):
        module(drawn(8), "paper")(x, {"size": torch.tensor([0.5, 1.7])})


@pytest.mark.parametrize(("mode", "path"), PATHS)
def test_mono_goes_to_both_inputs_and_nothing_gives_nothing(mode, path):
    made, x = module(drawn(9), mode, path), noise(2, 1, 3000)
    assert torch.equal(made(x, {}), made(x.expand(-1, 2, -1), {}))
    assert made(x[..., :0], {}).shape == (2, 2, 0)


def test_refuses_what_it_cannot_do():
    made = module({})
    for x in (torch.zeros(2, 8), torch.zeros(1, 3, 8), torch.zeros(1, 2, 8, dtype=torch.int32)):
        with pytest.raises(InputError, match=r"float|channels"):
            made(x, {})
    with pytest.raises(UsageError, match="decoy"):
        made(torch.zeros(1, 2, 8), {"decoy": torch.zeros(49)})
    with pytest.raises(UsageError, match="shape"):
        made(torch.zeros(1, 2, 8), {"decay": torch.zeros(3, 2, 49)})
    with pytest.raises(UsageError, match="path"):
        ReverbModule({}, RATE, path="quick")
    with pytest.raises(UsageError, match="mode"):
        ReverbModule({}, RATE, "eager")


# ---- gradients --------------------------------------------------------------------------------
@pytest.mark.parametrize(("mode", "path"), PATHS)
def test_every_gradient_by_finite_differences(mode, path):
    """Lines of full size: one direction in each parameter's space, and one in the signal's."""
    params, x, weight = tensors(drawn(10)), noise(1, 2, 8000).requires_grad_(), noise(1, 2, 8000, seed=2)
    limit = 1e-5 if path == "sampling" else 1e-6  # its rounding is 1e-8 of the signal
    made = module({}, mode, path)

    def loss(given: dict[str, Tensor], signal: Tensor) -> Tensor:
        return (weight * made(signal, given)).sum()

    grads = torch.autograd.grad(loss(params, x), [*params.values(), x])
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for id, grad in zip([*FITTED, "signal"], grads):
            value = x if id == "signal" else params[id]
            direction = torch.randn(value.shape, generator=random, dtype=torch.float64)
            step = 1e-4 * (value.abs().mean() + 0.1)

            def at(scale, id=id, value=value, direction=direction, step=step):
                moved = value + scale * step * direction
                return loss(params, moved) if id == "signal" else loss(params | {id: moved}, x)

            numeric = (at(1) - at(-1)) / (2.0 * step)
            analytic = (grad * direction).sum()
            scale = torch.linalg.norm(grad) * torch.linalg.norm(direction)
            assert abs(numeric - analytic) <= limit * scale, f"{id}: {numeric:.6e} and {analytic:.6e}"


@pytest.mark.parametrize(("mode", "path"), PATHS)
def test_float32_gradients_are_those_of_float64(mode, path):
    made, found = module({}, mode, path), []
    x, weight = noise(1, 2, 30000), noise(1, 2, 30000, seed=2)
    for dtype in (torch.float64, torch.float32):
        params = tensors(drawn(11))
        (weight * made(x.to(dtype), params)).sum().backward()
        found.append({id: params[id].grad for id in FITTED})
    for id in FITTED:
        want, got = found[0][id], found[1][id]
        assert torch.linalg.norm(got - want) <= 1e-3 * torch.linalg.norm(want), id


@pytest.mark.parametrize(("mode", "path"), PATHS)
@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("end", ["lo", "hi"])
def test_gradients_are_finite_at_both_ends_of_every_range(mode, path, rate, end):
    given = {param.id: getattr(param, end) for param in REVERB.params if param.id in FITTED}
    values = reverb({id: value for id, value in given.items() if id != "size"}).values
    for dtype in (torch.float32, torch.float64):
        params = {id: torch.tensor(values[id], dtype=dtype, requires_grad=True) for id in FITTED}
        x = noise(1, 2, 6000).to(dtype).requires_grad_()
        out = ReverbModule(values, rate, mode, path)(x, params)
        assert out.isfinite().all()
        out.square().mean().backward()
        for id in FITTED:
            grad = params[id].grad
            assert grad is not None and grad.isfinite().all(), id
        assert x.grad is not None and x.grad.isfinite().all()
