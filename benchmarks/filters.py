"""``python -m benchmarks.filters``: our filter back ends beside SciPy, torchlpc and a plain torch loop.

Six sections in series over one channel at 44.1 kHz, as in the vocal rack's equaliser; gradients to the signal and to
all coefficients. One thread on the CPU; on CUDA what runs there.
"""

from __future__ import annotations

from .timing import best_of, one_thread, write_json

one_thread()

import importlib  # noqa: E402
import importlib.metadata  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy import signal as dsp  # noqa: E402
from torch import Tensor  # noqa: E402

from voxrack_fx.diff import filters  # noqa: E402

RATE = 44_100
SECONDS = {"1 s": 1, "12 s": 12, "60 s": 60, "5 min": 300}
EXCERPT = 1000  # samples of the plain loop
SCIPY, LOOP, LPC = "SciPy sosfilt, float64", "plain torch loop *", "torchlpc 0.6"
Filter = Callable[[Tensor, Tensor, Tensor], Tensor]


def sections() -> tuple[Tensor, Tensor]:
    """Numerators and denominators (6, 3) of a voice's equaliser."""
    bands = (
        ("peak", 300.0, 1.0, -3.0), ("peak", 3500.0, 2.0, 2.5), ("low_shelf", 115.0, 0.707, 1.5),
        ("high_shelf", 6000.0, 0.707, 3.0), ("low_pass", 16_000.0, 0.707, None), ("high_pass", 80.0, 0.707, None),
    )  # fmt: skip
    pairs = [
        filters.biquad_coefficients(
            kind, RATE, torch.tensor(f), torch.tensor(q), None if gain is None else torch.tensor(gain)
        )
        for kind, f, q, gain in bands
    ]
    return torch.stack([b for b, _ in pairs]), torch.stack([a for _, a in pairs])


def ours(form: Callable[..., Tensor], backend: str) -> Filter:
    return lambda x, b, a: form(x, b, a, backend)


