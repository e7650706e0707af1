"""``voxrack doctor``: is everything in its place, and what to do where it is not."""

from __future__ import annotations

import traceback
from dataclasses import asdict

from . import common
from .checks import CHECKS, Line
from .group import debugging


def findings() -> list[Line]:
    """All checks; one that stumbles is a finding itself."""
    out: list[Line] = []
    for check in CHECKS:
        try:
            out += check()
        except Exception as error:  # the doctor is called when things are broken
            if debugging():
                traceback.print_exc()
            text = f"the check stumbled: {type(error).__name__}: {error}"
            out.append(Line(check.__name__, "fail", text, "voxrack doctor --debug shows where; report it"))
    return out


@common.verb("doctor", short_help="Check the installation.")
def doctor(as_json: bool) -> int:
    """Check the installation; each line that is not ok says what mends it (exit code 1 where one fails).

    \b
    Examples:
      voxrack doctor
      voxrack doctor --json
    """
    lines = findings()
    failed = sum(line.status == "fail" for line in lines)
    if as_json:
        common.emit({"ok": not failed, "checks": [asdict(line) for line in lines]}, indent=2)
        return 1 if failed else 0
    common.table(("", "check", "finding"), [(line.status, line.name, _told(line)) for line in lines], keys=2)
    warned = sum(line.status == "warn" for line in lines)
    common.write(f"{len(lines) - failed - warned} ok, {warned} warnings, {failed} failures")
    return 1 if failed else 0


def _told(line: Line) -> str:
    return line.text + (f"\n→ {line.mend}" if line.mend else "")


COMMANDS = (doctor,)
