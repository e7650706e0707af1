"""``voxrack preset``: list, show, check, upgrade, compare, save; the schema."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import PresetError, UsageError, VoxrackError
from . import common, complete
from .group import EXIT_CODES
from .targets import refuse_empty


@click.group("preset", short_help="List, show, check, compare and save presets.", epilog=EXIT_CODES)
def preset() -> None:
    """Presets: JSON files that hold a rack in plain units."""


def _one() -> Callable[..., Any]:
    return click.argument("preset", shell_complete=complete.preset_names)


@common.verb("list")
def list_presets(as_json: bool) -> None:
    """List the factory presets.

    \b
    Examples:
      voxrack preset list
      voxrack preset list --json | jq -r '.[].name'
    """
    from ..host import default_host
    from ..preset import Preset

    found: list[dict[str, Any]] = []
    for name, file in default_host().presets().items():
        try:
            loaded = Preset.load(file)
            found.append({"name": name, "title": loaded.name, "about": loaded.about, "tags": loaded.tags,
                          "devices": loaded.devices, "error": ""})  # fmt: skip
        except PresetError as error:  # one that a plugin ships broken does not hide the others
            found.append({"name": name, "title": "", "about": "", "tags": (), "devices": (), "error": str(error)})
    if as_json:
        common.emit(found, indent=2)
        return
    rows = [(entry["name"], entry["error"] or entry["about"], ", ".join(entry["tags"])) for entry in found]
    common.table(("preset", "what it does", "tags"), rows)


@common.verb("show")
@_one()
@click.option("--all", "everything", is_flag=True, help="Also the values that are the device's defaults.")
def show(preset: str, everything: bool, as_json: bool) -> None:
    """Show PRESET in units; with --json as the file holds it.

    \b
    Examples:
      voxrack preset show podcast-voice
      voxrack preset show telephone --json > my.json
    """
    from .racks import find_preset

    chosen = find_preset(preset)
    if as_json:
        common.write(chosen.text().rstrip("\n"))
        return
    from ..preset_text import route

    common.write(chosen.name or preset)
    if chosen.about:
        common.write(chosen.about)
    common.write(f"{route(chosen.document)}\n")
    rows = chosen.rows()
    shown = [row for row in rows if everything or not row.default]
    common.table(("address", "value", "device"), [(row.address, row.text, row.device) for row in shown])
    if len(shown) < len(rows):
        common.write(f"{len(rows) - len(shown)} more are at their defaults (--all shows them)")
    _remarks(preset, chosen.check())


@common.verb("check")
@click.argument("presets", metavar="PRESET...", nargs=-1, required=True, shell_complete=complete.preset_names)
def check(presets: Sequence[str], as_json: bool) -> int:
    """Check presets: format, addresses, ranges, devices, assets.

    Remarks (a device that is not installed, a value written for an older version) are no failure.

    \b
    Examples:
      voxrack preset check my.json
      voxrack preset check presets/*.json --json
    """
    from .racks import find_preset

    return _each(presets, lambda name: {"remarks": find_preset(name).check()}, as_json, "is valid")


@common.verb("upgrade")
@click.argument("presets", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--out", type=click.Path(), help="Write here instead of over the file; for one preset.")
def upgrade(presets: Sequence[str], out: str | None, as_json: bool) -> int:
    """Bring preset files to the current format and device versions, in place.

    \b
    Examples:
      voxrack preset upgrade my.json
      voxrack preset upgrade old.json -o new.json
    """
    if out is not None:
        refuse_empty(out, "the output")
    if out and len(presets) > 1:
        raise UsageError(f"-o takes one preset; {len(presets)} were given")

    def one(name: str) -> dict[str, Any]:
        from .racks import find_preset

        old = find_preset(name)
        if not out and not Path(name).is_file():
            raise UsageError(f"'{name}' is a factory preset; give a file with -o to write to")
        new = old.upgraded()
        target = Path(out or name)
        changed = bool(out) or target.read_text(encoding="utf-8") != new.text()
        if changed:
            new.save(target)
        return {"target": str(target), "changed": changed, "remarks": old.check()}

    return _each(presets, one, as_json, "is up to date")


@common.verb("diff")
@click.argument("before", shell_complete=complete.preset_names)
@click.argument("after", shell_complete=complete.preset_names)
def diff(before: str, after: str, as_json: bool) -> None:
    """Say what turns the preset BEFORE into AFTER; nothing is printed where they are equal.

    \b
    Examples:
      voxrack preset diff podcast-voice my.json
      voxrack preset diff a.json b.json --json
    """
    from .racks import find_preset

    changes = find_preset(before).diff(find_preset(after))
    if as_json:
        names = ("what", "address", "before", "after", "text")
        common.emit([{name: getattr(change, name) for name in names} for change in changes])
        return
    for change in changes:
        common.write(str(change))


@common.verb("schema")
def schema(as_json: bool) -> None:
    """Print the JSON schema of preset files.

    \b
    Example:
      voxrack preset schema > preset.schema.json
    """
    from ..preset import Preset

    common.emit(Preset.schema(), indent=None if as_json else 2)


@common.verb("save")
@_one()
@click.option("-o", "--out", required=True, type=click.Path(), help="The file, ending in .json.")
@click.option("--set", "settings", metavar="ADDRESS=VALUE", multiple=True, shell_complete=complete.addresses,
              help="Change a number of the rack; may be given again.")  # fmt: skip
@click.option("--name", help="Of the new preset.")
def save(preset: str, out: str, settings: Sequence[str], name: str | None, as_json: bool) -> None:
    """Save PRESET, with changes, as a file of its own.

    \b
    Examples:
      voxrack preset save telephone -o my.json
      voxrack preset save podcast-voice -o my.json --set compressor.threshold=-24dB --name "Louder"
    """
    from ..preset import Preset
    from .racks import find_preset, ready_rack

    old = find_preset(preset)
    if os.path.exists(out) and not os.path.isfile(out):
        raise UsageError(f"-o {out} is a folder; give the name of a file")
    new, changes = old, common.split_settings(settings)
    if changes:
        new = Preset.of(ready_rack(old, changes), about=old.about, tags=old.tags, parents=[old])
    target = new.replace(name=old.name if name is None else name).save(out)
    if as_json:
        common.emit({"preset": preset, "target": str(target), "sha256": Preset.load(target).sha256})
    else:
        common.say(f"{target} written")


def _each(names: Sequence[str], act: Callable[[str], dict[str, Any]], as_json: bool, done: str) -> int:
    """Do ``act`` for every preset; one that fails alone gives its own exit code, among others 1."""
    failed = 0
    for name in names:
        try:
            result = {"preset": name, "valid": True, **act(name)}
        except VoxrackError as error:
            if len(names) == 1 and not as_json:
                raise
            failed = error.exit_code if len(names) == 1 else 1
            result = {"preset": name, "valid": False, "error": str(error), "path": getattr(error, "path", None)}
            common.say(f"voxrack: {name}: {error}")
        if as_json:
            common.emit(result)
        elif result["valid"]:
            common.write(f"{name} {'was upgraded' if result.get('changed') else done}")
            _remarks(name, result["remarks"])
    return failed


def _remarks(name: str, remarks: Sequence[str]) -> None:
    for remark in remarks:
        common.say(f"voxrack: {name}: {remark}")


for _command in (list_presets, show, check, upgrade, diff, schema, save):
    preset.add_command(_command)
COMMANDS = (preset,)
