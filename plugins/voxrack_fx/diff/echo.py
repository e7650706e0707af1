"""The ping-pong delay as an autograd function: compiled on the CPU, by spectra on other devices.

The delay itself is a whole number of samples; its gradient is that of a line which delays by a fraction
(see :func:`delay_gradient`), taken at the true signals: a straight-through gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .threads import over_rows

SURROGATE_SECONDS = 4.0  # the grid on which the reference counts the bins of its surrogate
_NEGLIGIBLE = 1e-12
_MARGIN = 4096  # samples round the delay that the fractional line's response takes
_WRAPPED = 1e-10  # what of the response beyond twice the signal's length comes back in the method of spectra


class Loop(NamedTuple):
    """The numbers of the loop, each with one row per batch item, float64.

    Attributes
    ----------
    samples : Tensor, shape (rows,)
        Delay; rounded to a whole number of at least 1 when applied.
    section : Tensor, shape (rows, 5)
        b0, b1, b2, a1, a2 of the low-pass.
    feedback, lowered : Tensor, shape (rows,)
        Gain of one echo to the next, and that to which the guard lowers it.
    gains : Tensor, shape (rows, 4)
        Odd echoes to left, even to left, odd to right, even to right.
    log_damp : Tensor, shape (rows,), or None
        Below 0: choose the damped surrogate for the gradient to ``samples``.
    """

    samples: Tensor
    section: Tensor
    feedback: Tensor
    lowered: Tensor
    gains: Tensor
    log_damp: Tensor | None = None

    def each(self, change: Callable[[Tensor], Tensor]) -> Loop:
        """Every number changed in the same way."""
        damp = None if self.log_damp is None else change(self.log_damp)
        return Loop(
            change(self.samples), change(self.section), change(self.feedback), change(self.lowered),
            change(self.gains), damp,
        )  # fmt: skip


def whole(samples: Tensor) -> Tensor:
    """Delays as the streaming device takes them: integers of at least 1."""
    return samples.detach().round().clamp(min=1.0).to(torch.int64)


def delay_gradient(
    to_odd: Tensor, to_even: Tensor, a: Tensor, b: Tensor, delay: int, log_damp: float | None, sample_rate: int
) -> tuple[float, float]:
    """Gradient to the delay in samples, and to ``log_damp``, of one row.

    The line's response is S(w) = exp(-i w d), or with ``log_damp`` exp(k log_damp - i w d), k = w N / 2 pi for
    N = 4 s: the reference's surrogate, a wide pulse. Its derivatives meet the cross-spectrum of what entered the
    lines, ``a`` and ``b``, and the gradients to what left them, all (frames,).
    """
    frames = a.shape[-1]
    per_bin = SURROGATE_SECONDS * sample_rate
    reach = _MARGIN
    if log_damp is not None:
        width = abs(log_damp) * per_bin / (2.0 * math.pi)  # of the pulse, in samples
        reach = round(min(max(_MARGIN, 100.0 * width), per_bin))
    size = fast_length(frames + delay + reach)
    single = a.dtype == torch.float32
    inputs, outputs = (torch.zeros(size, dtype=torch.complex64 if single else torch.complex128, device=a.device)
                       for _ in range(2))  # fmt: skip
    torch.complex(a, b, out=inputs[:frames])
    late = torch.complex(to_odd, to_even)
    outputs[: max(frames - delay, 0)] = late[delay:]  # earlier by the delay, round the end
    early = min(delay, frames)
    outputs[size - delay : size - delay + early] = late[:early]
    cross = torch.fft.fft(outputs) * torch.fft.fft(inputs).conj()
    half = size // 2 + 1
    both = cross[:half].clone()
    both[1 : (size + 1) // 2] += cross[half - (size + 1) % 2 :].flip(0)[: (size + 1) // 2 - 1].conj()
    scale = 2.0 * math.pi / size
    if log_damp is None:
        omega = torch.arange(half, device=a.device, dtype=a.dtype) * scale
        return float(-(omega * both.imag).sum(dtype=torch.float64)) / size, 0.0
    bins = half if log_damp == 0.0 else min(half, math.ceil(math.log(_NEGLIGIBLE) / log_damp * size / per_bin) + 1)
    omega = torch.arange(bins, device=a.device, dtype=torch.float64) * scale
    k = omega * (per_bin / (2.0 * math.pi))
    weight = torch.exp(k * log_damp)
    both = both[:bins].to(torch.complex128)
    return float(-(omega * weight * both.imag).sum()) / size, float((k * weight * both.real).sum()) / size


def fast_length(least: int) -> int:
    """Smallest 2^a 3^b 5^c, a > 3, not below ``least``."""
    best = 1 << max(least - 1, 1).bit_length()
    for five in (1, 5, 25, 125):
        for three in (1, 3, 9, 27, 81):
            rest = -(-least // (16 * five * three))
            best = min(best, 16 * five * three << (rest - 1).bit_length())
    return best


class CompiledEcho(torch.autograd.Function):
    """``u`` (rows, frames) to (rows, 2, frames) on the CPU; ``limits`` is the guard's, 0 for a loop that decays."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, limits: Tensor, length: int, sample_rate: int, *numbers: Tensor) -> Tensor:
        from . import echo_kernels as kernels

        loop = Loop(*numbers)
        rows, frames = u.shape
        a, b, out = torch.empty_like(u), torch.empty_like(u), u.new_empty(rows, 2, frames)
        kept = (rows, 2, frames if bool((limits > 0.0).any()) else 0)
        returns, clipped = torch.empty(kept, dtype=torch.float64), torch.empty(kept, dtype=torch.bool)
        reached = torch.zeros(rows, dtype=torch.int64)
        settings = (whole(loop.samples), loop.section, loop.feedback, loop.lowered, limits)
        tensors = [t.detach() for t in (u, *settings, loop.gains, a, b, returns, clipped, reached)]
        arrays = [t.numpy() for t in (*tensors, out)]
        over_rows(lambda part: kernels.forward(*_cut(arrays, part, 6, length)), rows)
        ctx.save_for_backward(*tensors, loop.log_damp)
        ctx.constants = length, sample_rate
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        from . import echo_kernels as kernels

        *saved, log_damp = ctx.saved_tensors
        length, sample_rate = ctx.constants
        u, delays, section, feedback, lowered, _, gains, a, b, *_ = saved
        to_odd, to_even = torch.empty_like(u), torch.empty_like(u)
        found = [torch.zeros_like(t) for t in (section, feedback, lowered, gains)]
        arrays = [t.detach().numpy() for t in (grads[0].contiguous(), *saved, to_odd, to_even, *found)]
        over_rows(lambda part: kernels.backward(*_cut(arrays, part, 7, length)), u.shape[0])
        to_u = torch.zeros_like(u)
        for row, delay in enumerate(delays.tolist()):
            to_u[row, : max(u.shape[1] - delay, 0)] = to_odd[row, delay:]
        to_samples, to_damp = None, None
        if ctx.needs_input_grad[4] or ctx.needs_input_grad[9]:
            to_samples, to_damp = _delay_gradients(to_odd, to_even, a, b, delays, log_damp, sample_rate)
        to_section, to_feedback, to_lowered, to_gains = found
        return to_u, None, None, None, to_samples, to_section, to_feedback, to_lowered, to_gains, to_damp


