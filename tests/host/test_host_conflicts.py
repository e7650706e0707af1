"""Two plugins that offer the same: the first keeps it, and both are named."""

from __future__ import annotations

from host_bench import WIRE, Nonsense, alone, gain, status

from voxrack.recipe import RecipeSpec
from voxrack.testing import host_with
from voxrack.testing.hosts import Bundle


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
