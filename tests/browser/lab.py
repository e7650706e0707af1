"""JupyterLab as a subprocess over copies of our notebooks, and one notebook of it in a browser page."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .console import complaints_of

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": QUIET,  # nothing pops up, nothing is fetched from the net
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell stays in the page, seen or not
}
PAGES = itertools.count()
START = 240.0  # seconds until Lab must answer


def quiet_environment(home: Path) -> dict[str, str]:
    """Variables that keep JupyterLab from the user's own settings, with those of the tests in ``home``."""
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    env = os.environ | {f"JUPYTER_{key}": str(home / place) for key, place in places.items()}
    return env | {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "spaces")}


class Lab:
    """A server of its own settings, on a free port of 127.0.0.1, rooted in ``folder``."""

    def __init__(self, folder: Path, home: Path) -> None:
        env = quiet_environment(home) | {"VOXRACK_FAST": "1"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
            "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=", "--allow-root",
            f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        ]  # fmt: skip
        self.log = home / "lab.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
        self._await_answer()

    def _await_answer(self) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
            try:
                urllib.request.urlopen(f"{self.url}/api", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        self.close()
        raise RuntimeError(f"JupyterLab did not answer within {START:g} s:\n{self.log.read_text()[-3000:]}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def lab_of(home: Path, *names: str) -> Iterator[Lab]:
    """A server over a folder with copies of the notebooks ``names``; skips where there is no JupyterLab."""
    pytest.importorskip("jupyterlab", reason="needs the extra notebook")
    (home / "work").mkdir()
    for name in names:
        shutil.copy(NOTEBOOKS / name, home / "work")
    server = Lab(home / "work", home)
    try:
        yield server
    finally:
        server.close()


def set_parameters(file: Path, values: Mapping[str, Any]) -> None:
    """Give other values to parameters of a copy of a notebook."""
    notebook = json.loads(file.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    rows = "".join(cell["source"]).splitlines(keepends=True)
    names = [row.partition(" =")[0] for row in rows]
    missing = set(values) - set(names)
    assert not missing, f"{file.name} has no parameter {missing}"
    given = zip(names, rows, strict=True)
    cell["source"] = [f"{name} = {values[name]!r}\n" if name in values else row for name, row in given]
    file.write_text(json.dumps(notebook), encoding="utf-8")


def write_notebook(file: Path, *cells: str) -> None:
    """A notebook of a test's own, of code cells."""
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    made = [code | {"id": f"cell-{k}", "source": source} for k, source in enumerate(cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    file.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def press_play(page: Any, engine: str = "engine", player: Any = None) -> None:
    """Press ▶ of a player (the page's first) until it plays: a busy machine may open its audio output so late that the
    player says it has none and asks for another press. ``engine``: that player's, an expression of the page."""
    player = page.locator(".vx-player").first if player is None else player
    player.locator(".vx-play").wait_for()
    for _ in range(12):
        if page.evaluate(f"{engine}.playing"):
            return
        player.locator(".vx-play").click()
        for _ in range(12):
            page.wait_for_timeout(500)
            if page.evaluate(f"{engine}.playing || {engine}.trouble"):
                break
    raise AssertionError(f"the player does not play: {player.inner_text()}")


class Notebook:
    """One notebook, opened in a page of its own; its kernel and the engines of its players are at hand.

    ``complaints`` is what the page has said is wrong, whoever said it; see :func:`.console.complaints_of`.

    ``timeout`` is only what a busy machine may take until a test gives up.
    """

    def __init__(self, browser: Any, lab: Lab, name: str, timeout: float = 240.0) -> None:
        self.page = page = browser.new_page(viewport={"width": 1500, "height": 1250})
        page.set_default_timeout(1000 * timeout)
        self.complaints = complaints_of(page)
        # a workspace of its own: else Lab opens again what another page has open, and there are two of everything
        page.goto(f"{lab.url}/lab/workspaces/page-{next(PAGES)}")
        page.wait_for_function("window.jupyterapp")
        self.open(name)

    def open(self, name: str) -> None:
        """Another notebook of the same folder, in the same page."""
        self.page.evaluate(
            """async (path) => {
              await jupyterapp.restored;
              window.panel = await jupyterapp.commands.execute("docmanager:open", { path });
              await panel.context.ready;
              await panel.sessionContext.ready;
              await panel.revealed;
            }""",
            name,
        )

    def run_all(self) -> list[str]:
        """Run every cell; returns what went wrong, one text per failed cell."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        return self.page.evaluate(
            """() => panel.content.widgets.map((cell) => cell.model.toJSON())
              .flatMap((cell) => cell.outputs ?? [])
              .filter((output) => output.output_type === "error")
              .map((output) => `${output.ename}: ${output.evalue}`)"""
        )

    def executed(self) -> list[int | None]:
        """Execution counts of the code cells."""
        return self.page.evaluate(
            """() => panel.content.widgets.map((cell) => cell.model.toJSON())
              .filter((cell) => cell.cell_type === "code").map((cell) => cell.execution_count)"""
        )

    def ask(self, expression: str) -> Any:
        """Value of a Python expression in the kernel, by way of JSON."""
        text = self.page.evaluate(
            """async (code) => {
              const future = panel.sessionContext.session.kernel.requestExecute({ code, store_history: false });
              let text = "";
              future.onIOPub = ({ header, content }) => {
                if (header.msg_type === "stream") text += content.text;
                if (header.msg_type === "error") text += JSON.stringify({ error: content.evalue });
              };
              await future.done;
              return text;
            }""",
            f"import json; print(json.dumps({expression}))",
        )
        return json.loads(text)
