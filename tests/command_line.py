"""What the tests of the command line share: presets on disk, audio on disk, a run in and out of this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from voxrack import Audio, write
from voxrack.cli import cli

RATE = 16_000


def run(*words: object) -> Result:
    """Run a command line in this process; stdout and stderr come apart."""
    return CliRunner().invoke(cli, [str(word) for word in words])


def done(*words: object) -> Result:
    """A run that must succeed."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result


def lines(result: Result) -> list[Any]:
    """Standard output as JSON lines: nothing else may be on it."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def start(*words: object, **named: Any) -> subprocess.Popen[str]:
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "voxrack", *map(str, words)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named)


def preset(folder: Path, device: str = "fx.gain", name: str = "one", **parameters: Any) -> Path:
    """A preset file with one slot, called ``slot``."""
    tree = {
        "format": "voxrack.preset", "version": 1, "name": name, "about": "for a test",
        "rack": {"inserts": [{"name": "slot", "device": device, "version": 1}]},
        "parameters": {f"slot.{id}": value for id, value in parameters.items()},
    }  # fmt: skip
    path = folder / f"{name}.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def tone(path: Path, seconds: float = 0.5, channels: int = 1, level: float = 0.1, rate: int = RATE) -> Path:
    """A file with a 440 Hz tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(seconds * rate)) / rate
    write(path, Audio(np.tile(level * np.sin(2 * np.pi * 440 * time), (channels, 1)), rate))
    return path
