"""What recognisers listen to: log-mel, MFCC, log filter banks, deltas, chroma and pitch, in torch.

Equal to librosa's and python_speech_features' numbers, for whole batches, on any device, differentiable. Nothing but
torch and NumPy is imported. A signal is a tensor (..., samples), float32 or float64, full scale ±1. ``lengths``
(...) says how many samples of a padded batch are each item's own; its features are then those of the item alone,
zeros beyond.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from .errors import UsageError
from .features_bands import Powers, bands_of, of_bands
from .features_deltas import deltas, librosa_deltas
from .features_filters import chroma_filters, dct_matrix, htk_filters, mel_filters, semitone_filters
from .features_frames import Lengths, checked, collect, frame_counts
from .features_pitch import pitch

__all__ = [
    "chroma", "deltas", "frame_counts", "librosa_deltas", "log_filterbank", "log_filterbank_frames", "log_mel",
    "log_semitones", "mfcc", "pitch",
]  # fmt: skip
_FLOOR = 1e-10  # librosa's amin: power below which everything is silence
# Standard deviation (dB, rms over a frame's bands) that float32 may add to what a cosine transform is made of: four
# times that lie below the 1e-4 that is promised.
_DOUBTFUL = 2e-5
_EPSILON = 2.220446049250313e-16  # what python_speech_features puts for zero


def log_mel(
    x: Tensor, sample_rate: float, *, n_fft: int = 2048, hop_length: int = 512, win_length: int | None = None,
    n_mels: int = 128, f_min: float = 0.0, f_max: float | None = None, htk: bool = False, norm: bool = True,
    center: bool = True, pad_mode: str = "constant", top_db: float | None = 80.0, exact: bool = True,
    lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """Mel spectrogram in dB: ``librosa.power_to_db(librosa.feature.melspectrogram(y=x, …))`` of every clip.

    Parameters
    ----------
    x : Tensor (..., samples)
    sample_rate : float
        Hz.
    n_fft, win_length, hop_length : int
        Samples; a periodic Hann window of ``win_length`` (None: ``n_fft``) in the middle of ``n_fft``.
    n_mels, f_min, f_max, htk, norm
        See `features_filters.mel_filters`.
    center, pad_mode
        Frames centred at multiples of the hop, with zeros (``constant``) or the mirror image (``reflect``) outside.
    top_db : float or None
        Nothing lies lower than this many dB below the loudest band of the same clip; None: no such limit.
    exact : bool
        Spectra in float64, as librosa computes them. False computes them in the signal's own type: of float32 faster,
        and up to 1e-3 dB away in faint bands.
    lengths : (...) int
        Samples of each clip in a padded batch.

    Returns
    -------
    Tensor (..., n_mels, frames), dB re full scale

    Raises
    ------
    InputError
        Not finite, empty, shorter than a window, no float.
    UsageError
        Bands above the Nyquist frequency, impossible sizes.
    """
    named = {"htk": htk, "norm": norm}
    bands = bands_of(mel_filters, n_fft, sample_rate, n_mels, f_min, f_max, **named)

    def finish(powers: Powers) -> Tensor:
        above, floor = _above_floor(powers.bands, _floor(powers, top_db))
        return above.log10_().mul_(10.0).add_(floor.to(above))

    return of_bands(
        x, bands, finish, hop_length=hop_length, win_length=win_length, center=center, pad_mode=pad_mode, exact=exact,
        lengths=lengths,
    ).transpose(-1, -2)  # fmt: skip


def mfcc(
    x: Tensor, sample_rate: float, *, n_mfcc: int = 40, n_fft: int = 4096, win_length: int | None = None,
    hop_length: int = 728, n_mels: int = 128, f_min: float = 0.0, f_max: float | None = None, htk: bool = False,
    norm: bool = True, center: bool = True, pad_mode: str = "constant", top_db: float | None = 80.0,
    exact: bool = True, lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """Mel-frequency cepstral coefficients: ``librosa.feature.mfcc``, the orthonormal DCT-II of `log_mel`.

    The defaults are those of the MFCC networks: 22.05 kHz, 186 ms windows, 160 frames of the longest RAVDESS clip.
    The transform evens the bands' rounding out, so that here float32 spectra nearly always are exact enough: with
    ``exact`` the frames in which they are not are computed again in float64.

    Returns
    -------
    Tensor (..., n_mfcc, frames)
    """
    bands = bands_of(mel_filters, n_fft, sample_rate, n_mels, f_min, f_max, htk=htk, norm=norm)
    matrix = _cosines(n_mels, n_mfcc)

    def finish(powers: Powers) -> Tensor:
        lowest = _floor(powers, top_db)
        above, floor = _above_floor(powers.bands, lowest)
        if powers.squares is not None and powers.mended is not None:
            noise = torch.where(above > 1.0, bands.noise(powers.squares / lowest) / above, 0.0).mean(-1)
            doubtful = noise > _DOUBTFUL**2
            if bool(doubtful.any()):
                above, floor = _above_floor(powers.mended(doubtful), lowest)
        # Partial sums of the transform reach hundreds: in float32 they would lose 1e-4.
        made = above.log10_().to(floor.dtype) @ matrix.to(floor)
        made[..., 0] += floor[..., 0] * n_mels**0.5
        return made.to(above.dtype)

    return of_bands(
        x, bands, finish, hop_length=hop_length, win_length=win_length, center=center, pad_mode=pad_mode, exact=exact,
        lengths=lengths, mend=True,
    ).transpose(-1, -2)  # fmt: skip


def log_semitones(
    x: Tensor, sample_rate: float, *, n_fft: int = 2048, hop_length: int = 256, bands: int = 84, f_min: float = 65.0,
    per_octave: int = 12, floor: float = _FLOOR, lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """Levels in bands of equal ratio, where a change of pitch is a shift along the bands.

    Returns
    -------
    Tensor (..., bands, frames), dB re full scale
    """
    weights = bands_of(semitone_filters, n_fft, sample_rate, bands, f_min, per_octave)
    return of_bands(
        x, weights, lambda powers: 10.0 * torch.log10(powers.bands.clamp_min(floor)), hop_length=hop_length,
        lengths=lengths,
    ).transpose(-1, -2)  # fmt: skip


def log_filterbank(
    x: Tensor, sample_rate: float = 16000, *, bands: int = 40, win_length: float = 0.025, hop_length: float = 0.01,
    n_fft: int = 512, f_min: float = 0.0, f_max: float | None = None, pre_emphasis: float = 0.97,
    lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """Natural logarithm of HTK mel bands: ``python_speech_features.logfbank`` with ``nfilt=bands``.

    Differences ``x[n] - pre_emphasis x[n-1]``, rectangular windows, frames from the first sample on with zeros behind
    the last, ``|FFT|^2 / n_fft``; an empty band is log(2.2e-16). For samples that were 16-bit integers the reference's
    numbers lie higher by ``2 ln 32768`` = 20.794 (what a z-score takes away).

    Parameters
    ----------
    win_length, hop_length : float
        Seconds, rounded half up to samples.
    n_fft : int
        Samples; a longer frame is cut, as the reference does.

    Returns
    -------
    Tensor (..., frames, bands), frames first as the reference has it
    """
    width, hop = int(win_length * sample_rate + 0.5), int(hop_length * sample_rate + 0.5)
    if width < 1 or hop < 1:
        raise UsageError(f"frames of {win_length} s every {hop_length} s at {sample_rate} Hz hold no sample")
    x, sizes = checked(x, width, lengths)
    filters = bands_of(htk_filters, n_fft, sample_rate, bands, f_min, f_max)
    working = x.dtype if x.device.type == "mps" else torch.float64

    def prepare(part: Tensor, own: Tensor | None) -> Tensor:
        part = part.to(working)
        part = torch.cat([part[..., :1], part[..., 1:] - pre_emphasis * part[..., :-1]], dim=-1)
        if own is not None:  # the step from a last sample down to the zeros behind it is not the clip's own
            part = torch.where(torch.arange(part.shape[-1], device=x.device) < own[:, None], part, part.new_zeros(()))
        missing = (log_filterbank_frames(part.shape[-1], width, hop) - 1) * hop + width - part.shape[-1]
        return torch.nn.functional.pad(part, (0, missing))

    def finish(power: Tensor, *_: Tensor | None) -> Tensor:
        power = power / n_fft
        return torch.log(torch.where(power == 0, power.new_full((), _EPSILON), power)).to(x.dtype)

    return collect(
        x, sizes, prepare, lambda part: filters(part, None, working), width, hop,
        lambda samples: log_filterbank_frames(samples, width, hop), finish,
    )  # fmt: skip


def log_filterbank_frames(length: Any, width: int = 400, hop: int = 160) -> Any:
    """Frames of `log_filterbank` for ``length`` samples (an int or a tensor of ints, at least ``width``)."""
    return 1 + (length - width + hop - 1) // hop


def chroma(
    x: Tensor, sample_rate: float, *, n_fft: int = 2048, hop_length: int = 512, n_chroma: int = 12,
    tuning: float = 0.0, lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """Energy of the pitch classes, C first, the strongest of a frame at 1: ``librosa.feature.chroma_stft``.

    The tuning is given and not estimated: ``tuning=0`` there too.

    Returns
    -------
    Tensor (..., n_chroma, frames), 0 … 1
    """
    bands = bands_of(chroma_filters, n_fft, sample_rate, n_chroma, tuning)

    def finish(powers: Powers) -> Tensor:
        largest = powers.bands.amax(dim=-1, keepdim=True)
        tiny = torch.finfo(largest.dtype).tiny
        return powers.bands / torch.where(largest < tiny, torch.ones_like(largest), largest)

    return of_bands(x, bands, finish, hop_length=hop_length, lengths=lengths).transpose(-1, -2)


def _floor(powers: Powers, top_db: float | None) -> Tensor:
    """Power below which nothing is told apart, (clips, 1, 1): ``top_db`` below the loudest of the clip's own frames."""
    power = powers.bands
    if top_db is None:
        return power.new_full((len(power), 1, 1), _FLOOR)
    if top_db < 0:
        raise UsageError(f"top_db {top_db} is below 0; it is a distance in dB, or None")
    own = power if powers.present is None else torch.where(powers.present[..., None], power, power.new_zeros(()))
    return (own.amax(dim=(-1, -2), keepdim=True) * 10.0 ** (-top_db / 10.0)).clamp_min(_FLOOR)


def _above_floor(power: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Powers (clips, frames, bands) as multiples of the floor, 1 at least; the floor (clips, 1, 1) in dB, float64."""
    wide = floor.dtype if floor.device.type == "mps" else torch.float64
    return (power / floor).clamp_min_(1.0), 10.0 * torch.log10(floor.to(wide))


@lru_cache(maxsize=16)
def _cosines(size: int, kept: int) -> Tensor:
    """Bel in ``size`` bands to ``kept`` cepstral coefficients, (size, kept)."""
    return torch.as_tensor(10.0 * dct_matrix(size, kept)).T
