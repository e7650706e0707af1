"""The host: what it finds, lists and creates, and the services and verbs that plugins add."""

from __future__ import annotations

import click
import numpy as np
import pytest
from host_bench import LEVEL, WIRE, Raises, alone, gain, status

from voxrack import DeviceSpec, Param, default_host, hookimpl
from voxrack.errors import ParamError, PluginError, UsageError
from voxrack.testing.hosts import Bundle


def test_installed_plugins_are_found():
    fx = status(default_host(), "fx")
    assert (fx.distribution, fx.status, fx.error) == ("voxrack", "loaded", "")
    assert "fx.compressor" in fx.devices


def test_devices_are_sorted_and_filtered_by_kind():
    host = alone(b=Bundle([gain("toy.b")]), a=Bundle([gain("toy.a"), DeviceSpec("toy.ear", "analyzer", WIRE)]))
    assert [e.spec.id for e in host.devices()] == ["toy.a", "toy.b", "toy.ear"]
    assert [e.spec.id for e in host.devices("analyzer")] == ["toy.ear"]
    with pytest.raises(UsageError, match="'processor', 'analyzer'"):
        host.devices("effect")


def test_create_takes_values_by_name_and_by_dotted_id():
    dotted = gain(params=(LEVEL, Param("low.gain", 1.0, hi=2.0)))
    device = alone(toy=Bundle([dotted])).create("toy.gain", {"low.gain": 2.0}, level=-6)
    assert device.values == {"level": -6.0, "low.gain": 2.0}
    assert device.prepare(48_000, 1, 64) == 1
    np.testing.assert_allclose(device.process(np.ones((1, 64), np.float32)), 10 ** (-6 / 20), rtol=1e-6)


def test_create_refuses_what_the_device_does_not_take():
    host = alone(toy=Bundle([gain()]))
    with pytest.raises(ParamError, match=r"toy\.gain.*level.*60.*-24 to 24 dB"):
        host.create("toy.gain", level=60)
    with pytest.raises(ParamError, match="did you mean 'level'"):
        host.create("toy.gain", levle=6)


def test_an_unknown_device_gets_a_suggestion():
    with pytest.raises(UsageError, match=r"no device 'toy\.gian'; did you mean 'toy\.gain'"):
        alone(toy=Bundle([gain()])).spec("toy.gian")


def test_a_device_of_an_unknown_family_asks_for_the_plugin():
    with pytest.raises(UsageError, match=r"no installed plugin offers 'tremolo\.…', only toy; install"):
        alone(toy=Bundle([gain()])).create("tremolo.sine")


def test_default_host_is_made_once():
    assert default_host() is default_host()


def test_it_shows_itself():
    host = alone(toy=Bundle([gain()]), bad=Bundle([5]))
    assert "toy" in repr(host) and "bad (failed)" in repr(host)
    assert "<table>" in host._repr_html_() and "no voxrack.DeviceSpec" in host._repr_html_()
    evil = alone(**{"<script>": Bundle([gain()])})
    assert "<script>" not in evil._repr_html_()


# ---- services and commands ---------------------------------------------------------------------------------


def test_a_missing_service_tells_which_plugins_are_not_loaded():
    host = alone(bad=Raises())
    with pytest.raises(PluginError, match=r"no plugin offers the service 'fit'.*It has: kept.*bad \(failed\)"):
        host.service("fit")


def test_a_service_that_points_nowhere_is_named():
    host = alone(toy=Bundle([gain()], {"fit": "math:no_such_function"}))
    with pytest.raises(PluginError, match="'fit' stands for 'math:no_such_function'"):
        host.service("fit")


class Verbs:
    def __init__(self, *names, then=None):
        self.names, self.then = names, then

    @hookimpl
    def voxrack_commands(self, cli):
        for name in self.names:
            cli.add_command(click.Command(name, help="from a plugin"))
        if self.then:
            raise self.then


def test_verbs_are_added_and_failures_leave_none_behind():
    cli = click.Group(commands={"render": (render := click.Command("render"))})
    host = alone(
        good=Verbs("fit"), bad=Verbs("half", "fit", then=RuntimeError("sorry")), thief=Verbs("render", "atlas")
    )
    host.add_commands(cli)
    assert sorted(cli.commands) == ["atlas", "fit", "render"]
    assert cli.commands["render"] is render
    assert "voxrack_commands raised RuntimeError: sorry" in status(host, "bad").error
    assert status(host, "thief").status == "shadowed"
    assert "its verb 'render'" in status(host, "thief").error
