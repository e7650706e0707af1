"""What is to be matched, with everything the losses need of it computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Literal, TypeVar

import numpy as np
import torch

from voxrack.errors import InputError, UsageError

from .dynamics import Real, WantedDynamics
from .reference import NAMES, SIZES, reference_losses
from .stft_loss import WantedSpectrum, frame_count, measure, slope
from .weighting import a_weighting_taps, weigh

SHORTEST = max(SIZES) // 2 + 1  # samples; the widest window is reflected at both ends
_Result = TypeVar("_Result")


class _Item:
    """One wanted stereo signal (2, T): weighted spectra and dynamics."""

    def __init__(self, signal: Real, sample_rate: int, keep: bool) -> None:
        self.signal = signal
        self.dynamics = WantedDynamics(signal, sample_rate)
        weighed = weigh(signal, a_weighting_taps(sample_rate))
        self.spectra = [WantedSpectrum(weighed, size, keep) for size in SIZES]


class Target:
    """A batch of wanted stereo signals.

    Parameters
    ----------
    wet : Tensor or ndarray, shape (batch, 2, frames) or (2, frames)
        float32 or float64, at least 1025 frames.
    sample_rate : int
        Hz.
    mode : {"exact", "paper"}
        ``paper`` reads the loudness dynamic range on from row to row as the reference does, in plain torch.
    keep : bool
        Keep the spectra in memory (about 70 bytes a frame and channel in float32); else compute them at every use.

    Notes
    -----
    On the CPU in mode ``exact`` losses and gradients come from compiled kernels; elsewhere from ``reference``.
    """

    def __init__(
        self, wet: Any, sample_rate: int, *, mode: Literal["exact", "paper"] = "exact", keep: bool = True
    ) -> None:
        if mode not in ("exact", "paper"):
            raise UsageError(f"mode is {mode!r}; it takes 'exact' or 'paper'")
        self.wet = _checked(torch.as_tensor(wet), "the target")
        self.sample_rate, self.mode = int(sample_rate), mode
        self._items: list[_Item] = []
        if self.compiled:
            arrays = [np.ascontiguousarray(item.numpy()) for item in self.wet.detach()]
            self._items = side_by_side([lambda a=a: _Item(a, self.sample_rate, keep) for a in arrays])

    @property
    def compiled(self) -> bool:
        """Whether the compiled kernels serve it."""
        return self.mode == "exact" and self.wet.device.type == "cpu"

    def __len__(self) -> int:
        return self.wet.shape[0]

    def __getitem__(self, items: Sequence[int]) -> Target:
        """The target of some of the batch; nothing is computed again."""
        part = object.__new__(Target)
        part.wet, part.sample_rate, part.mode = self.wet[list(items)], self.sample_rate, self.mode
        part._items = [self._items[i] for i in items] if self._items else []
        return part

    def losses(self, pred: torch.Tensor) -> torch.Tensor:
        """The four terms ``mss_lr, mss_ms, mldr_lr, mldr_ms`` of ``pred`` (batch, 2, frames), shape (4,).

        Where ``pred`` is not finite they are NaN.
        """
        pred = _checked(pred, "the prediction")
        if pred.shape != self.wet.shape or pred.dtype != self.wet.dtype:
            raise UsageError(
                f"the prediction is {tuple(pred.shape)} {pred.dtype}, the target {tuple(self.wet.shape)} "
                f"{self.wet.dtype}; both must agree"
            )
        if not self.compiled:
            return reference_losses(pred, self.wet, self.sample_rate, self.mode)
        terms: torch.Tensor = _Match.apply(pred, self)  # pyright: ignore[reportAssignmentType]
        return terms

    def terms(self, pred: torch.Tensor) -> dict[str, torch.Tensor]:
        """:meth:`losses` by name."""
        return dict(zip(NAMES, self.losses(pred)))


class _Match(torch.autograd.Function):
    """The four terms through the compiled kernels, and their gradient."""

    @staticmethod
    def forward(ctx: Any, pred: torch.Tensor, target: Target) -> torch.Tensor:
        signals = [np.ascontiguousarray(item.numpy()) for item in pred.detach()]
        if not all(np.isfinite(signal.sum(dtype=np.float64)) for signal in signals):
            ctx.kept = None
            return pred.new_full((4,), torch.nan)
        keep = pred.requires_grad
        taps = a_weighting_taps(target.sample_rate)
        weighed = side_by_side([lambda s=s: weigh(s, taps) for s in signals])
        work: list[Callable[[], Any]] = []
        for item, signal, heard in zip(target._items, signals, weighed, strict=True):
            work.append(lambda item=item, signal=signal: item.dynamics.measure(signal))
            for size, wanted in zip(SIZES, item.spectra):
                work.append(lambda h=heard, w=wanted, s=size: measure(h, w, s, keep))
        found = side_by_side(work)
        per = 1 + len(SIZES)
        spectral = np.array([[found[i * per + 1 + k][0] for k in range(len(SIZES))] for i in range(len(signals))])
        energy = np.array([[wanted.energy for wanted in item.spectra] for item in target._items]).sum(0)
        dynamic = sum(found[i * per][0] for i in range(len(signals)))
        terms, scales = _terms(spectral.sum(0), energy, dynamic, len(signals), signals[0].shape[1])
        ctx.kept = (target, signals, found, scales) if keep else None
        return torch.as_tensor(terms, dtype=pred.dtype)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # pyright: ignore
        if ctx.kept is None:
            raise UsageError("the losses are not finite: the prediction holds NaN or infinity")
        target, signals, found, (pull, push, dynamic) = ctx.kept
        by_term = grad.detach().numpy().astype(np.float64)
        of_signal = by_term[[0, 0, 1, 1]]
        frames, per = signals[0].shape[1], 1 + len(SIZES)
        work: list[Callable[[], Any]] = []
        for i, (item, signal) in enumerate(zip(target._items, signals)):
            averages = found[i * per][1]
            weights = by_term[[2, 2, 3, 3]] * dynamic
            work.append(lambda item=item, s=signal, a=averages, w=weights: item.dynamics.slope(s, a, w))
            for k, (size, wanted) in enumerate(zip(SIZES, item.spectra)):
                kept = found[i * per + 1 + k][1]
                work.append(
                    lambda k=k, size=size, wanted=wanted, kept=kept: slope(
                        kept, wanted, size, frames, pull[k] * of_signal, push[k] * of_signal
                    )
                )
        pieces = side_by_side(work)
        taps = a_weighting_taps(target.sample_rate)
        out = [
            pieces[i * per] + weigh(sum(pieces[i * per + 1 : (i + 1) * per]), taps) for i in range(len(signals))
        ]
        return torch.from_numpy(np.stack(out)), None


def _terms(
    sums: np.ndarray, energy: np.ndarray, dynamic: np.ndarray, items: int, frames: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Terms (4,) from sums (sizes, 4, 2), energies (sizes, 4) and dynamics (4,); and what each sum weighs in them.

    Left and right share their norm (both are rows of one array); middle and side are two arrays, each counted half.
    """
    counts = np.array([items * frame_count(frames, size) * (size // 2 + 1) for size in SIZES], dtype=np.float64)
    difference = np.stack((sums[:, :2, 0].sum(1), sums[:, :2, 0].sum(1), sums[:, 2, 0], sums[:, 3, 0]), 1)
    norms = np.sqrt(difference)
    wanted = np.sqrt(np.stack((energy[:, :2].sum(1), energy[:, :2].sum(1), energy[:, 2], energy[:, 3]), 1))
    share = np.array([0.5, 0.5, 0.5, 0.5])  # of a signal's sum in its term: left and right are one array of twice the size
    resolutions = len(SIZES)
    convergence = norms / wanted
    logs = sums[..., 1] / counts[:, None]
    left_right = (convergence[:, 0] + logs[:, :2].mean(1)).mean()
    middle_side = (0.5 * (convergence[:, 2:] + logs[:, 2:]).sum(1)).mean()
    rows = 2.0 * items * frames
    terms = np.array([left_right, middle_side, dynamic[:2].sum() / rows, dynamic[2:].sum() / rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = np.where(norms > 0.0, 1.0 / (norms * wanted), 0.0) / resolutions
    pull = pull * np.array([1.0, 1.0, 0.5, 0.5])
    push = share / counts[:, None] / resolutions
    return terms, (pull, push, np.full(4, 1.0 / rows))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, torch.get_num_threads()), thread_name_prefix="voxrack-losses")


def side_by_side(work: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Results of every piece of work, in order, as many at a time as torch may use threads."""
    if len(work) == 1 or torch.get_num_threads() == 1:
        return [piece() for piece in work]
    return list(_pool().map(lambda piece: piece(), work))


def _checked(x: torch.Tensor, what: str) -> torch.Tensor:
    x = x[None] if x.ndim == 2 else x
    if x.ndim != 3 or x.shape[1] != 2 or x.dtype not in (torch.float32, torch.float64):
        raise UsageError(
            f"{what} is {tuple(x.shape)} {x.dtype}; the losses take (batch, 2, frames) of float32 or float64"
        )
    if x.shape[-1] < SHORTEST:
        raise InputError(f"{what} has {x.shape[-1]} frames; the losses need {SHORTEST} or more")
    return x
