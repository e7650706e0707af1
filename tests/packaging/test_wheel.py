"""voxrack's own wheel, installed into a fresh environment: nothing that it needs stayed behind in the checkout."""

from __future__ import annotations

import json
import os
from zipfile import ZipFile

import numpy as np
import pytest
from conftest import ROOT
from packaging_bench import Environment, need_builders

from voxrack import read

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Environment:
    """The wheel, built from this checkout and installed."""
    need_builders()
    environment = Environment(tmp_path_factory.mktemp("the wheel"))
    environment.pip("wheel", "--wheel-dir", environment.folder, ROOT)
    (environment.built,) = environment.folder.glob("voxrack-*.whl")
    environment.pip("install", "--ignore-installed", environment.built)
    return environment


def test_the_wheel_and_not_the_checkout_is_imported(wheel):
    where = wheel.run(
        "-c", "import voxrack, voxrack_fx; print(voxrack.__file__, voxrack_fx.__file__, sep='\\n')"
    ).stdout
    assert all("fresh env" in line for line in where.splitlines())


def test_factory_presets_travel_with_it(wheel):
    code = "import json, voxrack; print(json.dumps({n: str(f) for n, f in voxrack.default_host().presets().items()}))"
    presets = json.loads(wheel.run("-c", code).stdout)
    here = {path.name.removesuffix(".json") for path in (ROOT / "presets").glob("*.json") if path.name.count(".") == 1}
    assert set(presets) == here
    assert len(presets) >= 12
    assert all(f"voxrack{os.sep}_presets" in path for path in presets.values())


def test_notebooks_travel_with_it(wheel, tmp_path):
    told = json.loads(wheel.voxrack("lab", tmp_path, "--copy-only", "--json").stdout)
    assert told["new"] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in told["new"]:
        assert (tmp_path / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    code = "from voxrack.lab_folder import notebooks_folder; print(notebooks_folder())"
    assert "fresh env" in wheel.run("-c", code).stdout


def test_plugins_are_found_in_it(wheel):
    plugins = {entry["name"]: entry for entry in json.loads(wheel.voxrack("plugins", "--json").stdout)}
    assert plugins["fx"]["status"] == plugins["pedalboard"]["status"] == "loaded"


def test_everything_in_the_packages_is_in_it(wheel):
    with ZipFile(wheel.built) as archive:
        names = set(archive.namelist())
    for folder in (ROOT / "host" / "voxrack", ROOT / "plugins" / "voxrack_fx", ROOT / "plugins" / "voxrack_pedalboard"):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".nbc", ".nbi"):
                assert path.relative_to(folder.parent).as_posix() in names
    assert not [name for name in names if name.startswith(("tests/", "shared/"))]


def test_it_renders(wheel, tmp_path):
    code = (
        "import sys; from voxrack import Rack, default_host, render, write; from voxrack.testing import voice\n"
        "write(sys.argv[1], render(Rack([default_host().create('fx.gain', level=-6)]), voice(0.5)))"
    )
    wheel.run("-c", code, tmp_path / "out.wav")
    assert np.abs(read(tmp_path / "out.wav").samples).max() == pytest.approx(0.5 * 10 ** (-6 / 20), rel=1e-3)
