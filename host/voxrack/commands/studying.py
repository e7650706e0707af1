"""Several evaluations by one command: recipes and variants of their options, then the comparison of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import common

if TYPE_CHECKING:
    from ..metrics_compare import Comparison
    from ..recipe import RecipeSpec, Report


@dataclass(frozen=True)
class Variant:
    """A recipe with the settings of one column of a study.

    Parameters
    ----------
    recipe : str
    settings : tuple of str
        ``OPTION=VALUE``: those of ``--set``, then the varied ones.
    varied : tuple of str
        Those that set it apart from its siblings.
    """

    recipe: str
    settings: tuple[str, ...]
    varied: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its folder: ``ser.mfcc_cnn``, or with options ``ser.mfcc_cnn,n_fft=2048``."""
        from ..metrics_folder import slug

        return slug(",".join((self.recipe, *self.varied)))


def variants(recipes: Sequence[str], settings: Sequence[str], vary: Sequence[str]) -> tuple[Variant, ...]:
    """Every recipe with every combination of the varied values.

    Parameters
    ----------
    recipes : sequence of str
    settings : sequence of str
        ``OPTION=VALUE``, for all.
    vary : sequence of str
        ``OPTION=VALUE,VALUE…``.

    Raises
    ------
    UsageError
        For a word that is not of that form, or a recipe named twice.
    """
    choices = []
    for option, values in common.split_settings(vary):
        words = [word.strip() for word in values.split(",") if word.strip()]
        if len(words) < 2:
            raise UsageError(f"--vary takes OPTION=VALUE,VALUE, as in n_fft=2048,4096; got '{option}={values}'")
        choices.append([f"{option}={word}" for word in words])
    if len(set(recipes)) < len(recipes):
        raise UsageError(f"a recipe is named twice: {', '.join(recipes)}; vary its options with --vary")
    return tuple(Variant(recipe, (*settings, *chosen), chosen) for recipe in recipes for chosen in product(*choices))


def check(spec: RecipeSpec, variant: Variant) -> None:
    """Refuse options that the recipe does not have, or values that it does not take, before hours of work."""
    from ..recipe import options

    options(spec, common.split_settings(variant.settings))


@dataclass(frozen=True)
class Study:
    """Reports of all variants and, where there are several, their comparison; itself a report."""

    reports: Mapping[str, Report]
    comparison: Comparison | None

    def tables(self) -> None:
        """Each variant's tables, then the comparison."""
        for report in self.reports.values():
            report.tables()
            common.write("")
        if self.comparison is not None:
            self.comparison.tables()

    def json(self) -> dict[str, object]:
        """By variant, and ``comparison``."""
        made: dict[str, object] = {name: report.json() for name, report in self.reports.items()}
        return {"variants": made, "comparison": self.comparison.json() if self.comparison else None}

    def plot(self, path: Path) -> None:
        """Into a folder: a folder for each variant, and the comparison beside them; into a file: the comparison."""
        from ..replace import make_folder

        if path.suffix and not path.is_dir() and self.comparison is not None:
            self.comparison.plot(path)
            return
        make_folder(path)
        for name, report in self.reports.items():
            make_folder(path / name)
            report.plot(path / name)
        if self.comparison is not None:
            self.comparison.plot(path / "comparison.png")


def finished(reports: Mapping[str, Report], folders: Sequence[Path], more: Sequence[str]) -> Report | Study:
    """The one report; or the study of several, compared with each other and with further folders.

    ``folders`` hold the reports' evaluations; those of recipes that measure something else than classes cannot be
    compared in pairs, and the study then says nothing of it.
    """
    from ..metrics_compare import compare
    from ..metrics_folder import NAME

    if len(reports) == 1 and not more:
        return next(iter(reports.values()))
    known = [str(folder) for folder in folders if (folder / NAME).is_file()]
    return Study(reports, compare([*known, *more]) if len(known) > 1 or more else None)
