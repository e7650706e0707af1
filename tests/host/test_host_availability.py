"""Devices and plugins that are there and cannot be used: switched off, without an extra or weights; strict mode."""

from __future__ import annotations

import sys

import pytest
from host_bench import Nonsense, Raises, alone, gain, status

from voxrack import Host
from voxrack.errors import PluginError, UsageError
from voxrack.recipe import RecipeSpec
from voxrack.testing import host_with
from voxrack.testing.hosts import Bundle


def test_disabled_plugins_are_listed_and_not_imported(monkeypatch, tmp_path):
    class Tripwire:
        def __dir__(self):
            raise AssertionError("a disabled plugin was looked into")

    host = Host(plugins={"toy": Tripwire(), "good": Bundle([gain()])}, discover=False, disabled=["toy"])
    assert status(host, "toy").status == "disabled"
    assert "VOXRACK_DISABLE" in status(host, "toy").error
    monkeypatch.setenv("VOXRACK_DISABLE", " good, fx")
    host = host_with(gain(), name="good")
    assert {s.name for s in host.plugins() if s.status == "disabled"} == {"good", "fx"}
    with pytest.raises(UsageError, match=r"no device 'fx\.gain'.*Not loaded:.*fx \(disabled\)"):
        host.spec("fx.gain")


def test_disabled_takes_a_list():
    with pytest.raises(UsageError, match=r"\['fx'\]"):
        Host(disabled="fx")


def test_a_missing_extra_says_what_to_install(monkeypatch):
    spec = gain("toy.needy", extra="strings:voxrack_no_such_module")
    host = alone(toy=Bundle([spec]))
    assert status(host, "toy").status == "unavailable"
    with pytest.raises(PluginError, match="pip install voxrack_no_such_module"):
        host.create("toy.needy")
    entry = host.devices()[0]
    assert entry.status == "unavailable" and "voxrack_no_such_module" in entry.reason
    assert "voxrack_no_such_module" not in sys.modules


def test_a_missing_extra_of_an_installed_plugin_names_its_distribution():
    from voxrack.availability import why_unavailable

    reason = why_unavailable(gain(extra="strings:voxrack_no_such_module"), "voxrack-orchestra")
    assert "pip install 'voxrack-orchestra[strings]'" in reason
    assert why_unavailable(gain(extra="numpy"), "voxrack-orchestra") == ""


def test_a_blocked_module_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert status(alone(toy=Bundle([gain(extra="files:soundfile")])), "toy").status == "unavailable"


def test_missing_weights_say_how_to_get_them():
    spec = gain("toy.learned", weights="probes/no/such.safetensors")
    with pytest.raises(PluginError, match=r"needs the weights 'probes/no/such\.safetensors'.*pip install"):
        alone(toy=Bundle([spec])).create("toy.learned")
    trainer = Nonsense(recipes=[RecipeSpec("toy.learned", "toy.learned", "toys:Gain")])
    with pytest.raises(PluginError, match=r"voxrack train toy\.learned"):
        alone(toy=Bundle([spec]), trainer=trainer).create("toy.learned")


def test_weights_that_are_there_make_it_available():
    spec = gain("toy.learned", weights="probes/streaming.py")  # any file of a package will do
    assert alone(toy=Bundle([spec])).create("toy.learned")


def test_one_unavailable_device_leaves_the_plugin_loaded():
    host = alone(toy=Bundle([gain(), gain("toy.needy", extra="voxrack_no_such_module")]))
    assert status(host, "toy").status == "loaded"
    assert "voxrack_no_such_module" in status(host, "toy").error


# ---- strict -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plugins",
    [
        {"bad": Raises()},
        {"bad": Bundle([gain(api=2)])},
        {"one": Bundle([gain()]), "bad": Bundle([gain()])},
    ],
    ids=["raises", "newer", "twice"],
)
def test_strict_raises_and_names_the_plugin(monkeypatch, plugins):
    monkeypatch.setenv("VOXRACK_STRICT", "1")
    with pytest.raises(PluginError, match=r"VOXRACK_STRICT.*plugin bad"):
        alone(**plugins)


def test_strict_lets_what_is_only_absent_pass(monkeypatch):
    monkeypatch.setenv("VOXRACK_STRICT", "1")
    host = Host({"toy": Bundle([gain(extra="voxrack_no_such_module")]), "off": Raises()}, False, ["off"])
    assert [s.status for s in host.plugins()] == ["unavailable", "disabled"]


def test_strict_zero_is_off(monkeypatch):
    monkeypatch.setenv("VOXRACK_STRICT", "0")
    assert status(alone(bad=Raises()), "bad").status == "failed"
