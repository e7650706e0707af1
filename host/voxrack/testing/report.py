"""What ``check_device`` found, as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import Literal

from ..errors import DeviceError

Outcome = Literal["passed", "failed", "waived", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One invariance of one device.

    Parameters
    ----------
    name : str
        As in ``voxrack.testing.CHECKS``, and as a waiver names it.
    outcome : {"passed", "failed", "waived", "skipped"}
    detail : str
        What was measured, what went wrong, or the reason of the waiver.
    """

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All checks of one device; prints as a table."""

    device: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Nothing failed. Waived checks do not count, but they are printed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no check '{name}' for {self.device}; there are {', '.join(c.name for c in self.checks)}")

    def raise_if_failed(self) -> CheckReport:
        """Return the report itself, or raise it.

        Raises
        ------
        DeviceError
            With the whole table, if a check failed.
        """
        if not self.ok:
            raise DeviceError(f"the device breaks the contract\n{self}")
        return self

    @property
    def _title(self) -> str:
        counts = Counter(check.outcome for check in self.checks)
        return f"{self.device}: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items())

    def __str__(self) -> str:
        wide = max(len(check.name) for check in self.checks)
        lines = [f"  {c.outcome:<7}  {c.name:<{wide}}  {c.detail}".rstrip() for c in self.checks]
        return "\n".join([self._title, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{c.outcome}</td><td>{escape(c.name)}</td><td style='text-align:left'>{escape(c.detail)}</td></tr>"
            for c in self.checks
        )
        return f"<table><caption>{escape(self._title)}</caption><tbody>{rows}</tbody></table>"
