"""What an evaluation of TRNet prints: recall by system and condition, tests, the coefficient, the representations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxrack.metrics import Interval

from ..specs_trnet import SYSTEMS
from .conditions import MATCHED, ORIGINS, UNMATCHED
from .figures import MEASURES, PLACES
from .folder import TrnetEvaluation

TITLES = {
    "c": "baseline -c: clean speech", "n": "baseline -n: clean and noisy", "e": "baseline -e: enhanced",
    "trnet": "TRNet", "no_low": "TRNet without L_low", "no_high": "TRNet without L_high",
    "snr": "TRNet, c by SNR (ours)",
}  # fmt: skip
ORDER = ("c", "n", "e", "trnet", "no_low", "no_high", "snr")
PUBLISHED = {
    "c": ("56.8", "54.8", "45.6", "43.6", "44.5", "42.8"), "n": ("55.9", "54.5", "54.2", "52.7", "53.4", "51.8"),
    "e": ("55.7", "54.3", "53.4", "52.0", "53.6", "52.1"), "trnet": ("57.5", "55.6", "55.2", "53.2", "55.6", "53.6"),
    "no_low": ("56.5", "54.9", "54.5", "52.8", "54.8", "53.0"),
    "no_high": ("56.1", "54.3", "53.9", "52.2", "54.2", "52.4"),
}  # fmt: skip
"""Table 1 of the paper: per cent on IEMOCAP, ESC-50 and MUSAN behind CMGAN, mean over three seeds."""
assert set(ORDER) == set(SYSTEMS)


@dataclass(frozen=True)
class Report:
    """A finished evaluation: prints, draws and gives its figures.

    Parameters
    ----------
    evaluation : TrnetEvaluation
        With ``figures``.
    """

    evaluation: TrnetEvaluation

    @property
    def figures(self) -> Mapping[str, Any]:
        """See :func:`voxrack_ser.trnet.figures.figures`."""
        return self.evaluation.about["figures"]

    @property
    def title(self) -> str:
        """Recipe, protocol, and the enhancer that stood in front."""
        about = self.evaluation.about
        return f"{about['recipe']}, protocol {about['protocol']}, in front: {about['enhancer']}"

    def json(self) -> dict[str, Any]:
        """The content of ``trnet.json``, with the folder."""
        return {"folder": str(self.evaluation.path), **self.evaluation.about}

    def plot(self, path: Path) -> list[Path]:
        """Draw both figures of the paper: into a folder, or, with a suffix, two files that bear the name."""
        from .pictures import draw

        return draw(self.evaluation.path, path)

    def tables(self) -> None:
        """Print everything."""
        from voxrack.commands.common import table, write

        for measure, name in MEASURES.items():
            places = ("clean", "matched noise", "unmatched noise")
            table((name, *places), self.rows(measure), title=self.title if name == "UAR" else "", right=places)
            write("")
        write("\n".join([*self.remarks(), ""]))
        for measure, name in MEASURES.items():
            columns, rows = self.by_ratio(measure)
            table((f"{name} by ratio", *columns), rows, right=columns)
            write("")
        columns = ("difference", "where", "UAR", "p", "p, Holm")
        table(columns, self.tests(), right=columns[2:], keys=2)
        by = next(iter(self.figures["tests"].values()))[0]["by"]
        write(
            f"\np: {by}s' answers exchanged between the two (sign-flip permutation), at all ratios alike; intervals "
            f"draw {by}s; Holm: for the {len(SYSTEMS) - 1} comparisons of a place.\n"
        )
        columns = ("clean", "20 dB", "15 dB", "10 dB", "5 dB", "0 dB", "rho", "within clips", "cut off")
        table(("coefficient c", "noise", *columns), self.trust(), right=columns, keys=2)
        write("\nrho: Spearman's, of c and the ratio over all clips; within clips: the mean of each clip's own.\n")
        columns = ("shift by noise", "silhouette of emotions")
        table(("representation", *columns), self.representations(), right=columns)
        write(
            "\nshift: mean distance of the centroids at 20, 10 and 0 dB over the spread within a ratio; silhouette: by "
            "emotion,\n-1 … 1; both in the space of the representations, mean over networks.\n"
        )
        columns = ("clean UAR", "clean WAR", "matched UAR", "matched WAR", "unmatched UAR", "unmatched WAR")
        rows = [(TITLES[system], *PUBLISHED[system]) for system in ORDER if system in PUBLISHED]
        table(("the paper, IEMOCAP, %", *columns), rows, right=columns)

    # ---- rows ---------------------------------------------------------------------------------
    def rows(self, measure: str) -> list[tuple[str, ...]]:
        """Of a recall: each system in the three places, with intervals and, of several seeds, their deviation."""
        found = self.figures["systems"]
        return [(TITLES[s], *(_cell(found[s][place][measure]) for place in PLACES)) for s in ORDER]

    def by_ratio(self, measure: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Of a recall: each system in each condition."""
        found = self.figures["systems"]
        conditions = [condition for place in (MATCHED, UNMATCHED) for condition in PLACES[place]]
        columns = tuple(f"{condition.origin} {condition.snr:g}" for condition in conditions)
        rows = []
        for system in ORDER:
            own = found[system]["conditions"]
            rows.append((TITLES[system], *(f"{own[condition.name][measure]:.3f}" for condition in conditions)))
        return columns, rows

    def tests(self) -> list[tuple[str, ...]]:
        """TRNet against the others, place by place."""
        return [
            (f"TRNet − {TITLES[row['against']]}", place,
             f"{row['difference']:+.3f} [{_number(row['low'], '+.3f')}, {_number(row['high'], '+.3f')}]",
             f"{row['p']:.3f}", f"{row['adjusted']:.3f}")
            for place, rows in self.figures["tests"].items() for row in rows
        ]  # fmt: skip

    def trust(self) -> list[tuple[str, ...]]:
        """The coefficient of the systems that have one: mean and deviation by ratio, and its rank correlation."""
        out = []
        for system, found in self.figures["trust"].items():
            for origin in (MATCHED, UNMATCHED):
                names = ["clean", *(condition.name for condition in PLACES[origin])]
                means = [f"{found[name]['mean']:.2f} ±{found[name]['deviation']:.2f}" for name in names]
                rho = found[f"{origin}_rho"]
                told = f"{_number(rho['rho'])} [{_number(rho['low'])}, {_number(rho['high'])}]"
                out.append((TITLES[system], origin, *means, told, _number(rho["within"]), f"{found['clamped']:.0%}"))
        return out

    def representations(self) -> list[tuple[str, ...]]:
        """Shift and silhouette of the systems that are drawn."""
        return [
            (TITLES[system], _number(found["shift"]), _number(found["silhouette"], ".3f"))
            for system, found in self.figures["representation"].items()
        ]

    def remarks(self) -> list[str]:
        """What the figures rest on."""
        about = self.evaluation.about
        test = Interval(**{key: value for key, value in self._any().items() if key != "seed_deviation"})
        seeds, epochs, folds = len(about["seeds"]), about["epochs"], len(about["splits"])
        out = [
            f"in front of the enhanced systems: {about['enhancer']}",
            f"matched noise: {ORIGINS[MATCHED]}; unmatched: {ORIGINS[UNMATCHED]}; "
            "both the mean over 20, 15, 10, 5, 0 dB",
            f"tier {about['tier']}: {_many(folds, 'split')}, {_many(seeds, 'seed')}, {_many(epochs, 'epoch')} of each "
            f"system (the recipe's own number {about['paper_epochs']}), every clip in {about['settings']['draws']} of "
            f"6 conditions an epoch, decided by {about['decided_by']}",
            f"n = {test.n} test clips of {test.speakers} speakers in each condition; {100 * test.level:.0f} % "
            "intervals by drawing "
            + ("speakers" if test.by == "speaker" else "clips: so few speakers say nothing about others"),
        ]
        if seeds > 1:
            out.append("figures are means over seeds; ± is the standard deviation over seeds")
        return out + [str(note) for note in about["notes"]]

    def _any(self) -> Mapping[str, Any]:
        return self.figures["systems"]["trnet"]["clean"]["uar"]


def _cell(found: Mapping[str, Any]) -> str:
    """``0.483 [0.441, 0.527]`` and, with several seeds, `` ±0.011``."""
    text = f"{found['value']:.3f} [{_number(found['low'], '.3f')}, {_number(found['high'], '.3f')}]"
    return text if found["seed_deviation"] is None else f"{text} ±{found['seed_deviation']:.3f}"


def _number(value: float | None, form: str = ".2f") -> str:
    """NaN is null in JSON."""
    return "–" if value is None or not math.isfinite(value) else format(value, form)


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
