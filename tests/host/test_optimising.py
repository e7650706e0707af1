"""Learning rates, decay and averaged weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from voxrack.optimising import average, decaying, warm_cosine


def test_average_follows_weights_and_statistics():
    one, two = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    with torch.no_grad():
        two.weight.fill_(3.0)
        two.running_mean.fill_(8.0)
        two.num_batches_tracked.fill_(7)
    average(one, two, 0.75, step=1000)
    assert one.weight.tolist() == [1.5, 1.5]
    assert np.allclose(one.running_mean, [2.0, 2.0])
    assert int(one.num_batches_tracked) == 7


def test_average_forgets_the_random_start():
    one, two = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(one.weight, 100.0)
    torch.nn.init.zeros_(two.weight)
    for step in range(1, 60):
        average(one, two, 0.999, step)
    assert abs(one.weight.item()) < 0.01  # 0.999^59 alone would leave 94


def test_rate_rises_then_falls_to_nothing():
    rate = [warm_cosine(40, 0.25)(epoch) for epoch in range(40)]
    assert rate[:10] == pytest.approx([(k + 0.5) / 10 for k in range(10)])
    assert all(later < earlier for earlier, later in pairwise(rate[10:]))
    assert rate[-1] < 0.005


def test_only_matrices_decay():
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    decayed, kept = decaying(layer, 0.1)
    assert [tuple(weight.shape) for weight in decayed["params"]] == [(2, 3)]
    assert len(kept["params"]) == 3
    assert kept["weight_decay"] == 0.0
