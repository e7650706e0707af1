"""``voxrack runs``: training runs, from any process."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import UsageError
from ..runs import Run
from . import common
from . import recipe_screen as screen


@common.verb("runs", short_help="Show, watch, stop or resume training runs.")
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option("--follow", is_flag=True, help="Print each epoch's measures as they come, until the run ends.")
@click.option("--stop", is_flag=True, help="Have the run save a checkpoint and end.")
@click.option("--resume", is_flag=True, help="Go on with what its folder says was asked of it.")
@click.option("--features", metavar="FILE", type=click.Path(),
              help="With --resume: its feature file, where the folder names none or it was moved.")  # fmt: skip
def runs(
    folders: Sequence[str], follow: bool, stop: bool, resume: bool, features: str | None, as_json: bool
) -> int | None:
    """Show how training runs stand; from any process, while they run. One that was begun with `voxrack train` goes on
    from its folder alone.

    \b
    Examples:
      voxrack runs runs/*
      voxrack runs runs/cnn --follow
      voxrack runs runs/cnn --stop
      voxrack runs runs/cnn --resume
    """
    found = [Run(folder) for folder in folders]
    for wish, given in (("--follow watches", follow), ("--resume goes on with", resume)):
        if given and len(found) > 1:
            raise UsageError(f"{wish} one run; {len(found)} were given")
    if resume and (follow or stop):
        raise UsageError("--resume trains here and shows it as it goes; leave --follow and --stop out")
    if features and not resume:
        raise UsageError("--features is for --resume")
    if resume:
        return _resumed(found[0], features or "", as_json)
    for run in found:
        run.config()
        if stop:
            run.ask_to_stop()
    if follow:
        for line in found[0].follow():
            common.emit(line) if as_json else common.write(screen.measures(line))
        return None
    screen.show_runs([run.status() for run in found], as_json)
    return None


def _resumed(run: Run, features: str, as_json: bool) -> int:
    from ..host import default_host
    from ..resuming import resume

    asked = run.config()["asked"]
    with screen.Training(asked.get("recipe", ""), str(run.folder), as_json) as watching:
        return screen.show_run(resume(run, default_host().recipes(), features, progress=watching), as_json)


COMMANDS = (runs,)
