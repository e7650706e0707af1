"""Every built-in effect and analyzer keeps every invariance of the contract."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack import default_host, render
from voxrack.testing import check_device, voice

IDS = [entry.spec.id for entry in default_host().devices() if entry.spec.id.startswith("fx.")]


def test_the_family_is_complete():
    named = "gain pan peak low_shelf high_shelf low_pass high_pass peq compressor delay reverb loudness"
    assert set(IDS) == {f"fx.{name}" for name in named.split()}


@pytest.mark.parametrize("id", IDS)
def test_keeps_every_invariance(id):
    report = check_device(id).raise_if_failed()
    assert not [check for check in report.checks if check.outcome == "waived"]


@pytest.mark.parametrize("id", [id for id in IDS if id != "fx.loudness"])
def test_a_value_set_before_prepare_is_the_one_in_use(id):
    """Also where the device's own object exists already, as after `module()` or a first rendering elsewhere."""
    x = voice(0.3, 44_100, seed=3)
    early, given = default_host().create(id), default_host().create(id)
    assert early.processor is not None
    for param in early.spec.params:
        value = param.from_unit(0.4) if param.kind != "array" else param.check(param.default) * 0.9
        early.set(param.id, value)
        given.set(param.id, value)
    np.testing.assert_array_equal(render(early, x).samples, render(given, x).samples)
