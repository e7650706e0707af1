"""Tests of devices that are learned: skipped where their weights are not in the checkout."""

from __future__ import annotations

import pytest

from voxrack import default_host


def need(*ids: str) -> None:
    """Skip the test, with what the host says is missing, where one of these devices cannot be used."""
    for entry in default_host().devices():
        if entry.spec.id in ids and entry.status != "available":
            pytest.skip(f"{entry.spec.id} {entry.reason}")
