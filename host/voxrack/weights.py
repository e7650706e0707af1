"""Weights of learned devices: a safetensors file and, where it is shipped, a model card beside it.

The file's metadata says what made it and what a device must know to use it, as JSON. Nothing is ever unpickled.
A shipped file lies in its plugin: ``weights/ser.best.safetensors`` with ``weights/ser.best.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, UsageError
from .replace import write_bytes, write_text
from .safe_file import open_tensors, pack

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "voxrack.weights"
VERSION = 1
LIMIT = 30_000_000  # bytes of a shipped file: they travel with every installation
SECTIONS = ("Use", "Training data", "Figures", "Limits", "Licence")  # headings that a model card must have


@dataclass(frozen=True)
class Weights:
    """Weights in memory.

    Parameters
    ----------
    tensors : dict of str to Tensor, or to ndarray (:func:`load_arrays`)
    metadata : dict
        What the model's ``from_metadata`` needs (architecture, labels, normalisation, temperature), and under
        ``"training"`` where the weights come from.
    path : Path
    sha256 : str
        Of the file.
    """

    tensors: dict[str, Any]
    metadata: dict[str, Any]
    path: Path
    sha256: str


def save(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write weights, whole or not at all. Equal weights and metadata give equal bytes.

    Raises
    ------
    UsageError
        Another suffix than ``.safetensors``, no tensors, values that are not finite, metadata that JSON cannot hold.
    """
    import torch

    if Path(path).suffix != ".safetensors":
        raise UsageError(f"{path}: weights end in .safetensors")
    if not tensors:
        raise UsageError(f"{path}: there are no tensors to save")
    ready = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    bad = [name for name, tensor in ready.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
    if bad:
        raise UsageError(f"{path}: tensor '{bad[0]}' holds values that are not finite; the training has diverged")
    try:
        text = json.dumps(metadata, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: the metadata cannot be kept as JSON: {error}") from None
    write_bytes(path, pack(ready, {"format": FORMAT, "version": str(VERSION), "about": text}))


def load(path: str | os.PathLike[str], package: str = "") -> Weights:
    """Read weights.

    Parameters
    ----------
    path : str or Path
        The file, a run folder (its ``model.safetensors``), or with ``package`` a name: ``"ser.best"``.
    package : str
        The plugin's package whose folder ``weights`` is looked into where ``path`` is a bare name.

    Raises
    ------
    InputError
        Missing, truncated, a pickle, weights of another program, of a newer voxrack; the message says which.
    """
    file = Path(path)
    if package and file.name == str(path) and file.suffix != ".safetensors":
        file = find(str(path), package)
    elif file.is_dir() and (file / "model.safetensors").is_file():
        file = file / "model.safetensors"
    return _read(file, "pt", lambda tensor: tensor.clone())


def load_arrays(path: str | os.PathLike[str]) -> Weights:
    """:func:`load` of a file or a run folder for a device that does without torch: tensors are numpy arrays."""
    file = Path(path)
    if (file / "model.safetensors").is_file():
        file = file / "model.safetensors"
    return _read(file, "numpy", lambda array: array.copy())


def _read(file: Path, framework: str, own: Callable[[Any], Any]) -> Weights:
    remedy = "train again, or get the file again"
    opened, metadata = open_tensors(file, FORMAT, VERSION, "a file of weights", remedy, framework)
    tensors = {name: own(opened.get_tensor(name)) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
    try:
        about = json.loads(metadata["about"])
    except (KeyError, ValueError):
        raise InputError(f"{file}: its metadata is not what voxrack writes; train again") from None
    return Weights(tensors, about, file, sha256(file))


def find(name: str, package: str) -> Path:
    """Where the shipped weights ``name`` of a plugin's ``package`` lie.

    Raises
    ------
    InputError
        They are not there; the message lists those that are.
    """
    folder = folder_of(package)
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        there = ", ".join(sorted(path.stem for path in folder.glob("*.safetensors"))) or "none"
        raise InputError(f"{package} ships no weights '{name}' (there are: {there}); make them: voxrack train {name}")
    return file


def folder_of(package: str) -> Path:
    """The folder ``weights`` of an installed package, which is not imported; it need not exist."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise InputError(f"there is no installed package '{package}' that could hold weights")
    return Path(next(iter(found.submodule_search_locations))) / "weights"


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- the model card ----------------------------------------------------------------------------
def write_card(path: str | os.PathLike[str], title: str, sections: Mapping[str, str]) -> Path:
    """Write the model card of the weights at ``path`` beside them; returns the card's path.

    Parameters
    ----------
    path : str or Path
        The weights.
    title : str
    sections : mapping of str to str
        Markdown by heading; each of :data:`SECTIONS`, and any others, in this order.
    """
    missing = [heading for heading in SECTIONS if not sections.get(heading, "").strip()]
    if missing:
        raise UsageError(f"a model card has the sections {', '.join(SECTIONS)}; '{missing[0]}' is missing or empty")
    weights = load(path)
    numbers = sum(tensor.numel() for tensor in weights.tensors.values())
    facts = f"- file: `{weights.path.name}`, {weights.path.stat().st_size:,} bytes, {numbers:,} numbers\n"
    facts += f"- sha256: `{weights.sha256}`\n"
    body = "\n".join(f"## {heading}\n\n{text.strip()}\n" for heading, text in sections.items())
    card = weights.path.with_suffix(".md")
    write_text(card, f"# {title}\n\n{facts}\n{body}")
    return card


def card_problems(path: str | os.PathLike[str]) -> list[str]:
    """What keeps the weights at ``path`` from being shipped; empty where nothing does."""
    file = Path(path)
    problems = []
    if file.stat().st_size >= LIMIT:
        problems.append(f"{file.name} has {file.stat().st_size:,} bytes; shipped weights stay below {LIMIT:,}")
    card = file.with_suffix(".md")
    if not card.is_file():
        return [*problems, f"{file.name} has no model card {card.name} beside it"]
    text = card.read_text(encoding="utf-8")
    headings = {line.lstrip("#").strip() for line in text.splitlines() if line.startswith("##")}
    problems += [f"{card.name} has no section '{heading}'" for heading in SECTIONS if heading not in headings]
    if sha256(file) not in text:
        problems.append(f"{card.name} is the card of another file: it does not name the sha256 of {file.name}")
    return problems