def with_torchlpc(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """The sections' numerators by convolution, their denominators by torchlpc."""
    lpc: Any = importlib.import_module("torchlpc").sample_wise_lpc
    out = x[:, 0]
    for numerator, denominator in zip(b.to(x.dtype), a.to(x.dtype)):
        padded = torch.nn.functional.pad(out[:, None], (2, 0))
        out = torch.nn.functional.conv1d(padded, numerator.flip(0)[None, None])[:, 0]
        out = lpc(out, denominator[1:].expand(*out.shape, 2))
    return out[:, None]


def plain_loop(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sample after sample with tensors, as one would write it first."""
    signal = list(x[0, 0])
    for numerator, denominator in zip(b.to(x.dtype), a.to(x.dtype)):
        s1 = s2 = x.new_zeros(())
        filtered = []
        for sample in signal:
            y = numerator[0] * sample + s1
            s1 = numerator[1] * sample - denominator[1] * y + s2
            s2 = numerator[2] * sample - denominator[2] * y
            filtered.append(y)
        signal = filtered
    return torch.stack(signal)[None, None]


def contestants() -> tuple[dict[str, Filter], dict[str, str]]:
    """Filters by name, and who is missing with the reason."""
    found: dict[str, Filter] = {
        "recursion": ours(filters.cascade, "recursion"),
        "recursion, parallel form": ours(filters.parallel, "recursion"),
        "sampling": ours(filters.cascade, "sampling"),
        "scan": ours(filters.cascade, "scan"),
    }
    if torch.cuda.is_available():
        for name, form in (("", filters.cascade), (", parallel form", filters.parallel)):
            for backend in ("sampling", "scan"):
                found[f"{backend}{name}, CUDA"] = ours(form, backend)
    missing = {}
    try:
        version = importlib.metadata.version("torchlpc")
    except importlib.metadata.PackageNotFoundError:
        missing[LPC] = "not installed: pip install torchlpc==0.6"
    else:
        if version == "0.6":
            found[LPC] = with_torchlpc
        else:
            missing[LPC] = f"version {version} is installed, the comparison is with 0.6"
    return found, missing


def forward(run: Filter, x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    with torch.no_grad():
        out = run(x, b, a)
    if out.is_cuda:
        torch.cuda.synchronize()
    return out


def both(run: Filter, x: Tensor, b: Tensor, a: Tensor, weight: Tensor) -> list[Tensor]:
    """Forward and backward; gradients to signal and coefficients."""
    leaves = [t.detach().clone().requires_grad_() for t in (x, b, a)]
    run(*leaves).backward(weight)
    if x.is_cuda:
        torch.cuda.synchronize()
    signal, numerators, denominators = (leaf.grad for leaf in leaves if leaf.grad is not None)
    return [signal, numerators, denominators[:, 1:]]  # a0 is 1: torchlpc does not take it


def times(found: dict[str, Filter], seconds: int) -> dict[str, dict[str, float]]:
    """Seconds for one pass over ``seconds`` of noise: forward, and forward with backward."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, 1, 1, seconds * RATE)
    b, a = sections()
    runs: dict[str, dict[str, Callable[[], Any]]] = {"forward": {}, "both": {}}
    for name, run in found.items():
        device = "cuda" if name.endswith("CUDA") else "cpu"
        moved = [t.to(device) for t in (x, b, a, weight)]
        runs["forward"][name] = partial(forward, run, *moved[:3])
        runs["both"][name] = partial(both, run, *moved)
    sos, samples = torch.cat([b, a], 1).numpy(), x.double().numpy()
    runs["forward"][SCIPY] = lambda: dsp.sosfilt(sos, samples)
    rounds = 5 if seconds <= 12 else 2
    figures = {direction: best_of(each, rounds) for direction, each in runs.items()}
    return figures


def loop_times() -> dict[str, float]:
    """Seconds the plain loop needs for one sample: forward, and forward with backward."""
    x, weight = torch.randn(2, 1, 1, EXCERPT)
    b, a = sections()
    runs = {"forward": lambda: forward(plain_loop, x, b, a), "both": lambda: both(plain_loop, x, b, a, weight)}
    return {direction: seconds / EXCERPT for direction, seconds in best_of(runs, 3).items()}


def errors(found: dict[str, Filter]) -> dict[str, dict[str, float]]:
    """Relative errors on one second of float32 noise: output against SciPy, gradients against float64 recursion."""
    torch.manual_seed(1)
    x, weight = torch.randn(2, 1, 1, RATE)
    b, a = sections()
    want = dsp.sosfilt(torch.cat([b, a], 1).numpy(), x.double().numpy())
    reference = both(found["recursion"], x.double(), b, a, weight.double())
    out = {}
    for name, run in found.items():
        device = "cuda" if name.endswith("CUDA") else "cpu"
        moved = [t.to(device) for t in (x, b, a, weight)]
        got = forward(run, *moved[:3]).double().cpu().numpy()
        gradients = both(run, *moved)
        out[name] = {
            "output": float(np.linalg.norm(got - want) / np.linalg.norm(want)),
            "gradient": max(float((g.cpu().double() - r).norm() / r.norm()) for g, r in zip(gradients, reference)),
        }
    return out


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    console = Console(width=120)
    found, missing = contestants()
    figures = {label: times(found, seconds) for label, seconds in SECONDS.items()}
    for direction, per_sample in loop_times().items():
        for label, seconds in SECONDS.items():
            figures[label][direction][LOOP] = per_sample * seconds * RATE
    for direction, title in (("forward", "forward"), ("both", "forward and backward")):
        table = Table(f"ms, one channel, {title}", *SECONDS, title=f"six sections, {title} (times our recursion)")
        for name in figures["1 s"][direction]:
            row = [figures[label][direction][name] for label in SECONDS]
            best = [figures[label][direction]["recursion"] for label in SECONDS]
            table.add_row(name, *[f"{milliseconds(t)} ({t / r:,.3g})" for t, r in zip(row, best)])
        console.print(table)
    console.print(f"* measured on {EXCERPT} samples, extrapolated in proportion to the length")
    wrong = errors(found)
    table = Table("float32 signal, 1 s", "output against SciPy", "gradients against float64", title="relative errors")
    for name, each in wrong.items():
        table.add_row(name, f"{each['output']:.1e}", f"{each['gradient']:.1e}")
    console.print(table)
    for name, reason in missing.items():
        console.print(f"left out: {name}: {reason}")
    written = {"seconds": figures, "relative_errors": wrong, "left_out": missing, "extrapolated": [LOOP]}
    console.print(f"written: {write_json('filters', written)}")


if __name__ == "__main__":
    main()
