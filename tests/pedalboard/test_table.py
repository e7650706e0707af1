"""The literal table of devices against the installed pedalboard, and what is imported when."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from voxrack_pedalboard.spec_parts import RENAMED
from voxrack_pedalboard.specs import SPECS
from voxrack_pedalboard.specs_codec import QUALITIES
from voxrack_pedalboard.specs_tone import MODES

pedalboard = pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")

ABSTRACT = {"Plugin", "PluginContainer", "IIRFilter", "ExternalPlugin", "VST3Plugin", "AudioUnitPlugin"}
CONTAINERS = {"Chain", "Mix", "Pedalboard"}
OURS_ONLY = {("Convolution", "impulse_response"), ("Convolution", "normalize")}  # no properties that can be set
BUILT_INS = [spec for spec in SPECS if spec.id != "pedalboard.vst3"]


def effect(spec) -> str:
    return spec.factory.partition(":")[2]


def installed() -> dict[str, type]:
    classes = {name: value for name, value in vars(pedalboard).items() if isinstance(value, type)}
    effects = {name: c for name, c in classes.items() if issubclass(c, pedalboard.Plugin) and c.__name__ == name}
    return {name: c for name, c in effects.items() if name not in ABSTRACT | CONTAINERS}


def settable(cls: type) -> set[str]:
    found = set()
    for base in cls.__mro__:
        found |= {name for name, value in vars(base).items() if isinstance(value, property) and value.fset}
    return found


def test_every_built_in_of_the_installed_pedalboard_is_a_device():
    assert set(installed()) == {effect(spec) for spec in BUILT_INS}


@pytest.mark.parametrize("spec", BUILT_INS, ids=lambda s: s.id)
def test_the_id_is_the_class_in_snake_case(spec):
    assert spec.id.removeprefix("pedalboard.").replace("_", "") == effect(spec).lower()


@pytest.mark.parametrize("spec", BUILT_INS, ids=lambda s: s.id)
def test_every_property_is_a_parameter_with_its_default(spec):
    name = effect(spec)
    ids = {RENAMED.get(p.id, p.id) for p in spec.params if (name, p.id) not in OURS_ONLY}
    assert ids == settable(installed()[name])
    if name == "Convolution":
        return
    made = installed()[name]()
    for param in spec.params:
        default = getattr(made, RENAMED.get(param.id, param.id))
        if param.kind == "choice":
            assert default.name == param.default
        elif param.kind == "bool":
            assert default is param.default
        else:
            assert default == pytest.approx(param.default, rel=1e-6)


def test_choices_are_pedalboards():
    assert tuple(pedalboard.Resample.Quality.__members__) == QUALITIES
    assert tuple(pedalboard.LadderFilter.Mode.__members__) == MODES


@pytest.mark.parametrize("spec", [s for s in BUILT_INS if s.id != "pedalboard.convolution"], ids=lambda s: s.id)
def test_pedalboard_takes_both_ends_of_every_range(spec):
    """(Convolution's one property, mix, is kept at 1 inside pedalboard: the device mixes itself.)"""
    made = installed()[effect(spec)]()
    for param in spec.params:
        if param.kind != "float":
            continue
        for value in (param.lo, param.hi):
            setattr(made, RENAMED.get(param.id, param.id), value)
            assert getattr(made, RENAMED.get(param.id, param.id)) == pytest.approx(value, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_every_parameter_says_what_it_does(spec):
    assert spec.summary and all(param.help for param in spec.params)


def python(code: str) -> dict:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_listing_the_devices_imports_nothing_heavy():
    seen = python(
        "import voxrack_pedalboard, json, sys\n"
        "n = len(voxrack_pedalboard.voxrack_devices())\n"
        "heavy = ['pedalboard', 'pedalboard_native', 'torch', 'scipy', 'numba', 'librosa', 'matplotlib', 'soundfile']\n"
        "print(json.dumps({'devices': n, 'heavy': [m for m in heavy if m in sys.modules]}))"
    )
    assert seen == {"devices": len(SPECS), "heavy": []}


def test_without_pedalboard_the_devices_are_listed_with_the_command_that_mends_it():
    seen = python(
        "import sys, json\n"
        "sys.modules['pedalboard'] = None\n"  # as if it were not installed
        "from voxrack.host import Host\n"
        "found = {e.spec.id: (e.status, e.reason) for e in Host().devices() if e.spec.id.startswith('pedalboard.')}\n"
        "print(json.dumps(found))"
    )
    assert set(seen) == {spec.id for spec in SPECS}
    for status, reason in seen.values():
        assert status == "unavailable"
        assert "pip install" in reason and "pedalboard" in reason
