"""A bus, its level, and where it may send to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .errors import RoutingError, UsageError
from .instance import Device
from .params import Param, suggest
from .slots import NAME, Chain, Slot

LEVEL = Param("level", 0.0, lo=-math.inf, hi=24.0, unit="dB", help="-inf is off")


class Bus:
    """A parallel path: what is sent to it, through its chain, into the sum.

    Parameters
    ----------
    name : str
    chain : Chain or sequence of Slot or Device
    sends : mapping of str to float
        Name of a later bus to level in dB, taken after this bus's own level.
    level : float
        Of its return, in dB.
    """

    def __init__(
        self,
        name: str,
        chain: Chain | Sequence[Slot | Device],
        sends: Mapping[str, float] | None = None,
        level: float = 0.0,
    ) -> None:
        if not NAME.fullmatch(name):
            raise UsageError(f"bus name {name!r} is not allowed; it takes a-z, 0-9, _ and -, and begins with a letter")
        self.name = name
        self.chain = chain if isinstance(chain, Chain) else Chain(chain)
        self.sends = {to: LEVEL.check(db) for to, db in (sends or {}).items()}
        self.level = LEVEL.check(level)

    def __repr__(self) -> str:
        return f"{self.name}({self.chain!r})"


def check_sends(buses: Sequence[Bus], sends: Mapping[str, float]) -> None:
    """Refuse buses of one name, and sends, of the inserts or of a bus, to what is not there or does not come later."""
    names = [bus.name for bus in buses]
    for name in names:
        if names.count(name) > 1:
            raise RoutingError(f"two buses are called '{name}'; give one another name")
    for to in sends:
        if to not in names:
            raise RoutingError(f"send to bus '{to}', which is not there{suggest(to, names)}")
    for index, bus in enumerate(buses):
        for to in bus.sends:
            if to not in names:
                raise RoutingError(f"bus '{bus.name}' sends to '{to}', which is not there{suggest(to, names)}")
            if names.index(to) <= index:
                raise RoutingError(
                    f"bus '{bus.name}' sends to '{to}', which does not come later; "
                    "a bus sends forward only, so reorder the buses"
                )
