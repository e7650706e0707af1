"""The options that name what is prepared: corpora of speech, manifests, and sets of noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError

if TYPE_CHECKING:
    from ..datasets import Corpus
    from ..recipe import RecipeSpec

DATA = click.option(
    "--data", metavar="FOLDER", multiple=True, type=click.Path(),
    help="A corpus, recognised by its file names, or a CSV manifest; may be given again.",
)  # fmt: skip
MANIFEST = click.option(
    "--manifest", metavar="CSV", multiple=True, type=click.Path(),
    help="A table with the columns path, speaker, label; may be given again.",
)  # fmt: skip
NOISE = click.option(
    "--noise", metavar="FOLDER", multiple=True, type=click.Path(),
    help="A set of noises, for recipes that mix; may be given again.",
)  # fmt: skip
UNMATCHED = click.option(
    "--unmatched", metavar="FOLDER", multiple=True, type=click.Path(),
    help="A set of noises that nothing is trained with: for testing; may be given again.",
)  # fmt: skip


def sources_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """``--data``, ``--manifest``, ``--noise`` and ``--unmatched``."""
    for option in (UNMATCHED, NOISE, MANIFEST, DATA):
        verb = option(verb)
    return verb


@dataclass(frozen=True)
class Sources:
    """The folders and manifests that a command line names."""

    data: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        return (*self.data, *self.noise, *self.unmatched)

    def corpus(self, spec: RecipeSpec) -> Corpus:
        """All of them as one corpus; UsageError where the recipe does not take what is given."""
        from ..datasets import load_all, merge, noise_set

        if not self.data:
            raise UsageError("name what to prepare: --data FOLDER of a corpus, or --manifest CSV")
        if not spec.noise and self.folders != self.data:
            raise UsageError(f"recipe {spec.id} mixes no noise; leave out --noise and --unmatched")
        noises = [noise_set(folder).corpus() for folder in self.noise]
        noises += [noise_set(folder).corpus(test_only=True) for folder in self.unmatched]
        return merge([load_all(self.data), *noises])
