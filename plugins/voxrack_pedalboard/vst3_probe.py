"""Loads a VST3 plugin in a process of its own, where a crash or a hang hurts nobody.

``python -m voxrack_pedalboard.vst3_probe`` reads the keyword arguments of :class:`.vst3_plugin.Loaded` as JSON
from its standard input, does all that the device will do, and ends its standard output with a line of JSON:
``{"error": ""}``, or what is wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from voxrack.errors import UsageError, VoxrackError

TIMEOUT_S = 60.0
_MARK = "voxrack-probe "
_seen: set[str] = set()


def probe(request: dict[str, Any], timeout: float = 0.0) -> None:
    """Return if the plugin loads and survives a block within ``timeout`` seconds (0: the usual minute).

    The same request is asked once per process.

    Raises
    ------
    UsageError
        With what the plugin did instead.
    """
    times = [os.stat(p).st_mtime_ns for p in (request["path"], request["state"]) if p]
    key = json.dumps([request, times], sort_keys=True)
    if key in _seen:
        return
    timeout = timeout or TIMEOUT_S
    path, command = request["path"], [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), timeout=timeout, check=False,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"VST3 plugin {path} did not load within {timeout:g} s; it may wait for a window or a licence: "
            "try it in another host, or choose another plugin"
        ) from None
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not lines:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        said = done.stderr.strip().splitlines()
        raise UsageError(
            f"VST3 plugin {path} ended the process that tried it ({how}{': ' + said[-1] if said else ''}); "
            "it, or the state that it was given, cannot be used"
        )
    error = json.loads(lines[-1].removeprefix(_MARK))["error"]
    if error:
        raise UsageError(error)
    _seen.add(key)


def main() -> None:
    """The other process."""
    request = json.loads(sys.stdin.read())
    error = ""
    try:
        from .vst3_plugin import Loaded

        Loaded(**request)
    except VoxrackError as refused:
        error = str(refused)
    print(_MARK + json.dumps({"error": error}), flush=True)
    os._exit(0)  # some plugins crash while they are taken down; nothing is left to be saved


if __name__ == "__main__":
    main()