def _cut(arrays: list[Any], rows: slice, place: int, length: int) -> list[Any]:
    """The kernels' arguments for some rows: the guard's length stands among the arrays at ``place``."""
    parts = [array[rows] for array in arrays]
    return [*parts[:place], length, *parts[place:]]


def _delay_gradients(
    to_odd: Tensor, to_even: Tensor, a: Tensor, b: Tensor, delays: Tensor, log_damp: Tensor | None, sample_rate: int
) -> tuple[Tensor, Tensor | None]:
    found = [
        delay_gradient(
            to_odd[row], to_even[row], a[row], b[row], delay,
            None if log_damp is None else float(log_damp[row]), sample_rate,
        )
        for row, delay in enumerate(delays.tolist())
    ]  # fmt: skip
    both = torch.tensor(found, dtype=torch.float64, device=a.device)
    return both[:, 0], None if log_damp is None else both[:, 1]


class _Moved(torch.autograd.Function):
    """What a change of the delay would add to both lines' outputs: nothing now, but a gradient."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor, sample_rate: int, samples: Tensor, log_damp: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(a, b, whole(samples), log_damp)
        ctx.sample_rate = sample_rate
        return torch.zeros_like(a), torch.zeros_like(b)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        a, b, delays, log_damp = ctx.saved_tensors
        to_samples, to_damp = _delay_gradients(grads[0], grads[1], a, b, delays, log_damp, ctx.sample_rate)
        return None, None, None, to_samples, to_damp


def echo_by_spectra(u: Tensor, loop: Loop, sample_rate: int) -> Tensor:
    """The same in torch for loops that decay: a product of spectra, (rows, frames) to (rows, 2, frames).

    An infinite response sampled at finitely many frequencies wraps round. On a circle of a radius above 1, that
    is for signals weighted by a falling exponential, what wraps is 200 dB down. Everything is float64.
    """
    frames = u.shape[-1]
    size = fast_length(2 * frames)
    log_radius = math.log(_WRAPPED) / size  # of the weight
    n = torch.arange(frames, dtype=torch.float64, device=u.device)
    fall = torch.exp(n * log_radius)
    omega = torch.arange(size // 2 + 1, dtype=torch.float64, device=u.device) * (2.0 * math.pi / size)
    step = torch.complex(torch.full_like(omega, log_radius), -omega)  # log of 1/z
    back = torch.exp(step)
    b0, b1, b2, a1, a2 = (loop.section[:, k, None] for k in range(5))
    once = loop.feedback[:, None] * (b0 + back * (b1 + back * b2)) / (1.0 + back * (a1 + back * a2))
    delays = whole(loop.samples)[:, None].double()
    line = torch.polar((delays * log_radius).exp().expand(-1, omega.numel()), -delays * omega)
    trip = once * line
    closed = 1.0 / (1.0 - trip * trip)
    weighted = torch.fft.rfft(u.double() * fall, size)

    def heard(spectrum: Tensor) -> Tensor:
        return torch.fft.irfft(spectrum, size)[..., :frames] / fall

    into_a, into_b = weighted, torch.zeros_like(weighted)
    moved = loop.samples.requires_grad or (loop.log_damp is not None and loop.log_damp.requires_grad)
    odd_extra, even_extra = into_b, into_b
    if moved:
        with torch.no_grad():
            a, b = heard(closed * into_a), heard(closed * trip * into_a)
        nudges = _Moved.apply(a, b, sample_rate, loop.samples, loop.log_damp)
        odd_extra, even_extra = (torch.fft.rfft(nudge * fall, size) for nudge in nudges)
        into_a, into_b = into_a + once * even_extra, once * odd_extra
    odd = line * closed * (into_a + trip * into_b) + odd_extra
    even = line * closed * (into_b + trip * into_a) + even_extra
    g = loop.gains[:, :, None]
    left, right = heard(g[:, 0] * odd + g[:, 1] * even), heard(g[:, 2] * odd + g[:, 3] * even)
    return torch.stack([left, right], dim=1).to(u.dtype)
