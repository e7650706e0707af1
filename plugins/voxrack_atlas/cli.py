"""``voxrack atlas``: collections of presets. Each module of ``verbs`` holds one verb under the name ``command``."""

from __future__ import annotations

from importlib import import_module

import click

from voxrack.commands.group import EXIT_CODES

_VERBS = {  # verb -> module, in the order of the help
    "collect": "collect", "import": "importing", "stats": "stats", "correlate": "correlate", "pca": "pca",
    "prior": "prior", "sample": "sample", "nearest": "nearest", "map": "map", "dataset": "dataset",
    "directions": "directions", "match": "match",
}  # fmt: skip


class Verbs(click.Group):
    """The verbs, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        return import_module(f".verbs.{_VERBS[cmd_name]}", __package__).command


@click.group("atlas", cls=Verbs, short_help="Collections of presets: statistics, new presets.", epilog=EXIT_CODES)
def atlas() -> None:
    """Collections of presets of one rack: what they have in common, what lies between them, new ones.

    SET is a folder of presets (.json, searched to the bottom) or one .parquet file, as `atlas collect` writes it.
    """
