"""What a device needs of others: filled by role, named where nobody can."""

from __future__ import annotations

import pytest
from host_bench import WIRE, alone, gain

from voxrack import DeviceSpec
from voxrack.errors import PluginError, UsageError
from voxrack.testing.hosts import Bundle


def needy(**fields) -> DeviceSpec:
    return gain("toy.needy", needs={"enhancer": "processor"}, **fields)


def test_a_needed_role_is_filled_by_the_first_available():
    missing = gain("toy.first", role="enhancer", extra="voxrack_no_such_module")
    ear = DeviceSpec("toy.ear", "analyzer", WIRE, role="enhancer")
    host = alone(
        toy=Bundle([needy(), missing, ear, gain("toy.second", role="enhancer"), gain("toy.third", role="enhancer")])
    )
    assert host.create("toy.needy").needs["enhancer"].spec.id == "toy.second"
    assert host.create("toy.needy", needs={"enhancer": "toy.third"}).needs["enhancer"].spec.id == "toy.third"
    own = host.create("toy.third", level=3)
    assert host.create("toy.needy", needs={"enhancer": own}).needs["enhancer"] is own


def test_a_role_that_nobody_can_fill_is_named_with_those_who_could():
    host = alone(toy=Bundle([needy(), gain("toy.first", role="enhancer", extra="voxrack_no_such_module")]))
    with pytest.raises(PluginError, match=r"role 'enhancer'.*'toy\.first' needs the Python package"):
        host.create("toy.needy")


def test_a_device_does_not_fill_its_own_need():
    host = alone(toy=Bundle([needy(role="enhancer")]))
    with pytest.raises(PluginError, match="needs it itself"):
        host.create("toy.needy")


def test_a_need_takes_a_device_of_its_kind():
    host = alone(toy=Bundle([needy(), DeviceSpec("toy.ear", "analyzer", WIRE), gain(role="enhancer")]))
    with pytest.raises(UsageError, match=r"needs a processor as 'enhancer'; 'toy\.ear' is none"):
        host.create("toy.needy", needs={"enhancer": "toy.ear"})


def test_needs_that_are_not_needed_are_refused():
    host = alone(toy=Bundle([needy(), gain(role="enhancer")]))
    with pytest.raises(UsageError, match="does not need 'enhancers'; did you mean 'enhancer'"):
        host.create("toy.needy", needs={"enhancers": "toy.gain"})
