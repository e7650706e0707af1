"""Listing and helping import nothing heavy: asserted on sys.modules, since times depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "librosa",
    "scipy",
    "numba",
    "matplotlib",
    "soundfile",
    "soxr",
    "pedalboard",
    "sklearn",
    "pandas",
    "ipywidgets",
}
PROBE = """
import json, sys
from voxrack.cli import cli
code = cli.run(sys.argv[1:])
print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"], ["--version"], ["plugins"], ["plugins", "--json"], ["devices"], ["devices", "fx.reverb"],
        ["devices", "pedalboard.reverb", "--json"], ["render", "--help"], ["completion", "bash"], ["preset", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    result = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True)
    code, modules = json.loads(result.stderr.splitlines()[-1])
    assert code == 0 and result.stdout
    assert "voxrack" in modules  # the probe sees what was imported
    assert not HEAVY & set(modules)


def test_public_names_import_nothing_heavy_until_they_are_used() -> None:
    text = "import sys, voxrack as v; v.Host, v.Param, v.Rack, v.Audio, v.Preset; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in result.stdout.split()}
