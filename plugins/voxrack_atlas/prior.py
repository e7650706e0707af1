"""Priors: what presets of a rack are like, as a probability density over the points of a space.

A prior draws points, tells how probable one is, and lies on disk as safetensors with JSON in its header.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

if TYPE_CHECKING:
    from voxrack import Preset

    from .gaussian import Gaussian

Array = NDArray[np.float64]
_FORMAT = "voxrack.prior"
_VERSION = 1
_PLACES = {"gaussian": "gaussian:Gaussian", "mixture": "mixture:Mixture", "flow": "flow:Flow"}
SETS = ("internal", "medleydb", "both")


@dataclass(frozen=True, kw_only=True, eq=False)
class Prior(ABC):
    """Base of the priors.

    Parameters
    ----------
    columns : tuple of str
        Names of the d coordinates; see :meth:`voxrack_atlas.spaces.Space.columns`. Columns of the space that are
        not here keep the template's value.
    space : str
        Name of the space.
    template : str
        Text of the preset that gives the rack and all that is not drawn.
    facts : mapping
        Where it comes from: name, rows, held-out figures.
    assets : mapping of str to Path
        Files that the template refers to (an impulse response), by sha256.
    """

    kind: ClassVar[str]
    columns: tuple[str, ...]
    space: str = "raw"
    template: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    assets: Mapping[str, Path] = field(default_factory=dict)

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator, spread: float = 1.0) -> Array:
        """Draw points.

        Parameters
        ----------
        count : int
        rng : numpy Generator
        spread : float
            Standard deviation of the normal numbers that the draw is made from: 1 is the prior itself, 0 its
            centre, above 1 rarer things.

        Returns
        -------
        ndarray, shape (count, d)
        """

    @abstractmethod
    def log_density(self, points: ArrayLike) -> Array:
        """Natural logarithm of the density at points (n, d), shape (n,)."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """All numbers by name; keyword arguments of the class."""

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.columns)

    @property
    def name(self) -> str:
        return str(self.facts.get("name") or self.kind)

    @property
    def sha256(self) -> str:
        """Digest of the file that :meth:`save` writes."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def preset(self) -> Preset:
        """The template."""
        from voxrack import Preset

        return Preset.from_text(self.template, self.assets) if self.template else vocal_template()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one .safetensors file, whole or not at all; the template's files go to ``<stem>.assets/`` beside."""
        from voxrack.files import write_bytes
        from voxrack.preset_assets import copy_into, find, folder_of

        target = Path(path)
        if target.suffix != ".safetensors":
            raise UsageError(
                f"a prior is saved as .safetensors; got {target.name!r}: "
                f"write {target.with_suffix('.safetensors').name!r}"
            )
        for address, asset in (self._references() if self.assets else {}).items():
            copy_into(folder_of(target), asset, find(asset, None, self.assets, f"$.parameters[{address!r}]"))
        write_bytes(target, self._bytes())
        return target

    def _references(self) -> dict[str, dict[str, str]]:
        from voxrack.preset_assets import references

        return references(self.preset().parameters)

    def _bytes(self) -> bytes:
        from safetensors.numpy import save

        head = {
            "format": _FORMAT, "version": _VERSION, "kind": self.kind, "space": self.space,
            "columns": list(self.columns), "template": self.template, "facts": dict(self.facts),
        }  # fmt: skip
        numbers = {key: np.ascontiguousarray(value) for key, value in sorted(self.arrays().items())}
        return save(numbers, {_FORMAT: json.dumps(head, sort_keys=True)})

    def _checked(self, points: ArrayLike) -> Array:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.size:
            raise UsageError(f"points have shape {array.shape}; the prior '{self.name}' takes (n, {self.size})")
        return array


def load_prior(path: str | os.PathLike[str]) -> Prior:
    """Read what :meth:`Prior.save` wrote.

    Raises
    ------
    InputError
        For another file, or one of a newer version.
    """
    from importlib import import_module

    from safetensors import SafetensorError, safe_open

    from voxrack.preset_assets import folder_of

    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            head = json.loads((file.metadata() or {}).get(_FORMAT, "null"))
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a prior: {error}; make one with `voxrack atlas prior`") from None
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise InputError(f"{path} holds no prior, but other tensors; make one with `voxrack atlas prior`")
    if head["version"] > _VERSION or head["kind"] not in _PLACES:
        raise InputError(f"{path} is a prior of version {head['version']}, kind '{head['kind']}': upgrade voxrack")
    module, name = _PLACES[head["kind"]].split(":")
    made = getattr(import_module(f".{module}", __package__), name)
    folder = folder_of(Path(path))
    held = {file.stem: file for file in sorted(folder.iterdir())} if folder.is_dir() else {}
    return made(
        columns=tuple(head["columns"]), space=head["space"], template=head["template"], facts=head["facts"],
        assets=held, **arrays,
    )  # fmt: skip


def default_prior(dataset: str = "internal") -> Gaussian:
    """The Gaussian prior of vocal presets that ships with voxrack: mean and covariance of DiffVox's published sets.

    Parameters
    ----------
    dataset : {"internal", "medleydb", "both"}
        365 presets, as in the paper; 70; all 435.

    Returns
    -------
    Gaussian
        In the raw space of :func:`vocal_template`, 130 columns. Of ``"medleydb"`` alone there is no density, only
        draws: 70 presets do not fill 130 columns.
    """
    from .gaussian import Gaussian, pooled

    if dataset not in SETS:
        raise UsageError(f"statistics of '{dataset}' are not there; there are those of {', '.join(SETS)}")
    if dataset == "both":
        return pooled(default_prior("internal"), default_prior("medleydb"), "vocal_gaussian_both")
    prior = _shipped(f"vocal_gaussian_{dataset}")
    assert isinstance(prior, Gaussian)
    return prior


def default_flow() -> Prior:
    """The prior that ``sample`` uses where none is given: of all candidates it explains held-out presets best."""
    return _shipped("vocal_flow")


def vocal_template() -> Preset:
    """The rack of DiffVox at the mean of its published internal presets, in the raw space."""
    from voxrack import Preset

    with as_file(files("voxrack_atlas") / "data" / "vocal_template.json") as path:
        return Preset.load(path)


def _shipped(name: str) -> Prior:
    with as_file(files("voxrack_atlas") / "data" / f"{name}.safetensors") as path:
        return load_prior(path)
