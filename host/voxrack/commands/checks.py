"""What ``voxrack doctor`` looks at: each check gives lines of ok, warn or fail, with what mends them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

PYTHONS = ((3, 11), (3, 12))
LITTLE = 1_000_000_000  # bytes of free disk below which a warning is due
HERE = "pip install -e . in the project's folder registers the built-in plugins"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_REQUIREMENT = re.compile(r"""^\s*([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?[^;]*(?:;.*extra\s*==\s*['"]([^'"]+)['"])?""")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding."""

    name: str
    status: Literal["ok", "warn", "fail"]
    text: str
    mend: str = ""


def python() -> Iterator[Line]:
    """The interpreter."""
    text = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] in PYTHONS:
        yield Line("python", "ok", text)
    else:
        yield Line("python", "warn", text, "make a new environment with Python 3.11 or 3.12")


def installation() -> Iterator[Line]:
    """The distribution, and whether its entry points are those of the project it was installed from."""
    version = _version("voxrack")
    if version is None:
        yield Line("voxrack", "fail", "not installed, so no plugin is found", HERE)
        return
    project = editable_project()
    where = f"editable from {project}" if project else f"in {Path(__file__).parents[1]}"
    yield Line("voxrack", "ok", f"{version}, {where}")
    if project is not None:
        yield from entry_points(project)


def editable_project() -> Path | None:
    """Folder that voxrack was installed from with ``pip install -e``; None for a plain installation."""
    import json
    from urllib.parse import unquote, urlparse

    try:
        told = json.loads(metadata.distribution("voxrack").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(told["url"]).path))


def entry_points(project: Path) -> Iterator[Line]:
    """Entry points in ``pyproject.toml`` against those that were installed."""
    import tomllib

    try:
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError) as error:
        yield Line("entry points", "fail", f"{project / 'pyproject.toml'} cannot be read: {error}", "restore the file")
        return
    wanted = {("console_scripts", name, value) for name, value in table.get("scripts", {}).items()}
    for group, points in table.get("entry-points", {}).items():
        wanted |= {(group, name, value) for name, value in points.items()}
    there = {(point.group, point.name, point.value) for point in metadata.distribution("voxrack").entry_points}
    if wanted == there:
        yield Line("entry points", "ok", f"{len(there)}, as in pyproject.toml")
        return
    changed = ", ".join(sorted({name for _, name, _ in wanted ^ there}))
    text = f"pyproject.toml has changed since the installation ({changed})"
    yield Line("entry points", "fail", text, f"pip install -e '{project}'")


