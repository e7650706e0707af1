"""Recipe of ``evc.diffevc`` ("DiffEVC: Any-to-Any Emotion Voice Conversion with expressive guidance").

Three stages, each a run of its own: the average-voice encoder, our speaker encoder where Resemblyzer is not there, and
the decoder, whose run holds all that the device needs. From DiffVC (Popov et al. 2022): sizes, schedule, Adam, crops of
128 frames. Ours, where the paper is silent or this machine is small: mels brought to mean 0 and deviation 1 per band,
the velocity instead of the score (`decoder`), averaged weights, targets of the average voice without an aligner
(`average_voice`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxrack.datasets import Corpus, Split
from voxrack.errors import UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.task import Task

from ..evaluation_options import Asked
from ..specs_diffevc import ROLE

if TYPE_CHECKING:
    from voxrack.instance import AnalyzerDevice

    from ..evaluation_report import Report


@dataclass(frozen=True)
class DiffEvcRecipe:
    """Recipe ``evc.diffevc``.

    Parameters
    ----------
    options : mapping
        Every option's value, as the specification (`voxrack_evc.specs_diffevc`) lists them.
    device : AnalyzerDevice, optional
        Of the role ``emotion-embedding``, where features are to be prepared.
    """

    options: Mapping[str, Any]
    device: AnalyzerDevice | None = field(default=None, compare=False, repr=False)
    id: str = "evc.diffevc"

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["options"][name]
        except KeyError:
            raise AttributeError(f"recipe evc.diffevc has no option '{name}'") from None

    @property
    def emotions(self) -> tuple[str, ...]:
        """Classes of the auxiliary head."""
        words = tuple(word.strip() for word in self.classes.split(",") if word.strip())
        if len(words) < 2 or len(set(words)) < len(words):
            raise UsageError(f"option 'classes' is '{self.classes}'; two or more different emotions with commas")
        return words

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Mel frames and embeddings of every utterance: :mod:`voxrack_evc.material`."""
        from ..emotion import EmotionEncoder
        from ..material import prepare
        from ..speaker import Resemblyzer, resemblyzer_is_there

        if self.device is None:
            raise UsageError(
                f"recipe {self.id} needs a device of the role {ROLE} to prepare; hand one over: needs={{…}}"
            )
        asked = self.speaker == "resemblyzer" or (self.speaker == "auto" and resemblyzer_is_there())
        prepare(corpus, writer, EmotionEncoder(self.device), Resemblyzer() if asked else None, progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> Task:
        """The stage that ``options`` names; the split is this package's own (`voxrack_evc.material.divide`)."""
        from ..stages import content, decoder, speaker

        made = {"content": content.ContentTask, "speaker": speaker.SpeakerTask, "decoder": decoder.DecoderTask}
        return made[self.stage](self, features, self.epochs if epochs is None else epochs)

    def evaluate(self, features: FeatureFile, **how: Any) -> Report:
        """The device with finished weights, and others: :func:`voxrack_evc.evaluation.evaluate`."""
        from ..evaluation import evaluate
        from ..recordings import recordings

        options = dict(self.options)
        held = recordings(features, options.get("recordings", ""))
        return evaluate(self.id, Asked.taken(options), held, **how)


def recipe(*, needs: Mapping[str, Any], **options: Any) -> DiffEvcRecipe:
    """Recipe ``evc.diffevc``."""
    return DiffEvcRecipe(options, needs.get(ROLE))
