"""The reference's training step in plain torch, written from the specification (sections 3 to 8): what ours is
measured against.

Nothing is made slower than it need be: the recursions run in SciPy's and numba's compiled loops with their exact
adjoints, as the reference's do, and no step recomputes what autograd already holds. What it does not do is what the
reference does not do: the look-ahead is a direct convolution of 706 taps, the network is solved at every bin of 12 s,
and every spectral loss filters both signals anew.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import njit
from scipy.signal import lfilter
from torch import Tensor
from torch.nn import functional

LINES = (997, 1153, 1327, 1559, 1801, 2099)
SIZES = (128, 512, 2048)


class Recursion(torch.autograd.Function):
    """``y = b(z) / a(z) x`` along the last axis from rest; ``a[0]`` is 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, b: Tensor, a: Tensor) -> Tensor:
        y = torch.as_tensor(lfilter(b.detach().numpy(), a.detach().numpy(), x.detach().numpy())).to(x.dtype)
        ctx.save_for_backward(x, y, b, a)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, y, b, a = ctx.saved_tensors
        pole = np.flip(lfilter([1.0], a.numpy(), np.flip(grad.numpy(), -1)), -1)
        w = torch.as_tensor(pole.copy()).to(x.dtype)
        to_x = torch.as_tensor(np.flip(lfilter(b.numpy(), [1.0], np.flip(w.numpy(), -1)), -1).copy()).to(x.dtype)

        def lagged(signal: Tensor, lag: int) -> Tensor:
            return (w[..., lag:] * signal[..., : signal.shape[-1] - lag]).sum()

        to_b = torch.stack([lagged(x, i) for i in range(b.numel())])
        to_a = torch.stack([torch.zeros((), dtype=x.dtype), *(-lagged(y, i) for i in range(1, a.numel()))])
        return to_x, to_b, to_a


@njit(cache=True)
def _ballistics(f, attack, release, g, falling):
    state = 1.0
    for n in range(f.size):
        falling[n] = f[n] < state
        q = attack if falling[n] else release
        state += q * (f[n] - state)
        g[n] = state


@njit(cache=True)
def _ballistics_back(grad, f, g, falling, attack, release, to_f):
    carry, to_attack, to_release = 0.0, 0.0, 0.0
    for n in range(f.size - 1, -1, -1):
        carry += grad[n]
        before = g[n - 1] if n else 1.0
        q = attack if falling[n] else release
        to_f[n] = q * carry
        if falling[n]:
            to_attack += carry * (f[n] - before)
        else:
            to_release += carry * (f[n] - before)
        carry *= 1.0 - q
    return to_attack, to_release


