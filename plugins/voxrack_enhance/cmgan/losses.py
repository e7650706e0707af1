"""What CMGAN's two networks are trained for, as the authors' code has it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .spectrum import HOP, compress, expand, level, magnitude

COMPLEX, MAGNITUDE, SAMPLES = 0.1, 0.9, 0.2  # weights; that of the discriminator's term is an option of the recipe


class Pair(NamedTuple):
    """Noisy and clean speech at a common level, and their compressed spectrograms.

    Parameters
    ----------
    clean : Tensor, shape (B, samples)
        Divided by the root mean square of the noisy signal.
    noisy_spectrum, clean_spectrum : Tensor, shape (B, 2, frames, 201)
    magnitude : Tensor, shape (B, 1, frames, 201)
        Of the clean spectrogram.
    """

    clean: Tensor
    noisy_spectrum: Tensor
    clean_spectrum: Tensor
    magnitude: Tensor

    @classmethod
    def of(cls, noisy: Tensor, clean: Tensor) -> Pair:
        """From samples (B, samples) at 16 kHz; what lies beyond a whole number of hops is left out."""
        whole = noisy.shape[-1] // HOP * HOP
        noisy, clean = noisy[:, :whole], clean[:, :whole]
        loud = level(noisy)
        spectrum = compress(clean / loud)
        return cls(clean / loud, compress(noisy / loud), spectrum, magnitude(spectrum))


class Found(NamedTuple):
    """What the generator made of a pair: spectrogram, its magnitude, samples."""

    spectrum: Tensor
    magnitude: Tensor
    samples: Tensor

    @classmethod
    def of(cls, spectrum: Tensor, samples: int) -> Found:
        """From the generator's answer to ``samples`` samples."""
        spectrum = spectrum.float()
        return cls(spectrum, magnitude(spectrum), expand(spectrum, samples))


def generator_loss(
    pair: Pair, found: Found, score: Tensor | None, adversarial: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """``0.1 L_complex + 0.9 L_magnitude + 0.2 L_samples + a (D(clean, found) - 1)^2``, and its terms.

    Mean squares of the compressed real and imaginary parts (added) and magnitudes, mean absolute difference of
    samples. ``score`` None leaves the discriminator out.
    """
    difference = (found.spectrum - pair.clean_spectrum).square()
    terms = {
        "complex": difference[:, 0].mean() + difference[:, 1].mean(),
        "magnitude": functional.mse_loss(found.magnitude, pair.magnitude),
        "samples": (found.samples - pair.clean).abs().mean(),
    }
    total = COMPLEX * terms["complex"] + MAGNITUDE * terms["magnitude"] + SAMPLES * terms["samples"]
    if score is not None:
        terms["adversarial"] = (score.float() - 1.0).square().mean()
        total = total + adversarial * terms["adversarial"]
    return total, {name: term.detach() for name, term in terms.items()}


def discriminator_loss(of_clean: Tensor, of_found: Tensor, scores: Tensor) -> Tensor:
    """``(D(clean, clean) - 1)^2 + (D(clean, found) - PESQ)^2``, means over the batch.

    Pairs whose score is NaN (PESQ could not compare them) have no part in the second mean.
    """
    known = scores.isfinite()
    wanted = torch.where(known, scores, 0.0)
    wrong = torch.where(known, (of_found.float() - wanted).square(), 0.0)
    return (of_clean.float() - 1.0).square().mean() + wrong.sum() / known.sum().clamp_min(1)
