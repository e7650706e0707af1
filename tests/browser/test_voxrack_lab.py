"""``voxrack lab`` as a user meets it: the command, the address it prints, the first notebook, and its first sound."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from .console import complaints_of
from .lab import START, press_play, quiet_environment

pytestmark = pytest.mark.browser
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/lab\S*token=\w+")


class Command:
    """``voxrack lab`` in a folder; ``address`` is what it prints."""

    def __init__(self, folder: Path, home: Path) -> None:
        command = [sys.executable, "-m", "voxrack", "lab", str(folder), "--no-browser", "--port", "0"]
        env = quiet_environment(home)
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said, self.address, self._found = [], "", threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self._found.wait(START):
            self.process.kill()
            raise RuntimeError(f"voxrack lab printed no address within {START:g} s: {self.said}")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = ADDRESS.search(line)
            if found and not self.address:
                self.address = found[0]
                self._found.set()
        self._found.set()


PLAYER = "Object.values(window.__voxrack_players ?? {})[0]"
SOUNDS = f"""
() => {{
  const {{ analyser }} = {PLAYER};
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return samples.some((sample) => Math.abs(sample) > 1e-3);
}}
"""


def test_from_the_command_to_the_first_sound(browser, tmp_path):
    """The seconds are printed and not asserted: they are the machine's, which may be busy."""
    pytest.importorskip("jupyterlab", reason="needs the extra notebook")
    began = time.monotonic()
    lab = Command(tmp_path / "work", tmp_path / "home")
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.set_default_timeout(120_000)
    complaints = complaints_of(page)
    try:
        assert any("copied into" in line for line in lab.said)
        served = time.monotonic() - began
        page.goto(lab.address)
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")  # 01_rack is open by itself
        opened = time.monotonic() - began
        page.get_by_text("(ipykernel) | Idle").wait_for()  # who runs cells before that is asked for a kernel
        page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
        page.wait_for_function(f"{PLAYER}?.takes.size > 0")
        shown = time.monotonic() - began
        press_play(page, PLAYER)
        page.wait_for_function(SOUNDS)
        heard = time.monotonic() - began
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(
            f"\nvoxrack lab: address after {served:.1f} s, notebook after {opened:.1f} s, player after {shown:.1f} s, "
            f"first sound after {heard:.1f} s (load {load:.1f})"
        )
        assert complaints == []
    finally:
        page.close()
        lab.process.terminate()
        code = lab.process.wait(30)
    assert code != 0  # it was told to end, and says so
    assert sorted(path.name for path in (tmp_path / "work").glob("*.ipynb"))[0] == "01_rack.ipynb"
    port = re.search(r":(\d+)/", lab.address)[1]
    assert not any(f":{port}" in line for line in _listeners())  # no server stays behind


def _listeners() -> list[str]:
    """Local addresses of the TCP sockets that listen (Linux; elsewhere none are known)."""
    table = Path("/proc/net/tcp")
    rows = table.read_text().splitlines()[1:] if table.exists() else []
    return [f":{int(row.split()[1].split(':')[1], 16)}" for row in rows if row.split()[3] == "0A"]
