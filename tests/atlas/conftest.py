"""The two published sets as collections, made once."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import data_root

from voxrack_atlas import Collection, from_diffvox


def published(dataset: str, index: str | None = None) -> Collection:
    """A published set, or the rows of it that an index names."""
    folder = data_root() / "data" / "diffvox_presets" / dataset
    raw = np.load(folder / "raw_params.npy")
    rows = range(len(raw)) if index is None else np.load(folder / index).tolist()
    return Collection.of((from_diffvox(raw[row]) for row in rows), [f"{dataset}-{row:03d}" for row in rows])


@pytest.fixture(scope="session")
def internal() -> Collection:
    """The 365 presets of the paper."""
    return published("internal", "train_index.npy")


@pytest.fixture(scope="session")
def medley() -> Collection:
    """The 70 presets of MedleyDB."""
    return published("medleydb")


@pytest.fixture(autouse=True)
def wide_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as in a pipe: pytest-xdist sets the width of a terminal in its workers."""
    monkeypatch.delenv("COLUMNS", raising=False)
