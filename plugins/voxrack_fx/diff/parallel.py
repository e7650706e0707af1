"""Partial fractions: sections that, added up, are the cascade."""

from __future__ import annotations

import torch
from torch import Tensor

from voxrack.errors import InputError

_WORST = 1e8  # largest residue: eight of float64's sixteen digits are gone


def parallel_form(b: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The cascade of ``b``, ``a`` (rows, sections, 3) as a direct path and a sum of delayed sections.

    ``H(z) = direct + sum over k of (r1 / z + r2 / z**2) / (1 + a1 / z + a2 / z**2)``

    The numerator of section k is the rest of the cascade modulo its denominator: all the other factors as
    polynomials of the companion matrix of that denominator. So no root is taken and a double pole inside of a
    section needs no care. Computed in float64, differentiable.

    Returns
    -------
    direct : Tensor, shape (rows,)
    b, a : Tensor, shape (rows, sections, 3)
        Numerators (the first is 0) and denominators of the sections to be added.

    Raises
    ------
    InputError
        Where poles of two sections (nearly) coincide: the sum would cancel to nothing.
    """
    b, a = b.double(), a.double()
    sections = b.shape[1]
    b, a = _give_poles(b, a)
    companion = _companion(a)
    square, identity = companion @ companion, torch.eye(2, dtype=a.dtype, device=a.device)

    def at(coefficients: Tensor) -> Tensor:
        """Each section's polynomial (rows, j) at each companion matrix: (rows, k, j, 2, 2)."""
        c = coefficients[:, None, :, :, None, None]
        return (
            c[..., 0, :, :] * square[:, :, None] + c[..., 1, :, :] * companion[:, :, None] + c[..., 2, :, :] * identity
        )

    zeros, poles = at(b), at(a)
    own = torch.eye(sections, dtype=torch.bool, device=a.device)[None, :, :, None, None]
    determinant = torch.where(own[..., 0, 0], 1.0, _determinant(poles))
    if bool((determinant == 0.0).any()):
        raise InputError(_coincide())
    others = torch.where(own, identity, _adjugate(poles) / determinant[..., None, None])
    product = identity
    for j in range(sections):
        product = product @ zeros[:, :, j] @ others[:, :, j]
    residues = product[..., 1, :]  # r1 M + r2 has (r1, r2) in its second row
    if not bool(residues.detach().abs().max() < _WORST):
        raise InputError(_coincide())
    numerators = torch.cat([torch.zeros_like(residues[..., :1]), residues], dim=-1)
    return b[..., 0].prod(-1), numerators, a


def _companion(a: Tensor) -> Tensor:
    one, zero = torch.ones_like(a[..., 0]), torch.zeros_like(a[..., 0])
    return torch.stack([torch.stack([-a[..., 1], -a[..., 2]], -1), torch.stack([one, zero], -1)], -2)


def _determinant(m: Tensor) -> Tensor:
    return m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]


def _adjugate(m: Tensor) -> Tensor:
    top = torch.stack([m[..., 1, 1], -m[..., 0, 1]], -1)
    return torch.stack([top, torch.stack([-m[..., 1, 0], m[..., 0, 0]], -1)], -2)


def _give_poles(b: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Sections that are off get poles of their own, which their zeros cancel: at 0 they would all coincide."""
    identity = a.new_tensor([1.0, 0.0, 0.0])
    off = ((a == identity) & (b == identity)).all(-1, keepdim=True)
    own = torch.arange(1, a.shape[1] + 1, dtype=a.dtype, device=a.device) / (2.0 * a.shape[1])
    pair = torch.stack([torch.ones_like(own), torch.zeros_like(own), own], -1)  # poles at +-j sqrt(own)
    return torch.where(off, pair, b), torch.where(off, pair, a)


def _coincide() -> str:
    return "two sections share their poles: partial fractions do not exist; move one of them or use the cascade"
