"""What stands in front of an analyzer: racks that the signal passes before it is heard."""

from __future__ import annotations

from typing import Any

from .errors import UsageError
from .instance import AnalyzerDevice, Device
from .rack import Rack, as_rack, refuse_twice
from .slots import Slot


def as_fronts(front: Any, analyzer: AnalyzerDevice) -> tuple[Rack, ...]:
    """One thing that :func:`~voxrack.rack.as_rack` takes, or a list of them, as racks in their order.

    Raises
    ------
    UsageError
        For an analyzer, or what is no device.
    RoutingError
        For a device in two places, the analyzer's own helpers (its enhancer) among them.
    """
    things = front if isinstance(front, (list, tuple)) else (front,)
    for thing in things:
        if isinstance(thing, Device) and thing.spec.kind != "processor":
            raise UsageError(f"'{thing.spec.id}' is an {thing.spec.kind}: it only listens; a front takes processors")
        if isinstance(thing, str):
            raise UsageError(f"the front is the text {thing!r}; hand over what Host.create({thing!r}) makes")
    racks = tuple(as_rack(thing) for thing in things)
    slots = [slot for rack in racks for slot in rack.slots().values()]
    helpers = [Slot(need) for need in analyzer.needs.values() if need.spec.kind == "processor"]
    refuse_twice([*slots, *helpers])
    return racks
