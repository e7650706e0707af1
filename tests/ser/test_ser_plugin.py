"""The plugin as the host sees it: devices, recipes, what is missing, and that listing it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from voxrack import weights
from voxrack.device import DeviceSpec
from voxrack.errors import PluginError
from voxrack.hooks import hookimpl
from voxrack.host import Host
from voxrack.instance import AnalyzerDevice
from voxrack.recipe import RecipeSpec, check_recipe
from voxrack.rendering import analyze
from voxrack.speccheck import check_spec
from voxrack.testing import voice
from voxrack_ser.specs import DEVICES, RECIPES

IDS = {"ser.best", "ser.mfcc_lstm", "ser.mfcc_cnn", "ser.acrnn", "ser.cornn", "ser.trnet"}


def test_every_recogniser_offers_an_embedding():
    assert {spec.id for spec in DEVICES} == IDS
    assert {spec.role for spec in DEVICES} == {"emotion-embedding"}
    assert [check_spec(spec) for spec in DEVICES] == [""] * len(IDS)


def test_every_recogniser_has_a_recipe_and_one_recipe_only_compares():
    assert {spec.device for spec in RECIPES} == {*IDS, ""}
    assert [check_recipe(spec) for spec in RECIPES] == [""] * len(RECIPES)
    assert next(spec for spec in RECIPES if not spec.device).id == "ser.crnn_raw"
    offered = Host().recipes()
    assert all(offered[spec.id] is spec for spec in RECIPES)


def test_listing_imports_nothing_heavy():
    heavy = ("torch", "numpy", "scipy", "sklearn", "librosa", "matplotlib")
    script = f"import sys, voxrack_ser.specs; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.strip("[]\n").replace("'", "").split(", ")) <= {"", "numpy"}  # Param holds arrays


class Untrained:
    """A plugin whose one recogniser has no weights."""

    SPEC = replace(DEVICES[2], id="toy.untrained", weights="nobody-trained-this.safetensors")

    @hookimpl
    def voxrack_devices(self) -> Iterable[DeviceSpec]:
        return (self.SPEC,)

    @hookimpl
    def voxrack_recipes(self) -> Iterable[RecipeSpec]:
        return (replace(RECIPES[1], id="toy.untrained", device="toy.untrained"),)


@pytest.fixture
def untrained() -> Host:
    return Host(plugins={"untrained": Untrained()}, discover=False)


def test_a_recogniser_without_weights_names_the_command_that_trains_it(untrained):
    entry = next(entry for entry in untrained.devices() if entry.spec.id == "toy.untrained")
    assert entry.status == "unavailable"
    with pytest.raises(PluginError, match=r"voxrack train toy\.untrained"):
        untrained.create("toy.untrained")


def test_weights_of_ones_own_stand_in_for_missing_ones(untrained, tmp_path):
    from voxrack_ser.frontends import Mfcc
    from voxrack_ser.models.mfcc_cnn import MfccCnn

    network = MfccCnn(classes=2)
    file = tmp_path / "mine.safetensors"
    about = {"network": "mfcc_cnn", "options": network.options, "frontend": Mfcc().metadata()}
    weights.save(file, network.state_dict(), {**about, "labels": ["sad", "happy"]})
    device = untrained.create("toy.untrained", weights=str(file))
    assert isinstance(device, AnalyzerDevice)
    tracks = {track.name: track for track in analyze(device, voice(2.0, 22050, seed=1))}
    assert tracks["emotion"].labels == ("sad", "happy")
    assert set(tracks["emotion"].summary["probabilities"]) == {"sad", "happy"}


def test_other_values_do_not_make_it_available(untrained):
    with pytest.raises(PluginError, match="needs the weights"):
        untrained.create("toy.untrained", weights="")
    with pytest.raises(PluginError, match="needs the weights"):
        untrained.create("toy.untrained", threshold=0.9)


def test_a_missing_extra_is_not_mended_by_weights():
    spec = replace(Untrained.SPEC, extra="telepathy:no_such_package_anywhere")
    plugin = SimpleNamespace(voxrack_devices=hookimpl(lambda: (spec,)))
    with pytest.raises(PluginError, match="no_such_package_anywhere"):
        Host(plugins={"p": plugin}, discover=False).create("toy.untrained", weights="x.safetensors")
