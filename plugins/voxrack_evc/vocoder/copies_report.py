"""Figures, table and picture of the vocoder's evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxrack.figures_file import FiguresReport, plus_minus

from ..evaluation_figures import interval
from ..speaker import INSTALL

Row = Mapping[str, Any]
TITLES = {"pesq": "PESQ", "secs": "SECS", "ovrl": "OVRL"}
_DIGITS = {"pesq": 2, "secs": 3, "ovrl": 2}


def figures(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """By corpus and system: ``n``, ``speakers``, the measures (``mean``, ``low``, ``high``), ``cpu`` (CPU-seconds per
    second of sound, the median), without the rows that failed."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if not row["failed"]:
            groups.setdefault((row["corpus"], row["system"]), []).append(row)
    out = []
    for (corpus, system), own in sorted(groups.items(), key=lambda one: one[0][0]):
        found: dict[str, Any] = {
            "corpus": corpus, "system": system, "n": len(own), "speakers": len({row["speaker"] for row in own}),
            "cpu": float(np.median([row["cpu"] / row["seconds"] for row in own])),
        }  # fmt: skip
        for name in TITLES:
            there = [row for row in own if row[name] is not None]
            found[name] = interval(there, lambda row, name=name: float(row[name])) if there else None
        out.append(found)
    return out


class Report(FiguresReport):
    """Prints and draws ``copies.json``; its figures: :func:`figures`."""

    def tables(self) -> None:
        """Print the figures by corpus, and what they rest on."""
        from voxrack.commands.common import table, write

        rows, before = [], ""
        for one in self.about["figures"]:
            cost = f"{one['cpu']:.3f}" if one["cpu"] else ""
            cells = [plus_minus(one[name], _DIGITS[name]) for name in TITLES]
            rows.append((one["corpus"] if one["corpus"] != before else "", one["system"], str(one["n"]), *cells, cost))
            before = one["corpus"]
        heads = ("corpus", "system", "n", *TITLES.values(), "CPU-s/s")
        table(heads, rows, title="copies of unheard speakers", right=heads[2:], keys=2)
        write("\n".join(["", *self.remarks(), ""]))

    def remarks(self) -> list[str]:
        """What the figures rest on."""
        measure = self.about["speaker_measure"]
        speaker = f"SECS by {measure}" if measure else f"no SECS: Resemblyzer is not installed ({INSTALL})"
        return [
            "recordings at -20 dBFS, to log-mel, pitch and voicing, and back; PESQ and OVRL at 16 kHz, OVRL of the "
            f"first 9 s; {speaker}",
            "± half of the 95 % interval of the mean, drawing speakers (clips, where they are fewer than five)",
            f"weights {self.about['weights'][:12]}",
            *map(str, self.about["notes"]),
        ]

    def plot(self, path: Path) -> list[Path]:
        """Draw the measures of each system, a corpus beside the other: into a file, or without a suffix a folder."""
        from matplotlib.figure import Figure

        found = self.about["figures"]
        corpora = list(dict.fromkeys(one["corpus"] for one in found))
        names = [name for name in TITLES if any(one[name] for one in found)]
        figure = Figure(figsize=(3.6 * len(names), 3.6), layout="constrained")
        for axes, name in zip(np.ravel(figure.subplots(1, len(names))), names, strict=True):
            for place, corpus in enumerate(corpora):
                own = [one for one in found if one["corpus"] == corpus and one[name]]
                means = [one[name]["mean"] for one in own]
                ends = [[abs(one[name][end] - one[name]["mean"]) for one in own] for end in ("low", "high")]
                where = np.arange(len(own)) + 0.18 * (place - (len(corpora) - 1) / 2)
                axes.errorbar(means, where, xerr=np.nan_to_num(ends), fmt="o", capsize=3, label=corpus)
                axes.set_yticks(range(len(own)), [one["system"] for one in own])
            axes.set_title(TITLES[name])
            axes.grid(alpha=0.3, axis="x")
            axes.invert_yaxis()
        figure.axes[0].legend(fontsize=8)
        target = path if path.suffix else path / "copies.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=130)
        return [target]
