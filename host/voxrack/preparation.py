"""Walking a corpus for ``prepare``: decode, extract, add; what cannot be read is noted by name and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from .errors import InputError

if TYPE_CHECKING:
    from .audio import Audio
    from .datasets import Corpus, Item, Utterance
    from .feature_file import FeatureWriter

Arrays = Mapping[str, NDArray[Any]]
PIECE_OF = "utterance"  # attribute of a piece: the id of the utterance it was cut from


@dataclass(frozen=True)
class _Work:
    """Reads one utterance and extracts its features; can be sent to another process if ``extractor`` can."""

    extractor: Callable[[Audio], Arrays | Sequence[Arrays]]

    def __call__(self, utterance: Utterance) -> list[tuple[Item, Arrays]]:
        from .datasets import Item
        from .files import read

        audio = read(utterance.path)
        item, made = Item.of(utterance, audio), self.extractor(audio)
        if isinstance(made, Mapping):
            return [(item, made)]
        return [(item, made[0])] if len(made) == 1 else list(zip(_pieces(item, made), made, strict=True))


def _pieces(item: Item, made: Sequence[Arrays]) -> list[Item]:
    rows = [len(next(iter(arrays.values()))) for arrays in made]
    attributes = {**item.attributes, PIECE_OF: item.id}
    return [
        replace(item, id=f"{item.id}#{count}", duration=item.duration * share / sum(rows), sha256="",
                attributes=attributes)
        for count, share in enumerate(rows, 1)
    ]  # fmt: skip


def utterance_ids(items: Iterable[Item]) -> set[str]:
    """Ids of the utterances that ``items`` stand for, be they whole or in pieces."""
    return {item.attributes.get(PIECE_OF, item.id) for item in items}


def extract(
    corpus: Corpus,
    writer: FeatureWriter,
    extractor: Callable[[Audio], Arrays | Sequence[Arrays]],
    progress: Callable[..., Any] | None = None,
) -> None:
    """Add the features of every utterance of ``corpus`` to ``writer``, in the corpus's order.

    Parameters
    ----------
    corpus : Corpus
    writer : FeatureWriter
        With ``writer.workers`` above 1, that many processes extract.
    extractor : callable
        Gets the decoded :class:`~voxrack.Audio` (own rate and channels); returns arrays (frames, …) by name. For
        several processes it must be importable by name: a function of a module, or an instance of a class of one. A
        list of such arrays makes pieces of a recording: items ``ID#1``, ``ID#2`` …, whose attribute ``utterance`` is
        ID, of durations in proportion to their rows, without a digest of their audio. An
        :class:`~voxrack.errors.InputError` that it raises ("no speech") leaves the utterance out.
    progress : callable, optional
        Called with the finished share (0 … 1) and a text.
    """
    total = len(corpus.utterances)
    for done, (utterance, made, why) in enumerate(_outcomes(corpus, _Work(extractor), writer.workers), 1):
        if why:
            writer.skip(utterance.id, why)
        else:
            try:
                for item, arrays in made:
                    writer.add(item, arrays)
            except InputError as error:
                writer.skip(utterance.id, str(error))
        if progress is not None:
            progress(done / total, f"{done} of {total}")


def _outcomes(corpus: Corpus, work: _Work, workers: int) -> Iterator[tuple[Utterance, Any, str]]:
    """Each utterance with what was made of it or why not, in order, however the workers come in."""
    from .commands.pool import run  # one process per worker; one that crashes costs its own utterance only

    waiting: dict[int, Any] = {}
    following = 0
    for outcome in run(work, corpus.utterances, workers):
        waiting[outcome.index] = outcome
        while following in waiting:
            ready = waiting.pop(following)
            yield corpus.utterances[following], ready.value, ready.error
            following += 1
