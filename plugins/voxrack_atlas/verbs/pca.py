"""``voxrack atlas pca``: the main directions of a set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError

from . import options


@common.verb("pca", short_help="The main directions of a set, and how much each explains.")
@options.set_argument
@click.option("--with", "other", metavar="SET", type=click.Path(path_type=Path), help="Also project another set.")
@click.option("--share", default=0.99, show_default=True, help="Of the variance, to count components for.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="How many components to show.")
@click.option("--standardise", is_flag=True, help="Divide every coordinate by its standard deviation.")
@click.option("--weigh", metavar="LOSS", help="Weigh fits by 1 / LOSS²: total, mss_lr, …")
@click.option("--normality", "test", is_flag=True, help="Test whether the whitened scores are Gaussian.")
@options.space_option
@options.duplicates_option
@options.plot_option
def command(
    collection: Path, other: Path | None, share: float, top: int, standardise: bool, weigh: str | None, test: bool,
    space: Any, duplicates: Any, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Principal components of SET: explained variance, how many explain a share of it, what each is made of.

    \b
    Examples:
      voxrack atlas pca internal.parquet --plot pca.png
      voxrack atlas pca internal.parquet --with medleydb.parquet --normality
      voxrack atlas pca runs.parquet --space perceptual --standardise --weigh total
    """
    from ..projection import area, components_for, fit_weights, pca

    if not 0.0 < share < 1.0:
        raise UsageError(f"--share is {share:g}; it takes what lies between 0 and 1, for example 0.99")
    held = options.load(collection, duplicates)
    weights = None if weigh is None else fit_weights(held, weigh)
    found = pca(held, space=space, weights=weights, standardise=standardise)
    report: dict[str, Any] = {
        "presets": len(held), "space": found.space, "components": len(found.variances), "share": share,
        "needed": found.needed(share), "area": area(found.cumulative), "ratios": found.ratios,
        "cumulative": found.cumulative, "directions": [loadings(found, i) for i in range(min(top, len(found.ratios)))],
        "constant": found.constant,
    }  # fmt: skip
    second = None
    if other is not None:
        second = options.load(other, duplicates)
        cumulative = found.spectrum(second.points(held.space(found.space))).cumsum()  # pyright: ignore
        needed = components_for(cumulative, share)
        report["projected"] = {"presets": len(second), "needed": needed, "area": area(cumulative),
                               "cumulative": cumulative}  # fmt: skip
    if test:
        from dataclasses import asdict

        from ..normal import normality

        report["normality"] = asdict(normality(held, space=space))
    options.draw(lambda: _figure(found, held, second), plot)
    if as_json:
        common.emit(report)
    else:
        _show(report)


def loadings(found: Any, component: int, most: int = 6) -> list[dict[str, Any]]:
    """The strongest entries of a component."""
    row = found.components[component]
    order = abs(row).argsort()[::-1][:most]
    return [{"parameter": found.columns[i], "loading": float(row[i])} for i in order]


def _show(report: dict[str, Any]) -> None:
    rows = []
    for number, parts in enumerate(report["directions"]):
        made_of = ", ".join(f"{part['parameter']} {part['loading']:+.2f}" for part in parts).replace("-", "−")
        rows.append([number + 1, *(f"{100 * report[key][number]:.3f}" for key in ("ratios", "cumulative")), made_of])
    title = f"{report['presets']} presets, space {report['space']}"
    common.table(("component", "%", "sum %", "made of"), rows, title=title, right=("component", "%", "sum %"))
    common.write(_needed("", report, report["share"], report["components"]))
    if "projected" in report:
        held = report["projected"]
        common.write(_needed(f"{held['presets']} projected presets: ", held, report["share"], report["components"]))
    if "normality" in report:
        tests = report["normality"]
        common.write(
            f"Gaussian? {tests['rows']} rows of {tests['dimensions']} whitened scores: "
            f"Royston H = {tests['royston']:.4g}, p = {tests['royston_p']:.3g}; "
            f"Henze-Zirkler {tests['henze_zirkler']:.4g}, p = {tests['henze_zirkler_p']:.3g}"
        )
    options.say_constant(report["constant"])


def _needed(label: str, held: dict[str, Any], share: float, components: int) -> str:
    percent = 100 * held["needed"] / components
    return (
        f"{label}{held['needed']} of {components} components ({percent:.2f} %) explain more than {100 * share:g} %; "
        f"area under the curve {held['area']:.4f}"
    )


def _figure(found: Any, held: Any, second: Any) -> Any:
    from ..pictures import pca_figure

    return pca_figure(found, held, second)
