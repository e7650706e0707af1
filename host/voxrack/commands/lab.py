"""``voxrack lab``: the notebooks, in JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from ..errors import UsageError
from . import common


@common.verb("lab", short_help="Open the notebooks in JupyterLab.")
@click.argument("folder", type=click.Path(), default=".")
@click.option("--notebook", metavar="NAME", default="", help="Which to open first, such as 05_pca; default 01_rack.")
@click.option("--copy-only", is_flag=True, help="Copy the notebooks and stop there.")
@click.option("--no-browser", is_flag=True, help="Start the server and print its address only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8888, show_default=True,
              help="0 takes any; a taken one leads to the next.")  # fmt: skip
def lab(folder: str, notebook: str, copy_only: bool, no_browser: bool, port: int, as_json: bool) -> int:
    """Copy the notebooks into FOLDER (by default the working folder) and open them in JupyterLab there.

    A file of yours is never replaced: a notebook that you have changed stays as it is. To get one back as it came,
    rename yours. Ctrl-C ends the server.

    \b
    Examples:
      voxrack lab
      voxrack lab my-experiments --notebook 06_emotion_timeline
      voxrack lab --copy-only --json
    """
    from ..lab_folder import FIRST, copy_notebooks, notebooks

    if not copy_only:
        common.need("jupyterlab", "the lab", "notebook")
    first = f"{notebook.removesuffix('.ipynb')}.ipynb" if notebook else FIRST
    if first not in notebooks():
        known = ", ".join(name.removesuffix(".ipynb") for name in notebooks())
        raise UsageError(f"there is no notebook '{notebook}'; there are {known}")
    copied = copy_notebooks(folder)
    if as_json:
        common.emit({"folder": str(copied.folder.absolute()), "new": copied.new, "same": copied.same,
                     "kept": copied.kept})  # fmt: skip
    else:
        _tell(copied.folder, copied.new, copied.kept)
    return 0 if copy_only else _serve(copied.folder, first, no_browser, port)


def _tell(folder: Path, new: tuple[str, ...], kept: tuple[str, ...]) -> None:
    where = "the working folder" if folder == Path() else str(folder)
    if new:
        common.say(f"copied into {where}: {', '.join(new)}")
    for name in kept:
        common.say(f"{folder / name} is yours and stays as it is (rename it to get the one that comes with voxrack)")


def _serve(folder: Path, first: str, no_browser: bool, port: int) -> int:
    """Run JupyterLab until it ends; its exit code."""
    # not as the file to run: the address that Lab prints, to be opened by hand, would then not lead to it
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}"]
    command += [f"--LabApp.default_url=/lab/tree/{first}"]
    command += [f"--port={port}"] + (["--no-browser"] if no_browser else [])
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")  # in a container one is root; the address still needs its token
    process = subprocess.Popen(command)
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                common.say("ending the server …")
                process.terminate()
    finally:  # also where this process is told to end: no server stays behind
        if process.poll() is None:
            process.terminate()
            process.wait(20)


COMMANDS = (lab,)
