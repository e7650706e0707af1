"""Pictures of a converter's evaluation: emotion against speaker, and who was taken for what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LIKENESS = {
    "secs": "SECS: likeness of the speaker", "secs_own": "likeness of the speaker by our own encoder",
    "voice": "distance of the voices (less to the right)",
}  # fmt: skip
"""The first that was measured is shown."""


def draw(about: Mapping[str, Any], path: Path) -> list[Path]:
    """Write the pictures.

    Parameters
    ----------
    about : mapping
        Content of ``conversion.json``.
    path : Path
        A picture (.png, .svg, .pdf), or without a suffix a folder for them.

    Returns
    -------
    list of Path
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _against(left, about)
    _confusion(right, about)
    target = path if path.suffix else path / "conversion.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130)
    return [target]


def _against(axes: Any, about: Mapping[str, Any]) -> None:
    """ECA over likeness of the speaker of every system; each sweep is a line."""
    acted = [one for one in about["figures"]["groups"] if one["kind"] == "acted"]
    measure = next((name for name in _LIKENESS if any(one[name] for one in acted)), "voice")
    groups = [one for one in acted if one[measure]]
    swept: dict[str, list[Any]] = {}
    for one in groups:
        if "=" in one["system"]:
            swept.setdefault(one["system"].rpartition(" ")[2].partition("=")[0], []).append(one)
    for line in swept.values():
        places = ([one[name]["mean"] for one in line] for name in (measure, "eca"))
        axes.plot(*places, "-", color="0.7", zorder=1)
    for one in groups:
        name = one["system"].rpartition(" ")[2] if "=" in one["system"] else one["system"]
        axes.scatter(one[measure]["mean"], one["eca"]["mean"], s=30, zorder=2)
        place = one[measure]["mean"], one["eca"]["mean"]
        axes.annotate(name, place, xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xlabel(_LIKENESS[measure])
    if measure == "voice":
        axes.invert_xaxis()
    axes.set_ylabel("ECA: target emotion heard")
    axes.set_ylim(0.0, 1.0)
    axes.set_title("emotion against speaker, acted")
    axes.grid(alpha=0.3)


def _confusion(axes: Any, about: Mapping[str, Any]) -> None:
    """Shares by row: the target; column: what is heard."""
    counts = about["figures"]["confusion"][about["own"]]
    words = list(next(iter(counts.values())))
    shares = [[row[word] / max(1, sum(row.values())) for word in words] for row in counts.values()]
    axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    for y, row in enumerate(shares):
        for x, share in enumerate(row):
            axes.text(x, y, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.6 else "black")
    axes.set_xticks(range(len(words)), words)
    axes.set_yticks(range(len(counts)), list(counts))
    axes.set_xlabel("heard")
    axes.set_ylabel("target")
    axes.set_title(f"{about['own']}, acted")
