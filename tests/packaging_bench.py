"""A fresh virtual environment that costs no download: what the tests' own environment has serves there too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "packaging"


def need_builders() -> None:
    """Skip the test where what builds and installs distributions is absent."""
    for module in ("pip", "hatchling"):
        pytest.importorskip(module, reason=f"{module}, which installs the plugins, is absent; run 'make test'")


class Environment:
    """A virtual environment with the plugins installed, on top of the libraries of the running one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: Path  # a wheel, for those who build one
        venv.create(folder / "fresh env", with_pip=False)
        self.python = folder / "fresh env" / ("Scripts" if os.name == "nt" else "bin") / "python"
        packages = subprocess.check_output(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
        ).strip()
        # nothing is downloaded: what is installed here (voxrack itself, numpy, pip, hatchling) serves there too
        shared = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
        (Path(packages) / "libraries_of_the_tests.pth").write_text(shared, encoding="utf-8")

    def install(self, name: str) -> None:
        """Install one of the distributions in tests/packaging from a copy of it, as its author would."""
        shutil.copytree(HERE / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.pip("install", self.folder / name)

    def pip(self, verb: str, *words: object) -> None:
        """pip there, offline."""
        self.run("-m", "pip", verb, "--quiet", "--no-index", "--no-deps", "--no-build-isolation", *words)

    def run(self, *words: object, cwd: Path | None = None, expected: int = 0) -> subprocess.CompletedProcess[str]:
        """The environment's Python."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("VOXRACK_", "PYTHON", "PIP_"))
        }
        command = [str(word) for word in (self.python, *words)]
        result = subprocess.run(command, capture_output=True, text=True, env=clean, cwd=cwd or self.folder)
        assert result.returncode == expected, f"{command}\n{result.stdout}\n{result.stderr}"
        return result

    def voxrack(self, *words: object, expected: int = 0) -> subprocess.CompletedProcess[str]:
        """The command line there."""
        return self.run("-m", "voxrack", *words, expected=expected)
