"""JupyterLab as a subprocess over copies of our notebooks, and one notebook of it in a browser page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": QUIET,  # nothing pops up, nothing is fetched from the net
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell stays in the page, seen or not
}
START = 90.0  # seconds until Lab must answer


class Lab:
    """A server of its own settings, on a free port of 127.0.0.1, rooted in ``folder``."""

    def __init__(self, folder: Path, home: Path) -> None:
        for name, values in SETTINGS.items():
            file = home / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
        env = os.environ | {f"JUPYTER_{key}": str(home / place) for key, place in places.items()}
        env |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "spaces")}
        env |= {"VOXRACK_FAST": "1"}
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


class Notebook:
    """One notebook, opened in a page of its own; its kernel and the engines of its players are at hand."""

    def __init__(self, browser: Any, lab: Lab, name: str, timeout: float = 90.0) -> None:
        self.page = page = browser.new_page(viewport={"width": 1500, "height": 1250})
        page.set_default_timeout(1000 * timeout)
        self._complaints: list[str] = []
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("console", lambda said: self._complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{lab.url}/lab")
        page.wait_for_function("window.jupyterapp", timeout=60_000)
        page.evaluate(
            """async (path) => {
              await jupyterapp.restored;
              window.panel = await jupyterapp.commands.execute("docmanager:open", { path });
              await panel.context.ready;
              await panel.sessionContext.ready;
              await panel.revealed;
            }""",
            name,
        )

    @property
    def complaints(self) -> list[str]:
        """What the page said is wrong with our widgets."""
        return [text for text in self._complaints if "vx" in text or "anywidget" in text or "voxrack" in text]

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
