"""A recording through what a training run has learned so far: to be heard where it makes sound, told where it hears."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, VoxrackError
from ..runs import Run

if TYPE_CHECKING:
    from ..audio import Audio

PATIENCE = 60.0  # seconds until a run that does not answer is given up
_LOOK = 0.1


@dataclass(frozen=True)
class Heard:
    """What became of the recording.

    Attributes
    ----------
    epoch : int
        The weights are those after so many epochs.
    text : str
        ``"after epoch 7: happy, 0.62 sure"``.
    audio : Audio or None
        What a processor made of it; None for an analyzer.
    """

    epoch: int
    text: str
    audio: Audio | None


def current_weights(run: Run, patience: float = PATIENCE) -> Path:
    """The file of the run's present weights: the model of one that is finished, else a snapshot that it is asked for.

    Raises
    ------
    VoxrackError
        Where there are none yet, or the run gives none in ``patience`` seconds.
    """
    if run.finished:
        return run.model_file
    if run.status()["state"] == "running":
        run.ask_for_snapshot()
        end = time.monotonic() + patience
        while run.snapshot_asked() and run.status()["state"] == "running":
            if time.monotonic() > end:
                raise VoxrackError(
                    f"{run.folder} gave no snapshot within {patience:g} s: its steps are long, or it was begun by an "
                    "older voxrack; it comes with the next step, so try again"
                )
            time.sleep(_LOOK)
    if run.finished:  # meanwhile
        return run.model_file
    if not run.snapshot_file.is_file():
        raise VoxrackError(f"{run.folder} holds no weights to listen to yet; let it train, and try again")
    return run.snapshot_file


class Listener:
    """Sends one recording through the device of a recipe, with a run's present weights.

    Parameters
    ----------
    run : Run
    audio : Audio
    device : str
        Id; empty: the device of the recipe that the run was made by.
    values : mapping
        Further parameters of the device.
    """

    def __init__(self, run: Run, audio: Audio, device: str = "", values: Mapping[str, Any] | None = None) -> None:
        self.run, self.audio, self._device, self.values = run, audio, device, dict(values or {})

    @property
    def device(self) -> str:
        """Id of the device.

        Raises
        ------
        UsageError
            Where the run's recipe makes none.
        """
        from ..host import default_host

        if self._device:
            return self._device
        name = self.run.config()["asked"].get("recipe", "")
        spec = default_host().recipes().get(name)
        if spec is None or not spec.device:
            raise UsageError(f"the recipe '{name}' of {self.run.folder} makes no device to listen with; name one")
        return spec.device

    def listen(self) -> Heard:
        """Through the weights of now; waits until the run has given them."""
        from .. import weights
        from ..host import default_host
        from ..instance import AnalyzerDevice
        from ..rendering import analyze, render

        file = current_weights(self.run)
        training = weights.load(file).metadata.get("training", {})
        epoch = int(training.get("epoch", 0))
        device = default_host().create(self.device, {**self.values, "weights": str(file)})
        when = f"after epoch {epoch}" if epoch else "before the first epoch is done"
        if isinstance(device, AnalyzerDevice):
            summary = analyze(device, self.audio)[0].summary
            return Heard(epoch, f"{when}: {_verdict(summary)}", None)
        return Heard(epoch, f"{when}: in the player", render(device, self.audio, tail=False))


def _verdict(summary: Mapping[str, Any]) -> str:
    """``"happy, 0.62 sure"``; of another analyzer than a recogniser the first few numbers."""
    if "emotion" in summary:
        sure = summary.get("confidence")
        return f"{summary['emotion']}" + (f", {sure:.2f} sure" if isinstance(sure, float) and sure else "")
    shown = [f"{key} {value:.4g}" for key, value in summary.items() if isinstance(value, float)]
    return ", ".join(shown[:3]) or "nothing to say"
