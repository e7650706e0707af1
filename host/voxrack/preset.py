"""Presets: a rack in plain units, as a JSON file that means the same tomorrow.

A :class:`Preset` is the file's content, checked in itself. Only :meth:`Preset.rack` asks a host for
devices; so a preset can be read, shown, compared and saved where its devices are not installed.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import PresetError, UsageError
from .preset_json import canonical, decode, inspect, parse, read_file

if TYPE_CHECKING:
    from .host import Host
    from .preset_schema import Document
    from .preset_text import Change, Row
    from .rack import Rack

How = Literal["fit", "hand", "pca", "sample", "import"]


class PresetWarning(UserWarning):
    """Something about a loaded preset that is heard: a device that is not there."""


@dataclass(frozen=True, eq=False)
class Preset:
    """A preset. Make one with :meth:`load`, :meth:`from_text` or :meth:`of`.

    Two presets are equal where their canonical texts are.
    """

    document: Document
    path: Path | None = None  # the file it was loaded from; its assets lie beside it
    _known: Mapping[str, Path] = field(default_factory=dict, repr=False)  # sha256 -> file, of a preset made here

    # ---- making ---------------------------------------------------------------------------------
    @classmethod
    def load(cls, path: str | os.PathLike[str] | Traversable) -> Preset:
        """Read a preset file of any version up to the current one.

        Parameters
        ----------
        path : str or Path
            Or an entry of ``Host.presets()``.

        Raises
        ------
        PresetError
            With the JSON path of the first thing that is wrong, and the file.
        """
        file = Path(path) if isinstance(path, (str, os.PathLike)) else None
        try:
            text = read_file(file) if file is not None else decode(path.read_bytes())  # pyright: ignore
            loaded = cls.from_text(text)
        except PresetError as error:
            message = str(error).removeprefix(f"{error.path}: ")
            raise PresetError(f"{message} [{path}]", error.path) from None
        return cls(loaded.document, file)

    @classmethod
    def from_text(cls, text: str, assets: Mapping[str, Path] | None = None) -> Preset:
        """Read a preset from JSON text; its assets are in ``assets``, files by sha256, as :meth:`assets` gives them."""
        if not isinstance(text, str):
            raise UsageError(f"from_text takes the JSON as text; got {type(text).__name__}. For a file use Preset.load")
        return cls._checked(parse(text), assets)

    @classmethod
    def _checked(
        cls, tree: dict[str, Any], known: Mapping[str, Path] | None = None, path: Path | None = None
    ) -> Preset:
        from .preset_schema import read_document
        from .upgrade import upgrade_document

        return cls(read_document(upgrade_document(tree)), path, known or {})

    @classmethod
    def of(
        cls,
        rack: Any,
        *,
        name: str = "",
        about: str = "",
        tags: Iterable[str] = (),
        how: How = "hand",
        made_by: str | None = None,
        created: str | None = None,
        losses: Mapping[str, float] | None = None,
        sources: Iterable[str | os.PathLike[str] | Mapping[str, str]] = (),
        parents: Iterable[str | Preset] = (),
    ) -> Preset:
        """The preset of a rack as it stands.

        Parameters
        ----------
        rack : Rack, Chain or device
        name, about, tags : str, str, iterable of str
        how : {"hand", "fit", "pca", "sample", "import"}
        made_by : str, optional
            By default this voxrack and its version.
        created : str, optional
            ISO 8601 with time zone; by default now, in UTC.
        losses : mapping of str to float, optional
        sources : iterable
            Recordings it was made from: paths, or ``{"name", "sha256"}``.
        parents : iterable
            Presets it was derived from: presets, or their sha256.

        Raises
        ------
        PresetError
            Where something given does not fit into a preset.
        """
        from .preset_assets import reference
        from .preset_rack import tree_of
        from .rack import as_rack

        if isinstance(tags, str):
            raise UsageError(f"tags takes a list of words; got the text {tags!r}: write [{tags!r}]")
        structure, parameters, places = tree_of(as_rack(rack))
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        tree = {
            "format": "voxrack.preset",
            "version": 1,
            "name": name,
            "about": about,
            "tags": list(tags),
            "rack": structure,
            "parameters": parameters,
            "provenance": {
                "made_by": f"voxrack {metadata.version('voxrack')}" if made_by is None else made_by,
                "created": now if created is None else created,
                "how": how,
                "losses": {key: float(value) for key, value in (losses or {}).items()},
                "sources": [dict(s) if isinstance(s, Mapping) else reference(Path(s)) for s in sources],
                "devices": _versions(structure),
                "parents": [p.sha256 if isinstance(p, Preset) else p for p in parents],
            },
        }
        inspect(tree)
        return cls._checked(tree, places)

    def replace(
        self, *, name: str | None = None, about: str | None = None, tags: Iterable[str] | None = None
    ) -> Preset:
        """The same rack under another name, description or tags."""
        given = {"name": name, "about": about, "tags": None if tags is None else list(tags)}
        tree = self.tree() | {key: value for key, value in given.items() if value is not None}
        inspect(tree)
        return self._checked(tree, self._known, self.path)

    # ---- using ----------------------------------------------------------------------------------
    def rack(self, host: Host | None = None, *, missing: Literal["bypass", "refuse"] = "bypass") -> Rack:
        """The rack, with devices of ``host`` (by default everything installed).

        Parameters
        ----------
        host : Host, optional
        missing : {"bypass", "refuse"}
            A device that is not available is bypassed, with a :class:`PresetWarning`, and saved again as it
            was; or the preset is refused.

        Raises
        ------
        PresetError
            For an unknown parameter, a value out of range, an asset that is missing or has changed.
        """
        builder = self._builder(host)
        rack = builder.build()
        if builder.missing and missing == "refuse":
            path, remark = builder.missing[0]
            raise PresetError(f"missing devices are refused here: {remark}", path)
        for _, remark in builder.missing:
            warnings.warn(f"preset {self._title}: {remark}", PresetWarning, stacklevel=2)
        return rack

    def check(self, host: Host | None = None) -> list[str]:
        """What a person should know before using it: missing devices, migrations, defaults that stand in.

        Raises
        ------
        PresetError
            Where it cannot be used at all; see :meth:`rack`.
        """
        builder = self._builder(host)
        builder.build()
        return builder.remarks

    def upgraded(self, host: Host | None = None) -> Preset:
        """The same preset in the current format, of the current device versions, with every parameter given."""
        builder = self._builder(host)
        from .preset_rack import tree_of

        structure, parameters, places = tree_of(builder.build())
        tree = self.tree() | {"rack": structure, "parameters": parameters}
        tree["provenance"] = tree["provenance"] | {"devices": _versions(structure)}
        return self._checked(tree, {**self._known, **places}, self.path)

    def _builder(self, host: Host | None) -> Any:
        from .host import default_host
        from .preset_assets import folder_of
        from .preset_rack import Builder

        folder = None if self.path is None else folder_of(self.path)
        return Builder(self.document, host or default_host(), folder, self._known)

    def assets(self) -> dict[str, Path]:
        """The files that belong to it, by sha256.

        Raises
        ------
        PresetError
            Where one is missing or has changed.
        """
        from .preset_assets import find, folder_of, references

        folder = None if self.path is None else folder_of(self.path)
        return {
            asset["sha256"]: find(asset, folder, self._known, f"$.parameters[{address!r}]")
            for address, asset in references(self.document.parameters).items()
        }

    # ---- saving ---------------------------------------------------------------------------------
    def tree(self) -> dict[str, Any]:
        """The content as plain dicts and lists."""
        tree = self.document.model_dump(mode="json")
        del tree["automation"]
        return tree

    def text(self) -> str:
        """The canonical JSON: equal presets have equal text."""
        return canonical(self.tree())

    @property
    def sha256(self) -> str:
        """Digest of the canonical text, as 64 hexadecimal digits."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, whole or not at all; assets go first, into ``<stem>.assets/`` beside it.

        Raises
        ------
        PresetError
            Where an asset is missing or has changed.
        VoxrackError
            Where the file cannot be written.
        """
        from .files import write_text
        from .preset_assets import copy_into, folder_of, references

        target = Path(path)
        if target.suffix != ".json":
            raise UsageError(
                f"a preset is saved as .json; got {target.name!r}: write {target.with_suffix('.json').name!r}"
            )
        files = self.assets()
        for asset in references(self.document.parameters).values():
            copy_into(folder_of(target), asset, files[asset["sha256"]])
        write_text(target, self.text())
        return target

    # ---- looking --------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        return self.document.name

    @property
    def about(self) -> str:
        return self.document.about

    @property
    def tags(self) -> tuple[str, ...]:
        return self.document.tags

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by address as the file holds them: -inf is the text ``"-inf"``, an asset is its name and sha256."""
        return dict(self.document.parameters)

    @property
    def provenance(self) -> dict[str, Any]:
        """made_by, created, how, losses, sources, devices, parents."""
        return self.tree()["provenance"]

    @property
    def devices(self) -> tuple[str, ...]:
        """Ids of the devices it asks for, in the order in which the signal meets them."""
        from .preset_schema import slot_places

        return tuple(dict.fromkeys(slot.device for slot, _ in slot_places(self.document.rack).values()))

    def rows(self, host: Host | None = None) -> list[Row]:
        """Every value in units, in the order in which the signal meets it."""
        return self._reading(host).rows()

    def diff(self, other: Preset, host: Host | None = None) -> list[Change]:
        """What turns this preset into ``other``; a change reads ``compressor.threshold: -18 dB -> -24 dB``."""
        from .preset_text import changes

        return changes(self._reading(host), other._reading(host))

    def _reading(self, host: Host | None) -> Any:
        from .host import default_host
        from .preset_text import Reading

        return Reading(self.document, host or default_host())

    @staticmethod
    def schema() -> dict[str, Any]:
        """The JSON Schema of the file format."""
        from .preset_schema import json_schema

        return json_schema()

    @property
    def _title(self) -> str:
        return f"'{self.name or (self.path.stem if self.path else '')}'"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preset) and self.text() == other.text()

    def __hash__(self) -> int:
        return hash(self.text())

    def __repr__(self) -> str:
        from .preset_text import route

        return f"<Preset {self._title}: {route(self.document)}; {len(self.document.parameters)} parameters>"

    def _repr_html_(self) -> str:
        from .preset_text import html

        return html(self.document, self.rows(), self.sha256)


def _versions(structure: Mapping[str, Any]) -> dict[str, int]:
    """Device id to version, of every slot."""
    chains = [structure["inserts"], *(bus["slots"] for bus in structure["buses"]), structure["master"]]
    return {slot["device"]: slot["version"] for chain in chains for slot in chain}