def libraries() -> Iterator[Line]:
    """What voxrack cannot do without, and the optional extras."""
    groups: dict[str, list[str]] = {}
    for text in metadata.requires("voxrack") or [] if _version("voxrack") else []:
        match = _REQUIREMENT.match(text)
        if match and match[1].lower() != "voxrack":
            groups.setdefault(match[3] or "", []).append(match[1])
    core = groups.pop("", [])
    groups.pop("all", None)  # the sum of others
    missing = [name for name in core if _version(name) is None]
    if missing:
        yield Line("libraries", "fail", f"not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    yield Line("libraries", "ok", ", ".join(f"{name} {_version(name)}" for name in core if name not in missing))
    where = "-e '.[{}]'" if editable_project() else "'voxrack[{}]'"
    for extra, names in groups.items():
        absent = [name for name in names if _version(name) is None]
        if absent:
            mend = f"pip install {where.format(extra)}"
            yield Line(f"extra {extra}", "warn", f"not installed: {', '.join(absent)}", mend)
        else:
            yield Line(f"extra {extra}", "ok", ", ".join(f"{name} {_version(name)}" for name in names))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def plugins() -> Iterator[Line]:
    """Every plugin, and every device that is not available."""
    from ..host import default_host

    host = default_host()
    for plugin in host.plugins():
        good = plugin.status in ("loaded", "disabled")
        text = f"{plugin.status}, {len(plugin.devices)} devices" + (f": {plugin.error}" if plugin.error else "")
        mend = "" if good else "the reason tells what to do; VOXRACK_DISABLE=" + plugin.name + " switches it off"
        status: Literal["ok", "warn", "fail"] = "ok" if good else "fail" if plugin.status == "failed" else "warn"
        yield Line(f"plugin {plugin.name}", status, text, mend)
    if not host.plugins():
        yield Line("plugins", "fail", "none is installed", HERE)
    for entry in host.devices():
        if entry.status == "unavailable":
            yield Line(f"device {entry.spec.id}", "warn", "unavailable", entry.reason)


def presets() -> Iterator[Line]:
    """Whether the factory presets can be used."""
    from ..errors import PresetError
    from ..host import default_host
    from ..preset import Preset

    found = default_host().presets()
    bad = 0
    for name, file in found.items():
        try:
            remarks = Preset.load(file).check()
        except PresetError as error:
            bad += 1
            yield Line(f"preset {name}", "fail", str(error), "reinstall voxrack, or the plugin that brought it")
        else:
            for remark in remarks:
                yield Line(f"preset {name}", "warn", remark, "see the device's line above")
    if not found:
        yield Line("presets", "fail", "no factory preset was found", "reinstall voxrack")
    elif not bad:
        yield Line("presets", "ok", f"{len(found)} factory presets")


def kernels() -> Iterator[Line]:
    """Whether compiled kernels can be kept, so that they are compiled once."""
    from ..host import default_host

    told = os.environ.get("NUMBA_CACHE_DIR")
    if told:
        if writable(Path(told)):
            yield Line("kernel cache", "ok", f"{told} (NUMBA_CACHE_DIR)")
        else:
            text = f"NUMBA_CACHE_DIR={told} is not writable"
            yield Line("kernel cache", "fail", text, "name a folder that is, or unset it")
        return
    packages = {entry.spec.factory.partition(".")[0].partition(":")[0] for entry in default_host().devices()}
    homes = [spec.origin for spec in map(find_spec, sorted(packages)) if spec is not None and spec.origin]
    stuck = [home for home in homes if not writable(Path(home).parent / "__pycache__")]
    if not stuck:
        yield Line("kernel cache", "ok", "beside the plugins' code")
    elif writable(Path.home() / ".cache"):
        yield Line("kernel cache", "ok", "in the user's cache folder")
    else:
        text = "cannot be written, so kernels are compiled in every process (seconds)"
        yield Line("kernel cache", "warn", text, "set NUMBA_CACHE_DIR to a folder that can be written")


def writable(folder: Path) -> bool:
    """Whether a file can be made in ``folder``, or in the nearest folder above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def audio() -> Iterator[Line]:
    """What libsndfile reads and writes."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        mend = "pip install --force-reinstall soundfile (on some systems: apt-get install libsndfile1)"
        yield Line("audio files", "fail", str(error), mend)
        return
    formats = soundfile.available_formats()
    wanted = {"WAV": "WAV", "FLAC": "FLAC", "AIFF": "AIFF", "OGG": "OGG", "MP3": "MP3"}
    absent = [name for name in wanted if name not in formats]
    version = f"libsndfile {soundfile.__libsndfile_version__}"
    if absent:
        yield Line("audio files", "warn", f"{version} without {', '.join(absent)}", "pip install --upgrade soundfile")
    else:
        yield Line("audio files", "ok", f"{version}: {', '.join(wanted)} and {len(formats) - len(wanted)} more")


def disk() -> Iterator[Line]:
    """Room and permission in the current folder and the temporary one."""
    for name, folder in (("current folder", Path.cwd()), ("temporary folder", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        text = f"{folder}, {free / 1e9:.1f} GB free"
        if not writable(folder):
            yield Line(name, "warn", f"{folder} cannot be written", "change to a folder that can be written")
        elif free < LITTLE:
            yield Line(name, "warn", text, "free some space, or set TMPDIR to another disk")
        else:
            yield Line(name, "ok", text)


def browser() -> Iterator[Line]:
    """Chromium, which only the tests of notebooks in a browser need."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        yield Line("browser", "ok", found)
    else:
        yield Line("browser", "warn", "no Chromium; only the browser tests need it", "apt-get install chromium")


CHECKS: tuple[Callable[[], Iterator[Line]], ...] = (
    python, installation, libraries, plugins, presets, kernels, audio, disk, browser,
)  # fmt: skip
