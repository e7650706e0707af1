"""Collections that need no data: a rack of two devices, and the vocal rack with random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxrack import Preset, Rack, default_host
from voxrack_atlas import Collection, from_diffvox


def desk(name: str = "", **values: Any) -> Preset:
    """A gain and a pan; ``gain_level=-3`` sets ``gain.level``."""
    host = default_host()
    rack = Rack([host.create("fx.gain"), host.create("fx.pan")])
    for key, value in values.items():
        rack.set(key.replace("_", ".", 1), value)
    return Preset.of(rack, name=name, created="2026-01-31T12:00:00Z")


def desks(levels: Any, pans: Any = None) -> Collection:
    """One desk for each level."""
    pans = np.zeros(len(levels)) if pans is None else pans
    return Collection.of([desk(f"desk {i}", gain_level=float(level), pan_pan=float(pan))
                          for i, (level, pan) in enumerate(zip(levels, pans, strict=True))])  # fmt: skip


def vocals(count: int, seed: int = 0) -> Collection:
    """Vocal racks with normal raw numbers."""
    raw = np.random.default_rng(seed).normal(size=(count, 151))
    return Collection.of([from_diffvox(row, name=f"vocal {i}") for i, row in enumerate(raw)])
