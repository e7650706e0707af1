"""What every test may use: where real data lies, and how to do without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("voxrack", deadline=None)  # the first example compiles or imports: times say nothing
settings.load_profile("voxrack")

ROOT = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """Folder with `data/` and `oracle/`: VOXRACK_DATA, by default ../shared beside the checkout."""
    root = Path(os.environ.get("VOXRACK_DATA", ROOT.parent / "shared"))
    if not (root / "data").is_dir():
        pytest.skip(
            f"real audio not found: {root}/data is no folder; "
            "set VOXRACK_DATA to the folder that holds data/ and oracle/"
        )
    return root


@pytest.fixture
def shared() -> Path:
    """The folder of real audio and reference numbers; the test is skipped where there is none."""
    return data_root()