class Ballistics(torch.autograd.Function):
    """One-pole smoothing of the gain (frames,) that falls with ``attack`` and rises with ``release``."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, attack: Tensor, release: Tensor) -> Tensor:
        numbers = f.detach().numpy()
        g, falling = np.empty_like(numbers), np.empty(numbers.size, np.bool_)
        _ballistics(numbers, float(attack), float(release), g, falling)
        ctx.kept = numbers, g, falling, float(attack), float(release)
        return torch.as_tensor(g)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        f, g, falling, attack, release = ctx.kept
        to_f = np.empty_like(f)
        to_attack, to_release = _ballistics_back(grad.numpy(), f, g, falling, attack, release, to_f)
        return torch.as_tensor(to_f), torch.tensor(to_attack).to(grad.dtype), torch.tensor(to_release).to(grad.dtype)


def biquad(kind: str, frequency: Tensor, q: Any, rate: int, gain: Any = 0.0) -> tuple[Tensor, Tensor]:
    """RBJ cookbook, section 3."""
    w = 2 * math.pi * frequency / rate
    c, alpha = torch.cos(w), torch.sin(w) / (2 * q)
    if kind in ("low_pass", "high_pass"):
        edge = 1 - c if kind == "low_pass" else 1 + c
        middle = edge if kind == "low_pass" else -edge
        b, a = (edge / 2, middle, edge / 2), (1 + alpha, -2 * c, 1 - alpha)
    else:
        big = 10 ** (torch.as_tensor(gain) / 40)
        if kind == "peak":
            b, a = (1 + alpha * big, -2 * c, 1 - alpha * big), (1 + alpha / big, -2 * c, 1 - alpha / big)
        else:
            s = -1.0 if kind == "low_shelf" else 1.0
            p, m, root = big + 1, big - 1, 2 * torch.sqrt(big) * alpha
            b = (big * (p + s * m * c + root), -s * 2 * big * (m + s * p * c), big * (p + s * m * c - root))
            a = (p - s * m * c + root, s * 2 * (m - s * p * c), p - s * m * c - root)
    coefficients = torch.stack(b), torch.stack(a)
    return coefficients[0] / a[0], coefficients[1] / a[0]


def fresh_parameters(seed: int = 0) -> dict[str, Tensor]:
    """Physical values as section 2 starts with them, as leaves; the silent reverb outputs get a little noise."""
    generator = torch.Generator().manual_seed(seed)
    values: dict[str, Any] = {
        "peak1": (0.0, 800.0, 0.707), "peak2": (0.0, 4000.0, 0.707), "low_shelf": (0.0, 115.0),
        "high_shelf": (0.0, 6000.0), "low_pass": (17500.0, 0.707), "high_pass": (200.0, 0.707),
        "compressor": (-18.0, -48.0, 0.0, 1000 / 44100, 0.001, 0.001, 0.3, 2.0, 0.5), "send": 0.01,
        "delay": (400.0, 0.1, 0.1, 8000.0, 0.707, 0.5, 0.5), "log_damp": -0.01, "pan": 0.5,
        "b": torch.full((6, 2), 1 / 6), "c": 0.05 * torch.randn(2, 6, generator=generator),
        "gamma": 0.4 + 0.2 * torch.rand(49, generator=generator),
        "rotation": torch.randn(6, 6, generator=generator) / math.sqrt(6),
        "post_peak1": (0.0, 800.0, 0.707), "post_peak2": (0.0, 4000.0, 0.707), "post_low": (0.0, 115.0),
        "post_high": (0.0, 8000.0),
    }  # fmt: skip
    return {key: torch.as_tensor(value, dtype=torch.float32).clone().requires_grad_() for key, value in values.items()}


def render(x: Tensor, p: dict[str, Tensor], rate: int) -> Tensor:
    """Mono (frames,) to stereo (2, frames)."""
    for kind in ("peak1", "peak2", "low_shelf", "high_shelf"):
        band = p[kind]
        q = band[2] if band.numel() == 3 else 0.707
        x = Recursion.apply(x, *biquad(kind.rstrip("12"), band[1], q, rate, band[0]))  # pyright: ignore
    for kind in ("low_pass", "high_pass"):
        x = Recursion.apply(x, *biquad(kind, p[kind][0], p[kind][1], rate))  # pyright: ignore
    u = _compress(x, p["compressor"], rate)
    echoes = _echoes(u, p, rate)
    feed = u + p["send"] * echoes
    return _panned(u, p["pan"]) + echoes + _reverb(feed, p, rate)


def _compress(x: Tensor, p: Tensor, rate: int) -> Tensor:
    threshold, floor, make_up, look_ahead, attack, release, average, ratio, expansion = p
    power = Recursion.apply(x.square().clamp(min=1e-8), average[None], torch.stack((torch.ones(()), average - 1)))
    level = 10 * torch.log10(power)  # pyright: ignore[reportArgumentType]
    gain = torch.minimum((1 - 1 / ratio) * (threshold - level), (1 - 1 / expansion) * (floor - level)).clamp(max=0)
    smooth: Any = Ballistics.apply(10 ** (gain / 20), attack, release)
    left, right = int(0.001 * rate), int(0.016 * rate) - int(0.001 * rate)
    kernel = torch.sinc(torch.arange(-left, right + 1) - look_ahead * rate / 1000)
    padded = functional.pad(smooth[None, None], (left, right), mode="replicate")
    return x * functional.conv1d(padded, kernel[None, None])[0, 0] * 10 ** (make_up / 20)


def _panned(x: Tensor, p: Tensor) -> Tensor:
    angle = p * math.pi / 2
    return math.sqrt(2) * torch.stack((torch.cos(angle) * x, torch.sin(angle) * x))


def _convolved(x: Tensor, h: Tensor) -> Tensor:
    frames, size = x.shape[-1], x.shape[-1] + h.shape[-1] - 1
    return torch.fft.irfft(torch.fft.rfft(x, size) * torch.fft.rfft(h, size), size)[..., :frames]


def _echoes(u: Tensor, p: dict[str, Tensor], rate: int) -> Tensor:
    time, feedback, level, corner, q, odd_pan, even_pan = p["delay"]
    size = 4 * rate
    d = time * rate / 1000
    k = torch.arange(size // 2 + 1)
    surrogate = torch.fft.irfft(torch.polar(torch.exp(k * p["log_damp"]), -2 * math.pi * k * d / size), size)
    with torch.no_grad():
        hard = torch.sinc(torch.arange(size) - d)
    tap = surrogate + (hard - surrogate).detach()
    echo = torch.fft.rfft(Recursion.apply(tap, *biquad("low_pass", corner, q, rate)))  # pyright: ignore
    power = torch.ones_like(echo)
    sums = [torch.zeros(size), torch.zeros(size)]
    for j in range(1, size // int(d.item() + 1) + 1):
        power = power * echo
        sums[(j + 1) % 2] = sums[(j + 1) % 2] + feedback ** (j - 1) * torch.fft.irfft(power, size)
    odd, even = (level * _convolved(u, h) for h in sums)
    return _panned(odd, odd_pan) + _panned(even, even_pan)


def _reverb(feed: Tensor, p: dict[str, Tensor], rate: int) -> Tensor:
    size = 12 * rate
    lengths = torch.tensor(LINES, dtype=torch.float32)
    gamma = functional.interpolate(p["gamma"][None, None], size // 2 + 1, mode="linear", align_corners=True)[0, 0]
    absorption = gamma[:, None] ** (lengths / LINES[0])
    upper = torch.triu(p["rotation"], 1)
    matrix = torch.linalg.matrix_exp(upper - upper.T)
    omega = 2 * math.pi * torch.arange(size // 2 + 1) / size
    advance = torch.polar(torch.ones(()), omega[:, None] * lengths)
    loop = torch.diag_embed(advance) - matrix * absorption[:, None, :]
    inputs = p["b"].to(torch.complex64).expand(size // 2 + 1, 6, 2)
    found = p["c"].to(torch.complex64) @ torch.linalg.solve(loop, inputs)
    h = torch.fft.irfft(found, size, dim=0).permute(1, 2, 0)
    for name, kind in (("peak1", "peak"), ("peak2", "peak"), ("low", "low_shelf"), ("high", "high_shelf")):
        band = p[f"post_{name}"]
        q = band[2] if band.numel() == 3 else 0.707
        h = Recursion.apply(h, *biquad(kind, band[1], q, rate, band[0]))  # pyright: ignore
    return _convolved(feed[None], h).sum(1)  # pyright: ignore[reportArgumentType]


def losses(pred: Tensor, target: Tensor, rate: int, taps: Tensor) -> Tensor:
    """The weighted total of two signals (2, frames), section 8."""
    middle, side = (lambda x: x[:1] + x[1:]), (lambda x: x[:1] - x[1:])
    left_right = _spectral(pred, target, taps)
    middle_side = 0.5 * (_spectral(middle(pred), middle(target), taps) + _spectral(side(pred), side(target), taps))
    root = math.sqrt(2)
    turned = [torch.cat((middle(x), side(x))) / root for x in (pred, target)]
    ranges = [_dynamics(pred, target, rate), _dynamics(turned[0], turned[1], rate)]
    return left_right + 0.5 * middle_side + 0.5 * ranges[0] + 0.25 * ranges[1]


def _spectral(pred: Tensor, target: Tensor, taps: Tensor) -> Tensor:
    terms = []
    for size in SIZES:
        x, y = (_magnitude(functional.conv1d(s[:, None], taps[None, None], padding=50)[:, 0], size)
                for s in (pred, target))  # fmt: skip
        terms.append((y - x).norm() / y.norm() + (x.log() - y.log()).abs().mean())
    return torch.stack(terms).mean()


def _magnitude(x: Tensor, size: int) -> Tensor:
    z = torch.stft(x, size, size // 4, window=torch.hann_window(size), return_complex=True)
    return (z.real.square() + z.imag.square()).clamp(min=1e-8).sqrt()


def _dynamics(pred: Tensor, target: Tensor, rate: int) -> Tensor:
    def curve(x: Tensor, short: float, long: float) -> Tensor:
        averages = []
        for time in (short, long):
            c = torch.tensor(1 - math.exp(-2200 / (time * rate)))
            power = x.square().clamp(min=1e-8)
            averages.append(Recursion.apply(power, c[None], torch.stack((torch.ones(()), c - 1))).log())
        return averages[0] - torch.roll(averages[1].reshape(-1), -int(0.0005 * rate * (long - short))).view_as(x)

    pairs = ((50.0, 1000.0), (100.0, 2000.0))
    return torch.stack([(curve(pred, *pair) - curve(target, *pair)).abs().mean() for pair in pairs]).sum()


def step(dry: Tensor, wet: Tensor, p: dict[str, Tensor], rate: int, taps: Tensor) -> dict[str, float]:
    """Forward, losses, backward of 12 s mono (frames,) against stereo (2, frames); seconds of each."""
    import time

    for value in p.values():
        value.grad = None
    marks = [time.perf_counter()]
    out = render(dry, p, rate)
    marks.append(time.perf_counter())
    warm = 5 * rate
    total = losses(out[:, warm:], wet[:, warm:], rate, taps) + (1 - p["log_damp"].exp()) ** 2
    marks.append(time.perf_counter())
    total.backward()
    marks.append(time.perf_counter())
    names = ("forward", "losses", "backward")
    return {**{n: b - a for n, a, b in zip(names, marks, marks[1:])}, "total": marks[-1] - marks[0]}
