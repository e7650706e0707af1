"""Every built-in effect and analyzer keeps every invariance of the contract."""

from __future__ import annotations

import pytest

from voxrack import default_host
from voxrack.testing import check_device

IDS = [entry.spec.id for entry in default_host().devices() if entry.spec.id.startswith("fx.")]


def test_the_family_is_complete():
    named = "gain pan peak low_shelf high_shelf low_pass high_pass peq compressor delay reverb loudness"
    assert set(IDS) == {f"fx.{name}" for name in named.split()}


@pytest.mark.parametrize("id", IDS)
def test_keeps_every_invariance(id):
    report = check_device(id).raise_if_failed()
    assert not [check for check in report.checks if check.outcome == "waived"]
