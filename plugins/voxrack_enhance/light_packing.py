"""From a weight file of ``enhance.light`` to the arrays that its kernel reads. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import weights
from voxrack.errors import InputError

from .light_kernel import BINS, Floats, Network

EDGES = (*range(0, 64, 4), *range(64, 128, 8), *range(128, 257, 16))  # as in light_features; a test compares them
Tensors = Mapping[str, NDArray[Any]]


def load(path: Path | None) -> Network:
    """Read a weight file, or a run folder's, or with None the shipped one.

    Raises
    ------
    InputError
        Where it is no weight file, is damaged, or is of another network.
    """
    found = weights.load_arrays(path or weights.find("enhance.light", "voxrack_enhance"))
    try:
        return pack(found.tensors)
    except (KeyError, ValueError) as error:
        raise InputError(f"{found.path}: these are no weights of enhance.light ({error}); train again") from error


def pack(tensors: Tensors) -> Network:
    """Arrays by their names in ``LightNetwork.state_dict()`` to the kernel's.

    Raises
    ------
    KeyError, ValueError
        A name is missing, a shape does not fit.
    """
    bands, blocks = len(EDGES) - 1, len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
    if not blocks:
        raise KeyError("blocks.0")
    sizes = np.diff(EDGES)
    enter = [_matrix(tensors, f"enter.{band}") for band in range(bands)]
    if [len(rows) for rows, _ in enter] != [3 * size + 2 for size in sizes]:
        raise ValueError(f"its bands take {[len(rows) for rows, _ in enter]} numbers")
    inner = [_after_norm(_matrix(tensors, f"inner.{band}"), tensors, "leave") for band in range(bands)]
    outer = [_matrix(tensors, f"outer.{band}") for band in range(bands)]
    if sum(len(bias) for _, bias in outer) != 2 * BINS:
        raise ValueError(f"its masks have {sum(len(bias) for _, bias in outer)} numbers, {2 * BINS} are due")
    parts = [_block(tensors, f"blocks.{block}") for block in range(blocks)]
    network = Network(
        edges=np.array(EDGES, np.int64), enter=_float(np.concatenate([rows for rows, _ in enter])),
        enter_bias=_stacked(bias for _, bias in enter),
        **{name: _stacked(part[name] for part in parts) for name in parts[0]},
        inner=_stacked(rows for rows, _ in inner), inner_bias=_stacked(bias for _, bias in inner),
        outer=_float(np.concatenate([rows.ravel() for rows, _ in outer])),
        outer_bias=_float(np.concatenate([bias for _, bias in outer])),
    )  # fmt: skip
    _check(network)
    return network


def _check(network: Network) -> None:
    """Compiled kernels look at no bounds: with one shape that does not fit they would write where they must not."""
    bands, channels = network.enter_bias.shape
    blocks, width, back, mask = (
        len(network.time), network.time_bias.shape[-1] // 4, network.back.shape[-2], network.inner.shape[-1]
    )  # fmt: skip
    due = {
        "enter": (3 * BINS + 2 * bands, channels),
        "time": (blocks, channels + width, 4 * width), "time_bias": (blocks, 4 * width),
        "time_out": (blocks, width, channels), "time_out_bias": (blocks, channels),
        "band": (blocks, channels, 8 * back), "band_bias": (blocks, 8 * back), "back": (blocks, 2, back, 4 * back),
        "band_out": (blocks, 2 * back, channels), "band_out_bias": (blocks, channels),
        "inner": (bands, channels, mask), "inner_bias": (bands, mask),
        "outer": (mask * 2 * BINS,), "outer_bias": (2 * BINS,),
    }  # fmt: skip
    for name, shape in due.items():
        found = getattr(network, name).shape
        if found != shape:
            raise ValueError(f"its '{name}' has the shape {found}; {shape} is due")


def _block(tensors: Tensors, name: str) -> dict[str, NDArray[Any]]:
    time, back = _lstm(tensors, f"{name}.time", "")
    time, time_bias = _after_norm(time, tensors, f"{name}.time_norm")
    ways = [_lstm(tensors, f"{name}.band", suffix) for suffix in ("", "_reverse")]
    band = np.concatenate([rows for (rows, _), _ in ways], 1), np.concatenate([bias for (_, bias), _ in ways])
    band, band_bias = _after_norm(band, tensors, f"{name}.band_norm")
    time_out, band_out = _matrix(tensors, f"{name}.time_out"), _matrix(tensors, f"{name}.band_out")
    return {
        "time": np.concatenate([time, back]), "time_bias": time_bias, "time_out": time_out[0],
        "time_out_bias": time_out[1], "band": band, "band_bias": band_bias,
        "back": np.stack([own for _, own in ways]), "band_out": band_out[0], "band_out_bias": band_out[1],
    }  # fmt: skip


Affine = tuple[NDArray[np.float64], NDArray[np.float64]]


def _matrix(tensors: Tensors, name: str) -> Affine:
    """A linear layer as (inputs, outputs) and bias."""
    return _double(tensors[f"{name}.weight"]).T, _double(tensors[f"{name}.bias"])


def _lstm(tensors: Tensors, name: str, suffix: str) -> tuple[Affine, NDArray[np.float64]]:
    """Gates of the input, with both biases, and of what is remembered; those of sigmoids (i, f, o) are halved."""
    enter, back, one, two = (
        _double(tensors[f"{name}.{part}_l0{suffix}"]) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    half = np.repeat([0.5, 0.5, 1.0, 0.5], len(one) // 4)
    return (enter.T * half, (one + two) * half), back.T * half


def _after_norm(layer: Affine, tensors: Tensors, norm: str) -> Affine:
    """The layer with the scale and shift of the layer norm before it taken in."""
    rows, bias = layer
    return _double(tensors[f"{norm}.weight"])[:, None] * rows, bias + _double(tensors[f"{norm}.bias"]) @ rows


def _double(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(array, np.float64)


def _float(array: Any) -> Floats:
    return np.ascontiguousarray(array, np.float32)


def _stacked(arrays: Any) -> Floats:
    return _float(np.stack(list(arrays)))
