"""What every test may use: where real data lies, and how to do without it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
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


def oracle_cases(kind: str, **wanted: str) -> tuple[list[dict[str, Any]], Any]:
    """Reference cases of a kind (and, say, ``effect="COMP"``) with the archive of their arrays; skips where absent."""
    folder = data_root() / "oracle"
    if not (folder / "index.json").is_file():
        pytest.skip(f"reference numbers not found: {folder}/index.json; set VOXRACK_DATA to the folder that holds them")
    index = json.loads((folder / "index.json").read_text())
    match = {"kind": kind, **wanted}
    cases = [case for case in index["cases"] if all(case.get(key) == value for key, value in match.items())]
    assert cases, f"the reference has no case of {match}"
    return cases, np.load(folder / "oracle.npz")


@pytest.fixture
def shared() -> Path:
    """The folder of real audio and reference numbers; the test is skipped where there is none."""
    return data_root()
