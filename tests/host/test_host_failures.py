"""Plugins that fail: named with what is wrong, and they hurt nobody else."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from host_bench import Nonsense, Raises, alone, gain, status

from voxrack import Param, hookimpl
from voxrack.discovery import Plugin, load
from voxrack.errors import PluginError
from voxrack.testing.hosts import Bundle


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


def test_a_hook_that_raises_fails_alone():
    host = alone(bad=Raises(), good=Bundle([gain()]))
    assert status(host, "bad").status == "failed"
    assert "voxrack_devices raised LookupError: half way" in status(host, "bad").error
    assert host.service("kept")(9.0) == 3.0
    assert host.create("toy.gain").spec.id == "toy.gain"


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
