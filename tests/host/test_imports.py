"""Who may import whom: the contracts in pyproject.toml hold, and plugins list themselves without heavy imports."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "librosa", "scipy", "numba", "matplotlib", "pedalboard", "sklearn", "pandas", "ipywidgets")
CHEAP = ("voxrack", "voxrack_fx", "voxrack_pedalboard", "pluggy", "numpy")


def loaded_after(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter holds after ``code``."""
    report = "\nimport sys, json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    result = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_the_import_contracts_hold():
    if find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed; 'make test' installs it")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_the_host_lists_every_device_without_heavy_imports():
    listing = "import voxrack.host\nhost = voxrack.host.Host()\nassert len(host.devices()) > 11, host.plugins()"
    loaded = loaded_after(f"{listing}\nhost.presets()")
    assert loaded.issuperset(CHEAP)  # the plugins were really loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "module", ["params", "device", "hooks", "host", "rack", "preset", "files", "cli", "audio", "errors", "upgrade"]
)
def test_a_module_of_the_host_imports_nothing_heavy(module):
    assert loaded_after(f"import voxrack.{module}").isdisjoint(HEAVY)


def test_a_processor_is_created_without_torch():
    code = "import voxrack\nvoxrack.default_host().create('fx.gain').prepare(48_000, 1, 64)"
    assert loaded_after(code).isdisjoint({"torch", "librosa", "matplotlib", "pedalboard"})
