"""Every refusal of the host. Each message names the thing, the value, what is allowed and the next step."""

from __future__ import annotations


class VoxrackError(Exception):
    """Base of all refusals. ``exit_code`` is what the command line returns for it."""

    exit_code = 1


class UsageError(VoxrackError, ValueError):
    """The caller asked for something that does not exist or does not fit (exit code 2)."""

    exit_code = 2


class ParamError(UsageError):
    """A value that a parameter does not take."""


class RoutingError(UsageError):
    """A rack that cannot be wired: unknown bus, backward send, channels that do not add up."""


class InputError(VoxrackError, ValueError):
    """Audio that cannot be processed: unreadable, empty, not finite, wrong shape (exit code 3)."""

    exit_code = 3


class PresetError(InputError):
    """A preset file that is refused. ``path`` is the JSON path of the offending value."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class DeviceError(VoxrackError):
    """A device broke the contract: wrong shape, wrong length, NaN from finite input, a crash."""


class Stopped(BaseException):
    """The process was asked to end (SIGTERM, SIGHUP): unwinds like Ctrl-C, so that temporary files are removed.

    No SystemExit: a plugin may raise that as well, and it must not end the host.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


class PluginError(VoxrackError):
    """A plugin that cannot be used, or a device that is listed but not available."""

    exit_code = 2
