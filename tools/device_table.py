"""README's table of devices, written from the specifications: python tools/device_table.py [--check].

Only devices of this distribution are listed, whatever else is installed. ``--check`` changes nothing and
ends with 1 where the table is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from voxrack import Host

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- devices: python tools/device_table.py -->", "<!-- end of devices -->"


def table() -> str:
    """The table in Markdown."""
    host = Host()
    own = {plugin.name for plugin in host.plugins() if plugin.distribution == "voxrack"}
    rows = ["| device | | parameters |", "|---|---|---|"]
    for entry in host.devices():
        if entry.plugin in own:
            spec = entry.spec
            names = [param.id for param in spec.params]
            shown = ", ".join(f"`{name}`" for name in names[:4]) + (f" … ({len(names)})" if len(names) > 4 else "")
            rows.append(f"| `{spec.id}` | {spec.summary} | {shown} |")
    return "\n".join(rows)


def filled(readme: str) -> str:
    """The README with a current table between its markers."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    text = README.read_text(encoding="utf-8")
    new = filled(text)
    if "--check" in arguments:
        if new != text:
            print("README.md: the table of devices is out of date; run python tools/device_table.py", file=sys.stderr)
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
