"""Recipe of ``evc.prosody``: nothing is trained; recordings are packed for testing converters, and they are tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxrack.errors import UsageError

from ..evaluation_options import Asked

if TYPE_CHECKING:
    from voxrack.datasets import Corpus, Split
    from voxrack.feature_file import FeatureFile, FeatureWriter
    from voxrack.task import Task

    from ..evaluation_report import Report


@dataclass(frozen=True)
class ProsodyRecipe:
    """Recipe ``evc.prosody``.

    Parameters
    ----------
    part : str
        Whose recordings are packed: ``test`` or ``validation``.
    evaluation : Asked
    """

    part: str = "test"
    evaluation: Asked = field(default_factory=Asked)
    id: str = "evc.prosody"

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Pack the recordings of speakers that test: :func:`voxrack_evc.recordings.prepare`."""
        from ..recordings import prepare

        prepare(corpus, writer, self.part, progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> Task:
        raise UsageError("evc.prosody is not trained: python tools/prosody_statistics.py measures what it works from")

    def evaluate(self, features: FeatureFile, **how: Any) -> Report:
        """The device and others: :func:`voxrack_evc.evaluation.evaluate`."""
        from ..evaluation import evaluate

        return evaluate(self.id, self.evaluation, features, **how)


def recipe(*, part: str, **evaluation: Any) -> ProsodyRecipe:
    """Recipe ``evc.prosody``."""
    return ProsodyRecipe(part, Asked(**evaluation))
