"""Vectors of float64 inside compiled kernels: one instruction for several filters at once.

numba has no type for a SIMD register, and its compiler does not find one in twelve interleaved recursions.
``Lanes`` is that type; the functions below are its operations, usable only inside ``@njit`` code. LLVM splits
a vector that is wider than the machine's registers, so the same kernel runs on any processor.

After a change here, remove the ``__pycache__`` of this package: numba does not see that a kernel in another
file depends on this one.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.extending import models, register_model

intrinsic: Any = extending.intrinsic  # what it decorates is called from kernels, without the typing context
_DOUBLE = ir.DoubleType()
_I32 = ir.IntType(32)


class Lanes(types.Type):
    """``count`` numbers that travel together."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type) -> None:
        super().__init__(manager, fe_type, ir.VectorType(_DOUBLE, fe_type.count))


def _pointer(context, builder, array_type, array, offset, count):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(_DOUBLE, count).as_pointer())


def _loader(count: int):
    @intrinsic
    def load(typingctx, array, offset):
        """``count`` float64 from a flat array, from ``offset`` on."""

        def codegen(context, builder, signature, args):
            pointer = _pointer(context, builder, signature.args[0], args[0], args[1], count)
            return builder.load(pointer, align=8)

        return Lanes(count)(array, types.intp), codegen

    return load


load8 = _loader(8)
load16 = _loader(16)


@intrinsic
def store(typingctx, lanes, array, offset):
    """Write the lanes into a flat float64 array, from ``offset`` on."""

    def codegen(context, builder, signature, args):
        builder.store(args[0], _pointer(context, builder, signature.args[1], args[1], args[2], lanes.count), align=8)
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp), codegen


def _splat(builder, number, count):
    vector = ir.VectorType(_DOUBLE, count)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, count), [0] * count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


@intrinsic
def splat(typingctx, like, number):
    """``number`` in every lane, as many as ``like`` has."""

    def codegen(context, builder, signature, args):
        return _splat(builder, args[1], like.count)

    return like(like, types.float64), codegen


@intrinsic
def spread(typingctx, like, array, offset):
    """The number at ``offset`` of a flat float64 array, in every lane; negative offsets do not wrap."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[1])(context, builder, args[1]).data
        return _splat(builder, builder.load(builder.gep(data, [args[2]])), like.count)

    return like(like, array, types.intp), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """``a * b + c`` lane by lane, in one instruction where the machine has it."""

    def codegen(context, builder, signature, args):
        vector = ir.VectorType(_DOUBLE, a.count)
        function = ir.FunctionType(vector, [vector] * 3)
        return builder.call(
            cgutils.get_or_insert_function(builder.module, function, f"llvm.fmuladd.v{a.count}f64"), args
        )

    return a(a, a, a), codegen


@intrinsic
def mul(typingctx, a, b):
    """``a * b`` lane by lane."""

    def codegen(context, builder, signature, args):
        return builder.fmul(*args)

    return a(a, a), codegen


@intrinsic
def push2(typingctx, lanes, first, second):
    """Move every lane up by two; ``first`` and ``second`` come in at the bottom."""

    def codegen(context, builder, signature, args):
        count = lanes.count
        pair = ir.Constant(ir.VectorType(_DOUBLE, count), ir.Undefined)
        pair = builder.insert_element(pair, args[1], ir.Constant(_I32, 0))
        pair = builder.insert_element(pair, args[2], ir.Constant(_I32, 1))
        order = ir.Constant(ir.VectorType(_I32, count), [0, 1, *range(count, 2 * count - 2)])
        return builder.shuffle_vector(pair, args[0], order)

    return lanes(lanes, types.float64, types.float64), codegen


@intrinsic(prefer_literal=True)
def lane(typingctx, lanes, index):
    """The number in one lane; ``index`` is a constant."""
    if not isinstance(index, types.IntegerLiteral):
        return None
    position = index.literal_value

    def codegen(context, builder, signature, args):
        return builder.extract_element(args[0], ir.Constant(_I32, position))

    return types.float64(lanes, index), codegen


@intrinsic
def where_within(typingctx, index, limit, yes, no):
    """``yes`` in lanes where ``0 <= index < limit``, ``no`` elsewhere."""

    def codegen(context, builder, signature, args):
        above = builder.fcmp_ordered(">=", args[0], _splat(builder, ir.Constant(_DOUBLE, 0.0), index.count))
        below = builder.fcmp_ordered("<", args[0], _splat(builder, args[1], index.count))
        return builder.select(builder.and_(above, below), args[2], args[3])

    return index(index, types.float64, index, index), codegen


@intrinsic
def total(typingctx, lanes):
    """Sum of all lanes, added in pairs."""

    def codegen(context, builder, signature, args):
        vector, count = args[0], lanes.count
        while count > 1:
            half = count // 2
            undefined = ir.Constant(ir.VectorType(_DOUBLE, count), ir.Undefined)
            low = builder.shuffle_vector(vector, undefined, ir.Constant(ir.VectorType(_I32, half), list(range(half))))
            high = builder.shuffle_vector(
                vector, undefined, ir.Constant(ir.VectorType(_I32, half), list(range(half, count)))
            )
            vector, count = builder.fadd(low, high), half
        return builder.extract_element(vector, ir.Constant(_I32, 0))

    return types.float64(lanes), codegen


@intrinsic
def bits_of(typingctx, number):
    """The 64 bits of a float64 as an integer."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def number_of(typingctx, bits):
    """The float64 with these 64 bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _DOUBLE)

    return types.float64(types.int64), codegen
