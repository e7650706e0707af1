"""How good speech is that was enhanced or made: PESQ, STOI and SI-SDR against the clean reference, DNSMOS without one.

PESQ, STOI and DNSMOS are the packages ``pesq``, ``pystoi`` and ``speechmos`` of the extra ``metrics``; all of it runs
at 16 kHz, mono. Nothing is fetched: the networks of DNSMOS lie in the wheel of ``speechmos``.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, UsageError

RATE = 16_000
NAMES = {"pesq": "PESQ", "stoi": "STOI", "si_sdr": "SI-SDR", "sig": "SIG", "bak": "BAK", "ovrl": "OVRL"}
"""What :func:`measure` gives, and how tables call it; SI-SDR is in dB, STOI 0 … 1, the rest mean opinion scores."""
PACKAGES = ("pesq", "pystoi", "speechmos", "onnxruntime")
SHORTEST = 0.4  # s; below, STOI has not the 30 frames that it averages over
_DNSMOS_SECONDS = 9.01  # the network's window
_DNSMOS_SCALE = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}  # of the authors' dnsmos_local.py: the network's answer to the scale of P.835
_LIMIT = 1e-12  # share of a reference's energy under which an error is rounding


def need() -> None:
    """UsageError where a package of the extra ``metrics`` is not installed; it names what to install."""
    for package in PACKAGES:
        _package(package)


def measure(clean: ArrayLike, test: ArrayLike, rate: int = RATE, *, windows: int | None = None) -> dict[str, float]:
    """All measures of one utterance, by the keys of :data:`NAMES`.

    Parameters
    ----------
    clean, test : array_like, shape (frames,)
        Of one length and aligned: a delay must have been removed.
    rate : int
        Hz; 16000.
    windows : int, optional
        See :func:`dnsmos`; 0 leaves DNSMOS out.
    """
    found = {"pesq": pesq_wb(clean, test, rate), "stoi": stoi(clean, test, rate), "si_sdr": si_sdr(clean, test)}
    if windows != 0:
        found |= dict(zip(("sig", "bak", "ovrl"), dnsmos(test, rate, windows)))
    return found


def pesq_wb(clean: ArrayLike, test: ArrayLike, rate: int = RATE) -> float:
    """Wideband PESQ, ITU-T P.862.2: about 1.0 (bad) … 4.64 (equal).

    Raises
    ------
    InputError
        For a reference in which PESQ finds no utterance (it needs 0.3 s of speech), or test audio that is silent.
    """
    one, other = _pair(clean, test, rate)
    if not other.any():
        raise InputError("the test audio is silent throughout: PESQ has nothing to compare")
    package = _package("pesq")
    try:
        return float(package.pesq(rate, one, other, "wb"))
    except (package.PesqError, ZeroDivisionError, ValueError) as error:
        said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InputError(f"PESQ cannot compare these {len(one) / rate:.2f} s: {said or type(error).__name__}") from None


def stoi(clean: ArrayLike, test: ArrayLike, rate: int = RATE) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), about 0 … 1.

    Raises
    ------
    InputError
        For less than 0.4 s of speech in the reference.
    """
    import warnings

    one, other = _pair(clean, test, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(_package("pystoi").stoi(one, other, rate))
        except RuntimeWarning as warning:
            raise InputError(f"STOI needs 0.4 s of speech in the reference: {str(warning).split('.')[0]}") from None


def si_sdr(clean: ArrayLike, test: ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, "SDR - half-baked or well done?").

    ``10 log10(|a s|² / |a s - x|²)`` with ``a = <x, s> / |s|²``, both signals without their means, as the equation
    assumes.

    Returns
    -------
    float
        Infinity where the test audio is the reference, at any level; minus infinity where it has nothing of it.
    """
    one, other = (x - x.mean() for x in _pair(clean, test, RATE))
    energy = float(one @ one)
    if energy == 0.0:
        raise InputError("the reference is constant: SI-SDR needs a sound to compare with")
    target = (float(other @ one) / energy) * one
    error = target - other
    wanted, wrong = float(target @ target), float(error @ error)
    if wanted == 0.0:
        return -math.inf
    return math.inf if wrong <= _LIMIT * wanted else 10 * math.log10(wanted / wrong)


def dnsmos(test: ArrayLike, rate: int = RATE, windows: int | None = None) -> tuple[float, float, float]:
    """SIG, BAK and OVRL that the network of DNSMOS P.835 predicts (Reddy et al. 2022), each about 1 … 5.

    The same as ``speechmos.dnsmos.run``, without the P.808 network and its spectrogram, on one thread: windows of
    9.01 s, one second apart, are averaged; what is shorter is doubled until it fills one.

    Parameters
    ----------
    test : array_like, shape (frames,)
    rate : int
        Hz; 16000.
    windows : int, optional
        Only the first so many. Later windows of a repeated clip hear the same again: one instead of all moved OVRL
        by 0.02 (standard deviation; 0.05 at most) on 18 clips of 3 to 8 s, and costs 0.2 CPU-seconds.
    """
    sound = _mono(test, "the test audio", rate).astype(np.float32)
    peak = float(np.abs(sound).max())
    if peak > 1:  # the network takes full scale at most, and level says little to it
        sound = sound / np.float32(peak)
    size = int(_DNSMOS_SECONDS * RATE)
    while len(sound) < size:
        sound = np.concatenate((sound, sound))
    count = min(int(len(sound) // RATE - _DNSMOS_SECONDS) + 1, windows or len(sound))
    heard = [sound[i * RATE : int((i + _DNSMOS_SECONDS) * RATE)] for i in range(count)]
    answers = [_dnsmos_network().run(None, {"input_1": part[None]})[0][0] for part in heard if len(part) >= size]
    sig, bak, ovrl = (
        float(np.mean([np.polyval(scale, answer[k]) for answer in answers]))
        for k, scale in enumerate(_DNSMOS_SCALE.values())
    )
    return sig, bak, ovrl


@cache
def _dnsmos_network() -> Any:
    """The network out of the wheel of ``speechmos``, on one thread; the package itself is not imported."""
    runtime = _package("onnxruntime")
    found = find_spec("speechmos")
    places = (found.submodule_search_locations or ()) if found else ()
    files = [file for place in places if (file := Path(place) / "dnsmos_models" / "sig_bak_ovr.onnx").is_file()]
    if not files:
        raise _missing("speechmos")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(str(files[0]), options, providers=["CPUExecutionProvider"])


def _package(name: str) -> Any:
    """The package; of ``speechmos`` only that it is there, as nothing but its file is used."""
    if name == "speechmos":
        if find_spec(name) is None:
            raise _missing(name)
        return None
    try:
        return import_module(name)
    except ImportError as error:
        raise _missing(name, "" if isinstance(error, ModuleNotFoundError) else f" ({error})") from None


def _missing(name: str, why: str = "") -> UsageError:
    return UsageError(f"measuring needs '{name}', which is not installed{why}; pip install 'voxrack[metrics]'")


def _pair(clean: ArrayLike, test: ArrayLike, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = _mono(clean, "the reference", rate), _mono(test, "the test audio", rate)
    if len(one) != len(other):
        raise InputError(
            f"the reference has {len(one)} samples, the test audio {len(other)}: they must be aligned and of one length"
        )
    if not one.any():
        raise InputError("the reference is silent throughout: there is nothing to measure against")
    return one, other


def _mono(samples: ArrayLike, what: str, rate: int) -> NDArray[np.float64]:
    array = np.asarray(samples, dtype=np.float64)
    if rate != RATE:
        raise UsageError(f"{what} is at {rate} Hz; the measures take {RATE} Hz: resample first (Audio.resample)")
    if array.ndim != 1:
        raise InputError(f"{what} has shape {array.shape}; the measures take mono samples of shape (frames,)")
    if len(array) < SHORTEST * RATE:
        raise InputError(f"{what} has {len(array)} samples; the measures take {SHORTEST} s or more")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinity; repair it first, e.g. with numpy.nan_to_num")
    return array
