"""Tables and pictures of a converter's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxrack.figures_file import FiguresReport, plus_minus

FLOOR, CEILING = "as it came", "real"
_HEADS = (
    "system", "n", "ECA", "SECS", "own", "voice", "SIG", "OVRL", "UTMOS", "pitch", "of real", "energy", "of real ",
    "words", "CPU",
)  # fmt: skip
_DIGITS = {"eca": 2, "secs": 3, "secs_own": 3, "voice": 2, "sig": 2, "ovrl": 2, "utmos": 2}
_TITLES = {"acted": "acted: every ordered pair", "spoken": "not acted: neutral to the others"}


class Report(FiguresReport):
    """Prints and draws ``conversion.json``; its figures: :func:`voxrack_evc.evaluation_figures.figures`."""

    def tables(self) -> None:
        """Print figures by kind of recording, by target emotion, and who was taken for what."""
        from voxrack.commands.common import table, write

        for kind, title in _TITLES.items():
            rows = [_cells(one) for one in self.figures["groups"] if one["kind"] == kind]
            if rows:  # columns of what was not measured are left out
                there = [column for column, _ in enumerate(_HEADS) if any(row[column] for row in rows)]
                heads = [_HEADS[column] for column in there]
                cells = [[row[column] for column in there] for row in rows]
                table(heads, cells, title=f"{self.about['recipe']}, {title}", right=heads[1:])
                write("")
        write("\n".join([*self.remarks(), ""]))
        self._order()
        self._targets()
        self._confusion()

    def remarks(self) -> list[str]:
        """What the figures rest on."""
        from .speaker import INSTALL

        about = self.about
        truth = next((one for one in self.figures["groups"] if one["system"] == CEILING), None)
        sure = f", right of {truth['eca']['mean']:.2f} of the real recordings" if truth else ""
        out = [
            f"ECA: share in which {about['judge_said']} hears the target among {about['emotions']}{sure}; '{FLOOR}' "
            f"is the source unconverted, '{CEILING}' the same words by the same actor with the target emotion",
            "SECS: likeness of the speaker to the source by "
            + (about["speaker_measure"] or f"nothing: Resemblyzer is not installed ({INSTALL})"),
            f"own: the same by our own speaker encoder ({about['own_speaker_measure']}), which evc.diffevc may have "
            "been told the speaker by; voice: distance of the spread of cepstra (0: the same), which needs no weights",
            "UTMOS: " + (about["naturalness"] or "left out: no checkpoint was handed over (--set utmos=FILE)"),
            "pitch, energy: mean shift in semitones and dB; 'of real': 1 where it is as far as the actors' own",
            "words: distance of cepstra to the source, and in brackets that of another sentence of the same speaker",
            "± half of the 95 % interval of the mean, drawing speakers (recordings, where speakers are fewer than "
            "five); CPU: seconds per second of audio",
            "devices that ask what the source is spoken with (evc.prosody) are told its label, neutral where there is "
            "none",
        ]
        return out + [str(note) for note in about["notes"]]

    def plot(self, path: Path) -> list[Path]:
        """Draw the sweep and the confusion: see :mod:`voxrack_evc.evaluation_plots`."""
        from .evaluation_plots import draw

        return draw(self.about, path)

    def _order(self) -> None:
        from voxrack.commands.common import table, write

        rows = [
            (
                one["claim"], f"{one['above']} - {one['below']}", str(one["n"]),
                plus_minus(one, _DIGITS[one["measure"]], "+"), one["found"],
            )
            for one in self.about["order"]
        ]  # fmt: skip
        if rows:
            heads = ("the paper reports", "difference", "n", "mean", "found")
            table(heads, rows, title="order of the paper, acted, on the same conversions", right=heads[2:4])
            write("")

    def _targets(self) -> None:
        from voxrack.commands.common import table, write

        emotions = self.about["emotions"].split(",")
        for kind in _TITLES:
            targets = [one for one in self.figures["targets"] if one["kind"] == kind]
            found = {(one["system"], one["target"]): one["eca"]["mean"] for one in targets}
            rows = [
                (system, *(_number(found.get((system, e)), ".2f") for e in emotions))
                for system in self.about["systems"]
                if any((system, e) in found for e in emotions)
            ]
            if rows:
                table(("system", *emotions), rows, title=f"ECA by target, {kind}", right=emotions)
                write("")

    def _confusion(self) -> None:
        from voxrack.commands.common import table, write

        own = self.figures["confusion"].get(self.about["own"], {})
        if any(any(row.values()) for row in own.values()):
            words = list(next(iter(own.values())))
            rows = [(target, *(str(row[word]) for word in words)) for target, row in own.items()]
            table(("target", *words), rows, title=f"{self.about['own']}, acted: what is heard", right=words)
            write("")


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    other = one["other_words"]
    words = _number(one["words"] and one["words"]["mean"], ".2f") + (f" ({other['mean']:.2f})" if other else "")
    return (
        one["system"], str(one["n"]), *(plus_minus(one[name], digits) for name, digits in _DIGITS.items()),
        _number(one["pitch"], "+.1f"), _number(one["pitch_way"], ".2f"), _number(one["energy"], "+.1f"),
        _number(one["energy_way"], ".2f"), words, _number(one["cpu"], ".3f"),
    )  # fmt: skip


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
