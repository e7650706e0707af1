"""A fit to watch in a notebook: losses and a few numbers of the rack as they move."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .fitting import Progress

WATCHED = (
    "compressor.threshold", "compressor.ratio", "peq.high_shelf.gain", "peq.low_shelf.gain", "delay.level", "pan.pan"
)  # fmt: skip


class FitView:
    """A callback for ``fit`` that draws where it stands.

    Parameters
    ----------
    watch : sequence of str
        Addresses whose course is drawn; those that the rack does not have are left out.
    every : float
        Seconds between drawings.
    """

    def __init__(self, watch: Sequence[str] = WATCHED, every: float = 2.0) -> None:
        self.watch, self.every = tuple(watch), every
        self.lines: list[dict[str, float]] = []
        self.courses: dict[str, list[float]] = {}
        self._next = 0.0
        self._handle: Any = None

    def __call__(self, now: Progress) -> None:
        self.lines.append({"step": now.step, "total": now.total, "best": now.best, **now.terms})
        values = now.values()
        for address in self.watch:
            if address in values:
                self.courses.setdefault(address, []).append(float(np.mean(values[address])))
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.every
            self._show(f"step {now.step} of {now.steps}, {now.remaining:.0f} s left")

    def figure(self, title: str = "") -> Any:
        """Losses on the left, the watched numbers on the right, as a matplotlib figure."""
        from voxrack.notebook.plots import Picture

        sheet = Picture(figsize=(11, 3.4), layout="constrained")
        left, right = sheet.subplots(1, 2)
        steps = [line["step"] for line in self.lines]
        for key in ("total", "mss_lr", "mss_ms", "mldr_lr", "mldr_ms"):
            left.plot(steps, [line[key] for line in self.lines], label=key, linewidth=2 if key == "total" else 1)
        left.set(xlabel="step", yscale="log", title=title or "losses")
        left.legend(fontsize="small")
        for address, course in self.courses.items():
            right.plot(steps, np.asarray(course) - course[0], label=address, linewidth=1)
        right.set(xlabel="step", title="moved since the start (dB, ratio, pan)")
        if self.courses:
            right.legend(fontsize="small")
        return sheet

    def _show(self, title: str) -> None:
        import io

        from IPython.display import Image, display

        data = io.BytesIO()
        self.figure(title).savefig(data, format="png", dpi=90)
        picture = Image(data.getvalue())
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
