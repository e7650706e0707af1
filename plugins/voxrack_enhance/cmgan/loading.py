"""From a file to a generator: our own weights, or a checkpoint of the authors' code."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from voxrack import weights
from voxrack.errors import InputError, UsageError

from .generator import Generator
from .keys import is_theirs, read_checkpoint, translated

DEVICE = "enhance.cmgan"


def load_generator(path: Path) -> Generator:
    """The generator of a weight file, a run folder, or a checkpoint of the authors; in evaluation mode.

    The same file read again is the same object.

    Raises
    ------
    InputError
        It is none of these, is damaged, or holds another network.
    """
    path = Path(path)
    if (path / "model.safetensors").is_file():  # a run folder
        path = path / "model.safetensors"
    state = path.stat() if path.is_file() else None
    return _load(path, (state.st_mtime_ns, state.st_size) if state else (0, 0))


@lru_cache(maxsize=2)
def _load(path: Path, _state: tuple[int, int]) -> Generator:
    tensors, options = _read(path)
    try:
        generator = Generator(**options)
        generator.load_state_dict(tensors)
    except (RuntimeError, TypeError, UsageError) as error:
        raise InputError(f"{path}: its tensors do not fit CMGAN's generator with {options}: {error}") from error
    return generator.eval().requires_grad_(False)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if _foreign(path):
        return translated(read_checkpoint(path), path)
    found = weights.load(path)
    options = found.metadata.get("options")
    if found.metadata.get("device") != DEVICE or not isinstance(options, Mapping):
        made = found.metadata.get("device", "another program")
        raise InputError(f"{path} holds weights of {made}, not of {DEVICE}; voxrack train {DEVICE} makes some")
    return found.tensors, dict(options)


def _foreign(path: Path) -> bool:
    """Whether the file is an archive of ``torch.save``, or safetensors with the authors' names."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        return True
    if path.suffix != ".safetensors":
        return True
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            return is_theirs(dict.fromkeys(opened.keys()))
    except (SafetensorError, OSError):
        return False  # which our own reader says better


def convert(checkpoint: Path, target: Path) -> Generator:
    """Write a checkpoint of the authors as our weights, ``target`` (.safetensors), and return the generator.

    Raises
    ------
    InputError, UsageError
        As :func:`load_generator`; ``target`` has another suffix.
    """
    generator = load_generator(Path(checkpoint))
    about = {
        "device": DEVICE, "options": generator.options,
        "training": {"from": Path(checkpoint).name, "sha256": weights.sha256(Path(checkpoint))},
    }  # fmt: skip
    weights.save(target, dict(generator.state_dict()), about)
    return generator


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m voxrack_enhance.cmgan.loading CHECKPOINT -o WEIGHTS.safetensors``."""
    parser = argparse.ArgumentParser(description="Read a checkpoint of ruizhecao96/CMGAN, write weights of voxrack.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="Ends in .safetensors.")
    asked = parser.parse_args(arguments)
    try:
        generator = convert(asked.checkpoint, asked.out)
    except (InputError, UsageError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    numbers = sum(parameter.numel() for parameter in generator.parameters())
    print(f"{asked.out}: width {generator.options['width']}, {generator.options['blocks']} blocks, {numbers:,} weights")


if __name__ == "__main__":
    main()
