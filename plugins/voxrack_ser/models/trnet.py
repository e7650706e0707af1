"""TRNet and the systems it is compared with: one network, of which they leave parts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .network import Network, valid
from .trnet_encoder import Encoder
from .trnet_parts import Bridge, Coefficient, blend, by_ratio, ratio, similarity

HEARS = {
    "c": "recording", "n": "recording", "e": "enhanced", "trnet": "both", "no_low": "both", "no_high": "both",
    "snr": "both",
}  # fmt: skip
"""What each system listens to; the ablations differ from TRNet in the loss alone, "snr" (ours) in where c is from."""


class TrNet(Network):
    """Emotion from features of a recording and of its enhanced version, side by side: (B, frames, 2 bands).

    Parameters
    ----------
    bands : int
        Of one of the two.
    classes : int
    channels : sequence of int
        Of the encoder; 1.12 million parameters with the paper's.
    frames : int
        Longest piece, 10 ms each.
    system : str
        A key of :data:`HEARS`. Without the enhancer's part there is neither coefficient nor bridge: c is 1 where the
        recording is heard, 0 where the enhanced one is.
    """

    def __init__(
        self, bands: int = 80, classes: int = 8, channels: Sequence[int] = (32, 64, 128, 256), frames: int = 500,
        system: str = "trnet",
    ) -> None:  # fmt: skip
        options: dict[str, Any] = {"bands": bands, "classes": classes, "channels": list(channels), "frames": frames}
        super().__init__({**options, "system": system})
        self.hears = HEARS[system]
        self.learns_trust = self.hears == "both" and system != "snr"
        self.encoder = Encoder(channels)
        self.classifier = nn.Linear(self.encoder.size, classes)
        self.fast = False  # whether the encoder multiplies in bfloat16 while it trains on a CPU
        if self.learns_trust:
            self.coefficient = Coefficient(bands)
        if self.hears == "both":
            self.bridge = Bridge(self.encoder.size)

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """``x`` (B, frames, 2 bands): the recording's features, then the enhanced one's.

        Returns
        -------
        dict
            ``logits`` (B, classes), ``embedding`` (B, size), which is h~ of eq. 6, ``trust`` (B,), which is c (see
            :meth:`trust`), and ``compensated`` (B, frames, bands), normalised, of eq. 4.
        """
        x, enhanced = self.normalised(x)
        c = self.trust(x, enhanced, lengths)
        if self.hears == "both":
            compensated = blend(c, x, enhanced)
        else:
            compensated = x if self.hears == "recording" else enhanced
        h = self.represent(compensated, lengths)
        if self.hears == "both":
            h = self.bridge(h, c)
        return {"logits": self.classifier(h), "embedding": h, "trust": c, "compensated": compensated}

    def normalised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, frames, 2 bands) as the recording's and the enhanced one's, (B, frames, bands) each."""
        heard, enhanced = (self.normalise(part) for part in x.split(self.bands, -1))
        return heard, enhanced

    def trust(self, x: Tensor, enhanced: Tensor, lengths: Tensor) -> Tensor:
        """c (B,) of normalised features: of eq. 1 to 3, or of the system "snr" by the ratio of powers; without a
        coefficient, whether the recording is heard."""
        if self.hears != "both":
            return x.new_full((len(x),), float(self.hears == "recording"))
        mask = valid(lengths, x.shape[1], x.device)
        if self.learns_trust:
            return self.coefficient(similarity(x, enhanced, mask))
        return by_ratio(ratio(self.normalise.undone(x), self.normalise.undone(enhanced), mask))

    def represent(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The encoder's vector (B, size) of normalised features (B, frames, bands), float32."""
        if self.fast and self.training and x.device.type == "cpu":
            with torch.autocast("cpu", torch.bfloat16):
                return self.encoder(x, lengths).float()
        return self.encoder(x, lengths).float()
