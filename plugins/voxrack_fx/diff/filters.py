"""Recursive filters with gradients, behind one function each; the back ends are interchangeable.

=============  ===================================================================  ===============
back end       what it does                                                         runs on
=============  ===================================================================  ===============
"recursion"    compiled time-domain recursion, analytic adjoint                     CPU
"sampling"     product of spectra, zero-padded until the responses died to 1e-7     CPU, CUDA
"scan"         doubling steps, their number the logarithm of the length; float64    CPU, CUDA
"auto"         recursion on the CPU; elsewhere sampling, or scan where the          CPU, CUDA
               responses last longer than the signal (the padding would dominate)
=============  ===================================================================  ===============
"""

from __future__ import annotations

import torch
from torch import Tensor

from voxrack.errors import InputError, UsageError

from . import recursion, sampling, scan
from .coefficients import KINDS, biquad_coefficients
from .parallel import parallel_form

__all__ = ["BACKENDS", "KINDS", "biquad_coefficients", "cascade", "one_pole", "parallel", "parallel_form"]

BACKENDS = ("auto", "recursion", "sampling", "scan")


def cascade(x: Tensor, b: Tensor, a: Tensor, backend: str = "auto") -> Tensor:
    """Second-order sections in series, from silence.

    Parameters
    ----------
    x : Tensor, shape (B, C, T)
        float32 or float64.
    b, a : Tensor, shape (sections, 3), (1, sections, 3) or (B, sections, 3)
        Numerators and denominators; ``a`` need not be normalised. With an ``x`` of batch 1 a batch of settings
        gives a batch of outputs.
    backend : {"auto", "recursion", "sampling", "scan"}

    Returns
    -------
    Tensor, shape (B, C, T)
        In the dtype of ``x``.
    """
    x, b, a = _aligned(x, b, a)
    return _over_rows(x, b, a, backend, "cascade")


def parallel(x: Tensor, b: Tensor, a: Tensor, backend: str = "auto") -> Tensor:
    """The same filter as :func:`cascade` of the same arguments, realised as a sum of sections.

    Raises
    ------
    InputError
        Where two sections share their poles (see :func:`parallel_form`).
    """
    x, b, a = _aligned(x, b, a)
    direct, b, a = parallel_form(b, a)
    return direct[:, None, None].to(x.dtype) * x + _over_rows(x, b, a, backend, "parallel")


def one_pole(x: Tensor, c: Tensor, backend: str = "auto", initial: float = 0.0) -> Tensor:
    """``y[n] = c x[n] + (1 - c) y[n - 1]`` with ``y[-1] = initial``.

    Parameters
    ----------
    x : Tensor, shape (B, C, T)
    c : Tensor, shape (), (B,), (B, C) or, moving with the signal, (B, C, T)
        Coefficient per sample, 0 to 1. ``initial`` gets no gradient.

    Returns
    -------
    Tensor, shape (B, C, T)
    """
    _check_signal(x)
    c = torch.as_tensor(c).to(device=x.device, dtype=torch.float64)
    if c.ndim > 3:
        raise UsageError(f"the coefficient has shape {tuple(c.shape)}; it takes (), (B,), (B, C) or (B, C, T)")
    moving = c.ndim == 3
    c = c if moving else c.reshape(*c.shape, *[1] * (2 - c.ndim))
    batch = max(x.shape[0], c.shape[0])
    try:
        x = x.expand(batch, -1, -1)
        c = c.expand_as(x) if moving else c.expand(batch, x.shape[1])
    except RuntimeError:
        raise InputError(f"a coefficient of shape {tuple(c.shape)} does not fit a signal {tuple(x.shape)}") from None
    rows, c = x.reshape(-1, x.shape[-1]), c.reshape(-1, x.shape[-1]) if moving else c.reshape(-1)
    name = _choose(backend, x)
    if name == "sampling" and moving:
        if backend == "sampling":
            raise UsageError('a moving coefficient has no spectrum; use backend="recursion" or "scan"')
        name = "scan"
    run = {"recursion": recursion, "sampling": sampling, "scan": scan}[name].one_pole
    return run(rows, c, initial).reshape(x.shape)


def _aligned(x: Tensor, b: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One set of normalised float64 sections per batch item."""
    _check_signal(x)
    b, a = (t.to(device=x.device, dtype=torch.float64) for t in (b, a))
    b, a = (t if t.ndim == 3 else t[None] for t in (b, a))
    if b.ndim != 3 or b.shape[-1] != 3 or b.shape[1:] != a.shape[1:]:
        raise InputError(
            f"sections come as (batch, sections, 3), b and a alike; got {tuple(b.shape)} and {tuple(a.shape)}"
        )
    batch = max(x.shape[0], b.shape[0], a.shape[0])
    if any(t.shape[0] not in (1, batch) for t in (x, b, a)):
        raise InputError(
            f"{b.shape[0]} and {a.shape[0]} sets of sections do not fit a batch of {x.shape[0]}; give one or as many"
        )
    b, a = b / a[..., :1], a / a[..., :1]
    return x.expand(batch, -1, -1), b.expand(batch, -1, -1), a.expand(batch, -1, -1)


def _check_signal(x: Tensor) -> None:
    if x.ndim != 3 or x.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"a filter takes float32 or float64 (batch, channels, frames); it got {x.dtype} {tuple(x.shape)}"
        )


def _over_rows(x: Tensor, b: Tensor, a: Tensor, backend: str, form: str) -> Tensor:
    if x.numel() == 0:
        return x.clone()
    channels = x.shape[1]
    rows = x.reshape(-1, x.shape[-1])
    name = _choose(backend, x, b, a)
    module = {"recursion": recursion, "sampling": sampling, "scan": scan}[name]
    out = getattr(module, form)(rows, b.repeat_interleave(channels, 0), a.repeat_interleave(channels, 0))
    return out.reshape(x.shape)


def _choose(backend: str, x: Tensor, b: Tensor | None = None, a: Tensor | None = None) -> str:
    if backend not in BACKENDS:
        raise UsageError(f"backend '{backend}' is unknown; there are {', '.join(BACKENDS)}")
    if backend == "auto":
        if x.device.type == "cpu":
            return "recursion"
        if b is None or a is None:
            return "scan"
        return "sampling" if _dies_within(x.shape[-1], b, a) else "scan"
    if backend == "recursion" and x.device.type != "cpu":
        raise UsageError(f'backend "recursion" runs on the CPU; the signal lies on {x.device}; use "auto"')
    return backend


def _dies_within(frames: int, b: Tensor, a: Tensor) -> bool:
    try:
        return sampling.decay(b, a) <= frames
    except InputError:  # a pole outside of the unit circle: only the recursions can follow it
        return False
