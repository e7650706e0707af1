"""Old presets, new voxrack: the file format and each device age on their own."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from preset_bench import bench_host

from voxrack import DeviceSpec, Param, Preset
from voxrack.errors import PluginError, PresetError
from voxrack.upgrade import STEPS, VERSION, upgrade_document


def test_the_current_version_is_one_more_than_the_steps():
    assert len(STEPS) + 1 == VERSION == 1


# ---- the format ----------------------------------------------------------------------------------
def _to_2(tree: dict[str, Any]) -> dict[str, Any]:
    return {**tree, "tags": tree["labels"].split()} | {"labels": None}


def _to_3(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value is not None}


def test_documents_pass_every_step_between_their_version_and_the_current_one():
    old = {"format": "voxrack.preset", "version": 1, "labels": "warm vocal"}
    new = upgrade_document(old, (_to_2, _to_3))
    assert new == {"format": "voxrack.preset", "version": 3, "tags": ["warm", "vocal"]}
    assert old["version"] == 1, "the document that came in is left alone"
    halfway = upgrade_document({"format": "voxrack.preset", "version": 2, "labels": None}, (_to_2, _to_3))
    assert halfway == {"format": "voxrack.preset", "version": 3}
    assert upgrade_document(new, (_to_2, _to_3)) == new


def test_a_newer_format_is_refused_with_what_to_do():
    with pytest.raises(PresetError, match="version 4; this voxrack reads up to 3: upgrade voxrack") as caught:
        upgrade_document({"format": "voxrack.preset", "version": 4}, (_to_2, _to_3))
    assert caught.value.path == "$.version"


# ---- devices -------------------------------------------------------------------------------------
def hold_to_ms(values: dict[str, Any], written_for: int) -> dict[str, Any]:
    """Version 1 held seconds under `hold`; version 2 milliseconds; version 3 calls it `time` and has no `old`."""
    if written_for < 2:
        values["hold"] = values["hold"] * 1000.0
    values["time"] = values.pop("hold")
    values.pop("old", None)
    return values


def fragile(values: dict[str, Any], written_for: int) -> Any:
    return values["absent"]


def forgetful(values: dict[str, Any], written_for: int) -> None:
    values.clear()


def gate(version: int, *params: Param, migrate: str = "test_upgrade_target:hold_to_ms") -> DeviceSpec:
    return DeviceSpec("bench.gate", "processor", "preset_bench:Wire", params=params, version=version, migrate=migrate)


LEVEL = Param("level", 0.0, lo=-math.inf, hi=6.0, unit="dB")
OLD = gate(1, LEVEL, Param("hold", 0.1, lo=0.0, hi=2.0, unit="s"), Param("old", True, kind="bool"), migrate="")
NEW = gate(3, LEVEL, Param("time", 100.0, lo=1.0, hi=2000.0, unit="ms"))


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """pytest imports tests under names of its own; `migrate` names a module."""
    import sys
    import types

    module = types.ModuleType("test_upgrade_target")
    for function in (hold_to_ms, fragile, forgetful):
        setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, "test_upgrade_target", module)


@pytest.fixture
def old() -> Preset:
    return Preset.of(bench_host(OLD).create("bench.gate", hold=0.25, level=-math.inf), created="")


def test_values_of_an_older_device_are_migrated(old):
    host = bench_host(NEW)
    rack = old.rack(host)
    assert rack.get("gate.time") == 250.0
    assert rack.get("gate.level") == -math.inf
    assert old.check(host) == ["slot 'gate': version 1 to 3 of 'bench.gate': values migrated"]


def test_an_upgraded_preset_is_that_of_the_new_device(old):
    host = bench_host(NEW)
    new = old.upgraded(host)
    assert json.loads(new.text())["rack"]["inserts"] == [{"name": "gate", "device": "bench.gate", "version": 3}]
    assert new.parameters["gate.time"] == 250 and "gate.hold" not in new.parameters and "gate.old" not in new.parameters
    assert new.provenance["devices"] == {"bench.gate": 3}
    assert new.check(host) == [] and new.upgraded(host) == new
    assert str(old.diff(new, host)[0]) == "slot 'gate': version of bench.gate 1 -> 3"


def test_the_old_device_refuses_the_new_preset(old):
    new = old.upgraded(bench_host(NEW))
    with pytest.raises(
        PresetError, match=r"written for version 3 .* installed one is version 1: upgrade the package"
    ) as caught:
        new.rack(bench_host(OLD))
    assert caught.value.path == "$.rack.inserts[0].version"


def test_migrated_values_are_checked_like_any_other():
    old = Preset.of(bench_host(OLD).create("bench.gate", hold=0.0))
    with pytest.raises(PresetError, match=r"got 0\.0; it takes 1 to 2000 ms") as caught:
        old.rack(bench_host(NEW))
    assert caught.value.path == '$.parameters["gate.time"]'


def test_without_a_migration_the_values_are_taken_as_they_are(old):
    same = gate(2, *OLD.params, migrate="")
    assert old.rack(bench_host(same)).get("gate.hold") == 0.25
    assert old.check(bench_host(same)) == [
        "slot 'gate': version 1 to 2 of 'bench.gate': the device names no migration, values are taken as they are"
    ]


def test_a_migration_that_fails_says_which(old):
    with pytest.raises(PresetError, match=r"version 1 to 3 of 'bench.gate': its values cannot be migrated .KeyError"):
        old.rack(bench_host(gate(3, migrate="test_upgrade_target:fragile")))
    with pytest.raises(PluginError, match="forgetful returned null; it returns a dict"):
        old.rack(bench_host(gate(3, migrate="test_upgrade_target:forgetful")))
    with pytest.raises(PluginError, match="cannot be imported"):
        old.rack(bench_host(gate(3, migrate="test_upgrade_target:nothing")))
