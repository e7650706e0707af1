"""Shifts of the vectors in :mod:`voxrack_fx.lanes`: what moves a sample from one section of a cascade to the next."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types

from ..lanes import intrinsic

_I32 = ir.IntType(32)


def _shifted(builder, args, order):
    """Lanes of a vector in ``order``; the index one past its last lane stands for the number that comes in."""
    vector, number = args
    undefined = ir.Constant(vector.type, ir.Undefined)
    single = builder.insert_element(undefined, number, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, len(order)), order)
    return builder.shuffle_vector(vector, single, mask)


@intrinsic
def push1(typingctx, lanes, number):
    """Move every lane up by one; ``number`` comes in at the bottom."""

    def codegen(context, builder, signature, args):
        return _shifted(builder, args, [lanes.count, *range(lanes.count - 1)])

    return lanes(lanes, types.float64), codegen


@intrinsic
def pull1(typingctx, lanes, number):
    """Move every lane down by one; ``number`` comes in at the top."""

    def codegen(context, builder, signature, args):
        return _shifted(builder, args, [*range(1, lanes.count + 1)])

    return lanes(lanes, types.float64), codegen
