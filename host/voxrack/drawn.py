"""Curves that a device can be seen by at its present settings: a frequency response, a gain curve, echoes, a decay.

A device that can be drawn has, on its factory, ``curves(values, sample_rate)``, which returns ``Curve``\\ s without
preparing anything. The notebook's controls show them beside the sliders, and they follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError, VoxrackError
from .instance import Device, Missing, load_factory


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over one axis.

    Parameters
    ----------
    name : str
        What is shown: ``"response"``.
    x : ndarray, shape (n,)
        Rising; above 0 where ``scale`` is ``"log"``.
    lines : mapping of str to ndarray, shape (n,)
        By label; NaN is a gap.
    x_label, x_unit, y_label, y_unit : str
    scale : {"lin", "log"}
        Of x.
    y_range : (float, float)
        What is shown at least; larger values widen it.
    bars : bool
        Points stand for themselves (echoes), each a bar from the foot, and no line joins them.
    """

    name: str
    x: NDArray[np.float64]
    lines: Mapping[str, NDArray[np.float64]]
    x_label: str
    x_unit: str
    y_label: str
    y_unit: str
    scale: Literal["lin", "log"] = "lin"
    y_range: tuple[float, float] = (0.0, 1.0)
    bars: bool = False

    def json(self) -> dict[str, Any]:
        """As the page gets it; gaps are null."""
        return {
            "name": self.name, "x": _numbers(self.x), "lines": {label: _numbers(y) for label, y in self.lines.items()},
            "x_label": self.x_label, "x_unit": self.x_unit, "y_label": self.y_label, "y_unit": self.y_unit,
            "scale": self.scale, "y_range": list(self.y_range), "bars": self.bars,
        }  # fmt: skip


@runtime_checkable
class Drawable(Protocol):
    """What the factory of a device that can be drawn offers."""

    def curves(self, values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]: ...


def curves(device: Device, sample_rate: int) -> tuple[Curve, ...]:
    """The curves of a device at its present values; none where it has none to show.

    Raises
    ------
    DeviceError
        Where the device fails over it.
    """
    if isinstance(device, Missing):
        return ()
    factory = load_factory(device.spec)
    if not isinstance(factory, Drawable):
        return ()
    try:
        return tuple(factory.curves(dict(device.values), sample_rate))
    except VoxrackError:
        raise
    except Exception as error:  # a device must not end the host
        raise DeviceError(f"device '{device.spec.id}' failed in curves(): {type(error).__name__}: {error}") from error


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Four digits are more than a picture shows, and travel quicker."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=np.float64)]
