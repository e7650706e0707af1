"""The group of verbs: plugins add theirs, and every failure becomes one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any

import click

from ..errors import Stopped, VoxrackError

EXIT_CODES = "Exit codes: 0 done, 1 some items failed, 2 wrong use, 3 bad input."
INTERRUPTED = 130
DEBUG = "VOXRACK_DEBUG"


def print_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """``voxrack --version``."""
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"voxrack {version('voxrack')}")
        context.exit()


class Verbs(click.Group):
    """Built-in verbs at once, plugins' verbs when the help or an unknown verb asks for them."""

    _plugins_asked = False

    def __init__(self, *args: Any, **named: Any) -> None:
        named.setdefault("epilog", EXIT_CODES)
        super().__init__(*args, **named)

    def ask_plugins(self) -> None:
        """Let every plugin add its verbs, once."""
        if not self._plugins_asked:
            self._plugins_asked = True
            from ..host import default_host

            default_host().add_commands(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self.ask_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self.ask_plugins()
        return super().get_command(ctx, cmd_name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and leave with the exit code (``standalone_mode=False``: return the verb's value, raise its errors)."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        sys.exit(self.run(args, prog_name, complete_var, **extra))

    def run(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "voxrack",
        complete_var: str | None = None,
        **extra: Any,
    ) -> int:
        """Run a command line; print the one line of a failure to stderr; return the exit code."""
        words = list(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a name in another encoding must not stop us
        with _debug(words):
            try:
                value = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
                if sys.stdout is not None:
                    sys.stdout.flush()
                return value if isinstance(value, int) else 0
            except BaseException as error:
                if debugging() and not isinstance(error, (SystemExit, Stopped)):
                    traceback.print_exc()
                return _explain(error)


def debugging() -> bool:
    """Whether tracebacks are wanted: ``--debug``, or VOXRACK_DEBUG set to something other than 0."""
    return os.environ.get(DEBUG, "0") not in ("", "0")


@contextmanager
def _debug(words: Sequence[str]) -> Iterator[None]:
    """``--debug`` anywhere before ``--`` sets the variable, so that worker processes hear of it."""
    before = words[: words.index("--")] if "--" in words else words
    old = os.environ.get(DEBUG)
    if "--debug" in before:
        os.environ[DEBUG] = "1"
    try:
        yield
    finally:
        if old is not None:
            os.environ[DEBUG] = old
        elif "--debug" in before:
            del os.environ[DEBUG]


def _explain(error: BaseException) -> int:
    """Say in one line what went wrong, and give the exit code."""
    if isinstance(error, SystemExit):
        if isinstance(error.code, int):
            return error.code
        return _say(str(error.code), 1) if error.code else 0
    if isinstance(error, Stopped):
        return error.exit_code
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return _say("stopped", INTERRUPTED)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, VoxrackError):
        return _say(str(error), error.exit_code)
    if isinstance(error, OSError):
        return _explain_os(error)
    if isinstance(error, MemoryError):
        return _say("out of memory; shorter files or a smaller --jobs may fit", 1)
    what = " ".join(str(error).split())
    return _say(
        f"unexpected {type(error).__name__}: {what}. This is a fault of voxrack or of a plugin: "
        "run it again with --debug and report what it prints",
        1,
    )


def _explain_os(error: OSError) -> int:
    if error.errno == errno.EPIPE:  # the reader has gone (`| head`): nothing to say
        _drop_stdout()
        return 1
    reason = error.strerror or " ".join(str(error).split())
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):
        _drop_stdout()
        return _say(f"cannot write the output: {reason}", 1)
    return _say(f"{error.filename}: {reason}" if error.filename is not None else reason, 1)


def _say(message: str, code: int) -> int:
    with suppress(OSError):  # stderr may be gone as well; the exit code still tells
        click.echo(f"voxrack: {message}", err=True)
    return code


def _drop_stdout() -> None:
    """Point standard output at nothing, so that Python's last flush does not fail again."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
