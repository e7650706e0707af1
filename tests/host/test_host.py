"""The host: discovery, statuses, isolation, creation. One bad plugin hurts nobody, and says what is wrong."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest

from voxrack import DeviceSpec, Host, Param, default_host, hookimpl
from voxrack.discovery import Plugin, load
from voxrack.errors import ParamError, PluginError, UsageError
from voxrack.recipe import RecipeSpec
from voxrack.testing import host_with
from voxrack.testing.hosts import Bundle

WIRE = "probes.streaming:Gain"
LEVEL = Param("level", 0.0, lo=-24.0, hi=24.0, unit="dB")


def gain(id: str = "toy.gain", **fields) -> DeviceSpec:
    return DeviceSpec(id, "processor", WIRE, **{"params": (LEVEL,), **fields})


def alone(**plugins: object) -> Host:
    """A host with these plugins only."""
    return Host(plugins=plugins, discover=False)


def status(host: Host, name: str):
    return next(entry for entry in host.plugins() if entry.name == name)


# ---- what works -------------------------------------------------------------------------------------


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


# ---- what fails, and hurts nobody ----------------------------------------------------------------------


def module_plugin(monkeypatch, tmp_path: Path, source: str) -> Plugin:
    """A plugin as an entry point into a module of this text."""
    name = f"voxrack_toy_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.delitem(sys.modules, name)
    return Plugin("toy", EntryPoint("toy", name, "voxrack.plugins"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no licence found')", "its import raised RuntimeError: no licence found"),
        ("raise SystemExit(3)", "its import raised SystemExit: 3"),
        ("import there_is_no_such_module", "No module named 'there_is_no_such_module'"),
        ("def broken(:\n", "SyntaxError"),
        ("x = 1", "it offers nothing: mark functions named voxrack_devices"),
    ],
)
def test_a_module_that_cannot_be_imported_is_failed_with_its_reason(monkeypatch, tmp_path, source, reason):
    plugin = module_plugin(monkeypatch, tmp_path, source)
    load(plugin)
    assert plugin.status().status == "failed"
    assert reason in plugin.status().error


def test_the_error_of_an_import_tells_file_and_line(monkeypatch, tmp_path):
    plugin = module_plugin(monkeypatch, tmp_path, "x = 1\ny = 2\nz = 1 / 0\n")
    load(plugin)
    assert "ZeroDivisionError" in plugin.status().error
    assert ".py:3)" in plugin.status().error


def test_a_plugin_that_prints_does_not_spoil_standard_output(monkeypatch, tmp_path, capsys):
    load(module_plugin(monkeypatch, tmp_path, "print('welcome to my plugin')"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "welcome" in captured.err


def test_ctrl_c_during_discovery_is_not_swallowed(monkeypatch, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        load(module_plugin(monkeypatch, tmp_path, "raise KeyboardInterrupt"))


class Raises:
    @hookimpl
    def voxrack_devices(self):
        yield gain("toy.first")
        raise LookupError("half way")

    @hookimpl
    def voxrack_services(self):
        return {"kept": "math:sqrt"}


def test_a_hook_that_raises_fails_alone():
    host = alone(bad=Raises(), good=Bundle([gain()]))
    assert status(host, "bad").status == "failed"
    assert "voxrack_devices raised LookupError: half way" in status(host, "bad").error
    assert host.service("kept")(9.0) == 3.0
    assert host.create("toy.gain").spec.id == "toy.gain"


class Nonsense:
    def __init__(self, **answers):
        self.answers = answers

    @hookimpl
    def voxrack_devices(self):
        return self.answers.get("devices", ())

    @hookimpl
    def voxrack_presets(self):
        return self.answers.get("presets", ())

    @hookimpl
    def voxrack_recipes(self):
        return self.answers.get("recipes", ())

    @hookimpl
    def voxrack_services(self):
        return self.answers.get("services", {})


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"devices": 5}, "voxrack_devices raised TypeError"),
        ({"devices": None}, ""),  # a hook that returns nothing offers nothing, as pluggy has it
        ({"devices": "toy"}, "'t', which is no voxrack.DeviceSpec"),
        ({"presets": ["/no/such/folder"]}, "'/no/such/folder', which is no folder"),
        ({"presets": [Path("/no/such/folder")]}, "which is no folder"),
        ({"recipes": [7]}, "7, which is no recipe"),
        ({"services": ["fit"]}, "voxrack_services raised"),
        ({"services": {"fit": "math.sqrt"}}, "it maps names to 'module:function'"),
    ],
)
def test_a_hook_that_returns_nonsense_is_named(answers, reason):
    host = alone(bad=Nonsense(**answers), good=Bundle([gain()]))
    assert status(host, "bad").status == ("failed" if reason else "loaded")
    assert reason in status(host, "bad").error
    assert status(host, "good").status == "loaded"


def test_whatever_else_goes_wrong_with_a_plugin_stays_with_it(tmp_path):
    class Moody:
        """A folder that cannot be listed."""

        name = "presets"

        def is_dir(self):
            return True

        def iterdir(self):
            raise PermissionError("the folder is locked")

        def is_file(self):
            return False

        def joinpath(self, *parts):
            return self

        __truediv__ = joinpath

        def open(self, mode="r", *args, **kwargs):
            raise PermissionError

        def read_bytes(self):
            raise PermissionError

        def read_text(self, encoding=None):
            raise PermissionError

    host = alone(
        bad=Nonsense(presets=[Moody()]), odd=Bundle([gain("toy.main", weights="__main__/x")]), good=Bundle([gain()])
    )
    assert "the folder is locked" in status(host, "bad").error
    assert status(host, "odd").status in ("unavailable", "failed")
    assert host.create("toy.gain")


def test_a_hook_that_does_not_exist_is_named():
    class Misspelt:
        @hookimpl
        def voxrack_device(self):
            return ()

    entry = status(alone(bad=Misspelt()), "bad")
    assert entry.status == "failed"
    assert "no hook 'voxrack_device'; did you mean 'voxrack_devices'" in entry.error


def test_a_hook_with_a_wrong_argument_is_named():
    class Wrong:
        @hookimpl
        def voxrack_devices(self, host):
            return ()

    entry = status(alone(bad=Wrong()), "bad")
    assert entry.status == "failed"
    assert "voxrack_devices" in entry.error and "host" in entry.error


def test_a_newer_contract_asks_for_an_upgrade():
    host = alone(new=Bundle([gain("new.gain", api=2), gain("new.old")]))
    assert status(host, "new").status == "failed"
    assert "written for contract 2, this voxrack speaks 1: upgrade voxrack" in status(host, "new").error
    with pytest.raises(PluginError, match="contract 2"):
        host.create("new.gain")
    assert host.create("new.old")


def test_a_wrong_spec_names_plugin_device_and_field():
    host = alone(bad=Bundle([gain("toy.gain", params=(Param("level", 3.0, lo=0.0, hi=1.0),)), gain("toy.fine")]))
    assert "device 'toy.gain': parameter 'level': field 'default'" in status(host, "bad").error
    with pytest.raises(PluginError, match=r"device 'toy\.gain' of plugin bad: parameter 'level'"):
        host.spec("toy.gain")
    assert host.spec("toy.fine")


# ---- two of a kind --------------------------------------------------------------------------------------


def test_the_first_keeps_the_id_and_both_plugins_are_named():
    first, second = gain(), gain(title="the other")
    host = alone(one=Bundle([first]), two=Bundle([second, gain("toy.more")]))
    assert host.spec("toy.gain") is first
    assert status(host, "one").status == "loaded"
    shadowed = status(host, "two")
    assert shadowed.status == "shadowed"
    assert "plugin two" in shadowed.error and "plugin one" in shadowed.error
    assert [(e.plugin, e.status) for e in host.devices() if e.spec.id == "toy.gain"] == [
        ("one", "available"),
        ("two", "shadowed"),
    ]
    assert host.create("toy.more")


def test_built_in_devices_cannot_be_taken_over():
    host = host_with(gain("fx.gain"), name="aaa")
    assert host.spec("fx.gain").factory != WIRE
    assert "plugin fx (voxrack" in status(host, "aaa").error


def test_a_plugin_name_that_is_taken_is_shadowed():
    host = host_with(gain(), name="fx")
    assert [s.status for s in host.plugins() if s.name == "fx"] == ["loaded", "shadowed"]


def test_services_recipes_and_presets_stay_with_the_first(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "warm room.json").write_text("{}")
        (tmp_path / name / "preset.schema.json").write_text("{}")

    def offer(folder, target):
        recipe = RecipeSpec("toy.gain", "", "toys:Gain", title=folder)
        return Nonsense(presets=[tmp_path / folder], services={"fit": target}, recipes=[recipe])

    host = alone(one=offer("a", "math:sqrt"), two=offer("b", "math:exp"))
    assert host.presets()["warm room"] == tmp_path / "a" / "warm room.json"
    assert "preset" not in host.presets() and "preset.schema" not in host.presets()
    assert host.service("fit")(4.0) == 2.0
    assert host.recipes()["toy.gain"].title == "a"
    for what in ("preset 'warm room'", "service 'fit'", "recipe 'toy.gain'"):
        assert f"{what} of plugin two is already offered by plugin one" in status(host, "two").error


# ---- switched off, not available -------------------------------------------------------------------------


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


# ---- needs ------------------------------------------------------------------------------------------------


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


# ---- services and commands ----------------------------------------------------------------------------------


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
