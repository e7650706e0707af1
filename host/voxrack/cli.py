"""The command line ``voxrack``: assembles the verbs; each imports what is heavy when it runs."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from .commands.group import Verbs, print_version
from .errors import Stopped


@click.group(cls=Verbs, name="voxrack", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error; so does VOXRACK_DEBUG=1."
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=print_version, help="Show it.")
def cli() -> None:
    """Voice through a rack of plugins: render files, read them with analyzers, keep presets.

    \b
    Start here:
      voxrack demo                               hear a rack on the bundled clip
      voxrack preset list                        the factory presets
      voxrack render podcast-voice in.wav -o out.wav
      voxrack devices fx.compressor              the parameters of a device
      voxrack lab                                the notebooks: turn knobs while it plays
      voxrack doctor                             is everything in its place?
    """


def _assemble() -> None:
    from .commands import (
        analyzing,
        batch,
        completion,
        datasets,
        demo,
        doctor,
        lab,
        listing,
        presets,
        recipes,
        rendering,
        runs,
    )

    rooms = (analyzing, batch, completion, datasets, demo, doctor, lab, listing, presets, recipes, rendering, runs)
    for module in rooms:
        for command in module.COMMANDS:
            cli.add_command(command)


_assemble()


def _stop(number: int, frame: Any) -> None:
    raise Stopped(128 + number)


def _sleep_while_waiting() -> None:
    """Threads of torch and scikit-learn sleep where they wait for each other, unless the user decided otherwise.

    By default they spin, GNU's OpenMP (which torch's wheels for Linux bring) for a millisecond and more. Beside another
    busy program every short product then takes a slice of the scheduler's time: 20 clips' MFCC 4 s instead of 0.1 s.
    OpenMP reads the environment when it is loaded, which is with torch.
    """
    if not any(name in os.environ for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def main() -> int:
    """Entry point of the script ``voxrack``; returns the exit code."""
    _sleep_while_waiting()
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    return cli.run()
