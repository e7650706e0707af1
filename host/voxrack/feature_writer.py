"""Writing a feature file in a stream: utterance by utterance, whole or not at all. Its form is told in feature_file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, UsageError, VoxrackError
from .replace import Replacement, refusal
from .safe_file import encode_header

if TYPE_CHECKING:
    from .datasets import Item

FORMAT = "voxrack.features"
VERSION = 1
_DTYPES = {"float32": "F32", "float16": "F16"}
_HEADER_LIMIT = 100_000_000  # bytes; safetensors' own


class _Spool:
    """The values of one name so far, in a nameless file beside the target: it vanishes with the process."""

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.offsets = [0]
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix=".voxrack-")  # noqa: SIM115 - closed by the writer
        self.digest = hashlib.sha256()

    def put(self, array: NDArray[Any]) -> None:
        data = array.tobytes()
        self.file.write(data)
        self.digest.update(data)
        self.offsets.append(self.offsets[-1] + len(array))


class FeatureWriter:
    """Write a feature file utterance by utterance; memory holds one at a time.

    Use as a context manager (or call :meth:`close`): the file takes its place on a clean exit; on any exception, and
    when the process is killed, what was there before stays.

    Parameters
    ----------
    path : str or Path
        Ends in ``.safetensors``. While writing, its folder needs room for the features twice.
    recipe : str
        Id of the recipe.
    options : mapping
        The options that the features depend on; JSON-compatible.
    dtype : {"float32", "float16"}
        What is stored. float16 keeps 11 bits and ±65504: enough for log-mel and cepstra, at half the size.
    workers : int
        Processes that a recipe may use for extracting.

    Attributes
    ----------
    items : list of Item
        Written so far.
    failures : list of (str, str)
        Utterances that were left out, and why; see :meth:`skip`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        recipe: str,
        options: Mapping[str, Any],
        *,
        dtype: str = "float32",
        workers: int = 1,
    ) -> None:
        if dtype not in _DTYPES:
            raise UsageError(f"features are stored as {' or '.join(_DTYPES)}; got '{dtype}'")
        self.path = Path(path)
        if self.path.suffix != ".safetensors":
            raise UsageError(f"{path}: a feature file ends in .safetensors")
        self.recipe, self.options, self.dtype, self.workers = recipe, dict(options), dtype, workers
        self.items: list[Item] = []
        self.failures: list[tuple[str, str]] = []
        self._ids: set[str] = set()
        self._spools: dict[str, _Spool] = {}
        self._replacement = Replacement(self.path)  # refuses now what could not be written an hour later

    def __enter__(self) -> FeatureWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def add(self, item: Item, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Append an utterance.

        Parameters
        ----------
        item : Item
        arrays : mapping of str to ndarray, shape (frames, …)
            Every utterance has the same names, and the same shape behind the frames; at least one frame.

        Raises
        ------
        InputError
            Values that are not finite (or beyond float16's range), no frame, other names or another shape.
        """
        if item.id in self._ids:
            raise UsageError(f"utterance '{item.id}' was added twice to {self.path}")
        if not arrays or (self._spools and arrays.keys() != self._spools.keys()):
            raise InputError(f"{item.id}: features {sorted(arrays)}; the others have {sorted(self._spools) or 'some'}")
        checked = {name: self._checked(item.id, name, array) for name, array in arrays.items()}
        try:
            for name, array in checked.items():
                if name not in self._spools:
                    self._spools[name] = _Spool(self.path.absolute().parent, array.shape[1:])
                self._spools[name].put(array)
        except OSError as error:
            self.discard()
            raise refusal(self.path, error) from error
        self._ids.add(item.id)
        self.items.append(item)

    def skip(self, id: str, why: str) -> None:
        """Note an utterance that cannot be used; the others go on."""
        self.failures.append((id, why))

    def close(self) -> None:
        """Put the file in its place. Nothing is written where no utterance was added."""
        if not self.items:
            self.discard()
            why = (
                f"; the first of {len(self.failures)} failures: {': '.join(self.failures[0])}" if self.failures else ""
            )
            raise InputError(f"{self.path} was not written: there is not one usable utterance{why}")
        try:
            header = self._header()
            with self._replacement as replacement, replacement.temp.open("wb") as file:
                file.write(header)
                for name in sorted(self._spools):
                    spool = self._spools[name]
                    file.write(np.asarray(spool.offsets, dtype="<i8").tobytes())
                for name in sorted(self._spools):
                    spool = self._spools[name]
                    spool.file.seek(0)
                    shutil.copyfileobj(spool.file, file, 1 << 20)
        except OSError as error:
            raise refusal(self.path, error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Drop what was written so far; the target stays as it was."""
        for spool in self._spools.values():
            spool.file.close()
        self._spools.clear()

    def _checked(self, id: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            array = np.ascontiguousarray(array, dtype=np.dtype(self.dtype).newbyteorder("<"))
        if array.ndim < 1 or len(array) == 0:
            raise InputError(f"{id}: feature '{name}' has shape {array.shape}; it takes (frames, …), at least 1 frame")
        if not np.isfinite(array).all():
            hint = "" if self.dtype == "float32" else " as float16; store float32"
            raise InputError(f"{id}: feature '{name}' holds values that are not finite{hint}")
        spool = self._spools.get(name)
        if spool is not None and array.shape[1:] != spool.shape:
            raise InputError(
                f"{id}: feature '{name}' is (frames, {array.shape[1:]}), the others (frames, {spool.shape})"
            )
        return array

    def _header(self) -> bytes:
        items = [item.record() for item in self.items]
        about = {"recipe": self.recipe, "options": self.options, "items": items, "failures": self.failures}
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        table: dict[str, Any] = {}
        position = 0
        for name in sorted(self._spools):
            length = 8 * len(self._spools[name].offsets)
            table[f"{name}.offsets"] = {
                "dtype": "I64",
                "shape": [length // 8],
                "data_offsets": [position, position + length],
            }
            position += length
        for name in sorted(self._spools):
            spool = self._spools[name]
            length = spool.file.tell()
            shape = [spool.offsets[-1], *spool.shape]
            code = _DTYPES[self.dtype]
            table[f"{name}.values"] = {"dtype": code, "shape": shape, "data_offsets": [position, position + length]}
            position += length
            digest.update(spool.digest.digest())
        metadata = {"format": FORMAT, "version": str(VERSION), "about": json.dumps(about), "digest": digest.hexdigest()}
        header = encode_header({"__metadata__": metadata, **table})
        if len(header) > _HEADER_LIMIT:
            raise VoxrackError(
                f"{self.path}: the list of {len(self.items)} utterances is too long for one file; split it"
            )
        return header
