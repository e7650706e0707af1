"""The contract, and what a tremolo must do."""

import numpy as np
import pytest

from voxrack import Audio, default_host, render
from voxrack.testing import check_device


def test_keeps_the_contract():
    check_device("tremolo.sine").raise_if_failed()


@pytest.mark.parametrize("depth", [3.0, 24.0])
def test_level_swings_by_its_depth_at_its_rate(depth):
    tone = Audio(np.ones((1, 48_000), np.float32), 48_000)
    out = render(default_host().create("tremolo.sine", rate=4.0, depth=depth), tone).samples[0]
    level = 20.0 * np.log10(out)
    assert level.max() - level.min() == pytest.approx(depth, abs=0.01)
    soft = level < -depth / 2
    assert np.count_nonzero(soft[1:] & ~soft[:-1]) == 4  # four times in this second it turns soft
