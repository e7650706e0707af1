"""Whether the order that DiffEVC's authors report is found: differences of systems on the same conversions.

From section 3.2 of the paper: disentanglement and guidance raise the emotion that is heard (ECA); leading away from the
source's emotion raises it most, and costs likeness of the speaker (SECS); leading away from the reference's speaker
lowers it. What an evaluation has of these systems is compared; nothing else is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .evaluation_figures import interval
from .evaluation_systems import BASE

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """One system is said to be above another by a measure; systems are named without the recipe's id."""

    text: str
    measure: str
    above: str
    below: str


CLAIMS = (
    Claim("disentanglement raises ECA", "eca", "negative=none", BASE),
    Claim("guidance away from both raises ECA", "eca", "negative=both", "negative=none"),
    Claim("disentanglement and guidance raise ECA", "eca", "negative=both", BASE),
    Claim("away from the emotion raises ECA", "eca", "negative=emotion", "negative=none"),
    Claim("away from the emotion raises it more than from both", "eca", "negative=emotion", "negative=both"),
    Claim("away from the emotion raises it more than from the speaker", "eca", "negative=emotion", "negative=speaker"),
    Claim("away from the emotion costs SECS", "secs", "negative=none", "negative=emotion"),
    Claim("away from the emotion costs SECS, own encoder", "secs_own", "negative=none", "negative=emotion"),
    Claim("away from the emotion costs OVRL", "ovrl", "negative=none", "negative=emotion"),
    Claim("away from the speaker lowers ECA", "eca", "negative=none", "negative=speaker"),
)


def order(rows: Sequence[Row], recipe: str) -> list[dict[str, Any]]:
    """The claims that can be tested on acted recordings, and what was found.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`voxrack_evc.evaluation_hearing.judge_one` makes them; those that failed are left out.
    recipe : str
        Id that the systems' names begin with.

    Returns
    -------
    list of dict
        ``claim``, ``measure``, ``above``, ``below``, ``n`` (conversions that both systems made), ``mean`` of the
        differences and the ends ``low``, ``high`` of its 95 % interval, drawing speakers (recordings, where they are
        fewer than five), ``found``: ``"as reported"`` where the interval lies above 0, ``"the other way"`` where below,
        else ``"not told apart"``.
    """
    whole = [row for row in rows if row["acted"] and not row["failed"]]
    by_system: dict[str, dict[tuple[str, str], Row]] = {}
    for row in whole:
        by_system.setdefault(row["system"], {})[row["item"], row["target"]] = row
    out = []
    for claim in CLAIMS:
        above, below = (by_system.get(f"{recipe} {part}", {}) for part in (claim.above, claim.below))
        value = _VALUES.get(claim.measure, lambda row, measure=claim.measure: row.get(measure))
        differences = _differences(above, below, value)
        if differences:
            found = interval(differences, lambda row: row["difference"])
            out.append({
                "claim": claim.text, "measure": claim.measure, "above": claim.above, "below": claim.below,
                "n": len(differences), **found, "found": verdict(found),
            })  # fmt: skip
    return out


def verdict(found: Mapping[str, float]) -> str:
    """What an interval of the difference, above 0 as reported, tells."""
    if math.isnan(found["low"]) or found["low"] <= 0.0 <= found["high"]:
        return "not told apart"
    return "as reported" if found["low"] > 0.0 else "the other way"


def _differences(
    above: Mapping[Any, Row], below: Mapping[Any, Row], value: Callable[[Row], float | None]
) -> list[dict[str, Any]]:
    """Of the conversions that both made, with item and speaker."""
    out = []
    for key, row in above.items():
        if key in below:
            one, other = value(row), value(below[key])
            if one is not None and other is not None:
                out.append({"item": row["item"], "speaker": row["speaker"], "difference": one - other})
    return out


_VALUES: dict[str, Callable[[Row], float | None]] = {"eca": lambda row: float(row["heard"] == row["target"])}
