"""MFCC-LSTM: two stacked LSTM layers over MFCC frames, the last valid output into a small perceptron."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .network import Network, recur


class MfccLstm(Network):
    """Recogniser over MFCC sequences (the LSTM of "Voice Emotion Classification Based on Mel-Frequency
    Cepstral Coefficients", section 3.3.1).

    Stated there: two layers of 1,024 units, dropout 0.5 on the first layer's output, a multilayer perceptron
    to 8 logits. Not stated: the perceptron's size (1024 -> 256 -> 8 with ReLU here), and which output it reads
    from a padded batch (the last valid frame here, so that padding changes nothing). 13,027,592 parameters.

    Parameters
    ----------
    bands : int
        Coefficients per frame.
    classes : int
    width : int
        Units per layer; 1,024 is the paper's and wants a GPU.
    layers : int
    hidden : int
        Units of the perceptron's hidden layer.
    dropout : float
        On the outputs of every LSTM layer but the last.
    """

    def __init__(
        self, bands: int = 40, classes: int = 8, width: int = 1024, layers: int = 2, hidden: int = 256,
        dropout: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(bands, width, layers, batch_first=True, dropout=between)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, classes)

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`; the embedding is the perceptron's hidden layer."""
        outputs = recur(self.lstm, self.normalise(x), lengths)
        last = (lengths.to(x.device) - 1).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
        embedding = torch.relu(self.inner(outputs.gather(1, last).squeeze(1)))
        return {"logits": self.outer(embedding), "embedding": embedding}
