"""Recipe of TRNet and of the systems it is compared with (Chen and Zhang 2024).

From the paper: 80 log-mel bands, 25 ms every 10 ms, clips cut to 500 frames, Adam with 1e-3, batches of 32, 80 epochs,
weights of 0.5 for both losses, five ratios from 20 to 0 dB beside clean speech. Ours, where it says nothing: a z-score
per band with the statistics of the clean training speech (on raw levels the cosine of eq. 1 is near 1 whatever the
noise is), batches of clips of like length instead of 500 frames for each, ratios over the power of active speech, and
ablations that leave out a loss and keep the network as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxrack.datasets import Corpus, Split
from voxrack.errors import UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter

from ..trnet.frontend import PairFrontend

if TYPE_CHECKING:
    from ..trnet.report import Report
    from ..trnet.task import TrnetTask


@dataclass(frozen=True)
class TrnetRecipe:
    """Recipe ``ser.trnet``; the parameters are its options.

    Parameters
    ----------
    device : voxrack.instance.Device, optional
        The enhancer, where features are to be prepared.
    """

    system: str = "trnet"
    learning_rate: float = 1e-3
    batch: int = 32
    epochs: int = 80
    draws: int = 6
    alpha: float = 0.5
    beta: float = 0.5
    twin: str = ""
    pretrain: int = 40
    width: int = 32
    frames: int = 500
    patience: int = 0
    device: Any = field(default=None, compare=False, repr=False)
    frontend: PairFrontend = field(default_factory=PairFrontend)
    id: str = "ser.trnet"

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the encoder's four blocks."""
        return tuple(self.width * 2**block for block in range(4))

    def weight(self, loss: str) -> float:
        """Of the loss ``"low"`` or ``"high"``; an ablation has none of one, and the first could teach "snr" nothing."""
        if self.system == f"no_{loss}" or (loss, self.system) == ("low", "snr"):
            return 0.0
        return self.alpha if loss == "low" else self.beta

    def pretrained(self, epochs: int | None) -> int:
        """Epochs of ``epochs`` that train the twin; None: the recipe's own number, before its epochs."""
        if epochs is None:
            return self.pretrain
        if epochs < 2:
            raise UsageError(
                "1 epoch is too few to train the clean twin first: take 2 or more, or name a trained twin with "
                "--set twin=RUN"
            )
        return max(1, min(epochs - 1, round(epochs * self.pretrain / (self.pretrain + self.epochs))))

    def prepare(self, corpus: Corpus, writer: FeatureWriter, progress: Callable[..., Any]) -> None:
        """Add every utterance in every condition: :mod:`voxrack_ser.trnet.material`."""
        from ..trnet.enhancing import Enhancer
        from ..trnet.material import prepare

        if self.device is None:
            raise UsageError("recipe ser.trnet needs an enhancer to prepare; create it with needs={'enhancer': device}")
        prepare(corpus, writer, self.frontend, Enhancer(self.device), progress)

    def task(self, features: FeatureFile, split: Split, *, seed: int, epochs: int | None) -> TrnetTask:
        from ..trnet.task import TrnetTask

        return TrnetTask(self, features, split, epochs)

    def evaluate(self, features: FeatureFile, **asked: Any) -> Report:
        """All systems on every split with every seed: :func:`voxrack_ser.trnet.evaluation.evaluate`."""
        from ..trnet.evaluation import evaluate

        return evaluate(self, features, **asked)


def trnet(
    *, enhancer: str, system: str, learning_rate: float, batch: int, epochs: int, draws: int, alpha: float,
    beta: float, twin: str, pretrain: int, width: int, frames: int, patience: int, needs: Mapping[str, Any],
) -> TrnetRecipe:  # fmt: skip
    """Recipe ``ser.trnet``."""
    return TrnetRecipe(
        system, learning_rate, batch, epochs, draws, alpha, beta, twin, pretrain, width, frames, patience,
        needs.get("enhancer"),
    )  # fmt: skip
