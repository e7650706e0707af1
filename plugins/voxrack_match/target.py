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
from .weighting import weigh

SHORTEST = max(SIZES) // 2 + 1  # samples; the widest window is reflected at both ends
_Result = TypeVar("_Result")


class _Item:
    """One wanted stereo signal (2, T): weighted spectra and dynamics."""

    def __init__(self, signal: Real, sample_rate: int, keep: bool) -> None:
        self.signal = signal
        self.dynamics = WantedDynamics(signal, sample_rate)
        weighed = weigh(signal, sample_rate)
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
        weighed = side_by_side([lambda s=s: weigh(s, target.sample_rate) for s in signals])
        work: list[Callable[[], Any]] = []
        for item, signal, heard in zip(target._items, signals, weighed, strict=True):
            work.append(lambda item=item, signal=signal: item.dynamics.measure(signal))
            for size, wanted in zip(SIZES, item.spectra):
                work.append(lambda h=heard, w=wanted, s=size: measure(h, w, s, keep))
        found = side_by_side(work)
        per = 1 + len(SIZES)
        places = [[found[i * per + 1 + k] for k in range(len(SIZES))] for i in range(len(signals))]
        square = np.array([[place[0] for place in row] for row in places]).sum(0)
        logs = np.array([[place[1] for place in row] for row in places]).sum(0)
        energy = np.array([[wanted.energy for wanted in item.spectra] for item in target._items]).sum(0)
        dynamic = np.array([found[i * per][0] for i in range(len(signals))]).sum(0)
        terms, scales = _terms(square, logs, energy, dynamic, len(signals), signals[0].shape[1])
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
                kept = found[i * per + 1 + k][2]
                work.append(
                    lambda k=k, size=size, wanted=wanted, kept=kept: slope(
                        kept, wanted, size, frames, pull[k] * of_signal, push[k] * of_signal
                    )
                )
        pieces = side_by_side(work)
        out = []
        for i in range(len(signals)):
            dynamic_part, *spectral_parts = pieces[i * per : (i + 1) * per]
            out.append(dynamic_part + weigh(np.sum(spectral_parts, axis=0), target.sample_rate))
        return torch.from_numpy(np.stack(out)), None


def spectral_terms(pred: Real, wanted: Real, sample_rate: int) -> tuple[float, float]:
    """``mss_lr`` and ``mss_ms`` of two signals (2, frames), without a gradient and with little memory."""
    heard, hoped = weigh(pred, sample_rate), weigh(wanted, sample_rate)
    square, logs, energy = [], [], []
    for size in SIZES:
        spectrum = WantedSpectrum(hoped, size, False)
        distance, difference, _ = measure(heard, spectrum, size, False)
        square.append(distance)
        logs.append(difference)
        energy.append(spectrum.energy)
    terms, _ = _terms(np.array(square), np.array(logs), np.array(energy), np.zeros(4), 1, pred.shape[1])
    return float(terms[0]), float(terms[1])


def _terms(
    square: np.ndarray, logs: np.ndarray, energy: np.ndarray, dynamic: np.ndarray, items: int, frames: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, float]]:
    """The four terms, and how steeply each sum moves them.

    Parameters
    ----------
    square, energy : ndarray, shape (sizes, 4)
        Sum of (Y - X)^2 and of Y^2 of left, right, middle, side.
    logs : ndarray, shape (sizes, 2)
        Sum of |ln X - ln Y| of left and right together, of middle and side together.
    dynamic : ndarray, shape (4,)
        Sum of the distances of the log power ratios by signal.

    Returns
    -------
    terms : ndarray, shape (4,)
    pull, push : ndarray, shape (sizes, 4)
        See :func:`stft_kernels.gradients`.
    weight : float
        Of each entry of ``dynamic``.
    """
    bins = np.array([items * frame_count(frames, size) * (size // 2 + 1) for size in SIZES], dtype=np.float64)
    norm, wanted = _norms(square), _norms(energy)
    with np.errstate(divide="ignore", invalid="ignore"):
        convergence = norm / wanted
        pull = np.where(norm > 0.0, 1.0 / (norm * wanted), 0.0)
    share = np.array([1.0, 1.0, 0.5, 0.5])  # middle and side are arrays of their own, counted half each
    resolutions = len(SIZES)
    spectral = np.stack((convergence[:, 0], 0.5 * (convergence[:, 2] + convergence[:, 3])), 1)
    spectral = (spectral + logs / (2.0 * bins)[:, None]).mean(0)
    weight = 1.0 / (2.0 * items * frames)
    terms = np.array([*spectral, dynamic[:2].sum() * weight, dynamic[2:].sum() * weight])
    push = np.broadcast_to(0.5 / bins[:, None], pull.shape)
    return terms, (pull * share / resolutions, push / resolutions, weight)


def _norms(square: np.ndarray) -> np.ndarray:
    """Norms (sizes, 4): left and right are rows of one array, middle and side stand alone."""
    both = square[:, 0] + square[:, 1]
    return np.sqrt(np.stack((both, both, square[:, 2], square[:, 3]), 1))


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
