"""Feed a device in blocks, as a host would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.device import DeviceSpec
from voxrack.instance import build

ODD_SIZES = (1, 37, 512, 3, 4096, 777)


def feed(
    device: Any,
    signal: NDArray[np.float32],
    sizes: Iterable[int] = ODD_SIZES,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
) -> NDArray[np.float32]:
    """Output of a prepared device for ``signal`` (channels, frames) with what ``flush`` gives; latency stays in.

    ``changes`` maps a sample to values that are set just before it; blocks end there.
    """
    changes = changes or {}
    stops = sorted({*changes, signal.shape[1]})
    out, at, widths = [], 0, cycle(sizes)
    while at < signal.shape[1]:
        for id, value in changes.get(at, {}).items():
            device.set(id, value)
        end = min(at + next(widths), next(stop for stop in stops if stop > at))
        out.append(device.process(np.ascontiguousarray(signal[:, at:end])))
        at = end
    while (rest := device.flush(next(widths))).shape[1]:
        out.append(rest)
    return np.concatenate(out, axis=1)


def render(
    spec: DeviceSpec,
    values: Mapping[str, Any],
    signal: NDArray[np.float32],
    sizes: Iterable[int] = ODD_SIZES,
    rate: int = 44100,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
) -> NDArray[np.float32]:
    """The same for a new device, latency removed."""
    device = build(spec, values)
    device.prepare(rate, signal.shape[0], max(4096, signal.shape[1]))
    return feed(device, signal, sizes, changes)[:, device.latency :]


def noise(channels: int = 2, frames: int = 12000, level: float = 0.2, seed: int = 0) -> NDArray[np.float32]:
    """Gaussian noise (channels, frames) whose level swells and fades, so that a compressor has work."""
    random = np.random.default_rng(seed)
    swell = 0.02 + np.sin(np.arange(frames) * (3.0 * np.pi / frames)) ** 2
    return (level * swell * random.standard_normal((channels, frames))).astype(np.float32)
