"""A symmetric FIR filter as a compiled kernel, many output samples at once.

A tile of neighbouring output samples stays in registers while all taps pass over it; the two samples that
share a tap are added first, which halves the multiplications. Every output sample goes through the same
operations in the same order in a tile of any width, so where a signal is cut does not change a bit of it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, njit
from numba.core import cgutils, types

intrinsic: Any = extending.intrinsic  # what it decorates is called from kernels, without the typing context
_ELEMENT = {types.float32: (ir.FloatType(), "f32", 4), types.float64: (ir.DoubleType(), "f64", 8)}
_INT = ir.IntType(32)
_TILE = 64  # four AVX-512 registers, or eight of AVX2


def _tile(width: int) -> Any:
    """An intrinsic that computes ``width`` output samples; LLVM splits it into the machine's registers."""

    @intrinsic
    def compute(typingctx, signal, taps, out, at):
        """``out[at + i] = sum_k taps[k] signal[at + i + k]`` for i < width; 1-D, contiguous, of one float type."""
        if any(a.dtype != signal.dtype or a.ndim != 1 or a.layout != "C" for a in (signal, taps, out)):
            return None
        element, suffix, align = _ELEMENT[signal.dtype]
        vector = ir.VectorType(element, width)

        def codegen(context, builder, signature, args):
            arrays = [context.make_array(t)(context, builder, a) for t, a in zip(signature.args[:3], args[:3])]
            source, weights, target = arrays
            size = builder.extract_value(weights.shape, 0)
            one = ir.Constant(size.type, 1)
            half = builder.lshr(size, one)
            add = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{width}{suffix}"
            )

            def load(index):
                place = builder.gep(source.data, [builder.add(args[3], index)])
                return builder.load(builder.bitcast(place, vector.as_pointer()), align=align)

            def weight(index):
                number = builder.load(builder.gep(weights.data, [index]))
                empty = ir.Constant(vector, ir.Undefined)
                first = builder.insert_element(empty, number, ir.Constant(_INT, 0))
                return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_INT, width), [0] * width))

            total = cgutils.alloca_once_value(builder, builder.fmul(weight(half), load(half)))
            with cgutils.for_range(builder, half) as loop:
                mirrored = builder.sub(builder.sub(size, one), loop.index)
                pair = builder.fadd(load(loop.index), load(mirrored))
                builder.store(builder.call(add, [weight(loop.index), pair, builder.load(total)]), total)
            place = builder.bitcast(builder.gep(target.data, [args[3]]), vector.as_pointer())
            builder.store(builder.load(total), place, align=align)
            return context.get_dummy_value()

        return types.void(signal, taps, out, types.intp), codegen

    return compute


_wide, _narrow, _single = _tile(_TILE), _tile(8), _tile(1)


@njit(cache=True, nogil=True)
def symmetric_fir(signal, taps, out):
    """out[n] = sum_k taps[k] signal[n + k]: taps (2 half + 1,) symmetric, signal (frames + 2 half,), out (frames,)."""
    frames, n = out.shape[0], 0
    while n + _TILE <= frames:
        _wide(signal, taps, out, n)
        n += _TILE
    while n + 8 <= frames:
        _narrow(signal, taps, out, n)
        n += 8
    while n < frames:
        _single(signal, taps, out, n)
        n += 1
