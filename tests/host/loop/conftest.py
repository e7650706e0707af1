"""Features of the toy task, and a run on them that nobody stopped."""

from __future__ import annotations

import pytest
import torch
from loop_bench import go
from toy_recipe import write_features


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Bit for bit holds for one number of threads, and other tests of this process may have changed it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


@pytest.fixture(scope="module")
def straight(features, tmp_path_factory):
    """A run that nobody stopped."""
    return go(features, tmp_path_factory.mktemp("straight") / "run")
