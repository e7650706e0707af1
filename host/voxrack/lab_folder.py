"""The notebooks that travel with voxrack: where they lie, and copies of them in a folder to work in."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .replace import make_folder, refusal

FIRST = "01_rack.ipynb"


@dataclass(frozen=True)
class Copied:
    """What became of each notebook.

    Attributes
    ----------
    folder : Path
    new : tuple of str
        Copied.
    same : tuple of str
        There already, just as voxrack brings them.
    kept : tuple of str
        There already and different: the user's, left as they are.
    """

    folder: Path
    new: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]


def notebooks_folder() -> Path:
    """Where the notebooks lie: in the package if it was installed from a wheel, else in the checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "_notebooks"
    return packaged if packaged.is_dir() else package.parent.parent / "notebooks"


def notebooks() -> dict[str, Path]:
    """File by name, in the order in which they are meant to be read.

    Raises
    ------
    InputError
        Where there are none: the installation is not whole.
    """
    folder = notebooks_folder()
    found = {path.name: path for path in sorted(folder.glob("*.ipynb"))}
    if not found:
        raise InputError(f"no notebooks lie in {folder}; install voxrack again, from its wheel or its checkout")
    return found


def copy_notebooks(folder: str | os.PathLike[str]) -> Copied:
    """Copy every notebook into ``folder``, which is made where it is not there; nothing in it is ever replaced."""
    target = Path(folder)
    make_folder(target)
    new, same, kept = [], [], []
    for name, source in notebooks().items():
        data = source.read_bytes()
        if _create(target / name, data):
            new.append(name)
        else:
            (same if _holds(target / name, data) else kept).append(name)
    return Copied(target, tuple(new), tuple(same), tuple(kept))


def _create(target: Path, data: bytes) -> bool:
    """Write a file, whole or not at all; False where something of that name is there."""
    if os.path.lexists(target):
        return False
    temp = target.with_name(f".voxrack-{secrets.token_hex(6)}.part")
    try:
        temp.write_bytes(data)
        os.link(temp, target)  # unlike a rename it fails where another program has just made the file
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if not temp.exists() or not _no_links(temp, target):
            raise refusal(target, error) from error
        return True
    finally:
        temp.unlink(missing_ok=True)


def _no_links(temp: Path, target: Path) -> bool:
    """On a file system without links the file is renamed; True where it then stands there."""
    if os.path.lexists(target):
        return False
    os.replace(temp, target)
    return True


def _holds(target: Path, data: bytes) -> bool:
    try:
        return target.read_bytes() == data
    except OSError:  # a folder, or a file that may not be read: whatever it is, it is the user's
        return False
