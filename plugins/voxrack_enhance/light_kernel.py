"""The network of ``enhance.light`` as a compiled kernel: one frame's spectrum in, its mask out.

It computes what :mod:`.light_features` and :mod:`.light_network` say, in float32, without torch: the states of the
recursions are carried from frame to frame, so the cost of a frame is constant. All loops run along rows that lie in
one piece, which the compiler turns into vector instructions; matrices are multiplied in tiles of four rows by four.

One module, though long: numba's cache notices a change in a function's own file only, not in one that it calls into.

Sigmoids are tangents: ``sigmoid(x) = (1 + tanh(x / 2)) / 2``, where halving is part of the packed weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 256
LOWEST = np.float32(1e-11)
RISE, FALL, MEMORY = np.float32(0.3), np.float32(0.005), np.float32(0.016)
HALF_POWER = np.float32(0.15)
EPSILON = np.float32(1e-5)  # of torch's layer norm
RANGE = np.float32(1.5)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FAST = {"contract", "reassoc", "nsz", "arcp"}  # NaN and infinity keep their meaning

Floats = NDArray[np.float32]


class Network(NamedTuple):
    """Weights as the kernel reads them; what follows a layer norm has taken in its scale and shift.

    Attributes
    ----------
    edges : int64 (bands + 1,)
        Bins where bands begin and end.
    enter, enter_bias : (sum of 3 bins + 2 per band, channels), (bands, channels)
        A band's rows follow those of the band before; likewise below.
    time, time_bias : (blocks, channels + width, 4 width), (blocks, 4 width)
        Gates i, f, g, o of a token and of what is remembered.
    time_out, time_out_bias : (blocks, width, channels), (blocks, channels)
    band, band_bias : (blocks, channels, 8 width), (blocks, 8 width)
        Gates of both directions, upwards first.
    back : (blocks, 2, width, 4 width)
        Gates of what either direction remembers.
    band_out, band_out_bias : (blocks, 2 width, channels), (blocks, channels)
    inner, inner_bias : (bands, channels, width), (bands, width)
    outer, outer_bias : (mask width x 512,), (512,)
        Per band a matrix (mask width, 2 bins), one after the other.
    """

    edges: NDArray[np.int64]
    enter: Floats
    enter_bias: Floats
    time: Floats
    time_bias: Floats
    time_out: Floats
    time_out_bias: Floats
    band: Floats
    band_bias: Floats
    back: Floats
    band_out: Floats
    band_out_bias: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats


class State(NamedTuple):
    """What one channel carries from frame to frame, and room to work in.

    Attributes
    ----------
    level : (1,)
    mean : (bands,)
        Of each band's logarithmic power; NaN before the first frame.
    joint : (blocks, bands, channels + width)
        The time LSTMs' input: the token, then what is remembered.
    cell : (blocks, bands, width)
    compressed : (3, 256)
    logarithm : (bands, 2)
    token : (bands, channels)
    gates : (bands, 4 or 8 widths, whichever is more)
    """

    level: Floats
    mean: Floats
    joint: Floats
    cell: Floats
    compressed: Floats
    logarithm: Floats
    token: Floats
    normal: Floats
    time_gates: Floats
    memory: Floats
    band_gates: Floats
    across: Floats
    column: Floats
    hidden: Floats
    answer: Floats


def silence(network: Network) -> State:
    """A state before any sound."""
    blocks, joint, gates = network.time.shape
    width, bands, channels = gates // 4, len(network.enter_bias), network.enter.shape[1]
    back, mask = network.back.shape[2], network.inner.shape[2]
    widest = int(np.diff(network.edges).max())

    def zeros(*shape: int) -> Floats:
        return np.zeros(shape, np.float32)

    return State(
        level=np.full(1, LOWEST), mean=np.full(bands, np.nan, np.float32), joint=zeros(blocks, bands, joint),
        cell=zeros(blocks, bands, width), compressed=zeros(3, BINS), logarithm=zeros(bands, 2),
        token=zeros(bands, channels), normal=zeros(bands, channels), time_gates=zeros(bands, gates),
        memory=zeros(bands, width), band_gates=zeros(bands, 8 * back), across=zeros(bands, 2 * back),
        column=zeros(2, back), hidden=zeros(mask), answer=zeros(2 * widest),
    )  # fmt: skip


# ---- arithmetic ---------------------------------------------------------------------------------
@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def tangent(x):
    """Hyperbolic tangent of a flat array, in place, to 4e-7: a rational function (as in Eigen's ptanh)."""
    for n in range(x.size):
        v = x[n]
        v = v if v < np.float32(7.905) else np.float32(7.905)
        v = v if v > np.float32(-7.905) else np.float32(-7.905)
        s = v * v
        top = np.float32(-2.76076847742355e-16)
        top = top * s + np.float32(2.00018790482477e-13)
        top = top * s + np.float32(-8.60467152213735e-11)
        top = top * s + np.float32(5.12229709037114e-08)
        top = top * s + np.float32(1.48572235717979e-05)
        top = top * s + np.float32(6.37261928875436e-04)
        top = top * s + np.float32(4.89352455891786e-03)
        low = np.float32(1.19825839466702e-06)
        low = low * s + np.float32(1.18534705686654e-04)
        low = low * s + np.float32(2.26843463243900e-03)
        low = low * s + np.float32(4.89352518554385e-03)
        x[n] = v * top / low


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def copy(row, out):
    """``out[:] = row``, which numba would compile for seconds, with the wording of errors that do not occur."""
    for j in range(out.size):
        out[j] = row[j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def add_row(x, matrix, out):
    """``out += x @ matrix``; (k,), (k, m), (m,)."""
    depth, width = matrix.shape
    whole = depth - depth % 4
    for k in range(0, whole, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        m0, m1, m2, m3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
        for j in range(width):
            out[j] += (x0 * m0[j] + x1 * m1[j]) + (x2 * m2[j] + x3 * m3[j])
    for k in range(whole, depth):
        row = matrix[k]
        for j in range(width):
            out[j] += x[k] * row[j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def add_product(x, matrix, out):
    """``out += x @ matrix``; (n, k), (k, m), (n, m) with n a multiple of four."""
    depth, width = matrix.shape
    whole = depth - depth % 4
    for i in range(0, x.shape[0], 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        out_a, out_b, out_c, out_d = out[i], out[i + 1], out[i + 2], out[i + 3]
        for k in range(0, whole, 4):
            a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
            b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
            c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
            d0, d1, d2, d3 = d[k], d[k + 1], d[k + 2], d[k + 3]
            m0, m1, m2, m3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
            for j in range(width):
                p, q, r, s = m0[j], m1[j], m2[j], m3[j]
                out_a[j] += (a0 * p + a1 * q) + (a2 * r + a3 * s)
                out_b[j] += (b0 * p + b1 * q) + (b2 * r + b3 * s)
                out_c[j] += (c0 * p + c1 * q) + (c2 * r + c3 * s)
                out_d[j] += (d0 * p + d1 * q) + (d2 * r + d3 * s)
        for row in range(i, i + 4):
            add_row(x[row, whole:], matrix[whole:], out[row])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def normalise(x, out):
    """Rows of ``x`` (n, channels) with mean 0 and variance 1 into the first columns of ``out``."""
    rows, channels = x.shape
    share = _ONE / np.float32(channels)
    for i in range(rows):
        row, target = x[i], out[i]
        total = _ZERO
        for j in range(channels):
            total += row[j]
        mean = total * share
        square = _ZERO
        for j in range(channels):
            square += (row[j] - mean) * (row[j] - mean)
        factor = _ONE / np.sqrt(square * share + EPSILON)
        for j in range(channels):
            target[j] = (row[j] - mean) * factor


# ---- what the network hears ----------------------------------------------------------------------
@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def features(edges, state, spectrum, scale):
    """Fill ``state.compressed`` and ``state.logarithm`` from ``spectrum`` (bins,) times ``scale``; bins from 256 on
    are left alone, missing ones are silent."""
    count = min(BINS, spectrum.size)
    real, imaginary, power = state.compressed[0], state.compressed[1], state.compressed[2]
    total = 0.0
    for k in range(count):
        real[k], imaginary[k] = spectrum[k].real * scale, spectrum[k].imag * scale
        power[k] = real[k] * real[k] + imaginary[k] * imaginary[k]
        total += power[k]
    for k in range(count, BINS):
        real[k] = imaginary[k] = power[k] = _ZERO
    frame, level = np.float32(total / BINS), state.level[0]
    step = (RISE if level > LOWEST else _ONE) if frame > level else FALL
    level = max(level + step * (frame - level), LOWEST)
    state.level[0] = level
    for k in range(BINS):
        power[k] = power[k] / level + LOWEST
    for band in range(edges.size - 1):
        start, stop = edges[band], edges[band + 1]
        inside = 0.0
        for k in range(start, stop):
            inside += power[k]
        value = np.float32(np.log10(max(np.float32(inside / (stop - start)), LOWEST)))
        mean = state.mean[band]
        mean = mean + MEMORY * (value - mean) if mean == mean else value
        state.mean[band] = mean
        state.logarithm[band, 0], state.logarithm[band, 1] = _HALF * value, _HALF * (value - mean)
    for k in range(BINS):
        relative = power[k]
        compressed = relative**HALF_POWER
        turn = compressed / np.sqrt(relative * level)
        real[k], imaginary[k], power[k] = real[k] * turn, imaginary[k] * turn, compressed


# ---- the network -----------------------------------------------------------------------------------
@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def remember(gates, cell, out):
    """A step of LSTMs, row by row: ``gates`` (n, 4 width), tangents taken in place; ``cell`` and ``out`` (n, width)."""
    rows, width = cell.shape
    for i in range(rows):
        row, kept, heard = gates[i], cell[i], out[i]
        tangent(row)
        for j in range(width):
            forget = _HALF + _HALF * row[width + j]
            enter = _HALF + _HALF * row[j]
            kept[j] = forget * kept[j] + enter * row[2 * width + j]
            heard[j] = kept[j]
        tangent(heard)
        for j in range(width):
            heard[j] *= _HALF + _HALF * row[3 * width + j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def along_time(network, state, block):
    """The time LSTM of one block: all bands at once."""
    bands, channels = state.token.shape
    joint, cell, gates, memory = state.joint[block], state.cell[block], state.time_gates, state.memory
    normalise(state.token, joint)
    for band in range(bands):
        copy(network.time_bias[block], gates[band])
    add_product(joint, network.time[block], gates)
    remember(gates, cell, memory)
    for band in range(bands):
        copy(memory[band], joint[band, channels:])
        for j in range(channels):
            state.token[band, j] += network.time_out_bias[block, j]
    add_product(memory, network.time_out[block], state.token)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def across_bands(network, state, block):
    """The band LSTM of one block, upwards and downwards from band to band."""
    bands, channels = state.token.shape
    gates, across, cell = state.band_gates, state.across, state.column
    width = cell.shape[1]
    normalise(state.token, state.normal)
    for band in range(bands):
        copy(network.band_bias[block], gates[band])
    add_product(state.normal, network.band[block], gates)
    cell.fill(_ZERO)
    for step in range(bands):
        for way in range(2):
            band = step if way == 0 else bands - 1 - step
            row = gates[band, 4 * way * width : 4 * (way + 1) * width]
            heard = across[band, way * width : (way + 1) * width]
            if step > 0:
                before = across[band - 1 + 2 * way, way * width : (way + 1) * width]
                add_row(before, network.back[block, way], row)
            remember(row.reshape(1, -1), cell[way : way + 1], heard.reshape(1, -1))
    for band in range(bands):
        for j in range(channels):
            state.token[band, j] += network.band_out_bias[block, j]
    add_product(across, network.band_out[block], state.token)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def answer(network, state, mask):
    """Tokens to ``mask`` (2, 256): real and imaginary part, within -1.5 and 1.5."""
    hidden = state.hidden
    normalise(state.token, state.normal)
    at, place = 0, 0
    for band in range(state.token.shape[0]):
        start, stop = network.edges[band], network.edges[band + 1]
        size = stop - start
        copy(network.inner_bias[band], hidden)
        add_row(state.normal[band], network.inner[band], hidden)
        tangent(hidden)
        values = state.answer[: 2 * size]
        copy(network.outer_bias[place : place + 2 * size], values)
        matrix = network.outer[at : at + hidden.size * 2 * size].reshape(hidden.size, 2 * size)
        add_row(hidden, matrix, values)
        tangent(values)
        for k in range(size):
            mask[0, start + k], mask[1, start + k] = RANGE * values[k], RANGE * values[size + k]
        at += hidden.size * 2 * size
        place += 2 * size


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def listen(network, state, spectrum, scale, mask):
    """Hear the next frame.

    Parameters
    ----------
    network, state
    spectrum : complex64 (bins,)
        Of a windowed frame of 32 ms.
    scale : float32
        One over the frame's length in samples.
    mask : float32 (2, 256)
        Is overwritten.
    """
    features(network.edges, state, spectrum, scale)
    at = 0
    for band in range(state.token.shape[0]):
        start, stop = network.edges[band], network.edges[band + 1]
        size, token = stop - start, state.token[band]
        copy(network.enter_bias[band], token)
        for part in range(3):
            add_row(state.compressed[part, start:stop], network.enter[at : at + size], token)
            at += size
        add_row(state.logarithm[band], network.enter[at : at + 2], token)
        at += 2
    for block in range(network.time.shape[0]):
        along_time(network, state, block)
        across_bands(network, state, block)
    answer(network, state, mask)


# ---- what is done to the spectrum --------------------------------------------------------------------
@njit(cache=True, nogil=True, error_model="numpy")
def apply(spectrum, mask, gains, strength, floor):
    """Multiply ``spectrum`` (bins,) in place.

    Parameters
    ----------
    spectrum : complex64 (bins,)
    mask : float32 (2, 256)
        Of the first bins; bin 256 takes that of bin 255.
    gains : float64 (bands,)
        Of the bins from 257 on, for 32 bins each, the last one for the rest.
    strength : float
        0 … 1, how far one goes from 1 towards the mask or gain.
    floor : float
        Least magnitude of what is multiplied with; the phase stays.
    """
    for k in range(min(spectrum.size, BINS + 1)):
        real = 1.0 + strength * (mask[0, min(k, BINS - 1)] - 1.0)
        imaginary = strength * mask[1, min(k, BINS - 1)]
        magnitude = np.sqrt(real * real + imaginary * imaginary)
        if magnitude < floor:
            lift = floor / magnitude if magnitude > 0.0 else 0.0
            real, imaginary = (real * lift, imaginary * lift) if magnitude > 0.0 else (floor, 0.0)
        x, y = spectrum[k].real, spectrum[k].imag
        spectrum[k] = complex(x * real - y * imaginary, x * imaginary + y * real)
    for k in range(BINS + 1, spectrum.size):
        gain = gains[min((k - BINS - 1) // 32, gains.size - 1)]
        spectrum[k] *= np.float32(max(1.0 + strength * (gain - 1.0), floor))
