"""TRNet as an analyzer: the emotion heard through an enhancer, and how far the recording itself was trusted."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from voxrack.errors import InputError
from voxrack.timeline import TRUST

from ..analyzer import DECIMALS, Recogniser
from ..models.trnet import TrNet
from ..windows import Window
from .enhancing import Pairs


class Trnet(Recogniser):
    """Judges the recording and its enhanced version side by side; speech is looked for in the enhanced one.

    The track ``trust`` is the coefficient c (eq. 3, or of the system "snr" by the SNR) for each window, with speech in
    it or not: 1 believes the recording as it came, 0 only what the enhancer made of it.
    """

    device = "ser.trnet"
    rows = (2,)

    def prepare(self, sample_rate: int, channels: int) -> None:
        super().prepare(sample_rate, channels)
        if not isinstance(self.judge.network, TrNet):
            raise InputError(
                f"{self.judge.source}: weights of '{self.judge.about.get('device')}'; ser.trnet takes those that "
                "`voxrack train ser.trnet` makes"
            )
        self._pairs = Pairs(self.needs["enhancer"], sample_rate, self._chunks.size)
        self.latency += self._pairs.latency

    def _hear(self, chunk: NDArray[np.float32]) -> None:
        for pair in self._pairs.push(chunk):
            super()._hear(pair)

    def _end(self) -> None:
        for pair in self._pairs.finish():
            super()._hear(pair)

    def _weighed(self, windows: Sequence[Window]) -> Future[NDArray[np.float32]]:
        samples = np.stack([self._filled(window.samples) for window in windows])
        return self._aside(self._trust, samples)

    def _trust(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """c of windows (n, 2, frames): n numbers."""
        network = self.judge.network
        assert isinstance(network, TrNet)
        with torch.inference_mode():
            x = self.judge.frontend(torch.from_numpy(np.ascontiguousarray(samples)), self.rate)
            return network.trust(*network.normalised(x), torch.full((len(x),), x.shape[1])).numpy()

    def _told(self, trust: float | None) -> dict[str, Any]:
        said = {
            "enhancer": self.needs["enhancer"].spec.id,
            "trained_with": str(self.judge.about.get("enhancer", "")),
            "system": str(self.judge.about["options"]["system"]),
        }
        return said if trust is None else {TRUST: round(trust, DECIMALS), **said}
