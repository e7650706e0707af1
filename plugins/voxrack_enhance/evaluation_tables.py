"""Tables of an enhancer's evaluation, beside what others published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voxrack.figures_file import FiguresReport, plus_minus
from voxrack.metrics_quality import NAMES

from .evaluation_figures import GAINS
from .evaluation_items import CLEAN, MATCHED, PAIRS

PUBLISHED = {
    "cmgan_vbd": (
        ("RNNoise", "2.30", ".922", "11.8", "3.43", "", "3.13"),
        ("DTLN", "2.64", ".940", "16.9", "3.40", "", "3.05"),
        ("GTCRN, trained on DNS3", "2.67", ".935", "15.3", "3.37", "", "3.05"),
        ("GTCRN, trained on VCTK-DEMAND", "2.97", ".950", "18.8", "3.49", "", "3.23"),
        ("noisy, all 25", "2.19", ".932", "8.2", "3.40", "", "2.78"),
        ("CMGAN, all 25", "3.51", ".966", "20.1", "3.65", "", "3.42"),
    ),
}
"""Figures of others by the name of a folder of pairs: on the 25 items that CMGAN's authors published, of which the
folder holds nine."""
_DIGITS = {"pesq": 2, "stoi": 3, "si_sdr": 1, "sig": 2, "bak": 2, "ovrl": 2}
_COLUMNS = tuple(NAMES.values())


class Report(FiguresReport):
    """Prints and draws ``enhancement.json``; its figures: :func:`voxrack_enhance.evaluation_figures.figures`."""

    def tables(self) -> None:
        """Print figures by SNR, by corpus, by noise class, of the pairs, and the gains."""
        from voxrack.commands.common import write

        self._print("by SNR", ("noise", "SNR"), "snr", ("set", "snr"))
        write("\n".join(["", *self.remarks(), ""]))
        self._print("by corpus, matched noise", ("corpus", "SNR"), "corpora", ("corpus", "snr"), sets=(CLEAN, MATCHED))
        self._print("by class of noise, all SNRs", ("noise", "class"), "classes", ("set", "category"))
        self._pairs()
        self._print("gained over noisy", ("noise",), "gains", ("set",), names=GAINS, sign="+")

    def remarks(self) -> list[str]:
        """What the figures rest on: n, how SNR and intervals were made, DNSMOS, the cost, what is left out."""
        about = self.about
        over = {
            "whole": "the mean power of whole clips, pauses included, the noise as it was recorded",
            "active": "speech and noise where they are active",
        }[about["ratio"]]
        out = [
            f"n: items; up to {about['utterances']} test clips of each corpus, {self.figures['speakers']} speakers; no "
            "speaker and no recording of noise is trained with, of unmatched noise no set",
            f"SNR over {over}; ± half of the 95 % interval of the mean, drawing speakers (clips, where they are fewer "
            "than five)",
        ]
        if about["dnsmos"] == "first":
            out.append("SIG, BAK, OVRL of mixtures: the first 9 s of the repeated clip; of pairs, the whole")
        cost = {name: value for name, value in self.figures["cost"].items() if value}
        if cost:
            said = ", ".join(f"{name} {value:.3f}" for name, value in cost.items())
            out.append(f"CPU-seconds per second of audio at 16 kHz: {said}")
        return out + [str(note) for note in about["notes"]]

    def _print(
        self, title: str, heads: Sequence[str], group: str, keys: Sequence[str], *, names: Sequence[str] = tuple(NAMES),
        sets: Sequence[str] = (), sign: str = "",
    ) -> None:  # fmt: skip
        from voxrack.commands.common import table, write

        rows, before = [], None
        for one in self.figures[group]:
            if sets and one["set"] not in sets:
                continue
            place = tuple(_word(key, one[key], one) for key in keys)
            shown = place if place != before else ("",) * len(place)
            before = place
            rows.append((*shown, one["system"], str(one["n"]), *_cells(one, names, sign)))
        if rows:
            columns = [NAMES[name] for name in names]
            table((*heads, "system", "n", *columns), rows, title=f"{self.about['recipe']}, {title}",
                  right=("SNR", "n", *columns), keys=len(heads) + 1)  # fmt: skip
            write("")

    def _pairs(self) -> None:
        from voxrack.commands.common import table, write

        rows = [(one["system"], str(one["n"]), *_cells(one, tuple(NAMES))) for one in self.figures[PAIRS]]
        if not rows:
            return
        name = self.about["pairs"]
        printed = PUBLISHED.get(name, ())
        rows += [(f"{who} (quoted)", "25", *cells) for who, *cells in printed]
        table(("system", "n", *_COLUMNS), rows, title=f"pairs of {name}", right=("n", *_COLUMNS))
        others = ", ".join(self.about["published"])
        write("\n" + (f"{others}: outputs that lie beside the pairs\n" if others else ""))

    def plot(self, path: Path) -> list[Path]:
        """Draw measures over SNR, gains by class and the pairs: into one file, or without a suffix into a folder."""
        from .evaluation_plots import draw

        return draw(self.about, path)


def _word(key: str, value: Any, row: Mapping[str, Any]) -> str:
    if key == "snr":
        return "clean" if value is None else f"{value} dB"
    if key == "set" and value == CLEAN:
        return "none"
    return str(value)


def _cells(row: Mapping[str, Any], names: Sequence[str], sign: str = "") -> list[str]:
    return [plus_minus(row["measures"].get(name), _DIGITS[name], sign) for name in names]
