"""The slow half of the reference's cases runs when it is asked for: ``pytest -m oracle`` or VOXRACK_ORACLE=all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "oracle" in (config.getoption("markexpr") or "") or os.environ.get("VOXRACK_ORACLE") == "all":
        return
    skip = pytest.mark.skip(reason="slow case of the reference; `pytest -m oracle` or VOXRACK_ORACLE=all runs it")
    for item in items:
        if item.get_closest_marker("slow") and item.get_closest_marker("oracle") and HERE in item.path.parents:
            item.add_marker(skip)
